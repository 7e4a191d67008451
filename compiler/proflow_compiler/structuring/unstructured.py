"""Reports concurrent branches that do not form parallel blocks: PF209."""

from collections.abc import Mapping

from proflow_compiler.diagnostics import Diagnostic
from proflow_compiler.graph import GraphEdge, GraphNode
from proflow_compiler.rules.unstructured_concurrency import RULE as UNSTRUCTURED
from proflow_compiler.structuring.dominance import Dominance
from proflow_compiler.structuring.forks import Unstructured
from proflow_compiler.structuring.program import Leave


def unstructured_diagnostic(
    nodes: Mapping[str, GraphNode], tree: Dominance, found: Unstructured
) -> Diagnostic:
    """Return the diagnostic that says which branches cross, located at the edge that is to blame.

    Args:
        nodes: The nodes of all levels, by id.
        tree: The dominator tree of the body.
        found: Why the branches form no block.
    """
    at = nodes[tree.vertices[found.fork].node]
    fork, inside = at.node.id, at.entry
    branches = f"branches {'in' if inside else 'out of'} `{fork}`"
    edge = _edge_from(tree, found.arm, found.merge)
    merge = nodes[edge.target if edge is not None else tree.vertices[found.merge].node].node.id
    label = f"joins another branch {'in' if inside else 'out of'} `{fork}`"
    if found.other_merge is not None:
        other = _edge_from(tree, found.arm, found.other_merge)
        elsewhere = f"{_named(nodes, other)} leads elsewhere" if other else "one ends elsewhere"
        message = (
            f"{branches} cross: {_named(nodes, edge)} joins another branch at `{merge}`, "
            f"and {elsewhere} from there"
        )
        if other is not None:
            edge, label = other, f"leads past `{merge}`"
    elif found.slow is not None:
        slow = nodes[tree.vertices[found.slow].node].node.id
        message = (
            f"{branches} cross: {_named(nodes, edge)} leads to `{merge}`, which does not "
            f"wait for `{slow}` in the same branch"
        )
    elif found.shared:
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
    """Return a drawn edge into `merge`, if possible from the branch that begins with `arm`.

    For the finish of a loop, an edge to a vertex that records an exit counts as well.
    """
    names = {tree.names[merge]}
    if merge == tree.finish:
        names |= {vertex.name for vertex in tree.vertices if isinstance(vertex.statement, Leave)}
    for node in (*tree.subtree(arm), *tree.subtree(tree.parent[merge])):
        for exit_ in tree.vertices[node].exits:
            for edge in exit_.edges:
                if (
                    edge.target in names
                    and edge.origin is not None
                    and edge.origin.edge is not None
                ):
                    return edge.origin
    return None


def _named(nodes: Mapping[str, GraphNode], edge: GraphEdge | None) -> str:
    if edge is None:
        return "an edge"
    return f"`{nodes[edge.source].node.id} → {nodes[edge.target].node.id}`"
