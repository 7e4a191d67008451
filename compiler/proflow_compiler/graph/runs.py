"""The runs of a graph: what each node can be left by, once all that cannot happen is left out.

A run takes one outcome of each node it comes to (of an inclusive one: some), and any combination is
a run. Two things narrow that down. A run that is not to stop early must avoid ends that stop it, and
with them every outcome that surely leads to one. And a loop is left in the iteration that takes no
back edge: seen from outside, outcomes that surely lead back are not taken. Within one iteration of a
loop they are, so a loop has runs of its own, which begin at its header.

A join of mode `all` is taken here for one that any edge in is enough for. Where a run may bring it
some edges only, these are more runs than there are: see `proflow_compiler.soundness`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from proflow_compiler.graph.loops import Loop
from proflow_compiler.graph.model import Exit, Graph, GraphEdge


@dataclass(frozen=True)
class Runs:
    """All runs from `root` on: the nodes they take, in topological order, and how they go on.

    `exits` are the outcomes that can be taken, those without an edge included; edges that leave a
    loop are among them, and lead to no node in `order`. `into` are the edges between nodes in
    `order`. `outer`, of a loop: the runs of what is around it.
    """

    graph: Graph
    root: str
    order: Sequence[str]
    exits: Mapping[str, tuple[Exit, ...]]
    into: Mapping[str, tuple[GraphEdge, ...]]
    outer: "Runs | None" = None
    _alive: frozenset[str] = field(default=frozenset(), repr=False)
    """Nodes from which such a run can go on to its end, whether it comes to them or not."""
    _inside: frozenset[str] | None = field(default=None, repr=False)

    def every(self, name: str) -> bool:
        """Whether a node can be left by several outcomes at once."""
        return self.graph.nodes[name].every

    def can_end(self, name: str) -> bool:
        if self._inside is None or name in self._inside:
            return name in self._alive
        return self.outer is not None and self.outer.can_end(name)


def runs_of(
    graph: Graph,
    *,
    stopping: bool,
    loop: Loop | None = None,
    headers: frozenset[str] = frozenset(),
    outer: Runs | None = None,
) -> Runs:
    """The runs of an acyclic graph with one start, or those of one iteration of a loop in it.

    `stopping`: those that an end stops, or that go back, are among them. `headers`: where the back
    edges lead that may be taken, that is those of `loop` and of the loops around it.
    """
    inside = graph.reachable if loop is None else loop.nodes
    order = sorted(inside, key=graph.rank.__getitem__)
    alive: set[str] = set()
    exits: dict[str, tuple[Exit, ...]] = {}

    def can_end(name: str) -> bool:
        return name in alive or (outer is not None and name not in inside and outer.can_end(name))

    for name in reversed(order):
        drawn = graph.exits[name]
        possible = tuple(
            [
                exit_
                for exit_ in drawn
                if all(edge.target in alive or can_end(edge.target) for edge in exit_.edges)
                and all(stopping and back_edge.edge.target in headers for back_edge in exit_.back)
            ]
        )
        if drawn and (nowhere := leading_nowhere(graph, name)):
            possible += tuple(Exit(outcome, ()) for outcome in nowhere)
        # A join that some run starves stops nothing, whatever it leads to.
        starvable = not stopping and graph.full(name)
        if starvable or ((possible or not drawn) and (stopping or not graph.nodes[name].stops)):
            alive.add(name)
            exits[name] = possible
    root = graph.starts[0] if loop is None else loop.header
    begins = root in alive and (outer is None or root in outer.into)
    into: dict[str, list[GraphEdge]] = {root: []} if begins else {}
    taken: list[str] = []
    for name in order:
        if name not in into:
            continue
        taken.append(name)
        for exit_ in exits[name]:
            for edge in exit_.edges:
                if edge.target in inside:
                    into.setdefault(edge.target, []).append(edge)
    return Runs(
        graph,
        root,
        taken,
        exits,
        {name: tuple(edges) for name, edges in into.items()},
        outer,
        frozenset(alive),
        None if loop is None else inside,
    )


def leaving(runs: Runs, name: str, outcomes: Collection[str]) -> Runs | None:
    """Those of the runs that leave a node, if they come to it, by one of these outcomes."""
    kept = tuple(exit_ for exit_ in runs.exits[name] if exit_.outcome in outcomes)
    if not kept:
        return None
    exits = {**runs.exits, name: kept}
    into: dict[str, list[GraphEdge]] = {runs.root: []}
    order: list[str] = []
    for one in runs.order:
        if one in into:
            order.append(one)
            for exit_ in exits[one]:
                for edge in exit_.edges:
                    if edge.target in runs.into:
                        into.setdefault(edge.target, []).append(edge)
    found = {one: tuple(edges) for one, edges in into.items()}
    return replace(runs, order=order, exits=exits, into=found)


def leading_nowhere(graph: Graph, name: str) -> tuple[str, ...]:
    """Outcomes that nothing follows, neither an edge nor an invisible end nor a failure."""
    at = graph.nodes[name]
    if not at.drawn or at.node.kind.rules:
        return ()
    kind, drawn = at.node.kind, [exit_.outcome for exit_ in graph.exits[name]]
    return tuple([one for one in _unrouted(kind.outcomes, kind.undrawn) if one not in drawn])


@cache
def _unrouted(outcomes: tuple[str, ...], undrawn: tuple[str, ...]) -> tuple[str, ...]:
    """The outcomes that lead nowhere unless an edge is drawn for them."""
    return tuple(one for one in outcomes if one not in undrawn and one != "error")


def taken_at_once(every: bool, exits: Sequence[Exit]) -> Iterator[tuple[Exit, ...]]:
    """The outcomes of a node in groups: of one group several can be taken, of two groups not."""
    if not every:
        yield from zip(exits, strict=True)
        return
    if ruled := tuple(exit_ for exit_ in exits if not exit_.default):
        yield ruled
    yield from ((exit_,) for exit_ in exits if exit_.default)
