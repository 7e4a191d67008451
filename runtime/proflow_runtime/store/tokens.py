"""Creates and verifies the tokens of the standalone service; only their hashes are stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from proflow_runtime.context import clock
from proflow_runtime.store.models.tokens import ApiToken
from proflow_runtime.store.pages import LIMIT, Page, page

PREFIX = "pf_"
SECRET_BYTES = 32
LIFETIME, LONGEST = timedelta(days=90), timedelta(days=400)
"""How long a token is valid by default, and at most."""
LENGTH = len(PREFIX) + 43
"""The length of a token: 32 bytes in base 64 have 43 characters."""


@dataclass(frozen=True)
class NewToken:
    """A new token; `plain` is its text, which cannot be read again later."""

    plain: str
    token: ApiToken


async def create(
    tenant_id: int,
    user: str,
    *,
    name: str,
    permissions: Sequence[str] = (),
    expires_at: datetime | None = None,
) -> NewToken:
    """Create a token.

    Args:
        tenant_id: The tenant of the user.
        user: The host's id of the user.
        name: What the token is for.
        permissions: What the token allows in the API besides taking part in runs.
        expires_at: When the token expires; by default after `LIFETIME`.

    Raises:
        ValueError: If the token would be valid for longer than `LONGEST`.
    """
    now = clock.now()
    until = now + LIFETIME if expires_at is None else expires_at
    if until > now + LONGEST:
        raise ValueError(f"a token expires after at most {LONGEST.days} days")
    plain = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    token = await ApiToken.create(
        tenant_id=tenant_id,
        user=user,
        permissions=list(permissions),
        hash=_hash(plain),
        name=name,
        created_at=now,
        expires_at=until,
    )
    return NewToken(plain, token)


async def verify(plain: str) -> ApiToken | None:
    """Verify a token.

    The token is looked up by its whole hash, so that the time this takes reveals nothing about
    other tokens.

    Args:
        plain: The text of the token.

    Returns:
        The token, or None if it does not exist, has expired or was revoked.
    """
    if len(plain) != LENGTH or not plain.startswith(PREFIX) or not plain.isascii():
        return None
    digest = _hash(plain)
    token = await ApiToken.get_or_none(hash=digest)
    if token is None or not hmac.compare_digest(token.hash, digest):
        return None
    if token.revoked_at is not None:
        return None
    if token.expires_at <= clock.now():
        return None
    return token


async def revoke(tenant_id: int, token_id: int) -> bool:
    """Revoke a token for good; returns False if there is none, or it was revoked before."""
    unrevoked = ApiToken.filter(tenant_id=tenant_id, id=token_id, revoked_at__isnull=True)
    return await unrevoked.update(revoked_at=clock.now()) > 0


async def listed(tenant_id: int, *, offset: int = 0, limit: int = LIMIT) -> Page[ApiToken]:
    """List a tenant's tokens, the newest first."""
    return await page(ApiToken.filter(tenant_id=tenant_id).order_by("-id"), offset, limit)


async def are_there() -> bool:
    """True if there is a token of any tenant."""
    return await ApiToken.all().exists()


def _hash(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()
