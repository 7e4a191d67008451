"""What is known of a run's nodes: snapshots as it moves, and the states that a canvas shows."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from proflow_schemas.definition import Canvas

from proflow_runtime.item_states import over_items
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


Recorder = Callable[[Snapshot], "Awaitable[None] | None"]

_recorders: list[Recorder] = []


def add_recorder(recorder: Recorder) -> Callable[[], None]:
    """Call `recorder` at the end of every pass; the result takes it away again.

    What it raises is logged and does not harm the run.
    """
    _recorders.append(recorder)
    return lambda: _recorders.remove(recorder)


@contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """`recorder` is called within this block."""
    remove = add_recorder(recorder)
    try:
        yield
    finally:
        remove()


def is_recorded() -> bool:
    return bool(_recorders)


async def hand_over(snapshot: Snapshot) -> None:
    """Give a snapshot to the recorders."""
    for recorder in list(_recorders):
        try:
            done = recorder(snapshot)
            if done is not None:
                await done
        except Exception:
            _logger.exception("the status of run %s was not recorded", snapshot.run_id)


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
    nodes: dict[str, NodeState] = field(default_factory=dict)
    """By node id; of those inside a foreach, what all their items come to."""
    items: dict[str, dict[tuple[int, ...], NodeState]] = field(default_factory=dict)
    result: Mapping[str, JSON] | None = None
    error: str | None = None


_ORDER: Mapping[NodeStatus, int] = {
    "pending": 0,
    "running": 1,
    "waiting": 1,
    "completed": 2,
    "failed": 2,
    "skipped": 2,
    "cancelled": 2,
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
            run.nodes[node] = merged(run.nodes.get(node), state, snapshot.at)
        for (node, items), state in snapshot.items.items():
            of_node = run.items.setdefault(node, {})
            of_node[items] = merged(of_node.get(items), state, snapshot.at)
        for node in {node for node, _ in snapshot.items}:
            run.nodes[node] = over_items(run.items[node].values())
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
    started_at = min(known.started_at or at, seen.started_at or at)
    attempts = max(known.attempts or 0, seen.attempts or 0) or None
    if _ORDER[seen.status] < _ORDER[known.status]:
        return replace(known, started_at=started_at, attempts=attempts)
    over = _ORDER[seen.status] == 2
    ended_at = (known.ended_at or seen.ended_at or at) if over else None
    return NodeState(
        seen.status,
        seen.outcome or known.outcome,
        attempts or (1 if over else None),
        seen.error if over else seen.error or known.error,
        started_at,
        ended_at,
        seen.round,
    )


_UNRECORDED = ("start", "parallel", "join")
"""Types of nodes that run nothing: what becomes of them follows from the others."""


def node_states(
    canvas: Canvas,
    recorded: Mapping[str, NodeState],
    run_status: RunStatus,
    began: datetime | None = None,
) -> dict[str, NodeState]:
    """The state of every drawn node, by node id, from what was recorded of those that run something.

    Every edge ends taken or skipped, and skipping travels on. A node that is next in a run is
    `running`, even before it is recorded. When a run is over, what never started is `skipped` and
    what was open is `cancelled`.
    """
    over = run_status in ("completed", "failed", "cancelled")
    types = {node.id: node.type for node in canvas.nodes}
    into: dict[str, list[int]] = {name: [] for name in types}
    out: dict[str, list[int]] = {name: [] for name in types}
    for index, edge in enumerate(canvas.edges):
        into[edge.target].append(index)
        out[edge.source].append(index)
    order = _in_order(canvas, into, out)
    early = _left_early(canvas, recorded, types, into, out, order)
    taken: dict[int, bool] = {}
    states: dict[str, NodeState] = {}
    for name in order:
        flags = [taken.get(index) for index in into[name]]
        state = _state(recorded.get(name), types[name], flags, over=over, early=name in early)
        if types[name] in _UNRECORDED and state.status == "completed":
            sources = [canvas.edges[index].source for index in into[name] if taken.get(index)]
            at = _latest(states[source].ended_at for source in sources) if sources else began
            state = replace(state, started_at=at, ended_at=at)
        states[name] = state
        followed = [canvas.edges[index].outcome in (None, state.outcome) for index in out[name]]
        if state.status == "completed" and any(followed):
            taken.update(zip(out[name], followed, strict=True))
        elif state.status == "skipped" and None not in flags:
            taken.update(dict.fromkeys(out[name], False))
        # Otherwise it is not over, or its outcome is not drawn and has stopped the run.
    return {name: states[name] for name in types if types[name] != "choice"}


def _state(
    known: NodeState | None, kind: str, flags: list[bool | None], *, over: bool, early: bool
) -> NodeState:
    """A node's state; `flags` say of each edge in whether it was taken, None: not settled yet."""
    if known is not None:
        open_still = known.status in ("running", "waiting")
        return replace(known, status="cancelled") if open_still and over else known
    arrived = True in flags or (not flags and kind == "start")
    whole = None not in flags
    if kind in _UNRECORDED and arrived and (whole or early):
        return NodeState("completed")
    if over or (whole and not arrived):
        return NodeState("skipped")
    return NodeState("running" if whole and kind not in _UNRECORDED else "pending")


def _in_order(
    canvas: Canvas, into: Mapping[str, list[int]], out: Mapping[str, list[int]]
) -> list[str]:
    """The nodes, each after those that lead to it; those on a cycle come last."""
    open_edges = {name: len(edges) for name, edges in into.items()}
    order = [name for name, count in open_edges.items() if count == 0]
    for name in order:
        for index in out[name]:
            target = canvas.edges[index].target
            open_edges[target] -= 1
            if open_edges[target] == 0:
                order.append(target)
    placed = set(order)
    return order + [name for name in into if name not in placed]


def _left_early(
    canvas: Canvas,
    recorded: Mapping[str, NodeState],
    types: Mapping[str, str],
    into: Mapping[str, list[int]],
    out: Mapping[str, list[int]],
    order: list[str],
) -> set[str]:
    """Nodes that run nothing and that the run has certainly left: a node that only they lead to has
    been reached. So a join that goes on before all its edges are settled shows as completed."""
    found: set[str] = set()
    for name in reversed(order):
        if types[name] in _UNRECORDED:
            targets = [canvas.edges[index].target for index in out[name]]
            if any(
                len(into[target]) == 1 and (target in recorded or target in found)
                for target in targets
            ):
                found.add(name)
    return found


def _latest(times: Iterable[datetime | None]) -> datetime | None:
    return max((time for time in times if time is not None), default=None)
