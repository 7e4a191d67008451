"""The diagnostic for concurrency that forms no parallel block: PF209."""

from proflow_compiler.diagnostics import Diagnostic
from proflow_compiler.dominance import Dominance
from proflow_compiler.forks import Crossing
from proflow_compiler.graph import Graph, GraphEdge
from proflow_compiler.structuring_rules import STRUCTURING_RULES

(UNSTRUCTURED,) = STRUCTURING_RULES


def crossing_diagnostic(graph: Graph, tree: Dominance, crossing: Crossing) -> Diagnostic:
    """Says which branches cross, and where; located at the edge that makes them cross."""
    names = tree.names
    fork, merge, arm = names[crossing.fork], names[crossing.merge], names[crossing.arm]
    towards = _edge_from(graph, tree, crossing.arm, crossing.merge)
    edge, label = towards, f"joins another branch out of `{fork}`"
    if crossing.astray is not None:
        astray = names[crossing.astray]
        aside = _edge_from(graph, tree, crossing.arm, crossing.astray)
        message = (
            f"branches out of `{fork}` cross: {_named(towards)} joins another branch at `{merge}`, "
            f"and {_named(aside)} leads elsewhere from there"
        )
        if aside is not None:
            edge, label = aside, f"leads past `{merge}`"
        help_ = (
            f"join the branches out of `{fork}` in one node, or let one of them go to `{astray}`"
        )
    elif crossing.slow is not None:
        slow = names[crossing.slow]
        message = (
            f"branches out of `{fork}` cross: {_named(towards)} leads to `{merge}`, which must not "
            f"wait for `{slow}` in the same branch"
        )
        help_ = f"let `{slow}` lead to `{merge}` too, or draw it as a branch of its own"
    elif crossing.shared:
        message = f"branches out of `{fork}` meet at `{merge}`, but on some runs only"
        help_ = f"join the branches out of `{fork}` in one node, or give each its own way to an end"
    else:
        message = f"`{merge}` goes on before all branches out of `{fork}` that lead to it are over"
        help_ = "use `active` to wait for the branches that were chosen"
    drawn = edge.edge if edge is not None else None
    return UNSTRUCTURED.diagnostic(
        message,
        drawn.pointer if drawn is not None else graph.nodes[fork].node.pointer,
        node=fork,
        edge=drawn.key if drawn is not None else None,
        help=help_,
        path=(fork, arm, merge) if arm != merge else (fork, merge),
        label=label,
    )


def _edge_from(graph: Graph, tree: Dominance, arm: int, merge: int) -> GraphEdge | None:
    """An edge into `merge` out of the branch that begins with `arm`."""
    edges = graph.into[tree.names[merge]]
    for edge in edges:
        if tree.contains(arm, tree.number[edge.source]):
            return edge
    return edges[0] if edges else None


def _named(edge: GraphEdge | None) -> str:
    return f"`{edge.source} → {edge.target}`" if edge is not None else "an edge"
