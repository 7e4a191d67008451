"""How the branches of a fork join: which of them form a parallel block, and where it goes on.

An outcome with several links starts one arm per link. Arms that lead to a common merge become one
block, provided that nothing else waits for it or is held up by it: all of them lead nowhere but to
that merge, and whatever takes time in them leads there too. Blocks are formed from the first merge
in topological order on, so that they nest. Arms that form no block make a region necessary.
"""

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from proflow_compiler.structuring.dominance import NOWHERE, Dominance
from proflow_compiler.structuring.places import Way

OPEN = -1
"""The target of a block whose arms do not join."""

Exits = dict[int, int]
"""Merges outside a subtree → number of links into them."""


@dataclass(slots=True, eq=False)
class Thread:
    """An arm: a link to `target`; or a block of `arms` that goes on at their merge `target`.

    `inline`: every link into the merge comes from these arms, so that it stands right after them.
    The arms of an `OPEN` block do not join.
    """

    fork: int
    target: int
    exits: Exits
    arms: "list[Thread]" = field(default_factory=list)
    inline: bool = False
    aside: frozenset[int] = frozenset()
    """Merges, other than its own, that some of its arms lead to."""
    instead: int | None = None
    """What takes time in an arm of it, where that does not lead to its merge, which needs all."""


def threads_of(thread: Thread) -> Iterator[Thread]:
    """A thread and those it is formed of."""
    stack = [thread]
    while stack:
        one = stack.pop()
        yield one
        stack += reversed(one.arms)


@dataclass(frozen=True, slots=True)
class Crossing:
    """Branches out of `fork` that meet at `merge` and yet form no block, because of `arm`.

    Either `arm` also leads to the merge `astray`; or `slow` takes time there and does not lead to
    `merge`; or it is not known when `arm` is over, as something in it goes on early; or, `shared`,
    the arms do not join, and several can reach `merge`. `roots` are the places out of which a
    region would hold what crosses, the deepest first.
    """

    fork: int
    merge: int
    arm: int
    roots: tuple[int, ...]
    astray: int | None = None
    slow: int | None = None
    shared: bool = False


@dataclass(slots=True)
class Forks:
    """The block of every outcome with several links, by (place, outcome); and what crosses.

    `aside` are merges that a branch leads to past the join of its block, with the forks of those
    blocks: ends that take no time. They have to be functions.
    """

    blocks: dict[tuple[int, str], Thread] = field(default_factory=dict)
    crossings: list[Crossing] = field(default_factory=list)
    aside: dict[int, list[int]] = field(default_factory=dict)


def plan_forks(tree: Dominance, exits: Mapping[int, Exits], in_regions: Collection[int]) -> Forks:
    """Arms of all forks but those `in_regions`: the tasks of a region depend on these.

    `exits` are those of the subtrees right below forks.
    """
    wide: list[tuple[int, Way]] = [
        (node, way)
        for node, place in enumerate(tree.at)
        if node not in in_regions
        for way in place.ways
        if len(way.links) > 1
    ]
    forks = Forks()
    joined: set[int] = set()
    for node, way in reversed(wide):
        targets = [tree.number[link.target] for link in way.links]
        joining = _Joining(tree, node, exits, forks.aside, in_regions)
        try:
            block = joining.join(targets)
        except _CrossedError as error:
            forks.crossings.append(error.crossing)
            continue
        forks.blocks[node, way.outcome] = block
        for thread in threads_of(block):
            if thread.inline:
                joined.add(thread.target)
        for merge in {merge for thread in threads_of(block) for merge in thread.aside}:
            forks.aside.setdefault(merge, []).append(node)
    for merge, place in enumerate(tree.at):
        root = tree.parent[merge]
        if place.full and tree.is_merge(merge) and merge not in joined and root not in in_regions:
            forks.crossings.append(Crossing(root, merge, merge, (root,), shared=True))
    return forks


class _CrossedError(Exception):
    def __init__(self, crossing: Crossing) -> None:
        super().__init__(crossing)
        self.crossing = crossing


class _Joining:
    """Joins the arms of one fork."""

    def __init__(
        self,
        tree: Dominance,
        fork: int,
        exits: Mapping[int, Exits],
        aside: Mapping[int, list[int]],
        in_regions: Collection[int],
    ) -> None:
        self.tree, self.aside, self.in_regions = tree, aside, in_regions
        self.fork, self.exits = fork, exits
        self.live: dict[Thread, None] = {}
        self.leading: dict[int, dict[Thread, None]] = {}
        self.queue: list[int] = []

    def join(self, targets: Iterable[int]) -> Thread:
        for target in targets:
            single = not self.tree.is_merge(target)
            exits = self.exits[target] if single else {target: 1}
            self._add(Thread(self.fork, target, exits))
        while self.queue:
            merge = heapq.heappop(self.queue)
            arms = list(self.leading[merge])
            if len(arms) < 2:
                continue
            instead = [self._require_block(arm, merge) for arm in arms]
            if self.tree.at[merge].full:
                self._require_all(arms, merge)
            for arm in arms:
                self._remove(arm)
            self._add(
                self._block(arms, merge, next((one for one in instead if one is not None), None))
            )
        arms = list(self.live)
        return arms[0] if len(arms) == 1 else Thread(self.fork, OPEN, {}, arms)

    def _add(self, thread: Thread) -> None:
        self.live[thread] = None
        for merge in thread.exits:
            leading = self.leading.setdefault(merge, {})
            leading[thread] = None
            if len(leading) == 2 and merge != self.tree.finish:
                heapq.heappush(self.queue, merge)

    def _remove(self, thread: Thread) -> None:
        del self.live[thread]
        for merge in thread.exits:
            del self.leading[merge][thread]

    def _block(self, arms: list[Thread], merge: int, instead: int | None) -> Thread:
        edges = sum(arm.exits[merge] for arm in arms)
        inline = edges == self.tree.in_degree[merge]
        exits = dict(self.exits[merge]) if inline else {merge: edges}
        aside = {other for arm in arms for other in arm.exits if other != merge}
        for arm in arms:
            for other in arm.exits.keys() & aside:
                exits[other] = exits.get(other, 0) + arm.exits[other]
        return Thread(self.fork, merge, exits, arms, inline, frozenset(aside), instead)

    def _require_block(self, arm: Thread, merge: int) -> int | None:
        """Raises unless `arm` leads to `merge` and to nothing else that matters before it.

        Returns:
            What takes time in the arm instead of leading to a merge that needs all: then the merge is
            skipped, and nothing waits for it.
        """
        tree = self.tree
        inner = any(tree.contains(self.fork, fork) for fork in self.aside.get(merge, ()))
        if inner or merge in arm.aside:
            raise self._crossed(arm, merge, shared=True)
        aside = [other for other in arm.exits if other != merge]
        for other in aside:
            if not self._may_stand_aside(other, merge):
                raise self._crossed(arm, merge, astray=other)
        if not arm.arms and tree.is_merge(arm.target):
            return None
        if (not arm.arms or arm.inline) and tree.overtakes[arm.target]:
            raise self._crossed(arm, merge)
        slow = self._slow(arm, merge, bool(aside))
        if slow is None:
            return None
        within = tree.subtree(arm.target) if self._holds(arm) else ()
        if tree.at[merge].full and not any(tree.at[node].forks for node in within):
            return slow
        raise self._crossed(arm, merge, slow=slow)

    def _require_all(self, arms: list[Thread], merge: int) -> None:
        """Raises unless every link into `merge` is taken whenever all of the arms arrive."""
        if sum(arm.exits[merge] for arm in arms) < self.tree.in_degree[merge]:
            raise self._crossed(arms[0], merge, shared=True)
        for arm in arms:
            if arm.exits[merge] > 1 and not _takes_all(self.tree, arm.target, merge):
                raise self._crossed(arm, merge, shared=True)

    def _may_stand_aside(self, other: int, merge: int) -> bool:
        """Whether nobody can tell that `other`, which an arm leads to as well, waits for `merge`."""
        if other == self.tree.finish or self.tree.parent[other] in self.in_regions:
            return False
        alone = len(self.leading[other]) == 1 and not _leads_to(self.tree, merge, other)
        return alone and self._ends_at_once(other)

    def _crossed(
        self,
        arm: Thread,
        merge: int,
        *,
        astray: int | None = None,
        slow: int | None = None,
        shared: bool = False,
    ) -> "_CrossedError":
        tree = self.tree
        roots = {
            tree.parent[other]
            for one in self.leading[merge]
            for other in one.exits
            if other != tree.finish
        }
        ordered = tuple(sorted(roots, key=tree.depth.__getitem__, reverse=True))
        crossing = Crossing(self.fork, merge, arm.target, ordered, astray, slow, shared)
        return _CrossedError(crossing)

    def _ends_at_once(self, merge: int) -> bool:
        """Whether all that follows is over in no time: then nobody can tell who waited for it."""
        tree = self.tree
        return tree.shallowest[merge] >= tree.depth[merge] and tree.slowest[merge] < 0

    def _slow(self, arm: Thread, merge: int, aside: bool) -> int | None:
        """A node of the arm that takes time and does not lead to `merge`.

        What a block has before its own merge has been looked at when the block was formed.
        """
        tree, root = self.tree, arm.target
        if arm.instead is not None or not self._holds(arm):
            return arm.instead
        if not aside and tree.slowest[root] < tree.rank_at_depth(tree.depth[root]):
            return None
        return _not_leading_to(tree, root, merge)

    def _holds(self, arm: Thread) -> bool:
        """Whether what the arm's target leads to is part of the arm."""
        return not arm.arms or arm.inline


def _not_leading_to(tree: Dominance, root: int, goal: int) -> int | None:
    """The first node below `root` that takes time and does not lead out to `goal`."""
    leads: set[int] = {goal}
    found: int | None = None
    for node in sorted(tree.subtree(root), reverse=True):
        if any(target in leads for target in tree.targets[node]):
            leads.add(node)
        elif tree.at[node].takes_time:
            found = node
    return found


def _takes_all(tree: Dominance, root: int, goal: int) -> bool:
    """Whether a run that leaves the subtree of `root` by a link to `goal` takes all such links.

    That is so where no place chooses between links to it.
    """
    links: dict[int, int] = {}
    count = 0
    for node in sorted(tree.subtree(root), reverse=True):
        by_way: list[int] = []
        for way in tree.at[node].ways:
            found = 0
            for link in way.links:
                target = tree.number[link.target]
                if target == goal:
                    found |= 1 << count
                    count += 1
                else:
                    found |= links.get(target, 0)
            by_way.append(found)
        leading = {found for found in by_way if found}
        if len(leading) > 1 or (leading and tree.at[node].every):
            return False
        links[node] = next(iter(leading), 0)
    return True


def _leads_to(tree: Dominance, source: int, goal: int) -> bool:
    if source == goal:
        return True
    seen = {source}
    stack = [source]
    while stack:
        for target in tree.targets[stack.pop()]:
            if target == goal:
                return True
            if target < goal and target not in seen:
                seen.add(target)
                stack.append(target)
    return False


@dataclass(slots=True)
class Outlets:
    """Where subtrees are left: `sole[v]` is the only exit of that of `v` and the number of links to
    it, None if there is no exit, and (NOWHERE, 0) if there are several."""

    below_forks: dict[int, Exits]
    sole: list[tuple[int, int] | None]


def outlets_of(tree: Dominance) -> Outlets:
    """The exits of every subtree right below a fork, and what is needed of those of the others.

    Sets are handed from child to parent, the smaller into the larger, so that a chain stays linear.
    """
    forks = {node for node, place in enumerate(tree.at) if place.forks}
    kept: dict[int, Exits] = {}
    sole: list[tuple[int, int] | None] = [None] * len(tree.names)
    below: list[Exits] = [{} for _ in tree.names]
    for node in range(len(tree.names) - 1, -1, -1):
        merged: Exits = {}
        for child in tree.children[node]:
            found, below[child] = below[child], {}
            if node in forks:
                kept[child] = dict(found)
            if len(found) > len(merged):
                merged, found = found, merged
            for merge, count in found.items():
                merged[merge] = merged.get(merge, 0) + count
        for target in tree.targets[node]:
            if tree.is_merge(target):
                merged[target] = merged.get(target, 0) + 1
        for child in tree.children[node]:
            if child != tree.finish:
                merged.pop(child, None)
        below[node] = merged
        if merged:
            sole[node] = next(iter(merged.items())) if len(merged) == 1 else (NOWHERE, 0)
    return Outlets(kept, sole)
