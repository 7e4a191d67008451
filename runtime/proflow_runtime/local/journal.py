"""What the engine promises, as told to whoever keeps it; in virtual time nobody does.

The engine tells of every change of its state at once and without waiting. What must not happen
before a change is safe (the next request of a run, the end of `send`) waits for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from proflow_runtime.local.runs import Pending, QueueItem, Run

Key = tuple[str, str, str]
"""A function's id, a purpose (`seen`, `batch`, `debounce`, `rate`, `throttle`, `cron`) and a value."""


class SavedRun(Protocol):
    """A run that had not ended when the process did; the texts are those of `snapshots`."""

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
    """What an earlier process has promised; runs in order of being queued."""

    runs: Sequence[SavedRun] = field(default_factory=list)
    keys: Sequence[tuple[Key, Any, datetime | None]] = field(default_factory=list)
    """What admission remembers, and until when."""


class Journal(Protocol):
    """Keeps the engine's state; a restart builds it again from `open`."""

    position: int
    """How many changes it was told of."""
    committed: int
    """How many of them are safe."""

    async def open(self, committed: Callable[[], None]) -> Saved:
        """Begin; `committed` is called whenever more changes are safe, or none will be any more."""
        ...

    async def close(self) -> None:
        """Make safe what is left, and end."""
        ...

    async def flushed(self) -> None:
        """Wait until everything told so far is safe. Raises what prevents it."""
        ...

    def failure(self) -> BaseException | None:
        """Why nothing will be safe any more."""
        ...

    def run_queued(self, run: Run) -> None: ...

    def run_moved(self, run: Run) -> None:
        """Its status, its time limit, or how it makes requests."""
        ...

    def run_ended(self, run: Run) -> None:
        """What it waited for is over, and its requests are dropped."""
        ...

    def step_settled(self, run: Run, hashed: str, memo: str) -> None: ...

    def step_opened(self, run: Run, hashed: str, pending: Pending) -> None:
        """It is planned, or waits for something."""
        ...

    def step_closed(self, run: Run, hashed: str) -> None: ...

    def request_queued(self, item: QueueItem) -> None:
        """Also for another attempt, and when it is made after a sleep."""
        ...

    def request_answered(self, item: QueueItem) -> None: ...

    def kept(self, key: Key, value: Any, until: datetime | None) -> None:
        """Admission remembers something; `value` is JSON but for datetimes."""
        ...

    def dropped(self, key: Key) -> None: ...


class NoJournal:
    """Keeps nothing: whatever happens is as safe as it will be."""

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
