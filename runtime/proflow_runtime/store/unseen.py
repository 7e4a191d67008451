"""Finds events of the outbox that have not had their effect: what a tenant's runs are stuck at."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from tortoise.expressions import Q

from proflow_runtime.context import clock
from proflow_runtime.status import OPEN
from proflow_runtime.store import outbox
from proflow_runtime.store.models.outbox import OutboxEvent
from proflow_runtime.store.models.runs import Run

LATE = timedelta(minutes=1)
"""After how long without an effect an event is listed."""
LIMIT = 100
OF_RUNS = ("id", "tenant_id", "status")
LISTED = (
    *("id", "tenant_id", "name", "effect", "run_id", "step", "created_at", "due_at", "sends"),
    *("sent_at", "seen_at", "failed_at", "failure"),
)


async def not_begun(
    tenant_id: int, *, older_than: timedelta = LATE, limit: int = LIMIT
) -> list[OutboxEvent]:
    """List the runs that were handed over or called, but have not begun; the oldest first.

    Args:
        tenant_id: The tenant that owns the runs.
        older_than: Only events of at least this age.
        limit: How many to return at most.
    """
    return await _unseen(tenant_id, "begun", older_than, limit)


async def not_resumed(
    tenant_id: int, *, older_than: timedelta = LATE, limit: int = LIMIT
) -> list[OutboxEvent]:
    """List the decisions and ends of called runs from which a run has not gone on; the oldest first.

    Args:
        tenant_id: The tenant that owns the runs.
        older_than: Only events of at least this age.
        limit: How many to return at most.
    """
    return await _unseen(tenant_id, "resumed", older_than, limit)


async def not_ended(
    tenant_id: int, *, older_than: timedelta = LATE, limit: int = LIMIT
) -> list[OutboxEvent]:
    """List the cancellations of runs that are still open; the oldest first.

    Args:
        tenant_id: The tenant that owns the runs.
        older_than: Only events of at least this age.
        limit: How many to return at most.
    """
    return await _unseen(tenant_id, "ended", older_than, limit)


async def undelivered(
    tenant_id: int, *, older_than: timedelta = LATE, limit: int = LIMIT
) -> list[OutboxEvent]:
    """List the events that Inngest has not accepted, or has rejected for good; the oldest first.

    Args:
        tenant_id: The tenant that the events belong to.
        older_than: Only events that are due for at least this long, or were rejected.
        limit: How many to return at most.
    """
    late = Q(due_at__lte=clock.now() - older_than) | Q(failed_at__isnull=False)
    found = OutboxEvent.filter(late, tenant_id=tenant_id, sent_at__isnull=True)
    return await found.order_by("created_at", "id").limit(limit).only(*LISTED)


async def send_again(tenant_id: int, event_id: str) -> bool:
    """Send an event that has not had its effect once more, as if for the first time.

    Args:
        tenant_id: The tenant that the event belongs to.
        event_id: The id of the event.

    Returns:
        False if there is no such event, or its effect was seen.
    """
    again = OutboxEvent.filter(
        Q(effect__isnull=False) | Q(sent_at__isnull=True),
        tenant_id=tenant_id,
        id=event_id,
        seen_at__isnull=True,
    )
    changes = {"due_at": clock.now(), "sends": 0, "failed_at": None, "failure": None}
    return await again.update(**changes, claimed_until=None) > 0


async def settle(events: Iterable[OutboxEvent]) -> set[str]:
    """Mark events as seen whose effect the tables of runs show already.

    Args:
        events: Events that are to be sent.

    Returns:
        The ids of those that need not be sent.
    """
    again = [one for one in events if one.effect is not None and one.run_id and one.sends]
    if not again:
        return set()
    found = Run.filter(id__in=sorted({one.run_id for one in again if one.run_id}))
    status = {(run.tenant_id, run.id): run.status async for run in found.only(*OF_RUNS)}
    settled: set[str] = set()
    for one in again:
        known = status.get((one.tenant_id, one.run_id or ""))
        if known is None or (known in OPEN and (one.effect != "begun" or known == "pending")):
            continue
        effect: Any = one.effect
        await outbox.mark_seen(one.tenant_id, one.run_id or "", [effect], steps=_steps(one))
        settled.add(one.id)
    return settled


def _steps(event: OutboxEvent) -> list[str] | None:
    return None if event.step is None else [event.step]


async def _unseen(
    tenant_id: int, effect: outbox.EffectName, older_than: timedelta, limit: int
) -> list[OutboxEvent]:
    found = OutboxEvent.filter(
        tenant_id=tenant_id,
        effect=effect,
        seen_at__isnull=True,
        sent_at__lte=clock.now() - older_than,
    )
    return await found.order_by("created_at", "id").limit(limit).only(*LISTED)
