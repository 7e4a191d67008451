"""The dominator tree of a body, with measures of each of its subtrees.

Vertices are numbered in topological order, so every edge leads to a larger number. `subtree(v)`
holds the vertices that `v` dominates, including `v`. A *merge* is a vertex with several edges into
it; every edge that leaves a subtree leads into a merge. The finish of a body counts as a merge
outside of every subtree.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from proflow_compiler.structuring.bodies import Body, Vertex

NEVER = 1 << 62
"""The `low` of a vertex from which no merge can be reached."""
NOWHERE = -1
"""Stands for "no vertex"; as what follows a block: nothing."""


@dataclass(slots=True)
class Dominance:
    """The tree as arrays, indexed by the number of the vertex.

    `low[v]` is the smallest `rank` of the merges that can be reached from `v`, so that of the
    outermost one. `slowest[v]` is the largest `low` of the vertices in the subtree of `v` that take
    time; -1 if there are none. `shallowest[v]` is the smallest depth of the immediate dominators of
    merges outside the subtree that its edges lead to; NEVER if no edge leaves the subtree.
    """

    names: list[str]
    number: dict[str, int]
    vertices: list[Vertex]
    targets: list[list[int]]
    in_degree: list[int]
    parent: list[int]
    children: list[list[int]]
    depth: list[int]
    size: list[int]
    position: list[int]
    """Position in a preorder of the tree: a subtree is the range `position … position + size`."""
    order: list[int]
    """The vertices in preorder: the inverse of `position`."""
    finish: int = NOWHERE
    overtaking: list[bool] = field(default_factory=list)
    """True for merges that start before everything that leads to them is over."""
    low: list[int] = field(default_factory=list)
    slowest: list[int] = field(default_factory=list)
    shallowest: list[int] = field(default_factory=list)
    overtakes: list[bool] = field(default_factory=list)
    """True if the subtree holds an overtaking merge."""

    def is_merge(self, node: int) -> bool:
        """Return True if several edges lead to `node`; the finish always is a merge."""
        return self.in_degree[node] > 1

    def idom_depth(self, merge: int) -> int:
        """Return the depth of the immediate dominator of a merge; -1 for the finish."""
        return -1 if merge == self.finish else self.depth[self.parent[merge]]

    def rank(self, merge: int) -> int:
        """Return a number that orders merges: outer before inner, at equal depth last first."""
        count = len(self.names)
        return self.idom_depth(merge) * count + count - 1 - merge

    def rank_at_depth(self, depth: int) -> int:
        """Return the smallest rank of merges whose immediate dominator is at `depth`."""
        return depth * len(self.names)

    def contains(self, root: int, node: int) -> bool:
        """Return True if `root` dominates `node`."""
        return 0 <= self.position[node] - self.position[root] < self.size[root]

    def subtree(self, root: int) -> Iterator[int]:
        """Yield the vertices that `root` dominates, itself included, in preorder."""
        first = self.position[root]
        return iter(self.order[first : first + self.size[root]])

    def is_tight(self, root: int) -> bool:
        """Return True if the subtree is over as soon as the last edge out of it is decided.

        Then waiting for the whole subtree is no different from waiting for these edges.
        """
        hurried = any(self.overtakes[child] for child in self.children[root])
        return not hurried and self.slowest[root] < self.rank_at_depth(self.depth[root])

    def closes(self, node: int, tail: int) -> bool:
        """Return True if the subtree of `node` is left only by way of its child `tail`.

        The tail waits for everything before it, so whatever takes time must lead there. A `low`
        only tells that a vertex leads to the tail or to a later merge; so `tail` has to be the last
        merge among the children.
        """
        last = max(
            child for child in self.children[node] if self.is_merge(child) and child != self.finish
        )
        if last != tail:
            return False
        leaves = min(
            (self.idom_depth(to) for to in self.targets[node] if self.is_merge(to)),
            default=self.depth[node],
        )
        return leaves >= self.depth[node] and all(
            self.shallowest[child] >= self.depth[node]
            and self.slowest[child] <= self.rank(tail)
            and not self.overtakes[child]
            for child in self.children[node]
            if child not in (tail, self.finish)
        )


def dominance_of(body: Body, overtaking: frozenset[str]) -> Dominance:
    """Build the dominator tree of a body.

    Args:
        body: The body.
        overtaking: Merges that start before everything that leads to them is over, because they
            need only some of their edges.
    """
    names = list(body.topological)
    number = {name: index for index, name in enumerate(names)}
    count = len(names)
    vertices = [body.vertices[name] for name in names]
    targets = [[number[target] for target in vertex.targets()] for vertex in vertices]
    in_degree = [0] * count
    for row in targets:
        for target in row:
            in_degree[target] += 1
    finish = NOWHERE if body.finish is None else number[body.finish]
    if finish != NOWHERE:
        in_degree[finish] += 2
    parent, depth = _dominators(targets)
    children: list[list[int]] = [[] for _ in names]
    for node in range(1, count):
        children[parent[node]].append(node)
    size = [1] * count
    for node in range(count - 1, 0, -1):
        size[parent[node]] += size[node]
    position = [0] * count
    order = [0] * count
    for node in range(count):
        order[position[node]] = node
        following = position[node] + 1
        for child in children[node]:
            position[child] = following
            following += size[child]
    tree = Dominance(
        names=names,
        number=number,
        vertices=vertices,
        targets=targets,
        in_degree=in_degree,
        parent=parent,
        children=children,
        depth=depth,
        size=size,
        position=position,
        order=order,
        finish=finish,
        overtaking=[name in overtaking for name in names],
    )
    _measure(tree)
    return tree


def _dominators(targets: list[list[int]]) -> tuple[list[int], list[int]]:
    """Return the immediate dominator and the depth of each vertex.

    The immediate dominator is the nearest common ancestor of all predecessors. `jump` points to an
    ancestor far up, to find it in logarithmic time (Myers, "An applicative random-access stack",
    1983).
    """
    count = len(targets)
    parent, depth, jump = [NOWHERE] * count, [0] * count, [0] * count
    parent[0] = 0

    def ancestor(node: int, level: int) -> int:
        while depth[node] > level:
            node = jump[node] if depth[jump[node]] >= level else parent[node]
        return node

    def meet(a: int, b: int) -> int:
        a, b = ancestor(a, depth[b]), ancestor(b, depth[a])
        while a != b:
            far = jump[a] != jump[b]
            a, b = (jump[a], jump[b]) if far else (parent[a], parent[b])
        return a

    for node in range(count):
        if node:
            above = parent[node]
            depth[node] = depth[above] + 1
            far = jump[above]
            even = depth[above] - depth[far] == depth[far] - depth[jump[far]]
            jump[node] = jump[far] if even else above
        for target in targets[node]:
            known = parent[target]
            parent[target] = node if known == NOWHERE else meet(known, node)
    return parent, depth


def _measure(tree: Dominance) -> None:
    """Fill in `low`, `slowest`, `shallowest` and `overtakes`, from the leaves up."""
    count = len(tree.names)
    low = tree.low = [NEVER] * count
    slowest = tree.slowest = [-1] * count
    shallowest = tree.shallowest = [NEVER] * count
    overtakes = tree.overtakes = list(tree.overtaking)
    for node in range(count - 1, -1, -1):
        for target in tree.targets[node]:
            low[node] = min(low[node], low[target])
            if tree.is_merge(target):
                low[node] = min(low[node], tree.rank(target))
                outside = tree.idom_depth(target)
                if outside < tree.depth[node]:
                    shallowest[node] = min(shallowest[node], outside)
        if tree.vertices[node].takes_time:
            slowest[node] = max(slowest[node], low[node])
        for child in tree.children[node]:
            slowest[node] = max(slowest[node], slowest[child])
            overtakes[node] = overtakes[node] or overtakes[child]
            if shallowest[child] < tree.depth[node]:
                shallowest[node] = min(shallowest[node], shallowest[child])
