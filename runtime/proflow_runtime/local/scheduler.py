"""Timers, in order of time; those of the same time in the order in which they were added."""

import heapq
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from proflow_runtime.local.records import ArmedWait


@dataclass(slots=True, eq=False)
class Timer:
    """An action at a time, unless it is cancelled before.

    `passive`: it fires when its time comes, but is no reason for virtual time to move.
    `wait`: the wait whose timeout it is.
    """

    due: datetime
    action: Callable[[], Awaitable[object] | None]
    wait: ArmedWait | None = None
    passive: bool = False
    live: bool = True

    def cancel(self) -> None:
        self.live = False


class Scheduler:
    """Two heaps of timers: those that move virtual time, and the passive ones."""

    def __init__(self) -> None:
        self._active: list[tuple[datetime, int, Timer]] = []
        self._passive: list[tuple[datetime, int, Timer]] = []
        self._count = 0
        self._is_passive: Callable[[ArmedWait], bool] = lambda _: False

    def add(self, timer: Timer) -> Timer:
        self._count += 1
        if timer.wait is not None:
            timer.passive = self._is_passive(timer.wait)
        heap = self._passive if timer.passive else self._active
        heapq.heappush(heap, (timer.due, self._count, timer))
        return timer

    def next_due(self, *, passive_too: bool = False) -> datetime | None:
        """Return the time of the earliest timer.

        None if there is none, or only passive ones and not `passive_too`.
        """
        active, passive = self._first(self._active), self._first(self._passive)
        if active is None:
            return passive if passive_too else None
        return active if passive is None else min(active, passive)

    def pop_due(self, now: datetime) -> Timer | None:
        """Remove and return the first timer that is due and not cancelled."""
        self._first(self._active)
        self._first(self._passive)
        heaps = [heap for heap in (self._active, self._passive) if heap and heap[0][0] <= now]
        if not heaps:
            return None
        return heapq.heappop(min(heaps, key=lambda heap: heap[0][:2]))[2]

    def classify(self, is_passive: Callable[[ArmedWait], bool]) -> None:
        """Set which timeouts of waits are passive, for existing and future timers."""
        self._is_passive = is_passive
        entries = [entry for entry in self._active + self._passive if entry[2].live]
        for _, _, timer in entries:
            if timer.wait is not None:
                timer.passive = is_passive(timer.wait)
        self._active = [entry for entry in entries if not entry[2].passive]
        self._passive = [entry for entry in entries if entry[2].passive]
        heapq.heapify(self._active)
        heapq.heapify(self._passive)

    @staticmethod
    def _first(heap: list[tuple[datetime, int, Timer]]) -> datetime | None:
        while heap and not heap[0][2].live:
            heapq.heappop(heap)
        return heap[0][0] if heap else None
