"""Natural loops: what the back edges of a graph lead round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from proflow_compiler.graph.model import BackEdge, Graph, GraphEdge


@dataclass(frozen=True)
class Loop:
    """A header, which every way into the loop goes over, the back edges to it, and what is between.

    `nodes` are those from which a back edge is reached without going over the header; the header
    and the nodes of loops inside are among them. So is what tells of a mishap in the loop, and then
    stops the run, if it is entered from the loop alone: an iteration is not over before that is.
    """

    header: str
    back: tuple[BackEdge, ...]
    nodes: frozenset[str]

    def exits(self, graph: Graph) -> tuple[GraphEdge, ...]:
        """The edges that leave it, in the order of their sources in the file."""
        return tuple(
            edge
            for name in graph.nodes
            if name in self.nodes
            for edge in graph.out(name)
            if edge.target not in self.nodes
        )

    def iteration(self, graph: Graph) -> Graph:
        """One round of it as a graph of its own, without what leaves it."""
        order = sorted(self.nodes, key=graph.rank.__getitem__)
        nodes = {name: graph.nodes[name] for name in order}
        exits = {
            name: tuple(
                replace(exit_, edges=tuple(e for e in exit_.edges if e.target in self.nodes))
                for exit_ in graph.exits[name]
            )
            for name in nodes
        }
        edges = [edge for found in exits.values() for exit_ in found for edge in exit_.edges]
        into: dict[str, list[GraphEdge]] = {name: [] for name in nodes}
        for edge in edges:
            into[edge.target].append(edge)
        return replace(
            graph,
            nodes=nodes,
            edges=edges,
            exits=exits,
            into={name: tuple(found) for name, found in into.items()},
            root=self.header,
            inner={},
        )


def natural_loops(graph: Graph) -> tuple[Loop, ...]:
    """The loops of a graph with one start, outer ones first; they are disjoint or nest.

    A back edge whose target does not dominate its source makes no loop: see `jumps`.
    """
    by_header: dict[str, list[BackEdge]] = {}
    for back_edge in graph.back:
        if _turns(graph, back_edge):
            by_header.setdefault(back_edge.edge.target, []).append(back_edge)
    if not by_header:
        return ()
    before = _before(graph)
    loops = [
        Loop(header, tuple(edges), _with_mishaps(graph, _body(header, edges, before)))
        for header, edges in by_header.items()
    ]
    return tuple(sorted(loops, key=lambda loop: (-len(loop.nodes), graph.rank[loop.header])))


def jumps(graph: Graph) -> Sequence[BackEdge]:
    """back edges to a node that is not on every path to their source."""
    return [
        back_edge
        for back_edge in graph.back
        if back_edge.edge.source in graph.reachable and not _turns(graph, back_edge)
    ]


def _turns(graph: Graph, back_edge: BackEdge) -> bool:
    tree = graph.dominator_tree
    source, target = back_edge.edge.source, back_edge.edge.target
    return source in tree.parent and target in tree.parent and tree.dominates(target, source)


def _before(graph: Graph) -> Mapping[str, list[str]]:
    """The nodes from which a run can come to each node, also by back edges."""
    found = {
        name: [edge.source for edge in edges if edge.source in graph.reachable]
        for name, edges in graph.into.items()
    }
    for back_edge in graph.back:
        if _turns(graph, back_edge):
            found[back_edge.edge.target].append(back_edge.edge.source)
    return found


def _body(
    header: str, back_edges: Sequence[BackEdge], before: Mapping[str, list[str]]
) -> frozenset[str]:
    body = {header}
    stack = [back_edge.edge.source for back_edge in back_edges]
    while stack:
        name = stack.pop()
        if name not in body:
            body.add(name)
            stack += before[name]
    return frozenset(body)


def _with_mishaps(graph: Graph, body: frozenset[str]) -> frozenset[str]:
    if not graph.mishaps:
        return body
    found = set(body)
    for name in graph.topological:
        into = graph.into[name]
        if name in graph.mishaps and into and all(edge.source in found for edge in into):
            found.add(name)
    return frozenset(found)
