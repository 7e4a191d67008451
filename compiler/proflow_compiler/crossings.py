"""The diagnostic for concurrency that forms no parallel blocks: PF209."""

from proflow_compiler.diagnostics import Diagnostic
from proflow_compiler.dominance import Dominance
from proflow_compiler.forks import Crossing
from proflow_compiler.graph import Graph, GraphEdge
from proflow_compiler.structuring_rules import STRUCTURING_RULES

(UNSTRUCTURED,) = STRUCTURING_RULES


def crossing_diagnostic(graph: Graph, tree: Dominance, crossing: Crossing) -> Diagnostic:
    """Says which branches cross, and where; located at the edge that makes them cross."""
    fork = tree.at[crossing.fork].node
    edge = _edge_from(tree, crossing.arm, crossing.merge)
    label = f"joins another branch out of `{fork}`"
    merge = edge.target if edge is not None else tree.at[crossing.merge].node
    if crossing.astray is not None:
        aside = _edge_from(tree, crossing.arm, crossing.astray)
        message = (
            f"branches out of `{fork}` cross: {_named(edge)} joins another branch at `{merge}`, "
            f"and {_named(aside)} leads elsewhere from there"
        )
        if aside is not None:
            edge, label = aside, f"leads past `{merge}`"
    elif crossing.slow is not None:
        slow = tree.at[crossing.slow].node
        message = (
            f"branches out of `{fork}` cross: {_named(edge)} leads to `{merge}`, which does not "
            f"wait for `{slow}` in the same branch"
        )
    elif crossing.shared:
        message = f"branches out of `{fork}` meet at `{merge}`, but on some runs only"
    else:
        message = (
            f"branches out of `{fork}` meet at `{merge}`, and in one of them a join goes on before "
            "all that leads to it is over"
        )
    drawn = edge.edge if edge is not None else None
    node = graph.design.nodes.get(fork)
    return UNSTRUCTURED.diagnostic(
        message,
        drawn.pointer if drawn is not None else "" if node is None else node.pointer,
        node=None if node is None else fork,
        edge=drawn.key if drawn is not None else None,
        help="to have blocks in the generated code, join these branches in one node",
        label=label,
    )


def _edge_from(tree: Dominance, arm: int, merge: int) -> GraphEdge | None:
    """An edge into `merge` out of the branch that begins with `arm`, if possible."""
    name = tree.names[merge]
    for node in (*tree.subtree(arm), *tree.subtree(tree.parent[merge])):
        for way in tree.at[node].ways:
            for link in way.links:
                if link.target == name and link.edge is not None:
                    return link.edge
    return None


def _named(edge: GraphEdge | None) -> str:
    return f"`{edge.source} → {edge.target}`" if edge is not None else "an edge"
