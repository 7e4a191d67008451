"""The facts about one graph of a design: its loops and runs, what is concurrent or certain in them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

from proflow_compiler.design import Node
from proflow_compiler.graph import Exit, Graph, GraphNode
from proflow_compiler.graph.concurrency import Concurrency, Watched, indices
from proflow_compiler.graph.loops import Loop, natural_loops
from proflow_compiler.graph.runs import Runs, runs_of
from proflow_compiler.soundness import RunFormula, Undecided
from proflow_compiler.soundness.certainty import Certainty, drawn_path
from proflow_compiler.soundness.settlement import Settlement
from proflow_compiler.soundness.witness import witness


@dataclass(frozen=True)
class GraphFacts:
    """A graph and the facts that follow from it, each computed on demand and only once.

    Sets of nodes are integers used as bit sets, with the bits of `settlement`.

    Attributes:
        graph: The graph of one level: the drawing, or the content of a container.
    """

    graph: Graph
    _runs: dict[tuple[str | None, bool], Runs] = field(default_factory=dict, repr=False)
    _certainty: dict[int, Certainty] = field(default_factory=dict, repr=False)
    _concurrency: dict[int, Concurrency] = field(default_factory=dict, repr=False)
    _exact: dict[int, bool] = field(default_factory=dict, repr=False)
    _formulas: dict[int, RunFormula] = field(default_factory=dict, repr=False)

    @cached_property
    def ordered(self) -> bool:
        """True if the graph is acyclic and has exactly one start, as most proofs require."""
        return len(self.graph.starts) == 1 and self.graph.acyclic

    @cached_property
    def reached(self) -> Mapping[str, GraphNode]:
        """The nodes that runs can reach, in the order of the graph; without a start, all nodes."""
        graph = self.graph
        if not graph.starts:
            return graph.nodes
        return {name: at for name, at in graph.nodes.items() if name in graph.reachable}

    @cached_property
    def drawn(self) -> Mapping[str, Node]:
        """The drawn nodes that runs can reach."""
        return {name: at.node for name, at in self.reached.items() if at.drawn}

    @cached_property
    def loops(self) -> tuple[Loop, ...]:
        """The loops, outer ones before inner ones."""
        return natural_loops(self.graph)

    @cached_property
    def _innermost(self) -> dict[str, Loop]:
        innermost: dict[str, Loop] = {}
        for loop in self.loops:
            innermost |= dict.fromkeys(loop.nodes - {loop.header}, loop)
        return innermost

    def innermost_loop(self, name: str) -> Loop | None:
        """Return the innermost loop that settles the edges into a node in each iteration.

        For the header of a loop it is the next loop around it; None if there is no such loop.
        """
        return self._innermost.get(name)

    def _around(self, loop: Loop) -> Loop | None:
        return self.innermost_loop(loop.header)

    def _headers(self, loop: Loop | None) -> frozenset[str]:
        """Return the headers of a loop and of the loops around it."""
        headers: set[str] = set()
        while loop is not None:
            headers.add(loop.header)
            loop = self._around(loop)
        return frozenset(headers)

    def runs(self, loop: Loop | None = None, *, stopping: bool = True) -> Runs:
        """Return the runs of the graph, or of one iteration of a loop.

        Args:
            loop: The loop; None for the whole graph.
            stopping: Include runs that take an edge into an end that stops the run, or a back edge.
        """
        stopping = stopping or not (self._stops or self.graph.back)
        key = (None if loop is None else loop.header, stopping)
        if key not in self._runs:
            self._runs[key] = runs_of(
                self.graph,
                stopping=stopping,
                loop=loop,
                headers=self._headers(loop),
                outer=None if loop is None else self.iterations,
            )
        return self._runs[key]

    def loop_formula(self, loop: Loop | None) -> tuple[RunFormula, list[int]]:
        """Return the formula for one iteration of a loop, as part of a whole run.

        Args:
            loop: The loop; None for the whole graph.

        Returns:
            The formula, and literals to assume: the loop and those around it may be in any
            iteration, all other loops are in their last.
        """
        if loop is None:
            return self.formula(self.runs()), []
        headers = self._headers(loop)
        formula = self.formula(self.iterations)
        return formula, [
            -literal for header, literal in self._back_edge_literals if header not in headers
        ]

    @cached_property
    def _back_edge_literals(self) -> list[tuple[str, int]]:
        """For each back edge, its target and the literal of its outcome in `iterations`' formula."""
        runs, formula = self.iterations, self.formula(self.iterations)
        return [
            (back_edge.edge.target, formula.exit[name, exit_.outcome])
            for name in runs.order
            for exit_ in runs.exits[name]
            for back_edge in exit_.back
        ]

    @cached_property
    def _stops(self) -> bool:
        return any(at.stops for at in self.graph.nodes.values())

    def certainty(self, runs: Runs) -> Certainty:
        """Return what these runs take for certain."""
        if id(runs) not in self._certainty:
            self._certainty[id(runs)] = Certainty(runs)
        return self._certainty[id(runs)]

    @cached_property
    def needing_all(self) -> tuple[str, ...]:
        """The joins of mode `all`, which need every edge in."""
        return tuple(name for name in self.graph.nodes if self.graph.full(name))

    @cached_property
    def _needing_all(self) -> frozenset[str]:
        return frozenset(self.needing_all)

    def needing_all_in(self, loop: Loop | None) -> Sequence[str]:
        """Return the joins of mode `all` in a loop and its nested loops; None: in the graph."""
        if loop is None:
            return self.needing_all
        return sorted(self._needing_all & loop.nodes, key=self.graph.rank.__getitem__)

    def exact(self, runs: Runs) -> bool:
        """Return True if each run takes all edges into the joins of mode `all` that it reaches.

        Then the polynomial analyses are exact; else only the formula is.
        """
        if id(runs) not in self._exact:
            self._exact[id(runs)] = not any(
                name in runs.into and self.certainty(runs).missing(name) is not None
                for name in self.needing_all
            )
        return self._exact[id(runs)]

    def formula(self, runs: Runs) -> RunFormula:
        """Return the formula of these runs."""
        if id(runs) not in self._formulas:
            self._formulas[id(runs)] = RunFormula(runs)
        return self._formulas[id(runs)]

    @cached_property
    def choosing(self) -> int:
        """The nodes, as a bit set, at which a branch chooses one of several outcomes."""
        graph, bit = self.graph, self.settlement.bit
        found = 0
        for name in self.settlement.order:
            if not graph.nodes[name].every and len(graph.exits[name]) > 1:
                found |= bit[name]
        return found

    @cached_property
    def settlement(self) -> Settlement:
        """Which nodes are settled before each node."""
        return Settlement(self.graph, self.loops)

    def path_skipping(self, x: str, y: str, absent: Collection[str] = ()) -> tuple[str, ...] | None:
        """Find a run that takes `y` but skips `x`, in the same iteration.

        Args:
            x: A node that is settled whenever `y` begins.
            y: A node that `x` leads to.
            absent: Further nodes that are settled then, and that the run skips as well.

        Returns:
            The path of the run to `y`, as drawn; None if there is no such run. Runs that are
            stopped before `y` could begin do not count.
        """
        runs, goal = self.common_loop(x, y)
        if x not in runs.into or goal not in runs.into:
            return None if goal not in runs.into else self.shortest_path(y, without=x)
        if self.exact(runs):
            if self.certainty(runs).taken(x, goal):
                return None
            if not (self._stops or self.graph.back or absent):
                return self.shortest_path(y, without=x)
        formula = self.formula(runs)
        lacking = [-formula.node[one] for one in (x, *absent) if one in formula.node]
        ran = [formula.node[goal], *lacking, self.nothing_ends_before(formula, goal)]
        try:
            found = witness(formula, goal, ran)
        except Undecided:
            return self.shortest_path(y)
        return None if found is None else self.full_path(runs, found[0])

    def path_leaving_by(
        self, runs: Runs, x: str, y: str, outcomes: Collection[str]
    ) -> tuple[str, ...] | None:
        """Find a run that takes `y`, and leaves `x` by one of these outcomes.

        Args:
            runs: The runs to search.
            x: A node.
            y: Another node.
            outcomes: Outcomes of `x`.

        Returns:
            The path of the run to `y`, as drawn; None if there is no such run.
        """
        formula = self.formula(runs)
        left = [formula.exit[x, one.outcome] for one in runs.exits[x] if one.outcome in outcomes]
        ran = [formula.node[y], formula.any_of(left), self.nothing_ends_before(formula, y)]
        try:
            found = witness(formula, y, ran)
        except Undecided:
            return self.shortest_path(y)
        return None if found is None else self.full_path(runs, found[0])

    def nothing_ends_before(self, formula: RunFormula, y: str, *, back: bool = False) -> int:
        """Return a literal to assume: nothing ends the run or the iteration before `y` could begin.

        Args:
            formula: The formula that gets the literal.
            y: The node.
            back: Exclude all back edges. By default only those that end the iteration at once are
                excluded (`BackEdge.at_once`).
        """
        settled = self.settlement.surely[y]
        before = {name for name in formula.runs.order if self.settlement.bit[name] & settled}
        return formula.nothing_before(y, before, partial(self._ends, y=y, back=back))

    def _ends(self, name: str, exit_: Exit, *, y: str, back: bool) -> bool:
        nodes = self.graph.nodes
        stops = any(nodes[e.target].stops or self._ends_with_loop(e.target, y) for e in exit_.edges)
        return stops or any(back or back_edge.at_once for back_edge in exit_.back)

    def _ends_with_loop(self, name: str, y: str) -> bool:
        """Return True if a node is on a failure path of a loop that does not contain `y`.

        The loop is not left before that path has stopped the run.
        """
        if name not in self.graph.failure_paths:
            return False
        loop = self.innermost_loop(name)
        return loop is not None and y not in loop.nodes

    def common_loop(self, x: str, y: str) -> tuple[Runs, str]:
        """Find the innermost loop around both nodes.

        Returns:
            The runs of the loop, or all runs if there is no such loop; and the node that represents
            `y` there: `y` itself, or the header of an inner loop that contains it.
        """
        loop = self.innermost_loop(y)
        while loop is not None and x not in loop.nodes:
            y, loop = loop.header, self._around(loop)
        return self.runs(loop), y

    def may_read_earlier_iteration(self, x: str, y: str) -> bool:
        """Return True if `y` can read what `x` returned in an earlier iteration."""
        container = self.graph.container
        return (container is not None and self.graph.design.nodes[container].type == "loop") or any(
            x in loop.nodes and y in loop.nodes for loop in self.loops
        )

    def shortest_path(self, y: str, *, without: str | None = None) -> tuple[str, ...]:
        """Return a shortest path from the start to `y` in a run that does not take `without`.

        Returns:
            The path, as drawn; empty if there is no such run.
        """
        runs = self.runs(self.innermost_loop(y))
        inside = without is not None and without in runs.into
        path = self.certainty(runs).shortest_path(y, without=without if inside else None)
        return self.full_path(runs, path, without=None if inside else without)

    def full_path(
        self, runs: Runs, path: tuple[str, ...], *, without: str | None = None
    ) -> tuple[str, ...]:
        """Extend a path, which begins at the root of these runs, back to the start.

        Args:
            runs: The runs of an iteration, or of the whole graph.
            path: A path from their root on.
            without: A node that the added part does not take.

        Returns:
            The path from the start, as drawn; empty if there is none.
        """
        while path and runs.outer is not None:
            root, runs = runs.root, runs.outer
            inside = without is not None and without in runs.into
            before = self.certainty(runs).shortest_path(root, without=without if inside else None)
            path = (*before, *path[1:]) if before else ()
        return drawn_path(self.graph, path)

    @cached_property
    def iterations(self) -> Runs:
        """All runs, with each loop in any of its iterations."""
        headers = frozenset(loop.header for loop in self.loops)
        return runs_of(self.graph, stopping=True, headers=headers) if headers else self.runs()

    def concurrency(self, runs: Runs) -> Concurrency:
        """Return which edges these runs can take together."""
        if id(runs) not in self._concurrency:
            self._concurrency[id(runs)] = Concurrency(runs, ungathered=self._exclusive)
        return self._concurrency[id(runs)]

    @cached_property
    def _exclusive(self) -> frozenset[str]:
        """The joins of mode `one`, for which two concurrent edges have to be named."""
        return frozenset(name for name, at in self.graph.nodes.items() if at.mode == "one")

    def first_concurrent(self, runs: Runs, others: Mapping[str, int]) -> Iterator[tuple[str, str]]:
        """Find pairs of nodes that one run takes together.

        Args:
            runs: The runs.
            others: For some nodes, a bit set of other nodes to look for.

        Yields:
            A node of `others`, and the first node of its set that precedes it in topological order
            and that some run takes together with it. Nodes for which there is none are left out.
        """
        settlement = self.settlement
        whole = self.runs() if runs in (self.runs(), self.runs(stopping=False)) else runs
        watched: Watched = {(name, None): settlement.bit[name] for name in others}
        concurrent = Concurrency(runs, watched).concurrent
        for name in settlement.order:
            if name in others:
                for index in indices(concurrent.get((name, None), 0) & others[name]):
                    if self.both(whole, settlement.order[index], name):
                        yield name, settlement.order[index]
                        break

    def together(self, x: str, y: str) -> bool:
        """Return True if some run takes both nodes."""
        other = {x: self.settlement.bit[y], y: self.settlement.bit[x]}
        return any(self.first_concurrent(self.iterations, other))

    def begins(self, name: str, *, stopping: bool = True) -> bool:
        """Return True if some run takes a node, or if that could not be decided.

        Args:
            name: The node.
            stopping: Count runs that something ends before the node could begin.
        """
        if self.exact(self.iterations) and (stopping or not self._stops):
            return True
        formula = self.formula(self.iterations)
        going_on = [] if stopping else [self.nothing_ends_before(formula, name)]
        try:
            return name in formula.node and formula.holds([formula.node[name], *going_on])
        except Undecided:
            return True

    def both(self, runs: Runs, x: str, y: str) -> bool:
        """Return True if one of these runs takes both nodes, or if that could not be decided.

        Args:
            runs: The runs.
            x: A node.
            y: A node that `x` can be taken together with according to `Concurrency`.
        """
        if self.exact(runs):
            return True
        formula = self.formula(runs)
        try:
            return formula.holds([formula.node[x], formula.node[y]])
        except Undecided:
            return True
