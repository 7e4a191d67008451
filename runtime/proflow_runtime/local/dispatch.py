"""Makes requests in real time: by priority, within limits, and after the journal is written.

A request may kill the process: a handler that takes all memory, or a library that crashes. Each process
after it would begin the same request, and be killed again. So a request is begun only when the journal
holds a claim of it. One that an earlier process had claimed when it ended is suspect: suspects are begun
one after the other, so that the others are not taken for the cause, and one that has been claimed by
`MOST_CLAIMS` processes that were killed is given to `park`. Processes that are stopped withdraw their
claims."""

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

MOST_CLAIMS = 2
"""How many processes may be killed while they make a request."""
TRIAL = 10.0
"""Seconds for which no other suspect is begun after a suspect."""


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
        park: Callable[[QueueItem], None] | None = None,
        wake: Callable[[], None] | None = None,
    ) -> None:
        """Create a dispatcher without requests.

        Args:
            journal: Where claims are stored.
            exchange: Makes a request.
            landed: Called when it has ended.
            most: The maximum number of concurrent requests.
            park: Ends the run of a request that has killed processes; None if there are no claims.
            wake: Makes the engine call `launch`.
        """
        self._journal = journal
        self._exchange = exchange
        self._landed = landed
        self._most = most
        self._capacity = Capacity()
        self._park, self._wake = park, wake
        self._count = 0
        self._claimed: set[QueueItem] = set()
        self._suspects: deque[QueueItem] = deque()
        self._trial: QueueItem | None = None
        self._unsafe: list[tuple[int, int, QueueItem]] = []
        self._ready: list[tuple[timedelta, int, QueueItem]] = []
        self._parked: dict[tuple[str, str, str], deque[QueueItem]] = {}
        self._in_flight: set[asyncio.Task[None]] = set()

    @property
    def idle(self) -> bool:
        waiting = self._unsafe or self._ready or self._parked or self._suspects
        return not (self._in_flight or waiting)

    def claim_early(self, item: QueueItem) -> None:
        """Claim a new request that can begin at once; the caller stores it anyway."""
        if self._park is None:
            return
        if len(self._claimed) >= self._most:
            self._claimed = {one for one in self._claimed if not one.run.record.ended}
        if len(self._claimed) < self._most:
            self._claim(item)

    def withdraw_claims(self) -> None:
        """Store that this process, which is being stopped, does not end because of its requests."""
        for item in self._claimed:
            if not item.run.record.ended:
                item.claims -= 1
                self._journal.request_queued(item)
        self._claimed.clear()
        self._park = None

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
            if self._park is not None and not (item.claimed or item.run.record.ended):
                self._consider(item)
                continue
            taken = places(item.run)
            full = None if item.run.record.ended else self._capacity.full(item.run)
            if full is not None:
                self._parked.setdefault(full[0], deque()).append(item)
            if full is not None or item.run.record.ended:
                self._unpark(taken)
                if item.run.record.ended:
                    self._forget(item)
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

    # --- claims

    def _consider(self, item: QueueItem) -> None:
        """Claim a request, hold it back while another suspect is tried, or park its run."""
        if item.claims >= MOST_CLAIMS and self._park is not None:
            self._park(item)
            return
        if item.claims:
            if self._trial is not None:
                self._suspects.append(item)
                return
            self._trial = item
            asyncio.get_running_loop().call_later(TRIAL, self._end_trial, item)
        self._claim(item)
        self._journal.request_queued(item)
        item.mark = self._journal.position
        self.submit(item)

    def _claim(self, item: QueueItem) -> None:
        item.claims += 1
        item.claimed = True
        self._claimed.add(item)

    def _forget(self, item: QueueItem) -> None:
        """Forget the claim of a request that has ended, in memory; the journal forgets the request."""
        self._claimed.discard(item)
        self._end_trial(item)

    def _end_trial(self, item: QueueItem) -> None:
        if self._trial is not item:
            return
        self._trial = None
        if self._suspects:
            self._make_ready(self._suspects.popleft())
            if self._wake is not None:
                self._wake()

    def _make_ready(self, item: QueueItem) -> None:
        self._count += 1
        heapq.heappush(self._ready, (-item.run.rank, self._count, item))

    def _done(self, item: QueueItem, taken: tuple[Place, ...], task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._forget(item)
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
