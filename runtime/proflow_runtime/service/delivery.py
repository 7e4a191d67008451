"""Sends the events of the outbox to Inngest, right after a commit and again until they are delivered.

An event is delivered once its effect is seen, or, if it has none that can be seen, once Inngest
accepts it. An event that Inngest rejects for good, or accepts again and again to no effect, is marked
as failed and not sent again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import inngest
from proflow_schemas.errors import ProFlowError

from proflow_runtime.context import clock
from proflow_runtime.service.background import in_background
from proflow_runtime.store import outbox, unseen
from proflow_runtime.store.models.outbox import OutboxEvent

SWEEP = 2.0
"""Seconds between two checks for events that have not been sent."""
LONGEST_PAUSE = 60.0
"""The longest time between two attempts while Inngest cannot be reached, in seconds."""
TRIED = 5
"""After how many failures of single events Inngest is taken to be unreachable."""
KEEP = timedelta(days=1)
"""How long delivered events are kept: as long as Inngest recognizes the id of an event again."""
KEEP_FAILED = timedelta(days=30)
"""How long events that Inngest has rejected are kept."""
PATIENCE = timedelta(days=1)
"""How long an event is sent again that Inngest rejects for another reason, such as a wrong key."""
MALFORMED = (400, 413, 422)
"""Statuses with which Inngest rejects an event because of its content."""
NOT_NOW = (408, 425, 429)
"""Statuses after which an event may be accepted later."""
Send = Callable[[list[inngest.Event]], Awaitable[object]]
"""Sends events to Inngest; raises `RefusedError` if Inngest rejects them."""
Failed = Callable[[OutboxEvent, str], Awaitable[None]]
"""Called with an event that is given up, and the reason; it may be called twice for an event."""
Again = Callable[[OutboxEvent], Awaitable[None]]
"""Called with an event that is sent again because its effect was not seen."""
MOST_SENDS = 30
"""After how many accepted sends without an effect an event is given up; with `PAUSES`, after a day."""
log = logging.getLogger("proflow.outbox")


class RefusedError(ProFlowError):
    """Inngest has rejected events; `status` is the HTTP status of its response, 4xx."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{message} (status {status})")
        self.status = status


@dataclass
class _Outcome:
    """The outcome of sending claimed events.

    Attributes:
        sent: The ids of events that Inngest has accepted.
        refused: Events that are given up, with the reason.
        later: Why the other events are sent again later, or None if there are no others.
    """

    sent: list[str] = field(default_factory=list)
    refused: list[tuple[OutboxEvent, str]] = field(default_factory=list)
    later: Exception | None = None


class Delivery:
    """Sends the events of the outbox, in the order of their creation and at least once.

    Inngest accepts each id of an event only once.
    """

    def __init__(
        self,
        send: Send,
        *,
        failed: Failed | None = None,
        again: Again | None = None,
        sweep: float = SWEEP,
        pauses: Sequence[timedelta] = outbox.PAUSES,
        most_sends: int = MOST_SENDS,
    ) -> None:
        """Create the delivery.

        Args:
            send: Sends events to Inngest.
            failed: Called before an event is marked as failed.
            again: Called before an event is sent again because its effect was not seen.
            sweep: Seconds between two checks for events that are due.
            pauses: The pauses before an event is sent again; the last one repeats.
            most_sends: After how many accepted sends without an effect an event is given up.
        """
        self._send, self._failed, self._again, self._sweep = send, failed, again, sweep
        self._pauses, self._most_sends = tuple(pauses), most_sends
        self._wake = asyncio.Event()

    def nudge(self) -> None:
        """Check the outbox now, because a transaction was committed."""
        self._wake.set()

    async def deliver(self) -> int:
        """Send all events that are due and that no other process is sending.

        An event that cannot be sent does not block the others. It is sent again when its lease has
        expired, unless Inngest has rejected it for good.

        Returns:
            How many events were sent.

        Raises:
            Exception: What `send` raises, if no event could be sent.
        """
        count = 0
        while claimed := await outbox.claim_due():
            events = await self._without_effect(claimed)
            found = await self._sent(events)
            sent = set(found.sent)
            await outbox.mark_sent([one for one in events if one.id in sent], self._pauses)
            for event, reason in found.refused:
                await self._give_up(event, reason)
            count += len(found.sent)
            if found.later is not None and not found.sent and not found.refused:
                await outbox.release(one.id for one in events)
                raise found.later
            if found.later is not None:
                log.error("an event cannot be sent, and is tried again later: %s", found.later)
        return count

    async def _without_effect(self, events: list[OutboxEvent]) -> list[OutboxEvent]:
        """Drop the events whose effect is there, and give those up that were sent often enough."""
        settled = await unseen.settle(events)
        found: list[OutboxEvent] = []
        for event in events:
            if event.id in settled:
                continue
            if event.effect is not None and event.sends >= self._most_sends:
                await self._give_up(
                    event, f"Inngest has accepted it {event.sends} times, without effect"
                )
                continue
            if event.sends:
                about = {"tenant_id": event.tenant_id, "run_id": event.run_id}
                message = "event `%s` (%s) was accepted, but the run has not %s: it is sent again"
                log.warning(message, event.id, event.name, event.effect, extra=about)
                if self._again is not None:
                    await self._again(event)
            found.append(event)
        return found

    async def _give_up(self, event: OutboxEvent, reason: str) -> None:
        run_id = event.run_id or event.data.get("run_id")
        about = {"tenant_id": event.tenant_id, "run_id": run_id}
        log.error("event `%s` (%s) is given up: %s", event.id, event.name, reason, extra=about)
        if self._failed is not None:
            await self._failed(event, reason)
        await outbox.mark_failed(event.id, reason)

    async def _sent(self, events: list[OutboxEvent]) -> _Outcome:
        if len(events) > 1:
            try:
                await self._send([_event(one) for one in events])
            except Exception as error:
                log.info("%d events are sent one by one: %s", len(events), error)
            else:
                return _Outcome([one.id for one in events])
        found = _Outcome()
        for tried, one in enumerate(events, start=1):
            try:
                await self._send([_event(one)])
            except Exception as error:
                if _for_good(one, error):
                    found.refused.append((one, str(error)))
                    continue
                found.later = error
                if not found.sent and not found.refused and tried == TRIED:
                    break  # Inngest cannot be reached
            else:
                found.sent.append(one.id)
        return found

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver events in the background while the context is open."""
        async with in_background(self._always(), "proflow outbox"):
            yield

    async def _always(self) -> None:
        pause, forgotten = self._sweep, clock.now()
        while True:
            await clock.happens(self._wake, pause)
            self._wake.clear()
            try:
                if clock.now() - forgotten > KEEP / 24:
                    forgotten = clock.now()
                    await outbox.forget_done(forgotten - KEEP)
                    await outbox.forget_failed(forgotten - KEEP_FAILED)
                await self.deliver()
                pause = self._sweep
            except Exception as error:
                pause = min(pause * 2, LONGEST_PAUSE)
                log.warning("events cannot be sent now, next try in %g s: %s", pause, error)
                await asyncio.sleep(min(pause, self._sweep))


def _for_good(event: OutboxEvent, error: Exception) -> bool:
    if not isinstance(error, RefusedError) or error.status in NOT_NOW:
        return False
    return error.status in MALFORMED or clock.now() - event.created_at > PATIENCE


def _event(row: OutboxEvent) -> inngest.Event:
    return inngest.Event(name=row.name, id=row.id, data=row.data)
