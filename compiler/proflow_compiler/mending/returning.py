"""Fixes of ways back: where they lead to, how often, and what enters the circle."""

from collections.abc import Iterator, Sequence

from proflow_schemas.node_types.approval import Approval

from proflow_compiler.design import Edge, Node
from proflow_compiler.diagnostics import Edit, Fix
from proflow_compiler.diagnostics.design_edits import (
    Line,
    add_edges,
    fix,
    lead_to,
    leave_by,
    remove_edges,
    remove_key,
    set_edge_key,
    set_key,
)
from proflow_compiler.diagnostics.message_text import listed, ticks
from proflow_compiler.graph import Graph, GraphEdge, WayBack

_MOST_ENTRIES = 3
_MISHAPS = ("rejected", "returned", "timeout", "error")


def entered_once(graph: Graph, entering: Sequence[GraphEdge]) -> Iterator[Fix]:
    """Let all runs enter a circle at one node, by other edges or without them."""
    if any(edge.edge is None or not edge.edge.drawn for edge in entering):
        return
    entries = list(dict.fromkeys(edge.target for edge in entering))
    entries.sort(key=lambda name: not _is_returned_to(graph, name))
    for begin in entries[:_MOST_ENTRIES] if len(entries) > 1 else ():
        others = [edge for edge in entering if edge.target != begin]
        edges = [edge.edge for edge in others if edge.edge is not None]
        if all(_may_lead_to(graph, edge, begin) for edge in others):
            sources = list(dict.fromkeys(edge.source for edge in edges))
            yield fix(
                f"let {listed(sources)} lead to {ticks(begin)}, where the circle begins",
                *lead_to(edges, begin),
            )
        if all(edge.edge is not None and _may_go(graph, edge) for edge in others):
            yield fix(
                f"enter the circle at {ticks(begin)} only: remove {_named(edges)}",
                *remove_edges(edges),
            )


def _is_returned_to(graph: Graph, name: str) -> bool:
    """Whether something that went wrong leads here, as it does to where work begins anew."""
    return any(edge.outcome in _MISHAPS for edge in graph.into[name])


def _may_lead_to(graph: Graph, edge: GraphEdge, target: str) -> bool:
    """Whether an edge would not be drawn twice if it led there; rules may lead to one node."""
    if graph.nodes[edge.source].ruled:
        return True
    alike = (one for one in graph.into[target] if one.source == edge.source)
    return all(one.outcome != edge.outcome for one in alike)


def _may_go(graph: Graph, edge: GraphEdge) -> bool:
    """Whether no run would fail without an edge: that of a default is needed."""
    ruled = graph.nodes[edge.source].ruled
    return not ruled or (edge.edge is not None and edge.edge.when is not None)


def _named(edges: Sequence[Edge]) -> str:
    if len(edges) == 1:
        return f"the edge from {ticks(edges[0].source)} to {ticks(edges[0].target)}"
    return f"the edges to {listed(list(dict.fromkeys(edge.target for edge in edges)))}"


def led_back_before(graph: Graph, way: WayBack) -> Iterator[Fix]:
    """Lead back to the last node that every run to this one, and to the target, has come over."""
    source, target = way.edge.source, way.edge.target
    before: str | None = graph.dominator_tree.meet(target, source)
    while before is not None and not graph.nodes[before].drawn:
        above = graph.dominator_tree.parent[before]
        before = None if above == before else above
    if before is None or graph.nodes[before].node.type == "start":
        return
    yield fix(
        f"lead back to {ticks(before)}, over which every run comes",
        *_led_back(graph, way, before),
    )


def led_on(edge: Edge) -> Iterator[Fix]:
    """Let an edge that cannot lead back lead on."""
    if edge.loop_pointer is not None:
        yield fix(
            f"go on to {ticks(edge.target)} by this edge: remove `loop`",
            Edit("remove", edge.loop_pointer),
        )


def _led_back(graph: Graph, way: WayBack, target: str) -> list[Edit]:
    if way.edge.edge is not None:
        return lead_to([way.edge.edge], target) if way.edge.edge.drawn else []
    return [set_key(graph.nodes[way.edge.source].node, "rejectTo", target)]


def repeated_alone(graph: Graph, way: WayBack, branch: Sequence[str]) -> Iterator[Fix]:
    """Lead back to the first node of the branch that the way back stands in."""
    tree, source = graph.dominator_tree, way.edge.source
    for name in branch:
        if graph.nodes[name].drawn and tree.dominates(name, source):
            yield fix(
                f"repeat only this branch: lead back to {ticks(name)}",
                *_led_back(graph, way, name),
            )
            return


def returned(graph: Graph, way: WayBack) -> Iterator[Fix]:
    """Let an approval go back by `returned`, where it does so by `rejected`."""
    at = graph.nodes[way.edge.source]
    config = at.node.config
    drawn = {exit_.outcome for exit_ in graph.exits[at.id]}
    if not isinstance(config, Approval) or not at.drawn or way.edge.outcome != "rejected":
        return
    if "returned" in drawn or len(_taken_with(graph, way)) > 1:
        return
    allowed = [] if config.allow_return in (None, True) else [_allowed(at.node)]
    yield fix(
        f"go back when {ticks(at.id)} is returned, and let a rejection stop the run",
        *_by_return(graph, way, at.node),
        *allowed,
    )


def _allowed(node: Node) -> Edit:
    return set_key(node, "allowReturn", True)


def _by_return(graph: Graph, way: WayBack, node: Node) -> list[Edit]:
    if way.edge.edge is not None:
        return [leave_by(way.edge.edge, "returned")]
    return _drawn_back(graph, way, node, "returned")


def _drawn_back(graph: Graph, way: WayBack, node: Node, outcome: str) -> list[Edit]:
    """Draw the way back that `rejectTo` names."""
    line = Line(node.id, way.edge.target, outcome, {"loop": {"max": way.limit}})
    return [remove_key(node, "rejectTo"), *add_edges(graph.design, [line])]


def _taken_with(graph: Graph, way: WayBack) -> list[GraphEdge]:
    """All edges that are taken together with a way back."""
    for exit_ in graph.exits[way.edge.source]:
        if way in exit_.back:
            return [*exit_.edges, *(one.edge for one in exit_.back)]
    return []


def one_of_two(way: GraphEdge, beside: GraphEdge) -> Iterator[Fix]:
    """Remove one of two edges that one outcome takes at once."""
    for kept, gone in ((way, beside), (beside, way)):
        if gone.edge is not None and gone.edge.drawn:
            yield fix(
                f"only lead to {ticks(kept.target)}: remove the edge to {ticks(gone.target)}",
                *remove_edges([gone.edge]),
            )


def bounded(edge: Edge, limit: int) -> Fix:
    """Say on an edge how often a run may go back, as often as it may anyway."""
    title = f"say that it is at most {limit} times"
    return fix(title, set_edge_key(edge, "loop", {"max": limit}), safe=True)


def drawn_back(graph: Graph, way: WayBack) -> Fix:
    """Draw the edge that `rejectTo` stands for, with its bound."""
    node = graph.nodes[way.edge.source].node
    return fix(
        f"draw the way back from {ticks(node.id)} to {ticks(way.edge.target)}, "
        f"at most {way.limit} times",
        *_drawn_back(graph, way, node, "rejected"),
    )
