"""The dominator tree of a graph, and what is known of each of its subtrees.

Nodes are numbered in topological order, so that the number of a node is below those of all nodes
it leads to. `subtree(v)` is what only `v` leads to: the nodes that it dominates, itself included.
A *merge* is a node with several edges in; a subtree is left by edges into merges outside.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from proflow_compiler.graph import Graph

NEVER = 1 << 62
"""The `low` of a node from which no merge is reached."""


@dataclass(slots=True)
class Dominance:
    """Arrays by node number.

    `low[v]` ranks the outermost merge that `v` leads to: by the depth of its immediate dominator,
    of equals the last one (see `rank`). `slowest[v]` is the largest `low` of the nodes below `v`
    that take time (-1: none), `shallowest[v]` the smallest depth of an immediate dominator of the
    merges outside that edges below `v` lead to (NEVER: closed).
    """

    names: list[str]
    number: dict[str, int]
    targets: list[list[int]]
    in_degree: list[int]
    parent: list[int]
    children: list[list[int]]
    depth: list[int]
    size: list[int]
    place: list[int]
    """Position in a preorder of the tree: a subtree is the range `place … place + size`."""
    order: list[int]
    """The node at each place."""
    takes_time: list[bool]
    low: list[int] = field(default_factory=list)
    slowest: list[int] = field(default_factory=list)
    shallowest: list[int] = field(default_factory=list)

    def is_merge(self, node: int) -> bool:
        return self.in_degree[node] > 1

    def rank(self, merge: int) -> int:
        """Orders merges from the outermost and last to the innermost and first."""
        count = len(self.names)
        return self.depth[self.parent[merge]] * count + count - 1 - merge

    def rank_at_depth(self, depth: int) -> int:
        """The smallest rank of merges whose immediate dominator is that deep."""
        return depth * len(self.names)

    def contains(self, root: int, node: int) -> bool:
        """Whether `node` is in the subtree of `root`."""
        return 0 <= self.place[node] - self.place[root] < self.size[root]

    def subtree(self, root: int) -> Iterator[int]:
        place = self.place[root]
        return iter(self.order[place : place + self.size[root]])


def dominance_of(graph: Graph, takes_time: Callable[[str], bool]) -> Dominance:
    """The dominator tree of the nodes that the start reaches."""
    start = graph.starts[0]
    idom = graph.dominators
    names = [name for name in graph.topological if name == start or name in idom]
    number = {name: index for index, name in enumerate(names)}
    count = len(names)
    targets = [[number[edge.target] for edge in graph.out(name)] for name in names]
    in_degree = [0] * count
    for row in targets:
        for target in row:
            in_degree[target] += 1
    parent = [number[idom[name]] for name in names]
    children: list[list[int]] = [[] for _ in names]
    depth = [0] * count
    for node in range(1, count):
        children[parent[node]].append(node)
        depth[node] = depth[parent[node]] + 1
    size = [1] * count
    for node in range(count - 1, 0, -1):
        size[parent[node]] += size[node]
    place = [0] * count
    order = [0] * count
    for node in range(count):
        order[place[node]] = node
        at = place[node] + 1
        for child in children[node]:
            place[child] = at
            at += size[child]
    tree = Dominance(
        names=names,
        number=number,
        targets=targets,
        in_degree=in_degree,
        parent=parent,
        children=children,
        depth=depth,
        size=size,
        place=place,
        order=order,
        takes_time=[takes_time(name) for name in names],
    )
    _measure(tree)
    return tree


def _measure(tree: Dominance) -> None:
    count = len(tree.names)
    low = tree.low = [NEVER] * count
    slowest = tree.slowest = [-1] * count
    shallowest = tree.shallowest = [NEVER] * count
    for node in range(count - 1, -1, -1):
        for target in tree.targets[node]:
            low[node] = min(low[node], low[target])
            if tree.is_merge(target):
                low[node] = min(low[node], tree.rank(target))
                outside = tree.depth[tree.parent[target]]
                if outside < tree.depth[node]:
                    shallowest[node] = min(shallowest[node], outside)
        if tree.takes_time[node]:
            slowest[node] = max(slowest[node], low[node])
        for child in tree.children[node]:
            slowest[node] = max(slowest[node], slowest[child])
            if shallowest[child] < tree.depth[node]:
                shallowest[node] = min(shallowest[node], shallowest[child])
