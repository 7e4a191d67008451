"""Internal: what is known of a run's nodes: snapshots of it as it moves, and what they add up to."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from proflow_runtime.status.item_states import over_items
from proflow_runtime.values import JSON

NodeStatus = Literal["pending", "running", "waiting", "completed", "failed", "skipped", "cancelled"]
RunStatus = Literal["running", "waiting", "completed", "failed", "cancelled"]

_logger = logging.getLogger("proflow.status")


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node's part in a run; times are aware, in UTC.

    In a snapshot, `attempts` and the times are there only where that pass knows them.
    """

    status: NodeStatus
    outcome: str | list[str] | None = None
    """A list: of an inclusive, which may take several."""
    attempts: int | None = None
    error: Mapping[str, str] | None = None
    """`name` and `message` of the last failure."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    round: int = 1
    """In a loop, which of its rounds this is of; the state of a later one replaces all earlier."""
    notes: tuple[str, ...] = ()
    """What is odd about it, though nothing failed: a rule compares a number with a text."""


ItemKey = tuple[str, tuple[int, ...]]
"""A node inside a foreach, and the items (outer first) that it is of."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one pass of a run has seen. `status` says how the run ended, if it did."""

    run_id: str
    workflow_id: str
    version: str | None
    digest: str
    tenant_id: int | None
    at: datetime
    status: RunStatus
    nodes: Mapping[str, NodeState]
    result: Mapping[str, JSON] | None = None
    error: str | None = None
    items: Mapping[ItemKey, NodeState] = field(default_factory=dict)
    """The nodes inside of foreach, item by item."""
    view: int = 0
    """How many steps of the Inngest run were over as the pass began: of two passes that overlap,
    what the one with more of them has seen is newer."""


Recorder = Callable[[Snapshot], "Awaitable[None] | None"]


class Recorders:
    """Who is told what passes have seen: those of one service, or of the process."""

    def __init__(self, beyond: Recorders | None = None) -> None:
        """`beyond` are told as well."""
        self._recorders: list[Recorder] = []
        self._beyond = beyond

    def __bool__(self) -> bool:
        return bool(self._recorders) or bool(self._beyond)

    def add(self, recorder: Recorder) -> Callable[[], None]:
        """Call `recorder` at the end of every pass; the result takes it away again.

        What it raises is logged and does not harm the run.
        """
        self._recorders.append(recorder)
        return lambda: self._recorders.remove(recorder)

    @contextmanager
    def recording(self, recorder: Recorder) -> Iterator[None]:
        """`recorder` is called within this block."""
        remove = self.add(recorder)
        try:
            yield
        finally:
            remove()

    async def hand_over(self, snapshot: Snapshot) -> None:
        """Give a snapshot to the recorders."""
        for recorder in list(self._recorders):
            try:
                done = recorder(snapshot)
                if done is not None:
                    await done
            except Exception:
                about = {"run_id": snapshot.run_id, "tenant_id": snapshot.tenant_id}
                _logger.exception("the status of the run was not recorded", extra=about)
        if self._beyond is not None:
            await self._beyond.hand_over(snapshot)


OF_THE_PROCESS = Recorders()
"""Told of every run in this process: of generated modules, definitions, and all services."""


def add_recorder(recorder: Recorder) -> Callable[[], None]:
    """Call `recorder` at the end of every pass of every run in this process.

    What it raises is logged and does not harm the run. The result takes it away again.
    """
    return OF_THE_PROCESS.add(recorder)


def recording(recorder: Recorder) -> AbstractContextManager[None]:
    """`recorder` is told of every run in this process, within the block."""
    return OF_THE_PROCESS.recording(recorder)


@dataclass
class RecordedRun:
    """What the snapshots of one run add up to."""

    workflow_id: str
    version: str | None
    digest: str
    tenant_id: int | None
    started_at: datetime
    status: RunStatus = "running"
    ended_at: datetime | None = None
    items: dict[str, dict[tuple[int, ...], NodeState]] = field(default_factory=dict)
    result: Mapping[str, JSON] | None = None
    error: str | None = None
    known: dict[str, NodeState] = field(default_factory=dict)
    """What was last known of each node."""
    stale: set[str] = field(default_factory=set)
    """Nodes inside a foreach of which an item has moved since."""

    @property
    def nodes(self) -> dict[str, NodeState]:
        """By node id; of those inside a foreach, what all their items come to."""
        for node in self.stale:
            self.known[node] = over_items(self.items[node].values())
        self.stale.clear()
        return self.known


_ORDER: Mapping[NodeStatus, int] = {
    "pending": 0,
    "running": 1,
    "waiting": 1,
    "completed": 2,
    "failed": 2,
    "skipped": 2,
    # What Inngest goes on with, in an item that has been abandoned, is nothing to the run.
    "cancelled": 3,
}


class InMemoryRecorder:
    """Keeps what is known of every run, by run id. Snapshots may arrive in any order."""

    def __init__(self) -> None:
        self.runs: dict[str, RecordedRun] = {}

    def __call__(self, snapshot: Snapshot) -> None:
        run = self.runs.get(snapshot.run_id)
        if run is None:
            run = self.runs[snapshot.run_id] = RecordedRun(
                snapshot.workflow_id,
                snapshot.version,
                snapshot.digest,
                snapshot.tenant_id,
                snapshot.at,
            )
        for node, state in snapshot.nodes.items():
            run.known[node] = merged(run.known.get(node), state, snapshot.at)
        for (node, items), state in snapshot.items.items():
            of_node = run.items.setdefault(node, {})
            of_node[items] = merged(of_node.get(items), state, snapshot.at)
        run.stale |= {node for node, _ in snapshot.items}
        if snapshot.status != "running" and run.ended_at is None:
            run.status, run.ended_at = snapshot.status, snapshot.at
            run.result, run.error = snapshot.result, snapshot.error


def merged(known: NodeState | None, seen: NodeState, at: datetime) -> NodeState:
    """What is known of a node after a snapshot taken at `at`; within a round it never goes back."""
    if known is not None and seen.round < known.round:
        return known
    if known is None or seen.round > known.round:
        if seen.status == "pending":
            return seen
        known = NodeState("pending", started_at=seen.started_at or at, round=seen.round)
    elif seen.status == "pending":
        return known
    started_at = min(known.started_at or at, seen.started_at or at)
    attempts = max(known.attempts or 0, seen.attempts or 0) or None
    notes = tuple(dict.fromkeys((*known.notes, *seen.notes)))
    if _ORDER[seen.status] < _ORDER[known.status]:
        return replace(known, started_at=started_at, attempts=attempts, notes=notes)
    over = _ORDER[seen.status] >= 2
    ended_at = (known.ended_at or seen.ended_at or at) if over else None
    return NodeState(
        seen.status,
        seen.outcome or known.outcome,
        # What was cancelled may never have been tried.
        attempts or (1 if over and seen.status != "cancelled" else None),
        seen.error if over else seen.error or known.error,
        started_at,
        ended_at,
        seen.round,
        notes,
    )


def time_text(at: datetime | None) -> str | None:
    """`2026-01-01T09:00:00.000Z`."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def state_json(state: NodeState) -> dict[str, Any]:
    """A node's state as `proflow run` and the API tell it; `notes` only where there are any."""
    notes = {"notes": list(state.notes)} if state.notes else {}
    return {
        "status": state.status,
        "outcome": state.outcome,
        "attempts": state.attempts or 0,
        "started_at": time_text(state.started_at),
        "ended_at": time_text(state.ended_at),
        "error": None if state.error is None else dict(state.error),
        **notes,
    }
