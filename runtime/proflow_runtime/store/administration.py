"""Writes and reads the log of administration: who did what, when, and from where."""

from __future__ import annotations

from typing import Any

from proflow_runtime.context import clock
from proflow_runtime.store.models.administration import AdministrationEntry
from proflow_runtime.store.pages import LIMIT, Slice, sliced

COMMAND_LINE = "command line"


async def record(
    tenant_id: int,
    actor: str,
    act: str,
    subject: object,
    *,
    address: str | None,
    details: dict[str, Any] | None = None,
) -> None:
    """Add an entry.

    Args:
        tenant_id: The tenant that the act concerns.
        actor: The id of the user who acted.
        act: The name of the act, such as `design-published`.
        subject: What it was done to.
        address: The network address of the client, or `COMMAND_LINE`.
        details: What else is worth knowing; without secrets.
    """
    await AdministrationEntry.create(
        tenant_id=tenant_id,
        at=clock.now(),
        actor=actor[:200],
        act=act,
        subject=str(subject)[:200],
        address=None if address is None else address[:100],
        details=details,
    )


async def listed(
    tenant_id: int, *, after: str | None = None, limit: int = LIMIT
) -> Slice[AdministrationEntry]:
    """List a tenant's entries, the newest first.

    Args:
        tenant_id: The tenant.
        after: The cursor of the page before.
        limit: How many to return at most.

    Raises:
        CursorError: If `after` is not a cursor.
    """
    return await sliced(AdministrationEntry.filter(tenant_id=tenant_id), ("id",), after, limit)
