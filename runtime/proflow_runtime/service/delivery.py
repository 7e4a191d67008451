"""Sends what waits in the outbox: at once after a commit, and again until Inngest has taken it.

What Inngest refuses for good is noted as failed, and not tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import inngest
from proflow_schemas.errors import ProFlowError

from proflow_runtime.context import clock
from proflow_runtime.store import outbox
from proflow_runtime.store.models.outbox import OutboxEvent

SWEEP = 2.0
"""Seconds between two looks for events that nobody has sent."""
LONGEST_PAUSE = 60.0
TRIED = 5
"""Events that are tried one by one before it is Inngest that cannot be reached."""
KEEP = timedelta(days=1)
"""How long what was sent is kept: as long as Inngest knows an event's id again."""
KEEP_FAILED = timedelta(days=30)
PATIENCE = timedelta(days=1)
"""How long an event is tried that is refused for what may not be its own fault, as a wrong key is."""
MALFORMED = (400, 413, 422)
"""With these statuses an event is refused for what it is."""
NOT_NOW = (408, 425, 429)
Send = Callable[[list[inngest.Event]], Awaitable[object]]
Failed = Callable[[OutboxEvent, str], Awaitable[None]]
"""Told of an event that is never sent, and why; perhaps twice."""
log = logging.getLogger("proflow.outbox")


class RefusedError(ProFlowError):
    """Inngest has answered that it does not take what was sent; `status` as in HTTP, 4xx."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{message} (status {status})")
        self.status = status


@dataclass
class _Outcome:
    """What has become of claimed events. `later`: why those that are in neither are tried again."""

    sent: list[str] = field(default_factory=list)
    refused: list[tuple[OutboxEvent, str]] = field(default_factory=list)
    later: Exception | None = None


class Delivery:
    """Events leave in order of their commits, at least once; Inngest takes each id once.

    `send` raises `RefusedError` where it is Inngest that says no. `failed` is told before an event
    is noted as failed.
    """

    def __init__(self, send: Send, *, failed: Failed | None = None, sweep: float = SWEEP) -> None:
        self._send, self._failed, self._sweep = send, failed, sweep
        self._wake = asyncio.Event()

    def nudge(self) -> None:
        """Something was committed."""
        self._wake.set()

    async def deliver(self) -> int:
        """Send everything that nobody else is sending; how many. Raises what `send` does.

        An event that cannot be sent holds up no other: it is tried again once its lease is over,
        unless it is refused for good.
        """
        count = 0
        while events := await outbox.claim_unsent():
            found = await self._sent(events)
            await outbox.mark_sent(found.sent)
            for event, reason in found.refused:
                await self._give_up(event, reason)
            count += len(found.sent)
            if found.later is not None and not found.sent and not found.refused:
                await outbox.release(one.id for one in events)
                raise found.later
            if found.later is not None:
                log.error("an event cannot be sent, and is tried again later: %s", found.later)
        return count

    async def _give_up(self, event: OutboxEvent, reason: str) -> None:
        about = {"tenant_id": event.tenant_id, "run_id": event.data.get("run_id")}
        log.error("event `%s` (%s) is never sent: %s", event.id, event.name, reason, extra=about)
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
                    break  # it is not these events
            else:
                found.sent.append(one.id)
        return found

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver in the background."""
        task = asyncio.create_task(self._always(), name="proflow outbox")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _always(self) -> None:
        pause, forgotten = self._sweep, clock.now()
        while True:
            await clock.happens(self._wake, pause)
            self._wake.clear()
            try:
                if clock.now() - forgotten > KEEP / 24:
                    forgotten = clock.now()
                    await outbox.forget_sent(forgotten - KEEP)
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
