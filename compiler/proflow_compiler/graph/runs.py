"""Describes the possible runs of a graph: the outcomes that each node can take in them.

A run takes one outcome of each node that it reaches (of an inclusive node: one or more). Every
combination of outcomes is a run, with two exceptions:

- Runs that are not stopped early avoid the ends that stop a run, and so every outcome from which all
  paths lead to one.
- The last iteration of a loop takes no back edge. Seen from outside of the loop, outcomes that
  always lead to a back edge are therefore never taken. Single iterations do take them, so a loop
  has runs of its own, which begin at its header.

Joins of mode `all` are treated as if one edge in were enough. Where some run takes only some of the
edges into such a join, this describes more runs than there are; `proflow_compiler.soundness`
decides these cases.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from proflow_compiler.graph.loops import Loop
from proflow_compiler.graph.model import Exit, Graph, GraphEdge


@dataclass(frozen=True)
class Runs:
    """A set of runs that begin at `root`.

    Attributes:
        graph: The graph.
        root: The start, the entry of a container, or the header of a loop.
        order: The nodes that some run takes, in topological order.
        exits: For each of them the outcomes that can be taken, also those without an edge. Their
            edges may leave the loop, and then lead to nodes that are not in `order`.
        into: For each of them the edges in, from nodes in `order`.
        outer: The runs around the loop, if these are the runs of one iteration.
    """

    graph: Graph
    root: str
    order: Sequence[str]
    exits: Mapping[str, tuple[Exit, ...]]
    into: Mapping[str, tuple[GraphEdge, ...]]
    outer: "Runs | None" = None
    _alive: frozenset[str] = field(default=frozenset(), repr=False)
    """Nodes from which a run can reach its end, also such nodes that no run reaches."""
    _inside: frozenset[str] | None = field(default=None, repr=False)
    """The nodes of the loop; None if these are the runs of a whole graph."""

    def every(self, name: str) -> bool:
        """Return True if a node can take several outcomes at once."""
        return self.graph.nodes[name].every

    def can_end(self, name: str) -> bool:
        """Return True if such a run can go on from a node to its end."""
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
    """Describe the runs of an acyclic graph with one start, or of one iteration of a loop in it.

    Args:
        graph: The graph.
        stopping: Include runs that an end stops, and iterations that take a back edge.
        loop: The loop; None for the runs of the whole graph.
        headers: The targets of the back edges that may be taken: the headers of `loop` and of the
            loops around it.
        outer: The runs around `loop`.
    """
    inside = graph.reachable if loop is None else loop.nodes
    order = [name for name in graph.topological if name in inside]
    alive: set[str] = set()
    exits: dict[str, tuple[Exit, ...]] = {}

    def can_end(name: str) -> bool:
        return name in alive or (outer is not None and name not in inside and outer.can_end(name))

    def possible(exit_: Exit) -> bool:
        for edge in exit_.edges:
            if edge.target not in alive and not can_end(edge.target):
                return False
        for back_edge in exit_.back:
            if not stopping or back_edge.edge.target not in headers:
                return False
        return True

    for name in reversed(order):
        drawn = graph.exits[name]
        taken = tuple([exit_ for exit_ in drawn if possible(exit_)])
        if drawn and (nowhere := graph.leading_nowhere.get(name)):
            taken += tuple(Exit(outcome, ()) for outcome in nowhere)
        # A join of mode `all` may be skipped, so that the ends behind it need not stop the run.
        if ((taken or not drawn) and (stopping or not graph.nodes[name].stops)) or (
            not stopping and graph.full(name)
        ):
            alive.add(name)
            exits[name] = taken
    root = graph.starts[0] if loop is None else loop.header
    begins = root in alive and (outer is None or root in outer.into)
    into: dict[str, list[GraphEdge]] = {root: []} if begins else {}
    reached: list[str] = []
    for name in order:
        if name not in into:
            continue
        reached.append(name)
        for exit_ in exits[name]:
            for edge in exit_.edges:
                if edge.target in inside:
                    into.setdefault(edge.target, []).append(edge)
    return Runs(
        graph,
        root,
        reached,
        exits,
        {name: tuple(edges) for name, edges in into.items()},
        outer,
        frozenset(alive),
        None if loop is None else inside,
    )


def leaving(runs: Runs, name: str, outcomes: Collection[str]) -> Runs | None:
    """Keep the runs that do not take a node, or that leave it by one of these outcomes.

    Returns:
        The runs; None if the node cannot take any of these outcomes.
    """
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


def taken_at_once(every: bool, exits: Sequence[Exit]) -> Iterator[tuple[Exit, ...]]:
    """Group the outcomes of a node by whether one run can take them together.

    Args:
        every: True if the node is inclusive.
        exits: The outcomes.

    Yields:
        Groups: one run can take several outcomes of one group, but never of two groups.
    """
    if not every:
        yield from zip(exits, strict=True)
        return
    if ruled := tuple(exit_ for exit_ in exits if not exit_.default):
        yield ruled
    yield from ((exit_,) for exit_ in exits if exit_.default)
