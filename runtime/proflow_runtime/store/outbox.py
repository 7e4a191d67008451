"""The outbox of events: written in the transaction that causes them, and sent after its commit.

An event is sent twice if a process dies between sending it and marking it as sent. It then has the
same id, and Inngest accepts each id only once. Events that Inngest rejects are kept as failed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.expressions import Q

from proflow_runtime.context import clock
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models.outbox import OutboxEvent

BATCH = 100
LEASE = timedelta(seconds=30)
"""How long a process that has claimed an event has to send it."""


async def put(
    connection: BaseDBAsyncClient, event_id: str, tenant_id: int, name: str, data: Any
) -> None:
    """Put an event into the outbox, to be sent when the transaction has committed.

    Args:
        connection: The client of the transaction.
        event_id: The id of the event. If the outbox holds this id already, nothing happens.
        tenant_id: The tenant that the event belongs to.
        name: The name of the event.
        data: The data of the event.
    """
    event = OutboxEvent(
        id=event_id, tenant_id=tenant_id, name=name, data=data, created_at=clock.now()
    )
    await OutboxEvent.bulk_create([event], ignore_conflicts=True, using_db=connection)


async def claim_unsent(
    limit: int = BATCH, *, older_than: timedelta = timedelta(0), lease: timedelta = LEASE
) -> list[OutboxEvent]:
    """Claim unsent events, the oldest first; no other process gets them before the lease expires.

    Args:
        limit: How many events to claim at most.
        older_than: Only events of at least this age.
        lease: How long the claim lasts.
    """
    now = clock.now()
    async with transaction():
        unsent = OutboxEvent.filter(
            Q(claimed_until__isnull=True) | Q(claimed_until__lte=now),
            sent_at__isnull=True,
            failed_at__isnull=True,
            created_at__lte=now - older_than,
        )
        ordered = unsent.order_by("created_at", "id").limit(limit)
        events = await ordered.select_for_update(skip_locked=True)
        ids = [event.id for event in events]
        await OutboxEvent.filter(id__in=ids).update(claimed_until=now + lease)
    return events


async def mark_sent(ids: Iterable[str]) -> None:
    """Mark events as sent."""
    now = clock.now()
    await OutboxEvent.filter(id__in=list(ids), sent_at__isnull=True).update(sent_at=now)


async def mark_failed(event_id: str, failure: str) -> None:
    """Mark an event as failed, with the reason; it is not sent again."""
    unsent = OutboxEvent.filter(id=event_id, sent_at__isnull=True)
    await unsent.update(failed_at=clock.now(), failure=failure)


async def send_again(tenant_id: int, event_id: str) -> bool:
    """Let an event be sent again, with the same id; returns False if the tenant has no such event."""
    event = OutboxEvent.filter(tenant_id=tenant_id, id=event_id)
    changed = {"sent_at": None, "failed_at": None, "failure": None, "claimed_until": None}
    return await event.update(**changed) > 0


async def release(ids: Iterable[str]) -> None:
    """End the claim of events that could not be sent."""
    await OutboxEvent.filter(id__in=list(ids), sent_at__isnull=True).update(claimed_until=None)


async def unsent() -> int:
    """Count the events that are still to be sent."""
    return await OutboxEvent.filter(sent_at__isnull=True, failed_at__isnull=True).count()


async def forget_sent(before: datetime) -> int:
    """Delete the events that were sent before a time, and return their number."""
    return await OutboxEvent.filter(sent_at__lt=before).delete()


async def forget_failed(before: datetime) -> int:
    """Delete the events that failed before a time, and return their number."""
    return await OutboxEvent.filter(failed_at__lt=before).delete()
