"""Describes the runs of a graph by a Boolean formula, and finds runs with a SAT solver.

Each model of the formula is a run. There is one variable for each node (it runs) and one for each
outcome (the node takes it). A node that runs takes one outcome; an inclusive node takes at least
one, or only its default. A node runs if some edge in is taken, a join of mode `all` if all edges in
are.

The formula is exact also for runs that take only some of the edges into a join of mode `all`. The
polynomial analyses of `proflow_compiler.graph` are not: they settle the questions that they can,
and the formula decides the rest.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count

from proflow_compiler.graph.model import Exit, GraphEdge
from proflow_compiler.graph.runs import Runs, taken_at_once

MOST_CONFLICTS = 20_000
"""The most effort for one question, in conflicts of the solver: far more than real designs need."""


class Undecided(Exception):
    """The solver gave up a question at the limit of effort."""


class RunFormula:
    """A formula whose models are runs, and the solver that answers questions about them.

    Literals are integers, as in the DIMACS format: a variable, or its negative for its negation.

    Attributes:
        runs: The runs that the formula describes.
        node: For each node, the variable that says that it runs.
        exit: For each node and outcome, the variable that says that the node takes the outcome.
        no_stop: A literal to assume: no edge into an end that stops the run is taken.
        no_back_edge: A literal to assume: no back edge is taken.
    """

    def __init__(self, runs: Runs) -> None:
        # Imported only here: few designs need a solver, and its library takes time to load.
        from pysat.solvers import Solver

        self.runs = runs
        numbers = count(1)
        self.node: dict[str, int] = {name: next(numbers) for name in runs.order}
        self.exit: dict[tuple[str, str], int] = {
            (name, exit_.outcome): next(numbers)
            for name in runs.order
            for exit_ in runs.exits[name]
        }
        self._numbers = numbers
        self.no_stop = next(numbers)
        self.no_back_edge = next(numbers)
        self._solver = Solver(name="minisat22", bootstrap_with=self._clauses())

    def edge(self, edge: GraphEdge) -> int | None:
        """Return the literal that says that an edge is taken, or None if no run takes it."""
        return self.exit.get((edge.source, edge.outcome))

    def into(self, name: str) -> list[int]:
        """Return the literals of those edges into a node that some run takes."""
        found = (self.edge(edge) for edge in self.runs.graph.into[name])
        return [one for one in found if one is not None]

    def any_of(self, literals: Iterable[int]) -> int:
        """Return a new literal that implies that at least one of these holds."""
        found = next(self._numbers)
        self._solver.add_clause([-found, *literals])
        return found

    def both_of(self, one: int, other: int) -> int:
        """Return a new literal that implies that both of these hold."""
        found = next(self._numbers)
        self._solver.append_formula([[-found, one], [-found, other]])
        return found

    def two_of(self, literals: Sequence[int]) -> int:
        """Return a new literal that implies that at least two of these hold."""
        pairs: list[int] = []
        before: int | None = None
        for literal in literals:
            if before is not None:
                pairs.append(self.both_of(literal, before))
            before = self.any_of([literal] if before is None else [literal, before])
        return self.any_of(pairs)

    def nothing_before(
        self, name: str, settled: Collection[str], ends: Callable[[str, Exit], bool]
    ) -> int:
        """Return a literal to assume: nothing ends the run before a node could begin.

        Nor does anything end it at that moment, through nodes that take no time.

        Args:
            name: The node.
            settled: The nodes that are finished or skipped in every run when `name` begins.
            ends: Returns True if an outcome of a node ends the run, or the iteration, at once.
        """
        literal = next(self._numbers)
        for at, early in self._early(name, self._settled_when(settled)).items():
            for exit_ in self.runs.exits[at]:
                if ends(at, exit_):
                    self._solver.add_clause([-literal, -early, -self.exit[at, exit_.outcome]])
        return literal

    def _settled_when(self, settled: Collection[str]) -> dict[str, int | None]:
        """Find all nodes that are settled once these are, by going back along the edges.

        Returns:
            The nodes, each with a literal that says whether it is settled; None: it always is. A
            node that runs before all its edges in are settled says nothing about their sources; if
            it is skipped, all of them are settled.
        """
        graph = self.runs.graph
        when: dict[str, int | None] = dict.fromkeys(settled)
        for at in reversed(self.runs.order):
            if at not in when or (when[at] is None and graph.needs(at) is None):
                continue
            given = when[at]
            unless = [self.node[at]] if graph.needs(at) is not None else []
            for edge in graph.into[at]:
                source = edge.source
                if source not in self.node or when.get(source, 0) is None:
                    continue
                found = when.setdefault(source, next(self._numbers))
                assert found is not None
                self._solver.add_clause([*([] if given is None else [-given]), *unless, found])
        return when

    def _early(self, name: str, when: Mapping[str, int | None]) -> dict[str, int]:
        """Find the nodes that may have run by the time a node begins.

        Returns:
            The nodes, each with a literal that is implied if the node has run by then.
        """
        graph = self.runs.graph
        early: dict[str, int] = {}
        sure = {at for at, given in when.items() if given is None}
        for at in self.runs.order:
            own, into = self.node[at], graph.into[at]
            before = [edge for edge in into if edge.source in early]
            if at in sure:
                early[at] = own
            elif at in when:
                early[at] = self._implied([own, when[at] or own])
            elif at == name or not before or not graph.nodes[at].instant:
                continue
            elif (needed := graph.needs(at)) is not None:
                arrived = [
                    self._implied([early[edge.source], taken])
                    for edge in before
                    if (taken := self.edge(edge)) is not None
                ]
                if len(arrived) >= needed:
                    early[at] = self._implied_by_at_least(needed, arrived)
            elif len(before) == len(into):
                open_ = [early[edge.source] for edge in into if edge.source not in sure]
                early[at] = self._implied([own, *open_])
                if not open_:
                    sure.add(at)
        return early

    def _implied_by_at_least(self, number: int, literals: Sequence[int]) -> int:
        """Return a new literal that is implied if at least `number` of these hold."""
        counts: list[int] = []
        """The literals implied by one, two, … of the literals so far."""
        for literal in literals:
            longer: list[int] = []
            for index in range(min(len(counts) + 1, number)):
                found = next(self._numbers)
                if index < len(counts):
                    self._solver.add_clause([-counts[index], found])
                fewer = [] if index == 0 else [-counts[index - 1]]
                self._solver.add_clause([*fewer, -literal, found])
                longer.append(found)
            counts = longer
        return counts[number - 1]

    def _implied(self, literals: Sequence[int]) -> int:
        """Return a literal that is implied if all of these hold."""
        if len(literals) == 1:
            return literals[0]
        found = next(self._numbers)
        self._solver.add_clause([*(-one for one in literals), found])
        return found

    def holds(self, assumptions: Iterable[int]) -> bool:
        """Return True if some run satisfies all assumptions.

        `last_run` and `model` then return that run.

        Raises:
            Undecided: The question takes too much effort.
        """
        self._solver.conf_budget(MOST_CONFLICTS)
        found = self._solver.solve_limited(assumptions=list(assumptions))
        if found is None:
            raise Undecided
        return bool(found)

    def last_run(self) -> Runs:
        """Return the run that `holds` found last, as a `Runs` with this single run."""
        return self.run_of(self.model())

    def model(self) -> Sequence[int]:
        """Return the run that `holds` found last as literals, one for each variable, in order."""
        return self._solver.get_model() or ()

    def run_of(self, model: Sequence[int]) -> Runs:
        """Convert a model to a `Runs` with this single run."""
        runs = self.runs
        exits: dict[str, tuple[Exit, ...]] = {}
        into: dict[str, list[GraphEdge]] = {runs.root: []}
        order: list[str] = []
        for name in runs.order:
            if model[self.node[name] - 1] < 0:
                continue
            order.append(name)
            exits[name] = tuple(
                one for one in runs.exits[name] if model[self.exit[name, one.outcome] - 1] > 0
            )
            for exit_ in exits[name]:
                for edge in exit_.edges:
                    if edge.target in runs.into:
                        into.setdefault(edge.target, []).append(edge)
        for skipped in into.keys() - exits.keys():
            exits[skipped] = ()
        return replace(
            runs,
            order=order,
            exits=exits,
            into={name: tuple(edges) for name, edges in into.items()},
        )

    def _clauses(self) -> list[list[int]]:
        runs, clauses = self.runs, list[list[int]]()
        nodes = runs.graph.nodes
        for name in runs.order:
            own = self.node[name]
            if name == runs.root:
                clauses.append([own])
            else:
                self._enter(clauses, name, own)
            self._leave(clauses, name, own)
            for exit_ in runs.exits[name]:
                for edge in exit_.edges:
                    if nodes[edge.target].stops:
                        clauses.append([-self.no_stop, -self.exit[name, exit_.outcome]])
                        break
                if exit_.back:
                    clauses.append([-self.no_back_edge, -self.exit[name, exit_.outcome]])
        return clauses

    def _enter(self, clauses: list[list[int]], name: str, own: int) -> None:
        """Add what follows from whether the edges into a node are taken."""
        graph = self.runs.graph
        literals = self.into(name)
        if not graph.full(name):
            clauses.append([-own, *literals])
            clauses += [[own, -literal] for literal in literals]
        elif len(literals) < sum(edge.source in graph.reachable for edge in graph.into[name]):
            clauses.append([-own])  # no run takes all edges: one of them cannot be taken at all
        else:
            clauses += [[-own, literal] for literal in literals]
            clauses.append([own, *(-literal for literal in literals)])

    def _leave(self, clauses: list[list[int]], name: str, own: int) -> None:
        """Add which outcomes a node takes."""
        exits = self.runs.exits[name]
        literals = [self.exit[name, exit_.outcome] for exit_ in exits]
        if literals:
            clauses.append([-own, *literals])
        elif self.runs.graph.exits[name]:
            clauses.append([-own])  # none of its outcomes can be taken in these runs
        if len(literals) == 1:
            clauses.append([own, -literals[0]])
            return
        # At most one group is taken. A chain of variables says that an earlier group is.
        before: int | None = None
        for group in taken_at_once(self.runs.every(name), exits):
            literals = [self.exit[name, exit_.outcome] for exit_ in group]
            clauses += [[own, -literal] for literal in literals]
            if before is not None:
                clauses += [[-before, -literal] for literal in literals]
            if len(exits) == len(literals):
                continue
            following = next(self._numbers)
            clauses += [[following, -literal] for literal in literals]
            if before is not None:
                clauses.append([following, -before])
            before = following
