"""The journal, which stores the changes of the engine's state. In virtual time there is none.

The engine records each change at once, without waiting. Only what must not happen before a change is
stored (the next request of a run, the return of `send`) waits for that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from proflow_runtime.local.runs import Pending, QueueItem, Run

Key = tuple[str, str, str]
"""A function's id, a purpose (`seen`, `batch`, `debounce`, `rate`, `throttle`, `cron`) and a value."""


class SavedRun(Protocol):
    """An open run of an earlier process; the texts are those of `snapshots`."""

    @property
    def id(self) -> str: ...

    @property
    def origin(self) -> str: ...

    @property
    def progress(self) -> str: ...

    @property
    def memos(self) -> Sequence[tuple[str, str]]:
        """`(hashed step id, memo)`, in order of settling."""
        ...

    @property
    def steps(self) -> Sequence[str]: ...

    @property
    def requests(self) -> Sequence[tuple[str, str]]:
        """`(job id, state)`."""
        ...


@dataclass(slots=True)
class Saved:
    """The stored state of an earlier process; runs are in the order in which they were queued."""

    runs: Sequence[SavedRun] = field(default_factory=list)
    keys: Sequence[tuple[Key, Any, datetime | None]] = field(default_factory=list)
    """The stored entries of admission, and until when each is valid."""


class Journal(Protocol):
    """Stores the engine's state, so that another process can restore it by `open`."""

    position: int
    """The number of changes so far."""
    committed: int
    """The number of changes that are stored."""

    async def open(self, committed: Callable[[], None]) -> Saved:
        """Open the journal; `committed` is called when changes were stored, or can no longer be stored."""
        ...

    async def close(self) -> None:
        """Store the remaining changes, and close the journal."""
        ...

    async def flushed(self) -> None:
        """Wait until all changes so far are stored. Raises the error that prevents it."""
        ...

    def failure(self) -> BaseException | None:
        """Return the error because of which nothing can be stored any more, or None."""
        ...

    def run_queued(self, run: Run) -> None: ...

    def run_moved(self, run: Run) -> None:
        """Record a change of a run's status, time limit, or kind of requests."""
        ...

    def run_ended(self, run: Run) -> None:
        """Record the end of a run, which also removes its waits and requests."""
        ...

    def step_settled(self, run: Run, hashed: str, memo: str) -> None: ...

    def step_opened(self, run: Run, hashed: str, pending: Pending) -> None:
        """Record a step that is planned, or waits for something."""
        ...

    def step_closed(self, run: Run, hashed: str) -> None: ...

    def request_queued(self, item: QueueItem) -> None:
        """Record a request, also one for another attempt or after a sleep."""
        ...

    def request_answered(self, item: QueueItem) -> None: ...

    def kept(self, key: Key, value: Any, until: datetime | None) -> None:
        """Record an entry of admission; `value` is JSON, but may contain datetimes."""
        ...

    def dropped(self, key: Key) -> None: ...


class NoJournal:
    """Stores nothing; every change counts as stored."""

    position = 0
    committed = 0

    async def open(self, committed: Callable[[], None]) -> Saved:
        return Saved()

    async def close(self) -> None:
        pass

    async def flushed(self) -> None:
        pass

    def failure(self) -> None:
        return None

    def run_queued(self, run: Run) -> None:
        pass

    def run_moved(self, run: Run) -> None:
        pass

    def run_ended(self, run: Run) -> None:
        pass

    def step_settled(self, run: Run, hashed: str, memo: str) -> None:
        pass

    def step_opened(self, run: Run, hashed: str, pending: Pending) -> None:
        pass

    def step_closed(self, run: Run, hashed: str) -> None:
        pass

    def request_queued(self, item: QueueItem) -> None:
        pass

    def request_answered(self, item: QueueItem) -> None:
        pass

    def kept(self, key: Key, value: Any, until: datetime | None) -> None:
        pass

    def dropped(self, key: Key) -> None:
        pass
