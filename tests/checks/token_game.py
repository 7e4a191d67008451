"""Every run that a small design can have, step by step: an oracle that shares no idea with the checks.

A state says which edges are settled and how. In each state any node whose turn it is may fire, and
leave by any of its outcomes. Loops go round once. Nothing is left out but equal states.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations

from proflow_compiler.graph import Exit, Graph, GraphEdge, WayBack
from proflow_schemas.nodes import End, Join

Leaving = tuple[int, bool, int]
"""An edge that waits for loops to be over: which, whether it was taken, and for the how manieth."""


@dataclass(frozen=True)
class State:
    edges: frozenset[tuple[int, bool]] = frozenset()
    """Those that are settled, and whether they were taken."""
    done: frozenset[str] = frozenset()
    leaving: frozenset[Leaving] = frozenset()
    again: frozenset[str] = frozenset()
    """Headers whose loop begins another round."""
    returned: frozenset[int] = frozenset()
    broken: frozenset[str] = frozenset()
    """Joins whose promise was broken in an earlier round."""


@dataclass
class Played:
    """What was seen in any run; `broken` only in runs that were not stopped."""

    fired: set[str] = field(default_factory=set)
    dead_ends: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    at_once: bool = False
    """Whether a round took a way back and something else that ends it."""
    completed: list[frozenset[int]] = field(default_factory=list)
    """The edges taken in runs that were not stopped."""


class Game:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.start = graph.starts[0]
        self.ways = list(graph.back)
        self.links: list[GraphEdge] = [*graph.edges, *(way.edge for way in self.ways)]
        self.bodies = {header: self.body(header) for header in {w.edge.target for w in self.ways}}
        self.leaves = [self.left(edge) for edge in self.links]
        self.played = Played()

    def body(self, header: str) -> frozenset[str]:
        """What can come back to a header without going over it, and the header."""
        found = {header}
        stack = [way.edge.source for way in self.ways if way.edge.target == header]
        while stack:
            name = stack.pop()
            if name not in found:
                found.add(name)
                stack += [edge.source for edge in self.links if edge.target == name]
        return frozenset(found)

    def left(self, edge: GraphEdge) -> list[str]:
        """The headers of the loops that have to be over before an edge is settled, inner first."""
        back = edge.index < 0
        found = [
            header
            for header, body in self.bodies.items()
            if edge.source in body
            and (edge.target not in body or (back and (edge.target == header)))
        ]
        return sorted(found, key=lambda header: len(self.bodies[header]))

    def home(self, name: str) -> str | None:
        around = [h for h, body in self.bodies.items() if name in body and name != h]
        return min(around, key=lambda header: len(self.bodies[header]), default=None)

    def play(self) -> Played:
        stack = [State()]
        seen = set(stack)
        while stack:
            for state in self.moves(stack.pop()):
                if state not in seen:
                    seen.add(state)
                    stack.append(state)
        return self.played

    def moves(self, state: State) -> Iterator[State]:
        taken = {edge for edge, was in state.edges if was}
        settled = {edge for edge, _ in state.edges}
        waiting = True
        for name in self.graph.nodes:
            if name in state.done:
                continue
            into = [edge.index for edge in self.graph.into[name]]
            come = len(taken.intersection(into))
            if not self.begins(name, state, len(into), come, len(settled.intersection(into))):
                continue
            waiting = False
            self.played.fired.add(name)
            config = self.graph.nodes[name].node.config
            if isinstance(config, End) and (config.terminate or config.fail):
                continue
            for exits in self.choices(name):
                yield from self.on(self.left_by(state, name, exits))
        if waiting:
            self.over(state, taken)

    def begins(self, name: str, state: State, into: int, come: int, settled: int) -> bool:
        if name == self.start or name in state.again:
            return True
        config = self.graph.nodes[name].node.config
        mode = config.mode if isinstance(config, Join) else "active"
        enough = 1 if mode == "any" else mode if isinstance(mode, int) else into
        return come > 0 and (settled == into or come >= enough)

    def choices(self, name: str) -> Iterator[tuple[Exit, ...]]:
        """The outcomes a node can be left by; those that stop the run left out."""
        at, exits = self.graph.nodes[name], self.graph.exits[name]
        if at.every:
            ruled = [exit_ for exit_ in exits if not exit_.default]
            for count in range(1, len(ruled) + 1):
                yield from combinations(ruled, count)
            yield from ((exit_,) for exit_ in exits if exit_.default)
            return
        yield from ((exit_,) for exit_ in exits)
        if at.drawn and not at.node.kind.rules and at.node.type != "end":
            drawn = {exit_.outcome for exit_ in exits}
            stopping = {*at.node.kind.undrawn, "error"}
            if set(at.node.kind.outcomes) - drawn - stopping:
                self.played.dead_ends.add(name)
                yield ()
        elif not exits:
            if at.node.type != "end":
                self.played.dead_ends.add(name)
            yield ()

    def left_by(self, state: State, name: str, exits: tuple[Exit, ...]) -> State:
        edges, leaving = set(state.edges), set(state.leaving)
        chosen = {edge.index for exit_ in exits for edge in exit_.edges}
        back = {id(way) for exit_ in exits for way in exit_.back}
        for number, edge in enumerate(self.links):
            if edge.source != name:
                continue
            was = id(self.way(number)) in back if edge.index < 0 else edge.index in chosen
            if self.leaves[number]:
                leaving.add((number, was, 0))
            else:
                edges.add((number, was))
        return replace(
            state,
            edges=frozenset(edges),
            leaving=frozenset(leaving),
            done=state.done | {name},
            again=state.again - {name},
        )

    def way(self, number: int) -> WayBack:
        return self.ways[number - len(self.graph.edges)]

    def on(self, state: State) -> Iterator[State]:
        """Skip what is skipped, and end rounds that are over, until nothing changes."""
        while True:
            skipped = self.skip(state)
            if skipped is not None:
                state = skipped
                continue
            header = next((h for h in self.inner_first() if self.complete(h, state)), None)
            if header is None:
                yield state
                return
            following = self.end_round(header, state)
            if following is None:
                return
            state = following

    def skip(self, state: State) -> State | None:
        was = dict(state.edges)
        for name in self.graph.nodes:
            into = [edge.index for edge in self.graph.into[name]]
            if name in state.done or not into or name in state.again:
                continue
            if all(was.get(edge) is False for edge in into):
                return self.left_by(state, name, ())
        return None

    def inner_first(self) -> list[str]:
        return sorted(self.bodies, key=lambda header: len(self.bodies[header]))

    def complete(self, header: str, state: State) -> bool:
        if not self.bodies[header] <= state.done:
            return False
        return any(self.leaves[number][at] == header for number, _, at in state.leaving)

    def end_round(self, header: str, state: State) -> State | None:
        body = self.bodies[header]
        here = [one for one in state.leaving if self.leaves[one[0]][one[2]] == header]
        back = [one[0] for one in here if one[1] and self.links[one[0]].target == header]
        out = [one[0] for one in here if one[1] and self.links[one[0]].target != header]
        broken = state.broken | {
            name for name in body if self.home(name) == header and self.breaks(name, state)
        }
        if len(back) > 1 or (back and out):
            self.played.at_once = True
            return None
        if back:
            if back[0] in state.returned:
                return None
            inner = {n for n, edge in enumerate(self.links) if {edge.source, edge.target} <= body}
            return replace(
                state,
                edges=frozenset(one for one in state.edges if one[0] not in inner),
                leaving=frozenset(
                    one for one in state.leaving if self.links[one[0]].source not in body
                ),
                done=state.done - body,
                again=state.again | {header},
                returned=state.returned | {back[0]},
                broken=broken,
            )
        edges, leaving = set(state.edges), set(state.leaving) - set(here)
        for number, was, at in here:
            if at + 1 < len(self.leaves[number]):
                leaving.add((number, was, at + 1))
            elif self.links[number].index >= 0:
                edges.add((number, was))
        return replace(state, edges=frozenset(edges), leaving=frozenset(leaving), broken=broken)

    def breaks(self, name: str, state: State) -> bool:
        config = self.graph.nodes[name].node.config
        if not isinstance(config, Join):
            return False
        was = dict(state.edges)
        come = [was.get(edge.index) for edge in self.graph.into[name]]
        if config.mode == "all":
            return True in come and False in come
        return config.mode == "one" and come.count(True) > 1

    def over(self, state: State, taken: set[int]) -> None:
        """A run that came to its end of itself."""
        outside = (name for name in self.graph.nodes if self.home(name) is None)
        self.played.broken |= state.broken
        self.played.broken |= {name for name in outside if self.breaks(name, state)}
        self.played.completed.append(frozenset(taken))
