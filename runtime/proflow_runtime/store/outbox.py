"""The outbox of events: written in the transaction that causes them, and sent after its commit.

Inngest keeps what it has accepted in memory for a moment, so an accepted event may still be lost. An
event with an `Effect` is therefore sent again until the effect is seen in our own tables; it then has
the same id, and Inngest accepts each id only once. Events that are given up are kept as failed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.expressions import F, Q
from tortoise.queryset import QuerySet

from proflow_runtime.context import clock
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models.outbox import OutboxEvent

BATCH = 100
LEASE = timedelta(seconds=30)
"""How long a process that has claimed an event has to send it."""
PAUSES = tuple(timedelta(seconds=one) for one in (5, 15, 45, 120, 360, 1200, 3600))
"""The pauses before an event is sent again that has not had its effect; the last one repeats."""

EffectName = Literal["begun", "resumed", "ended"]


@dataclass(frozen=True)
class Effect:
    """What has to happen before an event counts as delivered.

    Attributes:
        name: What the run has to do, as in `OutboxEvent.effect`.
        run_id: The run.
        step: For `resumed`, the execution of the approval, or the id of the called run. For `begun`
            of a called run, the id of its caller.
    """

    name: EffectName
    run_id: str
    step: str | None = None


async def put(
    connection: BaseDBAsyncClient,
    event_id: str,
    tenant_id: int,
    name: str,
    data: Any,
    *,
    effect: Effect | None = None,
    wait: timedelta | None = None,
) -> None:
    """Put an event into the outbox, to be sent when the transaction has committed.

    Args:
        connection: The client of the transaction.
        event_id: The id of the event. If the outbox holds this id already, nothing happens.
        tenant_id: The tenant that the event belongs to.
        name: The name of the event.
        data: The data of the event.
        effect: What the event has to cause; without one it is delivered once Inngest accepts it.
        wait: How long to wait for the effect before the event is sent at all, because something
            else is expected to cause it.
    """
    now = clock.now()
    event = OutboxEvent(
        id=event_id,
        tenant_id=tenant_id,
        name=name,
        data=data,
        created_at=now,
        due_at=now + (wait or timedelta(0)),
        effect=effect and effect.name,
        run_id=effect and effect.run_id,
        step=effect and effect.step,
    )
    await OutboxEvent.bulk_create([event], ignore_conflicts=True, using_db=connection)


async def watch(
    connection: BaseDBAsyncClient,
    event_id: str,
    tenant_id: int,
    name: str,
    effect: Effect,
    *,
    seen: bool = False,
) -> None:
    """Record that Inngest itself has to cause an effect, by an event that cannot be sent again.

    Args:
        connection: The client of the transaction.
        event_id: The id of the record. If the outbox holds this id already, nothing happens.
        tenant_id: The tenant that owns the run.
        name: The name of Inngest's event.
        effect: What the event has to cause.
        seen: True if the effect does not matter any more.
    """
    now = clock.now()
    event = OutboxEvent(
        id=event_id,
        tenant_id=tenant_id,
        name=name,
        data={},
        created_at=now,
        sent_at=now,
        seen_at=now if seen else None,
        effect=effect.name,
        run_id=effect.run_id,
        step=effect.step,
    )
    await OutboxEvent.bulk_create([event], ignore_conflicts=True, using_db=connection)


async def claim_due(
    limit: int = BATCH, *, older_than: timedelta = timedelta(0), lease: timedelta = LEASE
) -> list[OutboxEvent]:
    """Claim events that are to be sent now, the oldest first.

    No other process gets them before the lease expires.

    Args:
        limit: How many events to claim at most.
        older_than: Only events of at least this age.
        lease: How long the claim lasts.
    """
    now = clock.now()
    async with transaction():
        due = OutboxEvent.filter(
            Q(claimed_until__isnull=True) | Q(claimed_until__lte=now),
            due_at__lte=now,
            created_at__lte=now - older_than,
        )
        ordered = due.order_by("created_at", "id").limit(limit)
        events = await ordered.select_for_update(skip_locked=True)
        ids = [event.id for event in events]
        await OutboxEvent.filter(id__in=ids).update(claimed_until=now + lease)
    return events


async def mark_sent(events: Iterable[OutboxEvent], pauses: Sequence[timedelta] = PAUSES) -> None:
    """Mark events as accepted by Inngest, and schedule when those with an effect are sent again.

    Args:
        events: The events, as they were claimed.
        pauses: The pauses between two sends; the last one repeats.
    """
    now = clock.now()
    by_pause: dict[timedelta | None, list[str]] = defaultdict(list)
    for event in events:
        pause = pauses[min(event.sends, len(pauses) - 1)] if event.effect else None
        by_pause[pause].append(event.id)
    async with transaction():
        every = await _locked([one for ids in by_pause.values() for one in ids])
        await every.filter(sent_at__isnull=True).update(sent_at=now)
        await every.update(sends=F("sends") + 1, claimed_until=None)
        for pause, ids in by_pause.items():
            unseen = OutboxEvent.filter(id__in=ids, seen_at__isnull=True)
            await unseen.update(due_at=None if pause is None else now + pause)


async def mark_seen(
    tenant_id: int,
    run_id: str,
    effects: Collection[EffectName] = ("begun", "resumed", "ended"),
    *,
    steps: Collection[str] | None = None,
) -> None:
    """Record that a run shows an effect, so that the events which cause it are not sent again.

    Args:
        tenant_id: The tenant that owns the run.
        run_id: The run.
        effects: The effects. A run that has ended shows all.
        steps: Only for these executions of approvals.
    """
    unseen = OutboxEvent.filter(
        tenant_id=tenant_id, run_id=run_id, effect__in=list(effects), seen_at__isnull=True
    )
    if steps is not None:
        unseen = unseen.filter(step__in=list(steps))
    ids = await unseen.order_by("id").values_list("id", flat=True)
    if ids:
        async with transaction():
            await (await _locked(ids)).update(seen_at=clock.now(), due_at=None)


async def mark_uncalled(tenant_id: int, run_id: str) -> None:
    """Record that a run has ended, so that what it has called need not begin any more."""
    calls = OutboxEvent.filter(
        tenant_id=tenant_id, step=run_id, effect="begun", seen_at__isnull=True
    )
    await calls.update(seen_at=clock.now(), due_at=None)


async def _locked(ids: Collection[Any]) -> QuerySet[OutboxEvent]:
    """Lock events in the order of their ids, as everybody does who changes several."""
    rows = OutboxEvent.filter(id__in=list(ids))
    await rows.order_by("id").select_for_update().values_list("id")
    return rows


async def mark_failed(event_id: str, failure: str) -> None:
    """Give an event up, with the reason; it is not sent again."""
    vain = Q(sent_at__isnull=True) | Q(seen_at__isnull=True, due_at__not_isnull=True)
    await OutboxEvent.filter(vain, id=event_id).update(
        failed_at=clock.now(), failure=failure, due_at=None
    )


async def send_again(tenant_id: int, event_id: str) -> bool:
    """Let an event be sent again, with the same id; returns False if the tenant has no such event."""
    own = OutboxEvent.filter(tenant_id=tenant_id, id=event_id)
    event = own.exclude(name__startswith="inngest/")  # those are Inngest's own
    changed = {"due_at": clock.now(), "failed_at": None, "failure": None, "claimed_until": None}
    return await event.update(**changed, sent_at=None, seen_at=None) > 0


async def release(ids: Iterable[str]) -> None:
    """End the claim of events that could not be sent."""
    await OutboxEvent.filter(id__in=list(ids)).update(claimed_until=None)


async def unsent() -> int:
    """Count the events that are still to be sent for the first time."""
    return await waiting().count()


def waiting() -> QuerySet[OutboxEvent]:
    """Select the events that Inngest has not accepted yet, and that are due."""
    return OutboxEvent.filter(sent_at__isnull=True, due_at__lte=clock.now())


async def forget_done(before: datetime) -> int:
    """Delete the events that were delivered before a time, and return their number."""
    accepted = Q(effect__isnull=True, sent_at__lt=before)
    done = accepted | Q(seen_at__lt=before)
    return await OutboxEvent.filter(done, failed_at__isnull=True).delete()


async def forget_failed(before: datetime) -> int:
    """Delete the events that were given up before a time, and return their number."""
    return await OutboxEvent.filter(failed_at__lt=before).delete()
