"""Tells which subtrees fall through: reach the end of their block, and so what follows it.

Blocks are decided from the outermost inwards. An edge into a merge is marked once it is known that
a block that ends with it falls through. A subtree that is not yet decided falls through if it holds
a marked edge; a Fenwick tree over the preorder counts the marks of a whole subtree at once.
"""

from bisect import bisect_left
from collections.abc import Iterable

from proflow_compiler.structuring.dominance import Dominance


class FallThrough:
    """The marked edges, by the preorder position of their source."""

    def __init__(self, tree: Dominance) -> None:
        self._tree = tree
        self._sums = [0] * (len(tree.names) + 1)
        self._sources: dict[int, list[int]] = {}
        for position, node in enumerate(tree.order):
            for target in tree.targets[node]:
                if tree.is_merge(target):
                    self._sources.setdefault(target, []).append(position)
        self._unmarked: dict[int, list[int]] = {}
        """Merge → for each of its edges, the index of the next one that may be unmarked."""
        self.marked: set[int] = set()
        """Merges whose edges are all marked."""

    def mark(self, merge: int) -> None:
        """Mark all edges into `merge`."""
        self.marked.add(merge)
        self._mark(merge, 0, len(self._sources[merge]))

    def mark_within(self, merge: int, roots: Iterable[int]) -> None:
        """Mark the edges into `merge` from the subtrees of `roots`."""
        sources = self._sources[merge]
        for root in roots:
            first = self._tree.position[root]
            last = first + self._tree.size[root]
            self._mark(merge, bisect_left(sources, first), bisect_left(sources, last))

    def _mark(self, merge: int, first: int, last: int) -> None:
        """Mark a range of the edges into `merge`; an edge is counted only once."""
        sources = self._sources[merge]
        if merge not in self._unmarked:
            self._unmarked[merge] = list(range(len(sources) + 1))
        following = self._unmarked[merge]
        at = _found(following, first)
        while at < last:
            self._add(sources[at])
            following[at] = at + 1
            at = _found(following, at)

    def from_subtree(self, root: int) -> bool:
        """Return True if the subtree of `root` holds a marked edge."""
        return self._count(root) > 0

    def between(self, root: int, tail: int) -> bool:
        """Return True if the subtree of `root`, without that of `tail`, holds a marked edge."""
        return self._count(root) > self._count(tail)

    def _count(self, root: int) -> int:
        position = self._tree.position[root]
        return self._sum(position + self._tree.size[root]) - self._sum(position)

    def _add(self, position: int) -> None:
        at = position + 1
        while at < len(self._sums):
            self._sums[at] += 1
            at += at & -at

    def _sum(self, end: int) -> int:
        total = 0
        while end > 0:
            total += self._sums[end]
            end &= end - 1
        return total


def _found(following: list[int], at: int) -> int:
    """Return the first index from `at` on that is not marked, and compress the path to it."""
    while following[at] != at:
        following[at] = following[following[at]]
        at = following[at]
    return at
