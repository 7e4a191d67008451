"""Internal: the states of a run's nodes: snapshots by replays, recorders, and their combination."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from proflow_runtime.status.item_states import over_items
from proflow_runtime.status.step_attempts import StepAttempt
from proflow_runtime.values import JSON

NodeStatus = Literal["pending", "running", "waiting", "completed", "failed", "skipped", "cancelled"]
RunStatus = Literal["running", "waiting", "completed", "failed", "cancelled"]
OPEN = ("pending", "running", "waiting")
"""The statuses of runs and nodes that are not over."""

_logger = logging.getLogger("proflow.status")


@dataclass(frozen=True, slots=True)
class NodeState:
    """The state of a node in a run.

    In a snapshot, `attempts` and the times are only set if that replay knows them.

    Attributes:
        status: The status.
        outcome: The outcome; a list for an inclusive gateway, which may have several.
        attempts: The number of attempts.
        error: The `name` and `message` of the last failure.
        started_at: When the node started, in UTC.
        ended_at: When the node ended, in UTC.
        round: The number of the iteration, in a loop. A later iteration replaces all earlier ones.
        notes: Oddities that are no failure, such as a rule that compares a number with a text.
    """

    status: NodeStatus
    outcome: str | list[str] | None = None
    attempts: int | None = None
    error: Mapping[str, str] | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    round: int = 1
    notes: tuple[str, ...] = ()


ItemKey = tuple[str, tuple[int, ...]]
"""A node and the indices of its enclosing foreach items, outermost first."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The node states that one replay of a run has recorded.

    Attributes:
        run_id: The id of the run.
        workflow_id: The id of the workflow.
        version: The version of the design.
        digest: The digest of the definition.
        tenant_id: The tenant of the run; None for a `system` design.
        at: When the replay ended.
        status: The final status of the run, or `running`.
        nodes: The states of the nodes, by id.
        result: The result of the run, once it has completed.
        error: The error of the run, once it has failed.
        items: The states of the nodes inside a foreach, for each item.
        view: How many steps had ended when the replay began. Of two concurrent replays, the one with
            the larger number is newer.
        attempt: The number of the attempt at the run.
        part: The part of the definition that was replayed; empty for the run itself.
        results: Returns the results of steps by hashed step id, `{data}` or `{error}`, except those
            that are known.
        step_attempts: The attempts at steps that the request has made.
        resumed: What the run has gone on from: approvals, by their executions (`x[3]#2`), and called
            runs, by their ids.
        called: The ids of runs that it has called and waits for.
    """

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
    view: int = 0
    attempt: int = 1
    part: str = ""
    results: Callable[[set[str]], Mapping[str, Any]] = lambda known: {}
    step_attempts: tuple[StepAttempt, ...] = ()
    resumed: tuple[str, ...] = ()
    called: tuple[str, ...] = ()


Recorder = Callable[[Snapshot], "Awaitable[None] | None"]


class Recorders:
    """The recorders that receive the snapshots of replays; a service and the process each have some."""

    def __init__(self, beyond: Recorders | None = None) -> None:
        """Create an empty list; the recorders of `beyond` receive all snapshots as well."""
        self._recorders: list[Recorder] = []
        self._beyond = beyond

    def __bool__(self) -> bool:
        return bool(self._recorders) or bool(self._beyond)

    def add(self, recorder: Recorder) -> Callable[[], None]:
        """Call `recorder` at the end of every replay.

        Args:
            recorder: A function, plain or async. Its exceptions are logged and do not affect the run.

        Returns:
            A function that removes it.
        """
        self._recorders.append(recorder)
        return lambda: self._recorders.remove(recorder)

    @contextmanager
    def recording(self, recorder: Recorder) -> Iterator[None]:
        """Return a context manager that adds `recorder` for a block."""
        remove = self.add(recorder)
        try:
            yield
        finally:
            remove()

    async def hand_over(self, snapshot: Snapshot) -> None:
        """Call all recorders with a snapshot."""
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
"""The recorders of every run in this process: of generated modules, definitions, and services."""


def add_recorder(recorder: Recorder) -> Callable[[], None]:
    """Call `recorder` at the end of every replay of every run in this process.

    Args:
        recorder: A function, plain or async. Its exceptions are logged and do not affect the run.

    Returns:
        A function that removes it.
    """
    return OF_THE_PROCESS.add(recorder)


def recording(recorder: Recorder) -> AbstractContextManager[None]:
    """Return a context manager that adds `recorder` for every run in this process."""
    return OF_THE_PROCESS.recording(recorder)


@dataclass
class RecordedRun:
    """The combined state of a run, from its snapshots.

    Attributes:
        items: The states of the nodes inside a foreach: node id → item indices → state.
        known: The last known state of each node.
        stale: The nodes inside a foreach whose state in `known` is to be computed from `items`.
    """

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
    stale: set[str] = field(default_factory=set)

    @property
    def nodes(self) -> dict[str, NodeState]:
        """The state of each node, by id; for nodes inside a foreach, over all items."""
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
    # Steps of an abandoned item may still complete in Inngest; the run ignores them.
    "cancelled": 3,
}


class InMemoryRecorder:
    """A recorder that keeps the state of every run, by run id. Snapshots may arrive in any order."""

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
    """Merge the state of a node in a snapshot into its known state.

    Within an iteration a state never goes back, for example from `completed` to `running`.

    Args:
        known: The known state, if any.
        seen: The state in the snapshot.
        at: The time of the snapshot.
    """
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
        # A cancelled step may never have been attempted.
        attempts or (1 if over and seen.status != "cancelled" else None),
        seen.error if over else seen.error or known.error,
        started_at,
        ended_at,
        seen.round,
        notes,
    )


def time_text(at: datetime | None) -> str | None:
    """Return a time in ISO 8601, such as `2026-01-01T09:00:00.000Z`."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def state_json(state: NodeState) -> dict[str, Any]:
    """Return the state of a node as JSON, for `proflow run` and the API; `notes` only if any."""
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
