"""The dominator tree of a round, and what is known of each of its subtrees.

Places are numbered in topological order, so that the number of a place is below those of all places
it leads to. `subtree(v)` is what only `v` leads to: the places that it dominates, itself included.
A *merge* is a place with several links in; a subtree is left by links into merges outside. The
finish of a round is a merge outside of every subtree.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from proflow_compiler.structuring.places import Place, Round

NEVER = 1 << 62
"""The `low` of a place from which no merge is reached."""
NOWHERE = -1
"""No place: nothing follows."""


@dataclass(slots=True)
class Dominance:
    """Arrays by number of the place.

    `low[v]` ranks the outermost merge that `v` leads to: by the depth of its immediate dominator,
    of equals the last one (see `rank`). `slowest[v]` is the largest `low` of the places below `v`
    that take time (-1: none), `shallowest[v]` the smallest depth of an immediate dominator of the
    merges outside that links below `v` lead to (NEVER: closed).
    """

    names: list[str]
    number: dict[str, int]
    at: list[Place]
    targets: list[list[int]]
    in_degree: list[int]
    parent: list[int]
    children: list[list[int]]
    depth: list[int]
    size: list[int]
    place: list[int]
    """Position in a preorder of the tree: a subtree is the range `place … place + size`."""
    order: list[int]
    """The place at each position."""
    finish: int = NOWHERE
    overtaking: list[bool] = field(default_factory=list)
    """Whether a merge goes on before all that is on its way to it is over."""
    low: list[int] = field(default_factory=list)
    slowest: list[int] = field(default_factory=list)
    shallowest: list[int] = field(default_factory=list)
    overtakes: list[bool] = field(default_factory=list)
    """Whether an overtaking merge is in the subtree."""

    def is_merge(self, node: int) -> bool:
        return self.in_degree[node] > 1

    def idom_depth(self, merge: int) -> int:
        """How deep what decides about a merge is; -1 for the finish."""
        return -1 if merge == self.finish else self.depth[self.parent[merge]]

    def rank(self, merge: int) -> int:
        """Orders merges from the outermost and last to the innermost and first."""
        count = len(self.names)
        return self.idom_depth(merge) * count + count - 1 - merge

    def rank_at_depth(self, depth: int) -> int:
        """The smallest rank of merges whose immediate dominator is that deep."""
        return depth * len(self.names)

    def contains(self, root: int, node: int) -> bool:
        """Whether `node` is in the subtree of `root`."""
        return 0 <= self.place[node] - self.place[root] < self.size[root]

    def subtree(self, root: int) -> Iterator[int]:
        place = self.place[root]
        return iter(self.order[place : place + self.size[root]])

    def is_tight(self, root: int) -> bool:
        """Whether nothing in the subtree outlasts the moment at which its last link out is settled.

        Then who waits for the subtree waits for no more than for the links.
        """
        hurried = any(self.overtakes[child] for child in self.children[root])
        return not hurried and self.slowest[root] < self.rank_at_depth(self.depth[root])

    def closes(self, node: int, tail: int) -> bool:
        """Whether what is below `node` leads to its child `tail` and leaves nowhere else.

        Whatever takes time there has to, as the tail waits for all of it. (By its `low` it leads
        to the tail or to a later merge: so the tail has to be the last one.)
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


def dominance_of(round_: Round, overtaking: frozenset[str]) -> Dominance:
    """The dominator tree of a round; `overtaking` are merges that go on early."""
    names = list(round_.topological)
    number = {name: index for index, name in enumerate(names)}
    count = len(names)
    at = [round_.places[name] for name in names]
    targets = [[number[target] for target in place.targets()] for place in at]
    in_degree = [0] * count
    for row in targets:
        for target in row:
            in_degree[target] += 1
    finish = NOWHERE if round_.finish is None else number[round_.finish]
    if finish != NOWHERE:
        in_degree[finish] += 2
    parent, depth = _dominators(targets)
    children: list[list[int]] = [[] for _ in names]
    for node in range(1, count):
        children[parent[node]].append(node)
    size = [1] * count
    for node in range(count - 1, 0, -1):
        size[parent[node]] += size[node]
    place = [0] * count
    order = [0] * count
    for node in range(count):
        order[place[node]] = node
        position = place[node] + 1
        for child in children[node]:
            place[child] = position
            position += size[child]
    tree = Dominance(
        names=names,
        number=number,
        at=at,
        targets=targets,
        in_degree=in_degree,
        parent=parent,
        children=children,
        depth=depth,
        size=size,
        place=place,
        order=order,
        finish=finish,
        overtaking=[name in overtaking for name in names],
    )
    _measure(tree)
    return tree


def _dominators(targets: list[list[int]]) -> tuple[list[int], list[int]]:
    """Immediate dominators and their depths: of the places before, the nearest that they share.

    `jump` leads to an ancestor far up (Myers, "An applicative random-access stack", 1983).
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
        if tree.at[node].takes_time:
            slowest[node] = max(slowest[node], low[node])
        for child in tree.children[node]:
            slowest[node] = max(slowest[node], slowest[child])
            overtakes[node] = overtakes[node] or overtakes[child]
            if shallowest[child] < tree.depth[node]:
                shallowest[node] = min(shallowest[node], shallowest[child])
