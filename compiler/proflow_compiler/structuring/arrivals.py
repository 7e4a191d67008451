"""Which edges into merges arrive at what follows the block they stand in, as far as it is decided.

Blocks are decided from the outermost inwards; an edge is marked once it is known to arrive. So at
any time the marks in a subtree not yet decided say whether it arrives. A Fenwick tree over the
preorder answers that for a whole subtree at once.
"""

from bisect import bisect_left
from collections.abc import Iterable

from proflow_compiler.structuring.dominance import Dominance


class Arrivals:
    """Marked edges, by the place of their source."""

    def __init__(self, tree: Dominance) -> None:
        self._tree = tree
        self._sums = [0] * (len(tree.names) + 1)
        self._sources: dict[int, list[int]] = {}
        for place, node in enumerate(tree.order):
            for target in tree.targets[node]:
                if tree.is_merge(target):
                    self._sources.setdefault(target, []).append(place)
        self._unmarked: dict[int, list[int]] = {}
        """For each merge and each of its edges, one from there on that may not be marked yet."""
        self.marked: set[int] = set()
        """Merges all of whose edges are marked."""

    def mark(self, merge: int) -> None:
        """All edges into `merge` arrive."""
        self.marked.add(merge)
        self._mark(merge, 0, len(self._sources[merge]))

    def mark_within(self, merge: int, roots: Iterable[int]) -> None:
        """The edges into `merge` from the subtrees of `roots` arrive."""
        sources = self._sources[merge]
        for root in roots:
            first = self._tree.place[root]
            last = first + self._tree.size[root]
            self._mark(merge, bisect_left(sources, first), bisect_left(sources, last))

    def _mark(self, merge: int, first: int, last: int) -> None:
        """Mark a range of the edges into `merge`, each once however often it is asked for."""
        sources = self._sources[merge]
        following = self._unmarked.setdefault(merge, list(range(len(sources) + 1)))
        at = _found(following, first)
        while at < last:
            self._add(sources[at])
            following[at] = at + 1
            at = _found(following, at)

    def from_subtree(self, root: int) -> bool:
        """Whether some edge that leaves from below `root` arrives."""
        return self._count(root) > 0

    def between(self, root: int, tail: int) -> bool:
        """Whether some edge from below `root`, but not from below `tail`, arrives."""
        return self._count(root) > self._count(tail)

    def _count(self, root: int) -> int:
        place = self._tree.place[root]
        return self._sum(place + self._tree.size[root]) - self._sum(place)

    def _add(self, place: int) -> None:
        at = place + 1
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
    """The first from here on that is not marked; the way to it is shortened for the next search."""
    while following[at] != at:
        following[at] = following[following[at]]
        at = following[at]
    return at
