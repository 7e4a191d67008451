"""Finds branches that leave before a node at which they would have joined others (rule PF218).

Two branches out of one outcome can both lead to a node. In some run, one of them departs before, by
a rejection, a timeout, an error or a choice, while the other arrives. Does the node still run? The
question does not arise if leaving stops the run at once, or begins the next iteration of a loop
around the node. A branch does not *depart* if it takes the usual outcome of a node (`approved`
of an approval, `default` of a step), or if an inclusive node did not choose it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from proflow_compiler.graph.model import Exit, Graph, GraphEdge, GraphNode
from proflow_compiler.graph.runs import Runs, taken_at_once
from proflow_compiler.soundness.formula import RunFormula
from proflow_compiler.soundness.witness import witness

_USUAL = ("approved", "received", "default")


@dataclass(frozen=True)
class Departure:
    """A run in which one branch departs from a node, and another one arrives there.

    Attributes:
        left: The node and outcome by which the branch leaves; None if the branch ended at a join of
            mode `all` that was skipped (`skipped`).
        path: The path to the node, along the branch that arrives.
        run: The run.
        skipped: The join of mode `all` that was skipped, if there is one.
    """

    left: tuple[str, str] | None
    path: tuple[str, ...]
    run: Runs
    skipped: str | None = None


class MergePoint:
    """A node at which branches join.

    Attributes:
        runs: The runs, or those of one iteration of the innermost loop around the node.
        node: The node.
        above: Its immediate dominator, where the branches split; the root if no run takes that one.
        leading: The nodes on paths from `above` to the node, with `above`.
    """

    def __init__(self, runs: Runs, node: str) -> None:
        self.runs, self.node = runs, node
        self.graph = runs.graph
        self.above = self.graph.dominator_tree.parent.get(node, runs.root)
        if self.above not in runs.into:
            self.above = runs.root
        self.leading = self._leading()

    def _leading(self) -> set[str]:
        found = {self.above}
        stack = [self.node]
        while stack:
            for edge in self.runs.into[stack.pop()]:
                if edge.source not in found:
                    found.add(edge.source)
                    stack.append(edge.source)
        return found

    def _leads(self, exit_: Exit) -> bool:
        return any(edge.target == self.node or edge.target in self.leading for edge in exit_.edges)

    def _departures(self) -> list[tuple[str, Exit]]:
        """Return the outcomes by which a branch departs."""
        return [
            (name, exit_)
            for name in sorted(self.leading, key=self.graph.rank.__getitem__)
            if not self.graph.nodes[name].every
            for exit_ in self.runs.exits[name]
            if not self._leads(exit_)
            and not self._ends_at_once(exit_)
            and not _usual(self.graph.nodes[name], exit_)
        ]

    def _ends_at_once(self, exit_: Exit) -> bool:
        """Return True if this outcome stops the run or begins the next iteration."""
        stops = any(self.graph.nodes[edge.target].stops for edge in exit_.edges)
        return stops or bool(exit_.back)

    def find(
        self,
        build_formula: Callable[[], RunFormula],
        ended: Callable[[RunFormula], int],
        *,
        exact: bool,
    ) -> Departure | None:
        """Find a run in which a branch departs and another one arrives.

        Args:
            build_formula: Returns the formula of the runs; called only if it is needed.
            ended: Returns the literal of that formula which says that nothing ends the run, or the
                iteration, before the node could begin.
            exact: True if every run takes all edges into the joins of mode `all` that it reaches.

        Returns:
            The run; None if there is none.

        Raises:
            Undecided: The question takes too much effort.
        """
        departures = self._departures()
        skippable = (
            []
            if exact
            else [name for name in self.leading if self.graph.full(name) and name != self.above]
        )
        if not departures and not skippable:
            return None
        formula: RunFormula | None = None
        going_on = 0
        for first, others in self._forks():
            branch = self._reached(first.target)
            leave = [(name, exit_.outcome) for name, exit_ in departures if name in branch]
            skip = [name for name in skippable if name in branch]
            own = {edge.index for edge in self.runs.into[self.node] if edge.source in branch}
            if not (leave or skip) or not self._others_arrive(others, own):
                continue
            if formula is None:
                formula = build_formula()
                going_on = ended(formula)
            left = {formula.exit[one]: one for one in leave}
            departing = list(left) + [_join_is_skipped(formula, name) for name in skip]
            arriving = list(self._arriving(formula, others, own))
            assumptions = [
                formula.exit[first.source, first.outcome],
                formula.any_of(arriving),
                formula.any_of(departing),
                *(-formula.exit[e.source, e.outcome] for e in self._edges(own)),
                going_on,
            ]
            found = witness(formula, self.node, assumptions)
            if found is not None:
                path, run = found
                taken = ((name, one.outcome) for name in run.order for one in run.exits[name])
                chosen = next((one for one in taken if one in left.values()), None)
                skipped = (
                    name for name in skippable if run.into.get(name) and name not in run.order
                )
                return Departure(chosen, path, run, next(skipped, None))
        return None

    def _edges(self, indices: set[int]) -> list[GraphEdge]:
        return [edge for edge in self.runs.into[self.node] if edge.index in indices]

    def _forks(self) -> Iterator[tuple[GraphEdge, list[GraphEdge]]]:
        """Yield the edges that begin a branch to the node, each with the edges taken with it."""
        for name in sorted(self.leading, key=self.graph.rank.__getitem__):
            for exits in taken_at_once(self.runs.every(name), self.runs.exits[name]):
                edges = [
                    edge
                    for exit_ in exits
                    for edge in exit_.edges
                    if edge.target == self.node or edge.target in self.leading
                ]
                if len(edges) > 1:
                    for edge in edges:
                        if edge.target != self.node:
                            yield edge, [other for other in edges if other is not edge]

    def _reached(self, name: str) -> set[str]:
        """Return the nodes on paths from a node to the merge point, with the node."""
        found, stack = {name}, [name]
        while stack:
            for exit_ in self.runs.exits[stack.pop()]:
                for edge in exit_.edges:
                    if edge.target in self.leading and edge.target not in found:
                        found.add(edge.target)
                        stack.append(edge.target)
        return found

    def _others_arrive(self, others: Sequence[GraphEdge], own: set[int]) -> bool:
        """Return True if a branch next to the first can arrive by an edge of its own."""
        return any(edges is None or edges for _, edges in self._arrivals(others, own))

    def _arriving(
        self, formula: RunFormula, others: Sequence[GraphEdge], own: set[int]
    ) -> Iterator[int]:
        """Yield literals which say that a branch next to the first arrives by an edge of its own.

        Args:
            formula: The formula.
            others: The first edges of the other branches.
            own: The indices of the edges by which the first branch can arrive.
        """
        for edge, edges in self._arrivals(others, own):
            started = formula.exit[edge.source, edge.outcome]
            if edges is None:
                yield started
            elif edges:
                arrives = formula.any_of(formula.exit[e.source, e.outcome] for e in edges)
                yield formula.both_of(started, arrives)

    def _arrivals(
        self, others: Sequence[GraphEdge], own: set[int]
    ) -> Iterator[tuple[GraphEdge, list[GraphEdge] | None]]:
        """Yield the first edge of each other branch, and the edges by which it can arrive.

        These are None if the first edge leads to the node itself.
        """
        for edge in others:
            if edge.target == self.node:
                yield edge, None
                continue
            branch = self._reached(edge.target)
            yield (
                edge,
                [
                    one
                    for one in self.runs.into[self.node]
                    if one.source in branch and one.index not in own
                ],
            )


def needs_join_mode(graph: Graph, name: str) -> bool:
    """Return True if the drawing does not say how a node joins its branches.

    It has several edges in, and is neither an end, nor a stop tail, nor a join with a mode.
    """
    at = graph.nodes[name]
    return (
        len(graph.into[name]) > 1
        and at.drawn
        and at.node.type != "end"
        and at.mode is None
        and name not in graph.tails
    )


def _usual(at: GraphNode, exit_: Exit) -> bool:
    return not at.ruled and exit_.outcome in _USUAL


def _join_is_skipped(formula: RunFormula, join: str) -> int:
    """Return a literal which implies that a join is skipped, although some edge into it is taken."""
    return formula.both_of(formula.any_of(formula.into(join)), -formula.node[join])
