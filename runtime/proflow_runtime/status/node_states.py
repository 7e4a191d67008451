"""Computes the state of every drawn node of a run from the recorded states.

Replays record only nodes that do something. The states of the others follow from these: every edge
is finally taken or skipped, a node whose edges were all skipped is skipped as well, and the edges that
leave a loop are settled when the loop is left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from proflow_schemas.definition import Canvas, CanvasEdge, CanvasNode
from proflow_schemas.node_types import type_of

from proflow_runtime.status import NodeState, RunStatus
from proflow_runtime.status.item_states import over_items

Items = Mapping[str, Mapping[tuple[int, ...], NodeState]]
Path = tuple[int, ...]


def node_states(
    canvas: Canvas,
    recorded: Mapping[str, NodeState],
    run_status: RunStatus,
    began: datetime | None = None,
    items: Items | None = None,
) -> dict[str, NodeState]:
    """Compute the state of every drawn node.

    A node that is next in a run is `running`, even before it is recorded. When a run or a container
    has ended, nodes that never started are `skipped` and open ones are `cancelled`. The state of a
    node inside a foreach is that over all items; the state of a node in a loop is that of the last
    iteration.

    Args:
        canvas: The drawn nodes and edges.
        recorded: The recorded states, by node id.
        run_status: The status of the run.
        began: When the run began.
        items: The recorded states of nodes inside a foreach: node id → item indices → state.

    Returns:
        The states, by node id.
    """
    found = every_state(canvas, recorded, run_status, began, items)
    return {name: over_items(states) for name, states in found.items()}


def every_state(
    canvas: Canvas,
    recorded: Mapping[str, NodeState],
    run_status: RunStatus,
    began: datetime | None = None,
    items: Items | None = None,
) -> dict[str, list[NodeState]]:
    """Compute all states of every drawn node: one for each item of a foreach that has begun.

    Args: as for `node_states`.
    """
    over = run_status in ("completed", "failed", "cancelled")
    found = _Showing(canvas, recorded, items or {}).shown(over, began)
    return {node.id: found[node.id] for node in canvas.nodes if node.type != "choice"}


class _Showing:
    """The levels of a canvas (its containers), and the recorded states on each of them."""

    def __init__(self, canvas: Canvas, recorded: Mapping[str, NodeState], items: Items) -> None:
        self.recorded, self.items = recorded, items
        nodes: dict[str | None, list[CanvasNode]] = defaultdict(list)
        for node in canvas.nodes:
            nodes[node.parent].append(node)
        parents = {node.id: node.parent for node in canvas.nodes}
        edges: dict[str | None, list[CanvasEdge]] = defaultdict(list)
        for edge in canvas.edges:
            edges[parents[edge.source]].append(edge)
        self.levels = {name: _Level(found, edges[name]) for name, found in nodes.items()}
        self.levels.setdefault(None, _Level([], []))
        self.parents = parents
        self.each = {node.id for node in canvas.nodes if type_of(node.type).per_item}
        self.begun: dict[tuple[str, Path], datetime | None] = {}
        """When each container, or item of it, began: the first recorded time of a node in it."""
        self.indices: dict[tuple[str, Path], set[int]] = defaultdict(set)
        """The indices of the items that have begun."""
        for node in canvas.nodes:
            for path in (items.get(node.id, ()) if items else ()) or ((),):
                self._enter(node.id, path)

    def _enter(self, node: str, path: Path) -> None:
        known = self.known(node, path)
        if known is None:
            return
        container = self.parents[node]
        while container is not None:
            since = self.begun.get((container, path))
            times = [time for time in (since, known.started_at) if time is not None]
            self.begun[container, path] = min(times, default=None)
            if container in self.each:
                self.indices[container, path[:-1]].update(path[-1:])
                path = path[:-1]
            container = self.parents[container]

    def known(self, node: str, path: Path) -> NodeState | None:
        """Return the recorded state; None also if the current iteration has not reached the node."""
        of_items = self.items.get(node, {})
        found = of_items.get(path) if path else self.recorded.get(node)
        return None if found is None or found.status == "pending" else found

    def shown(self, over: bool, began: datetime | None) -> Mapping[str, list[NodeState]]:
        """Compute all states of each node, one for each item of its enclosing containers."""
        found: dict[str, list[NodeState]] = defaultdict(list)
        stack: list[tuple[str | None, Path, bool]] = [(None, (), over)]
        while stack:
            container, path, closed = stack.pop()
            since = began if container is None else self.begun.get((container, path))
            entered = container is None or (container, path) in self.begun
            states = self.levels[container].states(self, path, closed, since, entered)
            for name, state in states.items():
                found[name].append(state)
                if name not in self.levels:
                    continue
                shut = closed or state.status in ("completed", "failed", "skipped", "cancelled")
                # Without any item, the content is shown once, as not entered.
                within = [(*path, index) for index in sorted(self.indices.get((name, path), ()))]
                stack += [(name, one, shut) for one in within or [path]]
        return found


@dataclass(frozen=True)
class _Loop:
    """A loop of a level; edges go by their number.

    Attributes:
        nodes: The nodes of the loop body.
        back: The back edges.
        left_by: The edges that are settled when the loop is left.
        stopping: The edges that stop the run.
    """

    nodes: frozenset[str]
    back: tuple[int, ...]
    left_by: tuple[int, ...]
    stopping: tuple[int, ...]


class _Level:
    """The nodes and edges on one level of containers; edges go by their number."""

    def __init__(self, nodes: Iterable[CanvasNode], edges: list[CanvasEdge]) -> None:
        self.nodes = {node.id: node for node in nodes}
        self.edges = edges
        self.into: dict[str, list[int]] = {name: [] for name in self.nodes}
        self.out: dict[str, list[int]] = {name: [] for name in self.nodes}
        for index, edge in enumerate(edges):
            self.out[edge.source].append(index)
            if not edge.back:
                self.into[edge.target].append(index)
        bodies = _bodies(self.nodes.values(), edges)
        within: dict[str, list[int]] = {name: [] for name in self.nodes}
        for number, body in enumerate(bodies.values()):
            for name in body:
                within[name].append(number)
        self.gates: dict[int, int] = {}
        """Edge → the number of the outermost loop that it leaves."""
        back: list[list[int]] = [[] for _ in bodies]
        stopping: list[list[int]] = [[] for _ in bodies]
        for index, edge in enumerate(edges):
            stays = within[edge.target]
            if not edge.back:
                left = [number for number in within[edge.source] if number not in stays]
                if left and not self.nodes[edge.target].stops:
                    self.gates[index] = left[0]
                for number in within[edge.source] if self.nodes[edge.target].stops else ():
                    stopping[number].append(index)
                continue
            for number in within[edge.source]:
                back[number].append(index)
        left_by: list[list[int]] = [[] for _ in bodies]
        for index, number in self.gates.items():
            left_by[number].append(index)
        self.loops = [
            _Loop(body, tuple(back[number]), tuple(left_by[number]), tuple(stopping[number]))
            for number, body in enumerate(bodies.values())
        ]
        self.headers = {header: self.loops[at] for at, header in enumerate(bodies)}
        self.order = self._in_order()

    def _in_order(self) -> list[str | int]:
        """Sort the nodes and the loops (as numbers) topologically.

        A loop comes after its nodes and before the nodes that its exits lead to. Nodes on a cycle come
        last.
        """
        before: dict[str | int, int] = {name: len(edges) for name, edges in self.into.items()}
        after: dict[str | int, list[str | int]] = {name: [] for name in self.nodes}
        for number, loop in enumerate(self.loops):
            before[number] = len(loop.nodes)
            after[number] = [self.edges[index].target for index in loop.left_by]
            for name in loop.nodes:
                after[name].append(number)
        for index, edge in enumerate(self.edges):
            if not edge.back and index not in self.gates:
                after[edge.source].append(edge.target)
        order: list[str | int] = [step for step, count in before.items() if count == 0]
        for step in order:
            for target in after[step]:
                before[target] -= 1
                if before[target] == 0:
                    order.append(target)
        placed = set(order)
        return order + [name for name in self.nodes if name not in placed]

    def states(
        self, showing: _Showing, path: Path, over: bool, began: datetime | None, entered: bool
    ) -> dict[str, NodeState]:
        """Compute the states of the nodes of this level for one item.

        Args:
            showing: The recorded states.
            path: The indices of the enclosing items.
            over: Whether the run or container has ended, so that nothing starts any more.
            began: When the run, container or item began.
            entered: Whether it has begun.
        """
        known = {name: showing.known(name, path) for name in self.nodes}
        states: dict[str, NodeState] = {}
        held: dict[int, bool] = {}
        taken: dict[int, bool] = {}
        since: dict[int, datetime | None] = {}
        """When edges were settled."""
        ended: dict[str, datetime | None] = {}
        for step in self.order:
            if isinstance(step, int):
                for index in self._left(self.loops[step], states, held):
                    taken[index] = held[index]
                    since[index] = _latest(ended[name] for name in self.loops[step].nodes)
                continue
            name = step
            node, into = self.nodes[name], self.into[name]
            flags = [taken.get(index) for index in into]
            begins = entered and not into and (node.parent is not None or node.type == "start")
            state = _state(known[name], node, flags, over=over, begins=begins)
            times = [since[index] for index in into if index in since]
            ended[name] = _latest(times) if into else began
            if known[name] is not None:
                ended[name] = state.ended_at
            elif state.status == "completed":
                if isinstance(node.needs, int) and flags.count(True) >= node.needs:
                    arrivals = [since[index] for index in into if taken.get(index)]
                    ended[name] = _nth(arrivals, node.needs)
                if name in self.headers:
                    # In a later iteration, the edges into the loop were taken long ago.
                    body = [known[one] for one in self.headers[name].nodes]
                    starts = [one.started_at for one in body if one is not None]
                    ended[name] = _nth(starts, 1) or ended[name]
                state = replace(state, started_at=ended[name], ended_at=ended[name])
            states[name] = state
            for index, was_taken in self._settled(name, state, None not in flags).items():
                held[index] = was_taken
                if index not in self.gates and not self.edges[index].back:
                    taken[index], since[index] = was_taken, ended[name]
        return states

    def _left(
        self, loop: _Loop, states: Mapping[str, NodeState], held: Mapping[int, bool]
    ) -> list[int]:
        """Return the edges that are settled because the run has left a loop."""
        over = all(
            states[name].status in ("completed", "skipped")
            and not self._has_ended(name, states[name].outcome)
            for name in loop.nodes
        )
        if not over or any(held.get(index) for index in (*loop.back, *loop.stopping)):
            return []
        return [index for index in loop.left_by if index in held]

    def _settled(self, name: str, state: NodeState, whole: bool) -> dict[int, bool]:
        """Return which edges of a node were taken.

        The result is empty for a node that has not ended, or whose outcome has no edge and so has
        stopped the run.
        """
        out = self.out[name]
        if state.status == "skipped" and whole:
            return dict.fromkeys(out, False)
        if state.status != "completed":
            return {}
        return {} if self._has_ended(name, state.outcome) else self._followed(name, state.outcome)

    def _followed(self, name: str, outcome: str | list[str] | None) -> dict[int, bool]:
        """Return the edges of a completed node, and whether they belong to its outcome."""
        outcomes = outcome if isinstance(outcome, list) else [outcome]
        return {index: self.edges[index].outcome in (None, *outcomes) for index in self.out[name]}

    def _has_ended(self, name: str, outcome: str | list[str] | None) -> bool:
        """Return True if a node's outcome has no edge, and so has ended the run or the item."""
        if outcome not in type_of(self.nodes[name].type).undrawn:
            return False
        return not any(self._followed(name, outcome).values())


def _state(
    known: NodeState | None,
    node: CanvasNode,
    flags: list[bool | None],
    *,
    over: bool,
    begins: bool,
) -> NodeState:
    """Compute the state of a node; `flags` says of each edge to it whether it was taken, if settled."""
    if known is not None:
        open_still = known.status in ("running", "waiting")
        return replace(known, status="cancelled") if open_still and over else known
    whole = None not in flags
    early = isinstance(node.needs, int) and flags.count(True) >= node.needs
    arrived = begins or (all(flags) if node.needs == "all" else True in flags)
    begun = arrived and (whole or early)
    silent = type_of(node.type).silent
    if silent and begun:
        return NodeState("completed")
    if over or (flags and whole and not arrived):
        return NodeState("skipped")
    return NodeState("running" if begun and not silent else "pending")


def _bodies(nodes: Iterable[CanvasNode], edges: list[CanvasEdge]) -> dict[str, frozenset[str]]:
    """Return the nodes of each loop by its header, outer loops first."""
    mishaps = {node.id for node in nodes if node.mishap}
    into: dict[str, list[str]] = {name: [] for name in mishaps}
    for edge in edges:
        if edge.target in mishaps:
            into[edge.target].append(edge.source)
    before: dict[str, list[str]] = {node.id: [] for node in nodes}
    sources_of: dict[str, list[str]] = {}
    for edge in edges:
        before[edge.target].append(edge.source)
        if edge.back:
            sources_of.setdefault(edge.target, []).append(edge.source)
    found: dict[str, frozenset[str]] = {}
    for header, sources in sources_of.items():
        body, stack = {header}, list(sources)
        while stack:
            name = stack.pop()
            if name not in body:
                body.add(name)
                stack += before[name]
        left = set(mishaps)
        while new := {name for name in left if into[name] and body.issuperset(into[name])}:
            body |= new
            left -= new
        found[header] = frozenset(body)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def _latest(times: Iterable[datetime | None]) -> datetime | None:
    return max((time for time in times if time is not None), default=None)


def _nth(times: Iterable[datetime | None], number: int) -> datetime | None:
    known = sorted(time for time in times if time is not None)
    return known[number - 1] if len(known) >= number else None
