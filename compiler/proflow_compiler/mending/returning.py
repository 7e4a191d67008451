"""Fixes of back edges and cycles: targets, limits, and the edges that enter a cycle."""

from collections.abc import Iterator, Sequence

from proflow_schemas.language import Text, Texts
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
from proflow_compiler.graph import BackEdge, Graph, GraphEdge

TEXTS = Texts(
    "returning",
    {
        "lead-to-begin": Text(
            "let {sources:and} lead to `{begin}`, where the circle begins",
            "让 {sources:and} 通向循环的起点 `{begin}`",
        ),
        "enter-at": Text(
            "enter the circle at `{begin}` only: remove {edges}",
            "只从 `{begin}` 进入循环：移除{edges}",
        ),
        "edge": Text(
            "the edge from `{source}` to `{target}`",
            "从 `{source}` 到 `{target}` 的连线",
        ),
        "edges": Text("the edges to {targets:and}", "通向 {targets:and} 的连线"),
        "back-to": Text(
            "lead back to `{before}`, over which every run comes",
            "返回到每次运行都经过的 `{before}`",
        ),
        "forward": Text(
            "go on to `{target}` by this edge: remove `loop`",
            "沿这条连线继续到 `{target}`：移除 `loop`",
        ),
        "repeat-branch": Text(
            "repeat only this branch: lead back to `{name}`",
            "只重复这个分支：返回到 `{name}`",
        ),
        "by-returned": Text(
            "go back when `{node}` is returned, and let a rejection stop the run",
            "`{node}` 被退回时返回，被拒绝时停止运行",
        ),
        "one-edge": Text(
            "only lead to `{kept}`: remove the edge to `{gone}`",
            "只通向 `{kept}`：移除通向 `{gone}` 的连线",
        ),
        "bound": Text("say that it is at most {limit} times", "写明最多 {limit} 次"),
        "draw-back": Text(
            "draw the back edge from `{node}` to `{target}`, at most {limit} times",
            "画出从 `{node}` 到 `{target}` 的返回连线，最多 {limit} 次",
        ),
    },
)

_MOST_ENTRIES = 3
_FAILURES = ("rejected", "returned", "timeout", "error")


def enter_once(graph: Graph, entering: Sequence[GraphEdge]) -> Iterator[Fix]:
    """Make all runs enter a cycle at one node, by redirecting or removing the other edges into it.

    Args:
        graph: The graph.
        entering: The edges that enter the cycle.
    """
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
                TEXTS("lead-to-begin", sources=sources, begin=begin),
                *lead_to(edges, begin),
            )
        if all(edge.edge is not None and _may_go(graph, edge) for edge in others):
            yield fix(
                TEXTS("enter-at", begin=begin, edges=_named(edges)),
                *remove_edges(edges),
            )


def _is_returned_to(graph: Graph, name: str) -> bool:
    """Return True if a rejection, return, timeout or error leads here: work probably restarts here."""
    return any(edge.outcome in _FAILURES for edge in graph.into[name])


def _may_lead_to(graph: Graph, edge: GraphEdge, target: str) -> bool:
    """Return True if redirecting an edge would not duplicate another edge without a rule."""
    if graph.nodes[edge.source].ruled:
        return True
    alike = (one for one in graph.into[target] if one.source == edge.source)
    return all(one.outcome != edge.outcome for one in alike)


def _may_go(graph: Graph, edge: GraphEdge) -> bool:
    """Return True if no run would fail without an edge, as it would without a default edge."""
    ruled = graph.nodes[edge.source].ruled
    return not ruled or (edge.edge is not None and edge.edge.when is not None)


def _named(edges: Sequence[Edge]) -> str:
    if len(edges) == 1:
        return TEXTS("edge", source=edges[0].source, target=edges[0].target)
    return TEXTS("edges", targets=list(dict.fromkeys(edge.target for edge in edges)))


def return_to_dominator(graph: Graph, back_edge: BackEdge) -> Iterator[Fix]:
    """Redirect a back edge to the nearest common dominator of its source and its target."""
    source, target = back_edge.edge.source, back_edge.edge.target
    before: str | None = graph.dominator_tree.common_dominator(target, source)
    while before is not None and not graph.nodes[before].drawn:
        above = graph.dominator_tree.parent[before]
        before = None if above == before else above
    if before is None or graph.nodes[before].node.type == "start":
        return
    yield fix(
        TEXTS("back-to", before=before),
        *_redirected(graph, back_edge, before),
    )


def drop_loop_marker(edge: Edge) -> Iterator[Fix]:
    """Remove `loop` from an edge that cannot be a back edge, so that it leads forward."""
    if edge.loop_pointer is not None:
        yield fix(
            TEXTS("forward", target=edge.target),
            Edit("remove", edge.loop_pointer),
        )


def _redirected(graph: Graph, back_edge: BackEdge, target: str) -> list[Edit]:
    if back_edge.edge.edge is not None:
        return lead_to([back_edge.edge.edge], target) if back_edge.edge.edge.drawn else []
    return [set_key(graph.nodes[back_edge.edge.source].node, "rejectTo", target)]


def repeat_branch_alone(graph: Graph, back_edge: BackEdge, branch: Sequence[str]) -> Iterator[Fix]:
    """Redirect a back edge to the first node of its own branch.

    Args:
        graph: The graph.
        back_edge: The back edge.
        branch: The nodes of the branch from the fork on.
    """
    tree, source = graph.dominator_tree, back_edge.edge.source
    for name in branch:
        if graph.nodes[name].drawn and tree.dominates(name, source):
            yield fix(
                TEXTS("repeat-branch", name=name),
                *_redirected(graph, back_edge, name),
            )
            return


def return_by_returned(graph: Graph, back_edge: BackEdge) -> Iterator[Fix]:
    """Let an approval use `returned` instead of `rejected` for a back edge."""
    at = graph.nodes[back_edge.edge.source]
    config = at.node.config
    drawn = {exit_.outcome for exit_ in graph.exits[at.id]}
    if not isinstance(config, Approval) or not at.drawn or back_edge.edge.outcome != "rejected":
        return
    if "returned" in drawn or len(_taken_with(graph, back_edge)) > 1:
        return
    allowed = [] if config.allow_return in (None, True) else [_allowed(at.node)]
    yield fix(
        TEXTS("by-returned", node=at.id),
        *_leave_by_returned(graph, back_edge, at.node),
        *allowed,
    )


def _allowed(node: Node) -> Edit:
    return set_key(node, "allowReturn", True)


def _leave_by_returned(graph: Graph, back_edge: BackEdge, node: Node) -> list[Edit]:
    if back_edge.edge.edge is not None:
        return [leave_by(back_edge.edge.edge, "returned")]
    return _draw_reject_edge(graph, back_edge, node, "returned")


def _draw_reject_edge(graph: Graph, back_edge: BackEdge, node: Node, outcome: str) -> list[Edit]:
    """Draw the back edge that `rejectTo` stands for, and remove `rejectTo`."""
    line = Line(node.id, back_edge.edge.target, outcome, {"loop": {"max": back_edge.limit}})
    return [remove_key(node, "rejectTo"), *add_edges(graph.design, [line])]


def _taken_with(graph: Graph, back_edge: BackEdge) -> list[GraphEdge]:
    """Return all edges of the outcome that takes a back edge, with the back edge."""
    for exit_ in graph.exits[back_edge.edge.source]:
        if back_edge in exit_.back:
            return [*exit_.edges, *(other.edge for other in exit_.back)]
    return []


def keep_one_edge(one: GraphEdge, beside: GraphEdge) -> Iterator[Fix]:
    """Offer to remove one or the other of two edges that one outcome takes at once."""
    for kept, gone in ((one, beside), (beside, one)):
        if gone.edge is not None and gone.edge.drawn:
            yield fix(
                TEXTS("one-edge", kept=kept.target, gone=gone.target),
                *remove_edges([gone.edge]),
            )


def state_bound(edge: Edge, limit: int) -> Fix:
    """Write the default limit of a back edge into the drawing; nothing else changes."""
    title = TEXTS("bound", limit=limit)
    return fix(title, set_edge_key(edge, "loop", {"max": limit}), safe=True)


def draw_reject_edge(graph: Graph, back_edge: BackEdge) -> Fix:
    """Draw the edge that `rejectTo` stands for, with its limit."""
    node = graph.nodes[back_edge.edge.source].node
    return fix(
        TEXTS("draw-back", node=node.id, target=back_edge.edge.target, limit=back_edge.limit),
        *_draw_reject_edge(graph, back_edge, node, "rejected"),
    )
