"""Sends what waits in the outbox: at once after a commit, and again until Inngest has taken it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import inngest

from proflow_runtime import clock
from proflow_runtime.store import outbox
from proflow_runtime.store.models.outbox import OutboxEvent

SWEEP = 2.0
"""Seconds between two looks for events that nobody has sent."""
LONGEST_PAUSE = 60.0
TRIED = 5
"""Events that are tried one by one before it is Inngest that cannot be reached."""
KEEP = timedelta(days=1)
"""How long what was sent is kept: as long as Inngest knows an event's id again."""
Send = Callable[[list[inngest.Event]], Awaitable[object]]
log = logging.getLogger("proflow.outbox")


class Delivery:
    """Events leave in order of their commits, at least once; Inngest takes each id once."""

    def __init__(self, send: Send, *, sweep: float = SWEEP) -> None:
        self._send, self._sweep = send, sweep
        self._wake = asyncio.Event()

    def nudge(self) -> None:
        """Something was committed."""
        self._wake.set()

    async def deliver(self) -> int:
        """Send everything that nobody else is sending; how many. Raises what `send` does.

        An event that is refused holds up no other: it is tried again once its lease is over.
        """
        count = 0
        while events := await outbox.claim_unsent():
            sent, refusal = await self._sent(events)
            await outbox.mark_sent(sent)
            count += len(sent)
            if refusal is not None and not sent:
                await outbox.release(one.id for one in events)
                raise refusal
            if refusal is not None:
                log.error("an event is refused, and tried again later: %s", refusal)
        return count

    async def _sent(self, events: list[OutboxEvent]) -> tuple[list[str], Exception | None]:
        """The ids of the events that could be sent, and why others could not."""
        try:
            await self._send([_event(one) for one in events])
        except Exception as error:
            if len(events) == 1:
                return [], error
            refusal = error
        else:
            return [one.id for one in events], None
        sent: list[str] = []
        for tried, one in enumerate(events, start=1):
            try:
                await self._send([_event(one)])
            except Exception as error:
                refusal = error
                if not sent and tried == TRIED:
                    break  # it is not these events
            else:
                sent.append(one.id)
        return sent, refusal

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
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)
            self._wake.clear()
            try:
                await self.deliver()
                if clock.now() - forgotten > KEEP / 24:
                    forgotten = clock.now()
                    await outbox.forget_sent(forgotten - KEEP)
                pause = self._sweep
            except Exception as error:
                pause = min(pause * 2, LONGEST_PAUSE)
                log.warning("events cannot be sent now, next try in %g s: %s", pause, error)
                await asyncio.sleep(min(pause, self._sweep))


def _event(row: OutboxEvent) -> inngest.Event:
    return inngest.Event(name=row.name, id=row.id, data=row.data)
