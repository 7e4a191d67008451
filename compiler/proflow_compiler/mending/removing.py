"""Fixes that remove nodes and edges that no run reaches."""

from collections.abc import Collection, Iterable, Iterator

from proflow_schemas.language import Text, Texts
from proflow_schemas.node_types.approval import Approval

from proflow_compiler.design import Design
from proflow_compiler.diagnostics import Fix
from proflow_compiler.diagnostics.design_edits import fix, remove_edges, remove_nodes
from proflow_compiler.graph import Exit, Graph

TEXTS = Texts(
    "removing",
    {
        "remove-nodes": Text("remove {names:and}", "移除 {names:and}"),
        "remove-more": Text(
            "remove {names:names} and {count} more", "移除 {names:names} 及另外 {count} 个节点"
        ),
        "edge": Text(
            "remove the edge to {targets:and}, never taken",
            "移除通向 {targets:and} 的连线，它不会执行",
        ),
        "edges": Text(
            "remove the edges to {targets:and}, never taken",
            "移除通向 {targets:and} 的连线，它们不会执行",
        ),
    },
)


def remove_dead_edges(exit_: Exit) -> Iterator[Fix]:
    """Remove the edges of an outcome that no run takes."""
    edges = [edge.edge for edge in exit_.edges] + [back_edge.edge.edge for back_edge in exit_.back]
    drawn = [edge for edge in edges if edge is not None and edge.drawn]
    if len(drawn) < len(edges) or not drawn:
        return
    targets = list(dict.fromkeys(edge.target for edge in drawn))
    title = TEXTS("edge", targets=targets) if len(drawn) == 1 else TEXTS("edges", targets=targets)
    yield fix(title, *remove_edges(drawn), safe=True)


def remove_dead_nodes(graph: Graph, head: str, heads: Collection[str]) -> Iterator[Fix]:
    """Remove a node that no run reaches, with the nodes that only it leads to.

    Args:
        graph: The graph.
        head: The node.
        heads: All nodes at which unreachable parts begin.
    """
    others = _led_to(graph, (one for one in heads if one != head))
    lost = [name for name in _led_to(graph, [head]) if name not in graph.reachable]
    gone = {name for name in lost if name not in others}
    names = [name for name in graph.nodes if name in gone and graph.nodes[name].drawn]
    if _is_named(graph.design, gone) or not names:
        return
    yield fix(
        TEXTS("remove-nodes", names=names[:3])
        if len(names) <= 3
        else TEXTS("remove-more", names=names[:3], count=len(names) - 3),
        *remove_nodes(graph.design, names),
    )


def _led_to(graph: Graph, begin: Iterable[str]) -> set[str]:
    found = set(begin)
    stack = list(found)
    while stack:
        for edge in graph.out(stack.pop()):
            if edge.target not in found:
                found.add(edge.target)
                stack.append(edge.target)
    return found


def _is_named(design: Design, gone: Collection[str]) -> bool:
    """Return True if an approval that stays has one of these nodes as its `rejectTo`."""
    return any(
        isinstance(node.config, Approval) and node.config.reject_to in gone
        for name, node in design.nodes.items()
        if name not in gone
    )
