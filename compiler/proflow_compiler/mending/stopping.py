"""The fix that stops the run if a branch bypasses a join that needs all branches.

It sets `terminate` at the ends that the branch reaches instead of the join. An end that something
else leads to as well, such as the end behind the join, is not changed: the branch gets an end of
its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from proflow_schemas.language import Text, Texts

from proflow_compiler.design import Edge, Node
from proflow_compiler.diagnostics import Edit
from proflow_compiler.diagnostics.design_edits import add_node, free_id, lead_to, set_key
from proflow_compiler.graph import Exit, GraphEdge
from proflow_compiler.soundness import RunFormula, Undecided
from proflow_compiler.soundness.departures import MergePoint
from proflow_compiler.soundness.graph_facts import GraphFacts

TEXTS = Texts(
    "stopping",
    {
        "rejection": Text("a rejection", "被拒绝"),
        "timeout": Text("a timeout", "超时"),
        "return": Text("a return", "被退回"),
        "failure": Text("a failure", "失败"),
        "set-terminate": Text("set `terminate` at {ends:and}", "将 {ends:and} 设为 `terminate`"),
        "draw-end": Text("draw an `end` for it", "为它画一个 `end`"),
        "stop": Text(
            "let {causes:raw} stop the run: {where:raw}",
            "让运行在{causes:raw}时停止：{where:raw}",
        ),
        "leaves-out": Text("what leaves `{join}` out", "缺少通向 `{join}` 的分支"),
    },
)

_MOST_BYPASSES = 40
_FAILURES = {
    "rejected": TEXTS("rejection"),
    "timeout": TEXTS("timeout"),
    "returned": TEXTS("return"),
    "error": TEXTS("failure"),
}
"""The outcomes which mean that something went wrong, with words for titles."""
_STATUSES = {"rejected": "rejected", "timeout": "timeout", "returned": "returned"}
"""The status of a run that such an outcome stops: the same as if the outcome were not drawn."""


@dataclass(frozen=True)
class Bypass:
    """An outcome by which a branch bypasses a join.

    Attributes:
        node: The id of the node.
        exit: The outcome.
        failure: True if the outcome means that something went wrong.
    """

    node: str
    exit: Exit
    failure: bool


class IncompleteJoin:
    """The runs that take some but not all edges into a join, and the outcomes that cause this.

    Some attributes ask the solver, and are computed on demand.
    """

    def __init__(
        self, level: GraphFacts, formula: RunFormula, join: str, assumptions: Sequence[int]
    ) -> None:
        """Prepare the search.

        Args:
            level: The facts of the graph.
            formula: A formula of runs.
            join: The id of the join.
            assumptions: Literals that select the runs in question.
        """
        self._level, self._formula, self._join = level, formula, join
        self._assumptions = assumptions

    @cached_property
    def _bypasses(self) -> list[Bypass]:
        graph, runs = self._level.graph, self._formula.runs
        merge = MergePoint(runs, self._join)
        between = merge.leading | {self._join}
        return [
            Bypass(name, exit_, not graph.nodes[name].ruled and exit_.outcome in _FAILURES)
            for name in sorted(merge.leading, key=graph.rank.__getitem__)
            if name != merge.above
            for exit_ in runs.exits[name]
            if exit_.edges
            and (exit_.default or not graph.nodes[name].every)
            and not exit_.back
            and not any(
                edge.target in between or graph.nodes[edge.target].stops for edge in exit_.edges
            )
        ]

    def _literal(self, one: Bypass) -> int:
        return self._formula.exit[one.node, one.exit.outcome]

    def _holds(self, *more: int, without: Iterable[Bypass] = ()) -> bool:
        excluded = (-self._literal(one) for one in without)
        return self._formula.holds([*self._assumptions, *more, *excluded])

    @cached_property
    def by_failure(self) -> bool:
        """True if in some of these runs a branch bypasses the join by a rejection, timeout, …"""
        failures = [self._literal(one) for one in self._bypasses if one.failure]
        try:
            return bool(failures) and self._holds(self._formula.any_of(failures))
        except Undecided:
            return True

    def _causes(self) -> list[Bypass]:
        """Return a minimal list of outcomes without which there are no such runs.

        Empty if outcomes alone do not explain it, or if there are too many.
        """
        if len(self._bypasses) > _MOST_BYPASSES:
            return []
        found: list[Bypass] = []
        while self._holds(without=found):
            run = self._formula.last_run()
            taken = {(name, one.outcome) for name in run.order for one in run.exits[name]}
            new = [one for one in self._bypasses if (one.node, one.exit.outcome) in taken]
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
        """The change that stops the run in all these cases: words for a title, and the edits.

        None if changing ends is not enough.
        """
        try:
            causes = self._causes()
        except Undecided:
            return None
        found = self._edits(causes) if causes else None
        if found is None:
            return None
        ends, edits = found
        where = TEXTS("set-terminate", ends=ends) if ends else TEXTS("draw-end")
        return TEXTS("stop", causes=self._what(causes), where=where), edits

    @property
    def happens(self) -> bool:
        """True if there are such runs, or if that could not be decided."""
        try:
            return self._holds()
        except Undecided:
            return True

    def _what(self, causes: Sequence[Bypass]) -> str:
        kinds = {one.exit.outcome if one.failure else "" for one in causes}
        only = kinds.pop() if len(kinds) == 1 else ""
        if not only:
            return TEXTS("leaves-out", join=self._join)
        return _FAILURES[only]

    def _edits(self, causes: Sequence[Bypass]) -> tuple[list[str], list[Edit]] | None:
        """Return the ids of the changed ends, and all edits; None if a branch goes on elsewhere."""
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
        """Return the nodes that runs reach only by these edges, in the order of the graph."""
        graph = self._level.graph
        given = {edge.index for edge in first}
        found: dict[str, None] = {}
        for name in graph.topological:
            into = [edge for edge in graph.into[name] if edge.source in graph.reachable]
            if into and all(edge.index in given or edge.source in found for edge in into):
                found[name] = None
        return list(found)

    def _new_end(
        self, source: Node, edges: Sequence[Edge], causes: Sequence[Bypass]
    ) -> Iterator[Edit]:
        """Draw an end that stops the run, and redirect edges to it."""
        design = self._level.graph.design
        outcomes = {one.exit.outcome if one.failure else "" for one in causes}
        status = _STATUSES.get(outcomes.pop()) if len(outcomes) == 1 else None
        data = {**({"status": status} if status is not None else {}), "terminate": True}
        name = free_id(design, status or "stopped")
        yield add_node(design, name, "end", near=source, data=data)
        yield from lead_to(edges, name)
