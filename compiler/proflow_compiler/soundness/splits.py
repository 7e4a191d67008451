"""Finds two concurrent paths to a join that share no node between a fork and the join."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from proflow_compiler.graph import GraphEdge
from proflow_compiler.graph.runs import Runs, taken_at_once


@dataclass(frozen=True)
class Split:
    """A fork, and two disjoint paths of one run from there to a join; the shorter one first.

    Attributes:
        fork: The node at which the paths split.
        edges: The last edge of each path, which leads to the join.
        paths: The nodes of each path, from the root to the node before the join.
    """

    fork: str
    edges: tuple[GraphEdge, GraphEdge]
    paths: tuple[tuple[str, ...], tuple[str, ...]]


def find_split(runs: Runs, join: str) -> Split:
    """Find a split near the root, with short paths, for a join that a run reaches by two edges.

    By Menger's theorem, two edges that are taken at once begin two disjoint paths to the join if
    and only if no node before the join is on all paths of both. That is so if the last node that
    all paths over the one edge share is not the last one that all paths over the other share.
    """
    region = _region(runs, join)
    gates = _gates(runs, join, region)
    far, near = _distances(runs, join, region)
    fork, edges = min(
        _forks(runs, region, gates), key=lambda found: (far[found[0]] + near[found[0]], found[0])
    )
    one, two = _disjoint_paths(runs, join, region, edges)
    before = _shortest(runs, runs.root, fork)
    paths = [(*before, *(edge.source for edge in path[1:])) for path in (one, two)]
    return Split(fork, (one[-1], two[-1]), (paths[0], paths[1]))


def with_join(runs: Runs, one: tuple[str, str], two: tuple[str, str]) -> tuple[Runs, str]:
    """Add a join to which two outcomes lead as well.

    Args:
        runs: The runs.
        one: A node and one of its outcomes.
        two: Another one.

    Returns:
        The runs with the join, and the id of the join.
    """
    join = "?"
    while join in runs.graph.nodes:
        join += "?"
    exits = {**runs.exits, join: ()}
    edges = []
    for index, (name, outcome) in enumerate((one, two)):
        edges.append(GraphEdge(-1 - index, name, join, outcome, None))
        exits[name] = tuple(
            replace(exit_, edges=(*exit_.edges, edges[-1])) if exit_.outcome == outcome else exit_
            for exit_ in exits[name]
        )
    return replace(runs, exits=exits, into={**runs.into, join: tuple(edges)}), join


def _region(runs: Runs, join: str) -> set[str]:
    """Return the nodes between a join and its immediate dominator, which is included."""
    above = runs.graph.dominator_tree.parent.get(join, runs.root)
    region = {above}
    stack = [join]
    while stack:
        for edge in runs.into[stack.pop()]:
            if edge.source not in region:
                region.add(edge.source)
                stack.append(edge.source)
    return region


def _edges(runs: Runs, name: str, join: str, region: set[str]) -> list[list[GraphEdge]]:
    """Return the edges of a node towards the join, in groups that can be taken at once."""
    return [
        [
            edge
            for exit_ in exits
            for edge in exit_.edges
            if edge.target == join or edge.target in region
        ]
        for exits in taken_at_once(runs.every(name), runs.exits[name])
    ]


def _gates(runs: Runs, join: str, region: set[str]) -> Mapping[int, object]:
    """Return for each edge the last node before the join that all paths over the edge share.

    For an edge into the join, it is the index of the edge itself.
    """
    gates: dict[int, object] = {}
    after: dict[str, object] = {}
    for name in sorted(region, key=runs.graph.rank.__getitem__, reverse=True):
        own: set[object] = set()
        for edges in _edges(runs, name, join, region):
            for edge in edges:
                gates[edge.index] = edge.index if edge.target == join else after[edge.target]
                own.add(gates[edge.index])
        after[name] = own.pop() if len(own) == 1 else name
    return gates


def _forks(
    runs: Runs, region: set[str], gates: Mapping[int, object]
) -> Iterator[tuple[str, list[GraphEdge]]]:
    """Yield the nodes at which disjoint paths to the join begin, with their edges."""
    for name in region:
        for exits in taken_at_once(runs.every(name), runs.exits[name]):
            edges = [edge for exit_ in exits for edge in exit_.edges if edge.index in gates]
            if len({gates[edge.index] for edge in edges}) > 1:
                yield name, edges


def _distances(
    runs: Runs, join: str, region: set[str]
) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Return the distance of each node of the region from its first node, and from the join."""
    order = sorted(region, key=runs.graph.rank.__getitem__)
    far, near = {order[0]: 0}, {join: 0}
    for name in order:
        for edges in _edges(runs, name, join, region):
            for edge in edges:
                far[edge.target] = min(far.get(edge.target, far[name] + 1), far[name] + 1)
    for name in reversed(order):
        near[name] = 1 + min(
            near[edge.target] for edges in _edges(runs, name, join, region) for edge in edges
        )
    return far, near


def _disjoint_paths(
    runs: Runs, join: str, region: set[str], edges: list[GraphEdge]
) -> list[list[GraphEdge]]:
    """Find two paths from these edges that share no node before the join, the shorter one first."""
    import networkx as nx

    digraph: nx.DiGraph[object] = nx.DiGraph()
    by_index: dict[int, GraphEdge] = {}

    def connect(source: object, edge: GraphEdge) -> None:
        by_index[edge.index] = edge
        digraph.add_edge(source, edge.index)
        digraph.add_edge(edge.index, edge.target)

    for edge in edges:
        connect("", edge)
    for name in region - {edges[0].source}:
        for group in _edges(runs, name, join, region):
            for edge in group:
                connect(name, edge)
    paths = [
        [by_index[one] for one in path if isinstance(one, int)]
        for path in nx.node_disjoint_paths(digraph, "", join, cutoff=2)
    ]
    return sorted(paths, key=lambda path: (len(path), path[-1].index))


def _shortest(runs: Runs, start: str, end: str) -> list[str]:
    """Return the nodes of a shortest path, both ends included."""
    came = {start: start}
    queue = deque([start])
    while end not in came:
        at = queue.popleft()
        for exit_ in runs.exits[at]:
            for edge in exit_.edges:
                if edge.target in runs.into and edge.target not in came:
                    came[edge.target] = at
                    queue.append(edge.target)
    path = [end]
    while path[-1] != start:
        path.append(came[path[-1]])
    return path[::-1]
