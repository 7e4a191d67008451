"""Tokens of the standalone service: made here, seen once, kept as their hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from proflow_runtime.context import clock
from proflow_runtime.store.models.tokens import ApiToken
from proflow_runtime.store.pages import LIMIT, Page, page

PREFIX = "pf_"
SECRET_BYTES = 32
LENGTH = len(PREFIX) + 43
"""Of a token: 32 bytes in base 64 have 43 characters."""


@dataclass(frozen=True)
class NewToken:
    """`plain` is shown to its user now, and never again."""

    plain: str
    token: ApiToken


async def create(
    tenant_id: int,
    user: str,
    *,
    name: str,
    roles: Sequence[str] = (),
    expires_at: datetime | None = None,
) -> NewToken:
    """A new token of a user."""
    plain = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    token = await ApiToken.create(
        tenant_id=tenant_id,
        user=user,
        roles=list(roles),
        hash=_hash(plain),
        name=name,
        created_at=clock.now(),
        expires_at=expires_at,
    )
    return NewToken(plain, token)


async def verify(plain: str) -> ApiToken | None:
    """Whose token this is; None: nobody's, or it has expired or been revoked.

    It is found by the hash of the whole, so the time that it takes tells nothing about others.
    """
    if len(plain) != LENGTH or not plain.startswith(PREFIX) or not plain.isascii():
        return None
    digest = _hash(plain)
    token = await ApiToken.get_or_none(hash=digest)
    if token is None or not hmac.compare_digest(token.hash, digest):
        return None
    if token.revoked_at is not None:
        return None
    if token.expires_at is not None and token.expires_at <= clock.now():
        return None
    return token


async def revoke(tenant_id: int, token_id: int) -> bool:
    """End a token for good; whether there was one to end."""
    unrevoked = ApiToken.filter(tenant_id=tenant_id, id=token_id, revoked_at__isnull=True)
    return await unrevoked.update(revoked_at=clock.now()) > 0


async def listed(tenant_id: int, *, offset: int = 0, limit: int = LIMIT) -> Page[ApiToken]:
    """A tenant's tokens, the last first."""
    return await page(ApiToken.filter(tenant_id=tenant_id).order_by("-id"), offset, limit)


async def are_there() -> bool:
    """Whether anybody has a token."""
    return await ApiToken.all().exists()


def _hash(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()
