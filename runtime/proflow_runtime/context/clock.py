"""The time that workflow code reads: the local engine's clock inside its runs, else the wall clock.

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
    """A clock that only moves when it is advanced."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        """Create a clock.

        Args:
            start: An aware time. It is truncated to milliseconds, the precision of Inngest.

        Raises:
            ValueError: If `start` is naive.
        """
        if start.tzinfo is None:
            raise ValueError("the start of a virtual clock must be an aware time")
        start = start.astimezone(UTC)
        self._now = start.replace(microsecond=start.microsecond // 1000 * 1000)

    def now(self) -> datetime:
        return self._now

    def advance_to(self, when: datetime) -> None:
        """Move forward to `when`.

        Raises:
            ValueError: If `when` is in the past.
        """
        if when < self._now:
            raise ValueError(f"cannot go back from {self._now} to {when}")
        self._now = when


_current: ContextVar[Clock | None] = ContextVar("proflow_clock", default=None)
_wall = RealClock()


def now() -> datetime:
    """Return the time of the run that is executing, or of the wall clock outside of a run."""
    return (_current.get() or _wall).now()


def activate(clock: Clock) -> Token[Clock | None]:
    """Make `now()` read `clock` in this context, until `deactivate` is given the returned token."""
    return _current.set(clock)


def deactivate(token: Token[Clock | None]) -> None:
    """Undo an `activate`, in the same context."""
    _current.reset(token)


async def happens(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event by the wall clock.

    `asyncio.wait_for` of Python 3.11 would lose a cancellation that comes together with the event.

    Args:
        event: The event.
        seconds: How long to wait at most.

    Returns:
        True if the event is set.
    """
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
    return event.is_set()
