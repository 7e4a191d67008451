"""The diagnostic for concurrency that forms no parallel blocks: PF209."""

from collections.abc import Mapping

from proflow_compiler.diagnostics import Diagnostic
from proflow_compiler.graph import GraphEdge, GraphNode
from proflow_compiler.rules.structuring import STRUCTURING_RULES
from proflow_compiler.structuring.dominance import Dominance
from proflow_compiler.structuring.forks import Crossing
from proflow_compiler.structuring.program import Leave

(UNSTRUCTURED,) = STRUCTURING_RULES


def crossing_diagnostic(
    nodes: Mapping[str, GraphNode], tree: Dominance, crossing: Crossing
) -> Diagnostic:
    """Says which branches cross, and where; located at the edge that makes them cross."""
    at = nodes[tree.at[crossing.fork].node]
    fork, inside = at.node.id, at.entry
    branches = f"branches {'in' if inside else 'out of'} `{fork}`"
    edge = _edge_from(tree, crossing.arm, crossing.merge)
    merge = nodes[edge.target if edge is not None else tree.at[crossing.merge].node].node.id
    label = f"joins another branch {'in' if inside else 'out of'} `{fork}`"
    if crossing.astray is not None:
        aside = _edge_from(tree, crossing.arm, crossing.astray)
        elsewhere = f"{_named(nodes, aside)} leads elsewhere" if aside else "one ends elsewhere"
        message = (
            f"{branches} cross: {_named(nodes, edge)} joins another branch at `{merge}`, "
            f"and {elsewhere} from there"
        )
        if aside is not None:
            edge, label = aside, f"leads past `{merge}`"
    elif crossing.slow is not None:
        slow = nodes[tree.at[crossing.slow].node].node.id
        message = (
            f"{branches} cross: {_named(nodes, edge)} leads to `{merge}`, which does not "
            f"wait for `{slow}` in the same branch"
        )
    elif crossing.shared:
        message = f"{branches} meet at `{merge}`, but on some runs only"
    else:
        message = (
            f"{branches} meet at `{merge}`, and in one of them a join goes on before all that "
            "leads to it is over"
        )
    drawn = edge.edge if edge is not None else None
    return UNSTRUCTURED.diagnostic(
        message,
        at.node.pointer if drawn is None else drawn.pointer,
        node=fork,
        edge=None if drawn is None else drawn.key,
        help="to have blocks in the generated code, join these branches in one node",
        label=label,
    )


def _edge_from(tree: Dominance, arm: int, merge: int) -> GraphEdge | None:
    """A drawn edge into `merge` out of the branch that begins with `arm`, if possible.

    A place that notes an exit of a loop stands for the edge into it.
    """
    names = {tree.names[merge]}
    if merge == tree.finish:
        names |= {place.name for place in tree.at if isinstance(place.statement, Leave)}
    for node in (*tree.subtree(arm), *tree.subtree(tree.parent[merge])):
        for way in tree.at[node].ways:
            for link in way.links:
                if link.target in names and link.edge is not None and link.edge.edge is not None:
                    return link.edge
    return None


def _named(nodes: Mapping[str, GraphNode], edge: GraphEdge | None) -> str:
    if edge is None:
        return "an edge"
    return f"`{nodes[edge.source].node.id} → {nodes[edge.target].node.id}`"
