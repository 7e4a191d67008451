"""What a run does, by the rules of the language alone: every edge ends up taken or skipped.

A node runs once all its edges in are settled and one was taken (an early join, and what leads only
to ends that stop the run, as soon as enough are; a join of mode `all`, if all were); else it is
skipped. A loop is one node of what is around it, but an end that stops the run does not wait for its
last round. An approval that returns ends a round, whatever else goes on in it. Time passes only in
nodes. A world says how long a node takes, and which outcomes it has.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from proflow_compiler.graph import BackEdge, Graph, GraphEdge
from proflow_compiler.graph.loops import Loop, natural_loops
from proflow_schemas.node_types.join import Join
from reference.tails import stop_tails

Path = tuple[int, ...]
"""The items that a node runs in."""
Execution = tuple[str, Path, int]
"""Node, items, and the how many-th time it runs there."""


class World(NamedTuple):
    duration: Callable[[Execution], int]
    outcomes: Callable[[Execution], tuple[str, ...]]
    items: Callable[[Execution], int]
    """How many items or rounds a container has."""


class Told(NamedTuple):
    """Some of what began, and when something was stopped."""

    begun: list[tuple[str, Path, int]]
    stops: list[int]


class UnsoundError(Exception):
    """A back edge is taken while something else goes on."""


@dataclass
class Trace:
    """What began, and when; and when it was stopped, if it was."""

    begun: list[tuple[str, Path, int]] = field(default_factory=list)
    stops: list[int] = field(default_factory=list)
    counted: Counter[tuple[str, Path]] = field(default_factory=Counter)

    def begin(self, node: str, path: Path, at: int) -> Execution:
        self.begun.append((node, path, at))
        self.counted[node, path] += 1
        return node, path, self.counted[node, path]

    def stop(self, at: int) -> None:
        self.stops.append(at)

    @property
    def mark(self) -> tuple[int, int]:
        """How much was told so far."""
        return len(self.begun), len(self.stops)

    def cut(self, mark: tuple[int, int], at: int) -> None:
        """What was told since then, and would have been so late, has not happened."""
        begun, stops = mark
        gone = [one for one in self.begun[begun:] if one[2] >= at]
        self.counted.subtract(one[:2] for one in gone)
        self.begun[begun:] = [one for one in self.begun[begun:] if one[2] < at]
        self.stops[stops:] = [time for time in self.stops[stops:] if time < at]

    def told_since(self, mark: tuple[int, int]) -> Told:
        return Told(self.begun[mark[0] :], self.stops[mark[1] :])

    def take_back(self, told: Told) -> None:
        """This has not happened."""
        self.counted.subtract(one[:2] for one in told.begun)
        for one in told.begun:
            self.begun.remove(one)
        for time in told.stops:
            self.stops.remove(time)

    def seen(self) -> dict[tuple[str, Path], list[int]]:
        """By node: when it began, if that was before the stop."""
        end = min(self.stops, default=None)
        found: dict[tuple[str, Path], list[int]] = {}
        for node, path, at in self.begun:
            if end is None or at < end:
                found.setdefault((node, path), []).append(at)
        return found


def outcomes_of(graph: Graph, node: str) -> list[str]:
    """All the outcomes a node may take; in a container, also those that end the item."""
    at = graph.nodes[node]
    found = [exit_.outcome for exit_ in graph.exits[node]] + list(graph.undrawn(node))
    if graph.container is None or not at.drawn or at.node.kind.rules:
        return found
    return found + [one for one in at.node.kind.outcomes if one not in (*found, "error")]


def trigger_of(graph: Graph, wait: str) -> str | None:
    """The node that is armed together with a wait, as it does nothing but trigger it."""
    into, at = graph.into[wait], graph.nodes[wait]
    if len(into) != 1 or not at.drawn or at.node.type != "wait":
        return None
    before = graph.nodes[into[0].source]
    exits = graph.exits[before.id]
    alone = len(exits) == 1 and len(exits[0].edges) == 1 and not exits[0].back
    if not before.drawn or before.node.type not in ("task", "notify", "cc", "emit", "http"):
        return None
    if not alone or exits[0].outcome == "error":
        return None
    around = [loop for loop in natural_loops(graph) if before.id in loop.nodes]
    inside = [loop for loop in natural_loops(graph) if wait in loop.nodes]
    return before.id if around == inside and all(one.header != wait for one in inside) else None


def play(graph: Graph, world: World) -> Trace:
    """The token game."""
    trace = Trace()
    _Level(graph, world, trace, ()).round(None, 0)
    return trace


class _Level:
    """One graph: the design, or an item."""

    def __init__(self, graph: Graph, world: World, trace: Trace, path: Path) -> None:
        self.graph, self.world, self.trace, self.path = graph, world, trace, path
        self.loops = natural_loops(graph)
        waits = {name: trigger_of(graph, name) for name in graph.nodes}
        self.triggers = {trigger: wait for wait, trigger in waits.items() if trigger is not None}
        self.tails = stop_tails(graph)

    def round(self, loop: Loop | None, at: int) -> "_Round":
        return _Round(self, loop, at)

    def needed(self, node: str) -> int:
        """How many taken edges are enough for a node to run."""
        at = self.graph.nodes[node]
        if node in self.tails:
            return 1
        if at.drawn and isinstance(at.node.config, Join):
            mode = at.node.config.mode
            return 1 if mode in ("any", "one") else mode if isinstance(mode, int) else 1 << 30
        return 1 << 30


class _Round:
    """One game on the nodes of a loop, or on all: what was taken, and when all was settled."""

    def __init__(self, level: _Level, loop: Loop | None, at: int) -> None:
        self.level, self.end = level, at
        self.cut: int | None = None
        """When an approval has returned: the round is over then."""
        mark = level.trace.mark
        graph = level.graph
        self.nodes = graph.reachable if loop is None else loop.nodes
        self.left: list[GraphEdge] = []
        """Edges out of the round that were taken."""
        self.back: list[tuple[int, BackEdge]] = []
        inner = [one for one in level.loops if one.nodes < self.nodes]
        self.loop_of = {node: one for one in reversed(inner) for node in one.nodes}
        self.unsettled = {
            node: sum(self.unit(edge.source) != self.unit(node) for edge in graph.into[node])
            for node in self.nodes
        }
        self.taken = dict.fromkeys(self.nodes, 0)
        self.begun: set[str] = set()
        self.queue: list[tuple[int, int, GraphEdge, bool]] = []
        self.run(graph.starts[0] if loop is None else loop.header, at)
        while self.queue:
            when, _, edge, taken = heapq.heappop(self.queue)
            if self.cut is None or when < self.cut:
                self.arrive(edge, taken, when)
        if self.cut is not None:
            level.trace.cut(mark, self.cut)
            self.end, self.left = self.cut, []
            self.back = [(when, back_edge) for when, back_edge in self.back if when == self.cut]

    def unit(self, node: str) -> str:
        """The node, or the header of the outermost loop inside that it is in."""
        return self.loop_of[node].header if node in self.loop_of else node

    def arrive(self, edge: GraphEdge, taken: bool, at: int) -> None:
        node = edge.target
        self.unsettled[node] -= 1
        self.taken[node] += taken
        if node in self.begun:
            return
        if self.taken[node] >= self.level.needed(node):
            self.run(node, at)
        elif not self.unsettled[node]:
            full = self.level.graph.nodes[node].mode == "all"
            if self.taken[node] >= (len(self.level.graph.into[node]) if full else 1):
                self.run(node, at)
            else:
                self.skip(node, at)

    def run(self, node: str, at: int) -> None:
        self.begun.add(node)
        if node in self.loop_of:
            self.repeat(self.loop_of[node], at)
            return
        trace, world, path = self.level.trace, self.level.world, self.level.path
        graph = self.level.graph
        execution = trace.begin(node, path, at)
        end = at + self.lasts(execution, at)
        wait = self.level.triggers.get(node)
        if wait is not None:
            self.begun.add(wait)
            node = wait
            execution = trace.begin(wait, path, at)
            end = max(end, at + self.lasts(execution, at))
        self.end = max(self.end, end)
        outcomes = world.outcomes(execution)
        if graph.nodes[node].stops or any(outcome in graph.undrawn(node) for outcome in outcomes):
            trace.stop(end)
        for exit_ in graph.exits[node]:
            for edge in exit_.edges:
                self.settle(edge, exit_.outcome in outcomes, end)
            if exit_.outcome in outcomes:
                self.go_back([(end, back_edge) for back_edge in exit_.back])

    def go_back(self, back_edges: Iterable[tuple[int, BackEdge]]) -> None:
        for when, back_edge in back_edges:
            self.back.append((when, back_edge))
            if back_edge.at_once and (self.cut is None or when < self.cut):
                self.cut = when

    def lasts(self, execution: Execution, began: int) -> int:
        """How long a node takes; a container, as long as what is in it."""
        level, (node, path, _) = self.level, execution
        inner = level.graph.inner.get(node)
        if inner is None:
            return level.world.duration(execution)
        at = began
        count = level.world.items(execution)
        if level.graph.nodes[node].node.type == "loop":
            for _ in range(count):
                at = _Level(inner, level.world, level.trace, path).round(None, at).end
            return at - began
        ends = [
            _Level(inner, level.world, level.trace, (*path, index)).round(None, began).end
            for index in range(count)
        ]
        return max(ends, default=began) - began

    def skip(self, node: str, at: int) -> None:
        self.begun.add(node)
        if node in self.level.triggers:
            node = self.level.triggers[node]
        for edge in self.leaving(node):
            self.settle(edge, False, at)

    def leaving(self, node: str) -> Iterator[GraphEdge]:
        graph = self.level.graph
        if node in self.loop_of:
            loop = self.loop_of[node]
            yield from (
                edge
                for name in loop.nodes
                for edge in graph.out(name)
                if edge.target not in loop.nodes
            )
        else:
            yield from graph.out(node)

    def settle(self, edge: GraphEdge, taken: bool, at: int) -> None:
        if edge.target not in self.nodes:
            if taken and self.level.graph.nodes[edge.target].stops:
                self.level.trace.stop(at)
            elif taken:
                self.left.append(edge)
            return
        heapq.heappush(self.queue, (at, len(self.queue) + edge.index * 1000, edge, taken))

    def repeat(self, loop: Loop, at: int) -> None:
        """Rounds of a loop until one is over without a back edge."""
        counts: dict[int, int] = {}
        while True:
            found = self.level.round(loop, at)
            at = found.end
            if len(found.back) > 1 or (found.back and (found.left or found.back[0][0] < at)):
                raise UnsoundError
            if not found.back or found.back[0][1].edge.target != loop.header:
                self.go_back(found.back)
                break
            back_edge = found.back[0][1]
            counts[id(back_edge)] = counts.get(id(back_edge), 0) + 1
            if counts[id(back_edge)] > back_edge.limit:
                self.level.trace.stop(at)
                break
        self.end = max(self.end, at)
        for edge in self.leaving(loop.header):
            self.settle(edge, edge in found.left, at)
