"""Makes requests in real time: by priority, within limits, and after the journal is written."""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any

from proflow_runtime.local.capacity import Capacity, places
from proflow_runtime.local.journal import Journal
from proflow_runtime.local.runs import Place, QueueItem


class Dispatcher:
    """Starts requests that are due.

    A request waits until the changes that caused it are stored (`journal`), until fewer than `most`
    requests are open, and until all concurrency limits of its run allow it. `exchange` makes it in a
    task of its own; `landed` is called when it has ended.
    """

    def __init__(
        self,
        journal: Journal,
        exchange: Callable[[QueueItem], Coroutine[Any, Any, None]],
        landed: Callable[[QueueItem, BaseException | None], None],
        *,
        most: int,
    ) -> None:
        self._journal = journal
        self._exchange = exchange
        self._landed = landed
        self._most = most
        self._capacity = Capacity()
        self._count = 0
        self._unsafe: list[tuple[int, int, QueueItem]] = []
        self._ready: list[tuple[timedelta, int, QueueItem]] = []
        self._parked: dict[tuple[str, str, str], deque[QueueItem]] = {}
        self._in_flight: set[asyncio.Task[None]] = set()

    @property
    def idle(self) -> bool:
        return not (self._in_flight or self._unsafe or self._ready or self._parked)

    def submit(self, item: QueueItem) -> None:
        """Add a request that is due."""
        self._count += 1
        heapq.heappush(self._unsafe, (item.mark, self._count, item))

    def launch(self) -> None:
        """Start all requests that may start."""
        while self._unsafe and self._unsafe[0][0] <= self._journal.committed:
            self._make_ready(heapq.heappop(self._unsafe)[2])
        while self._ready and len(self._in_flight) < self._most:
            item = heapq.heappop(self._ready)[2]
            taken = places(item.run)
            full = None if item.run.record.ended else self._capacity.full(item.run)
            if full is not None:
                self._parked.setdefault(full[0], deque()).append(item)
            if full is not None or item.run.record.ended:
                self._unpark(taken)
                continue
            self._capacity.take(taken)
            task = asyncio.create_task(self._exchange(item))
            self._in_flight.add(task)
            task.add_done_callback(partial(self._done, item, taken))

    async def drain(self, grace: timedelta) -> int:
        """Wait for open requests to end, at most for `grace`; return how many took longer."""
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=grace.total_seconds())
        return len(self._in_flight)

    async def abort(self) -> None:
        """Abort all open requests."""
        tasks = list(self._in_flight)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _make_ready(self, item: QueueItem) -> None:
        self._count += 1
        heapq.heappush(self._ready, (-item.run.rank, self._count, item))

    def _done(self, item: QueueItem, taken: tuple[Place, ...], task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._capacity.give_back(taken)
        self._unpark(taken)
        self._landed(item, None if task.cancelled() else task.exception())

    def _unpark(self, freed: tuple[Place, ...]) -> None:
        """Try the next request that waits for a limit again, if the limit allows it."""
        for place in freed:
            parked = self._parked.get(place[0])
            if parked and self._capacity.has_room(place):
                self._make_ready(parked.popleft())
                if not parked:
                    del self._parked[place[0]]
