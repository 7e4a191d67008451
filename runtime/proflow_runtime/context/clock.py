"""Time as workflow code should read it: the local engine's clock inside a run, else the wall clock.

All times are aware `datetime`s in UTC.
"""

import asyncio
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Something that tells the time."""

    def now(self) -> datetime:
        """The current time, aware, in UTC."""
        ...


class RealClock:
    """The wall clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class VirtualClock:
    """A clock that stands still until it is advanced.

    `start` must be aware; it is cut to whole milliseconds, the precision of Inngest's timestamps.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        if start.tzinfo is None:
            raise ValueError("a virtual clock starts at an aware time")
        start = start.astimezone(UTC)
        self._now = start.replace(microsecond=start.microsecond // 1000 * 1000)

    def now(self) -> datetime:
        return self._now

    def advance_to(self, when: datetime) -> None:
        """Move forward to `when`; an earlier time is a `ValueError`, time never goes back."""
        if when < self._now:
            raise ValueError(f"cannot go back from {self._now} to {when}")
        self._now = when


_current: ContextVar[Clock | None] = ContextVar("proflow_clock", default=None)
_wall = RealClock()


def now() -> datetime:
    """The time of the run that is executing, or the wall clock's outside of any."""
    return (_current.get() or _wall).now()


def activate(clock: Clock) -> Token[Clock | None]:
    """Make `now()` read `clock` in this context, until `deactivate` is given the returned token."""
    return _current.set(clock)


def deactivate(token: Token[Clock | None]) -> None:
    """Undo one `activate`, in the context it was called in."""
    _current.reset(token)


async def happens(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event on the real clock, so long at most; whether it has happened.

    `asyncio.wait_for` of Python 3.11 loses a cancellation that comes together with the event.
    """
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
    return event.is_set()
