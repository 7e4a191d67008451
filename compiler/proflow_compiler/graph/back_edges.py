"""Finds the back edges of one level of a design and orders its nodes.

An edge is a back edge if the drawing says so (`data.loop`), or if its target dominates its source,
so that the edge closes a natural loop.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proflow_compiler.design import Design, Edge
from proflow_compiler.graph.order import in_topological_order

if TYPE_CHECKING:
    import networkx as nx

_ROOT = ""
"""A virtual root before all nodes at which an item of a container begins; no node has this id."""


@dataclass(frozen=True)
class LevelOrder:
    """The nodes of one level in topological order, and its back edges.

    Nodes on cycles that are not natural loops, and nodes behind such cycles, come last.
    """

    names: list[str]
    back: frozenset[int]
    """The indices of the back edges (`Edge.index`)."""


def order_level(
    design: Design,
    container: str | None,
    names: Sequence[str],
    drawn: Mapping[str, Sequence[Edge]],
) -> LevelOrder:
    """Find the back edges of a level, and order its nodes along the other edges.

    Args:
        design: The design.
        container: The container whose level this is; None for the outermost level.
        names: The ids of the nodes of the level, in the order that decides ties.
        drawn: For each node, its edges to nodes of the same level.

    Returns:
        The order and the back edges. A cycle that remains without the back edges is no natural
        loop; its nodes come last.
    """
    edges = [edge for name in names for edge in drawn[name]]
    back = {edge.index for edge in edges if edge.loop is not None}
    ordered = in_topological_order(names, (edge for edge in edges if edge.index not in back))
    if len(ordered) < len(names):
        starts = [name for name in names if design.nodes[name].type == "start"]
        back |= set(_inferred(names, starts, edges, back, container))
        ordered = in_topological_order(names, (edge for edge in edges if edge.index not in back))
        placed = set(ordered)
        ordered += [name for name in names if name not in placed]
    return LevelOrder(ordered, frozenset(back))


def _digraph(names: Iterable[str], edges: Iterable[Edge]) -> "nx.DiGraph[str]":
    import networkx as nx

    digraph: nx.DiGraph[str] = nx.DiGraph()
    digraph.add_nodes_from(names)
    digraph.add_edges_from((edge.source, edge.target) for edge in edges)
    return digraph


def _inferred(
    names: Sequence[str],
    starts: Sequence[str],
    edges: Sequence[Edge],
    stated: set[int],
    container: str | None,
) -> Iterator[int]:
    """Yield the indices of edges whose target dominates their source."""
    import networkx as nx

    digraph = _digraph(names, edges)
    if container is None:
        if len(starts) != 1:
            return
        root = starts[0]
    else:
        root = _ROOT
        forward = {edge.target for edge in edges if edge.index not in stated}
        digraph.add_edges_from((root, name) for name in names if name not in forward)
        if root not in digraph:
            return
    above: dict[str, str | None] = dict(nx.immediate_dominators(digraph, root))
    above[root] = None
    depth: dict[str, int] = {}

    def depth_of(name: str) -> int:
        chain: list[str] = []
        at: str | None = name
        while at is not None and at not in depth:
            chain.append(at)
            at = above[at]
        below = 0 if at is None else depth[at] + 1
        for one in reversed(chain):
            depth[one] = below
            below += 1
        return depth[name]

    for edge in edges:
        if edge.index in stated or edge.source not in above or edge.target not in above:
            continue
        at: str | None = edge.source
        while at is not None and depth_of(at) > depth_of(edge.target):
            at = above[at]
        if at == edge.target:
            yield edge.index
