"""Events on their way out: put in the transaction that decides them, sent when it has committed.

An event may be sent twice, if a process dies between sending it and noting so; its id is always the
same, and Inngest takes each id once. What it refuses for good is kept as failed.
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
"""How long whoever has claimed an event is given to send it."""


async def put(
    connection: BaseDBAsyncClient, event_id: str, tenant_id: int, name: str, data: Any
) -> None:
    """Have an event sent once the transaction on `connection` has committed.

    An id that is there already stays as it is.
    """
    event = OutboxEvent(
        id=event_id, tenant_id=tenant_id, name=name, data=data, created_at=clock.now()
    )
    await OutboxEvent.bulk_create([event], ignore_conflicts=True, using_db=connection)


async def claim_unsent(
    limit: int = BATCH, *, older_than: timedelta = timedelta(0), lease: timedelta = LEASE
) -> list[OutboxEvent]:
    """Events to send now, the oldest first; nobody else is given them before the lease is over."""
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
    """Note that Inngest has taken these."""
    now = clock.now()
    await OutboxEvent.filter(id__in=list(ids), sent_at__isnull=True).update(sent_at=now)


async def mark_failed(event_id: str, failure: str) -> None:
    """Note why an event is never sent."""
    unsent = OutboxEvent.filter(id=event_id, sent_at__isnull=True)
    await unsent.update(failed_at=clock.now(), failure=failure)


async def release(ids: Iterable[str]) -> None:
    """Give claimed events back: they could not be sent."""
    await OutboxEvent.filter(id__in=list(ids), sent_at__isnull=True).update(claimed_until=None)


async def unsent() -> int:
    """How many events are still to be sent."""
    return await OutboxEvent.filter(sent_at__isnull=True, failed_at__isnull=True).count()


async def forget_sent(before: datetime) -> int:
    """Delete what was sent before a time; how many these were."""
    return await OutboxEvent.filter(sent_at__lt=before).delete()


async def forget_failed(before: datetime) -> int:
    """Delete what has failed before a time; how many these were."""
    return await OutboxEvent.filter(failed_at__lt=before).delete()
