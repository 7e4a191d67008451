"""The fix by which what leaves a join out stops the run: the ends that are come to instead of it.

Only ends that a run comes to by leaving are changed. One that something else leads to as well, such
as the end behind the join, stays as it is, and the leaving gets an end of its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from proflow_compiler.design import Edge, Node
from proflow_compiler.diagnostics import Edit
from proflow_compiler.diagnostics.design_edits import add_node, free_id, lead_to, set_key
from proflow_compiler.diagnostics.message_text import listed, ticks
from proflow_compiler.graph import Exit, GraphEdge
from proflow_compiler.soundness import Account, Undecided
from proflow_compiler.soundness.graph_facts import GraphFacts
from proflow_compiler.soundness.walking_away import Meeting

_MOST_LEAVINGS = 40
_MISHAPS = {
    "rejected": "a rejection",
    "timeout": "a timeout",
    "returned": "a return",
    "error": "a failure",
}
"""Outcomes that tell that something went wrong, and what that is."""
_STATUSES = {"rejected": "rejected", "timeout": "timeout", "returned": "returned"}
"""What a run is called that such an outcome stops, as if it were not drawn."""


@dataclass(frozen=True)
class Leaving:
    """An outcome by which a branch leaves a join out."""

    node: str
    exit: Exit
    mishap: bool


class Starving:
    """The runs that bring a join some of its edges only, and what leaves the others out.

    Args:
        level: The graph.
        account: The formula of the runs in question.
        join: The join.
        assumptions: Literals that hold in these runs.
    """

    def __init__(
        self, level: GraphFacts, account: Account, join: str, assumptions: Sequence[int]
    ) -> None:
        self._level, self._account, self._join = level, account, join
        self._assumptions = assumptions

    @cached_property
    def _leavings(self) -> list[Leaving]:
        graph, runs = self._level.graph, self._account.runs
        meeting = Meeting(runs, self._join)
        between = meeting.leading | {self._join}
        return [
            Leaving(name, exit_, not graph.nodes[name].ruled and exit_.outcome in _MISHAPS)
            for name in sorted(meeting.leading, key=graph.rank.__getitem__)
            if name != meeting.above
            for exit_ in runs.exits[name]
            if exit_.edges
            and (exit_.default or not graph.nodes[name].every)
            and not exit_.back
            and not any(
                edge.target in between or graph.nodes[edge.target].stops for edge in exit_.edges
            )
        ]

    def _literal(self, one: Leaving) -> int:
        return self._account.exit[one.node, one.exit.outcome]

    def _holds(self, *more: int, without: Iterable[Leaving] = ()) -> bool:
        excluded = (-self._literal(one) for one in without)
        return self._account.holds([*self._assumptions, *more, *excluded])

    @cached_property
    def by_mishap(self) -> bool:
        """Whether some of the runs is rejected, times out, … where it leaves the join out."""
        mishaps = [self._literal(one) for one in self._leavings if one.mishap]
        try:
            return bool(mishaps) and self._holds(self._account.any_of(mishaps))
        except Undecided:
            return True

    def _causes(self) -> list[Leaving]:
        """Leavings without which nothing starves the join, none too many; none if there are none."""
        if len(self._leavings) > _MOST_LEAVINGS:
            return []
        found: list[Leaving] = []
        while self._holds(without=found):
            run = self._account.found()
            taken = {(name, one.outcome) for name in run.order for one in run.exits[name]}
            new = [one for one in self._leavings if (one.node, one.exit.outcome) in taken]
            if not new:
                return []
            found += new
        for one in list(found):
            fewer = [other for other in found if other is not one]
            if not self._holds(without=fewer):
                found = fewer
        return found

    @cached_property
    def stopping(self) -> tuple[str, list[Edit]] | None:
        """What lets everything that leaves the join out stop the run: in words, and as edits.

        None if that cannot be done by changing ends.
        """
        try:
            causes = self._causes()
        except Undecided:
            return None
        found = self._edits(causes) if causes else None
        if found is None:
            return None
        ends, edits = found
        where = f"set `terminate` at {listed(ends)}" if ends else "draw an `end` for it"
        return f"let {self._what(causes)} stop the run: {where}", edits

    @property
    def happens(self) -> bool:
        """Whether there are such runs at all; so, too, where that could not be decided."""
        try:
            return self._holds()
        except Undecided:
            return True

    def _what(self, causes: Sequence[Leaving]) -> str:
        kinds = {one.exit.outcome if one.mishap else "" for one in causes}
        only = kinds.pop() if len(kinds) == 1 else ""
        if not only:
            return f"what leaves {ticks(self._join)} out"
        return _MISHAPS[only]

    def _edits(self, causes: Sequence[Leaving]) -> tuple[list[str], list[Edit]] | None:
        """What to change, and the ends that stop then; None if other things are led to as well."""
        graph, design = self._level.graph, self._level.graph.design
        first = [edge for one in causes for edge in one.exit.edges]
        own = self._own(first)
        inside = [edge for name in own for edge in graph.out(name)]
        leading_out = [edge for edge in (*first, *inside) if edge.target not in own]
        ends = [graph.nodes[name].node for name in own if self._completes(name)]
        shared: list[Edge] = []
        for edge in leading_out:
            if graph.nodes[edge.target].stops:
                continue
            if not self._completes(edge.target) or edge.edge is None or not edge.edge.drawn:
                return None
            shared.append(edge.edge)
        if not ends and not shared:
            return None
        edits = [set_key(node, "terminate", True) for node in ends if node.drawn]
        if shared:
            source = design.nodes[shared[0].source]
            edits += self._new_end(source, shared, causes)
        return [node.id for node in ends], edits

    def _completes(self, name: str) -> bool:
        at = self._level.graph.nodes[name]
        return at.node.type == "end" and not at.stops

    def _own(self, first: Iterable[GraphEdge]) -> list[str]:
        """The nodes that runs only come to by these edges, in the order of the graph."""
        graph = self._level.graph
        given = {edge.index for edge in first}
        found: dict[str, None] = {}
        for name in graph.topological:
            into = [edge for edge in graph.into[name] if edge.source in graph.reachable]
            if into and all(edge.index in given or edge.source in found for edge in into):
                found[name] = None
        return list(found)

    def _new_end(
        self, source: Node, edges: Sequence[Edge], causes: Sequence[Leaving]
    ) -> Iterator[Edit]:
        """Draw an end that stops the run, and let edges lead to it."""
        design = self._level.graph.design
        outcomes = {one.exit.outcome if one.mishap else "" for one in causes}
        status = _STATUSES.get(outcomes.pop()) if len(outcomes) == 1 else None
        data = {**({"status": status} if status is not None else {}), "terminate": True}
        name = free_id(design, status or "stopped")
        yield add_node(design, name, "end", near=source, data=data)
        yield from lead_to(edges, name)
