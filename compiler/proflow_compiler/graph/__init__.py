"""Internal: the graph of a design: nodes, outcomes and edges of each level, in canonical order."""

from proflow_compiler.graph.build import build_graph
from proflow_compiler.graph.model import (
    DEFAULT_RETURNS,
    BackEdge,
    Exit,
    Graph,
    GraphEdge,
    GraphNode,
    outcome_of,
)

__all__ = [
    "DEFAULT_RETURNS",
    "BackEdge",
    "Exit",
    "Graph",
    "GraphEdge",
    "GraphNode",
    "build_graph",
    "outcome_of",
]
