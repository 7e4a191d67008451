"""Finds the natural loops of a graph, and builds the graph of one iteration of a loop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from proflow_compiler.graph.model import BackEdge, Graph, GraphEdge


@dataclass(frozen=True)
class Loop:
    """A natural loop.

    Attributes:
        header: The node that every path into the loop goes through, and the target of `back`.
        back: The back edges of the loop.
        nodes: The loop body: the header, and the nodes that reach a back edge without going through
            the header, with those of nested loops. Failure paths that only this loop enters and
            that stop the run (`Graph.failure_paths`) belong to it as well, since an iteration is not
            finished before they are.
    """

    header: str
    back: tuple[BackEdge, ...]
    nodes: frozenset[str]

    def exits(self, graph: Graph) -> tuple[GraphEdge, ...]:
        """Return the edges that leave the loop, in the order of their sources in the graph."""
        return tuple(
            edge
            for name in graph.nodes
            if name in self.nodes
            for edge in graph.out(name)
            if edge.target not in self.nodes
        )

    def iteration(self, graph: Graph) -> Graph:
        """Return one iteration as a graph whose root is the header; edges out of the loop are left out."""
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
    """Find the loops of an acyclic graph with one start.

    Returns:
        The loops, outer ones before inner ones. Any two are disjoint or nested. A back edge whose
        target does not dominate its source forms no loop: see `jumps`.
    """
    by_header: dict[str, list[BackEdge]] = {}
    for back_edge in graph.back:
        if _closes_loop(graph, back_edge):
            by_header.setdefault(back_edge.edge.target, []).append(back_edge)
    if not by_header:
        return ()
    predecessors = _predecessors(graph)
    loops = [
        Loop(header, tuple(edges), _with_failure_paths(graph, _body(header, edges, predecessors)))
        for header, edges in by_header.items()
    ]
    return tuple(sorted(loops, key=lambda loop: (-len(loop.nodes), graph.rank[loop.header])))


def jumps(graph: Graph) -> Sequence[BackEdge]:
    """Return the back edges whose target does not dominate their source."""
    return [
        back_edge
        for back_edge in graph.back
        if back_edge.edge.source in graph.reachable and not _closes_loop(graph, back_edge)
    ]


def _closes_loop(graph: Graph, back_edge: BackEdge) -> bool:
    """Return True if the target of a back edge dominates its source."""
    tree = graph.dominator_tree
    source, target = back_edge.edge.source, back_edge.edge.target
    return source in tree.parent and target in tree.parent and tree.dominates(target, source)


def _predecessors(graph: Graph) -> Mapping[str, list[str]]:
    """Return the direct predecessors of each node, with those over back edges."""
    found = {
        name: [edge.source for edge in edges if edge.source in graph.reachable]
        for name, edges in graph.into.items()
    }
    for back_edge in graph.back:
        if _closes_loop(graph, back_edge):
            found[back_edge.edge.target].append(back_edge.edge.source)
    return found


def _body(
    header: str, back_edges: Sequence[BackEdge], predecessors: Mapping[str, list[str]]
) -> frozenset[str]:
    body = {header}
    stack = [back_edge.edge.source for back_edge in back_edges]
    while stack:
        name = stack.pop()
        if name not in body:
            body.add(name)
            stack += predecessors[name]
    return frozenset(body)


def _with_failure_paths(graph: Graph, body: frozenset[str]) -> frozenset[str]:
    """Add the failure paths (`Graph.failure_paths`) that are only entered from the loop body."""
    if not graph.failure_paths:
        return body
    found = set(body)
    for name in graph.topological:
        into = graph.into[name]
        if name in graph.failure_paths and into and all(edge.source in found for edge in into):
            found.add(name)
    return frozenset(found)
