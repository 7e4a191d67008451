"""Which edges lead back: those that say so, and those that close a natural loop."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import networkx as nx

from proflow_compiler.design import Design, Edge
from proflow_compiler.graph.order import in_topological_order

_ROOT = ""
"""Leads to all nodes of a container that begin an item; no node has this id."""


def back_edges(
    design: Design,
    members: Mapping[str | None, Sequence[str]],
    drawn: Mapping[str, Sequence[Edge]],
) -> frozenset[int]:
    """The indices of the edges that lead back.

    An edge with `data.loop` does, and every edge whose target lies on every path to its source. What
    is cyclic without these is no natural loop.

    Args:
        design: The design.
        members: The nodes of each container; None: those outside of all.
        drawn: The edges out of each node to others of its level.
    """
    found: set[int] = set()
    for container, names in members.items():
        edges = [edge for name in names for edge in drawn[name]]
        stated = {edge.index for edge in edges if edge.loop is not None}
        left = [edge for edge in edges if edge.index not in stated]
        if not _cyclic(names, left):
            found |= stated
            continue
        starts = [name for name in names if design.nodes[name].type == "start"]
        found |= stated | set(_inferred(names, starts, edges, stated, container))
    return frozenset(found)


def _digraph(names: Iterable[str], edges: Iterable[Edge]) -> "nx.DiGraph[str]":
    digraph: nx.DiGraph[str] = nx.DiGraph()
    digraph.add_nodes_from(names)
    digraph.add_edges_from((edge.source, edge.target) for edge in edges)
    return digraph


def _cyclic(names: Sequence[str], edges: Sequence[Edge]) -> bool:
    return len(in_topological_order(names, edges)) < len(names)


def _inferred(
    names: Sequence[str],
    starts: Sequence[str],
    edges: Sequence[Edge],
    stated: set[int],
    container: str | None,
) -> Iterator[int]:
    """Edges whose target dominates their source."""
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
