"""Forms the concurrent branches of forks into parallel blocks.

An outcome with several edges starts one arm per edge. Arms that lead to a common merge become one
block if this delays nothing: all of them lead only to that merge, and whatever takes time in them
leads there too. Blocks are formed merge by merge in topological order, so that they nest. Arms that
form no block make a region necessary.
"""

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from proflow_compiler.structuring.bodies import Exit
from proflow_compiler.structuring.dominance import NOWHERE, Dominance

OPEN = -1
"""The target of a block whose arms do not join."""

EdgeCounts = dict[int, int]
"""Merges outside of a subtree → number of edges from the subtree into each."""


@dataclass(slots=True, eq=False)
class Thread:
    """One arm of a fork: an edge, or a block of inner arms that join.

    Attributes:
        fork: The vertex whose outcome starts the arm.
        target: The vertex that the edge leads to; of a block, the merge at which its arms join, or
            OPEN if they do not join.
        edges_to: The merges outside of the arm that it leads to.
        arms: The inner arms; empty for an edge.
        inline: True if all edges into the merge come from these arms, so that the merge directly
            follows the block. Otherwise it is a function.
        side_exits: Other merges that some of its arms lead to.
        slow: A vertex in an arm that takes time without leading to the merge, where the merge needs
            all of its edges.
    """

    fork: int
    target: int
    edges_to: EdgeCounts
    arms: "list[Thread]" = field(default_factory=list)
    inline: bool = False
    side_exits: frozenset[int] = frozenset()
    slow: int | None = None


def threads_of(thread: Thread) -> Iterator[Thread]:
    """Yield a thread and all threads nested in it, outer ones first."""
    stack = [thread]
    while stack:
        one = stack.pop()
        yield one
        stack += reversed(one.arms)


@dataclass(frozen=True, slots=True)
class Unstructured:
    """Why branches out of `fork` that meet at `merge` do not form a block.

    Attributes:
        fork: The vertex that starts the branches.
        merge: Where they meet.
        arm: The first vertex of the branch that prevents the block. If none of the fields below is
            set, it has a join that starts early, so that its end is not known.
        roots: The possible roots of a region that would hold the branches, deepest first.
        other_merge: A second merge that the branch leads to.
        slow: A vertex of the branch that takes time and does not lead to `merge`.
        shared: True if the branches do not join, but several of them can reach `merge`.
    """

    fork: int
    merge: int
    arm: int
    roots: tuple[int, ...]
    other_merge: int | None = None
    slow: int | None = None
    shared: bool = False


@dataclass(slots=True)
class Forks:
    """The planned blocks.

    Attributes:
        blocks: (vertex, outcome) → its block, for every outcome with several edges.
        unstructured: The forks for which no block was found.
        side_exits: Merges that a branch leads to without passing the join of its block → the
            forks of those blocks. They are ends that take no time, and have to be functions.
    """

    blocks: dict[tuple[int, str], Thread] = field(default_factory=dict)
    unstructured: list[Unstructured] = field(default_factory=list)
    side_exits: dict[int, list[int]] = field(default_factory=dict)


def plan_forks(
    tree: Dominance, below_forks: Mapping[int, EdgeCounts], in_regions: Collection[int]
) -> Forks:
    """Form blocks for all forks outside of regions.

    Args:
        tree: The dominator tree of the body.
        below_forks: The edges out of each subtree directly below a fork (see `outlets_of`).
        in_regions: Vertices whose branches become tasks of a region instead.
    """
    wide: list[tuple[int, Exit]] = [
        (node, exit_)
        for node, vertex in enumerate(tree.vertices)
        if node not in in_regions
        for exit_ in vertex.exits
        if len(exit_.edges) > 1
    ]
    forks = Forks()
    joined: set[int] = set()
    for node, exit_ in reversed(wide):
        targets = [tree.number[edge.target] for edge in exit_.edges]
        joining = _Joining(tree, node, below_forks, forks.side_exits, in_regions)
        try:
            block = joining.join(targets)
        except _UnstructuredError as error:
            forks.unstructured.append(error.found)
            continue
        forks.blocks[node, exit_.outcome] = block
        for thread in threads_of(block):
            if thread.inline:
                joined.add(thread.target)
        for merge in {merge for thread in threads_of(block) for merge in thread.side_exits}:
            forks.side_exits.setdefault(merge, []).append(node)
    for merge, vertex in enumerate(tree.vertices):
        root = tree.parent[merge]
        if vertex.full and tree.is_merge(merge) and merge not in joined and root not in in_regions:
            forks.unstructured.append(Unstructured(root, merge, merge, (root,), shared=True))
    return forks


_LARGE = 16
"""A thread that leads to more merges than this is not entered at each of them."""


class _UnstructuredError(Exception):
    """Raised while joining arms that form no block."""

    def __init__(self, found: Unstructured) -> None:
        super().__init__(found)
        self.found = found


class _Joining:
    """Joins the arms of one fork, merge by merge."""

    def __init__(
        self,
        tree: Dominance,
        fork: int,
        below_forks: Mapping[int, EdgeCounts],
        side_exits: Mapping[int, list[int]],
        in_regions: Collection[int],
    ) -> None:
        self.tree, self.side_exits, self.in_regions = tree, side_exits, in_regions
        self.fork, self.below_forks = fork, below_forks
        self.live: dict[Thread, None] = {}
        self.leading: dict[int, dict[Thread, None]] = {}
        """Merge → the threads that lead to it, without `large`."""
        self.large: Thread | None = None
        """One thread that leads to many merges, most of them to be met by no other thread."""
        self.added: dict[Thread, int] = {}
        """The threads, numbered in the order in which they were added."""
        self.queue: list[int] = []

    def join(self, targets: Iterable[int]) -> Thread:
        """Form the arms that lead to `targets` into a single thread.

        Raises:
            _UnstructuredError: The arms form no block.
        """
        for target in targets:
            single = not self.tree.is_merge(target)
            edges_to = self.below_forks[target] if single else {target: 1}
            self._add(Thread(self.fork, target, edges_to))
        while self.queue:
            merge = heapq.heappop(self.queue)
            arms = self._leading_to(merge)
            if len(arms) < 2:
                continue
            slow = [self._require_block(arm, merge) for arm in arms]
            if self.tree.vertices[merge].full:
                self._require_all(arms, merge)
            for arm in arms:
                self._remove(arm)
            self._add(
                self._block(arms, merge, next((one for one in slow if one is not None), None))
            )
        arms = list(self.live)
        return arms[0] if len(arms) == 1 else Thread(self.fork, OPEN, {}, arms)

    def _add(self, thread: Thread) -> None:
        self.live[thread] = None
        self.added[thread] = len(self.added)
        if self.large is None and len(thread.edges_to) > _LARGE:
            self.large = thread
            merges: Iterable[int] = [one for one in self.leading if one in thread.edges_to]
        else:
            merges = thread.edges_to
            for merge in merges:
                self.leading.setdefault(merge, {})[thread] = None
        for merge in merges:
            if self._count(merge) == 2 and merge != self.tree.finish:
                heapq.heappush(self.queue, merge)

    def _remove(self, thread: Thread) -> None:
        del self.live[thread]
        if thread is self.large:
            self.large = None
            return
        for merge in thread.edges_to:
            del self.leading[merge][thread]

    def _count(self, merge: int) -> int:
        """Return how many threads lead to a merge."""
        is_met = self.large is not None and merge in self.large.edges_to
        return len(self.leading.get(merge, ())) + is_met

    def _leading_to(self, merge: int) -> list[Thread]:
        """Return the threads that lead to a merge, in the order in which they were added."""
        found = list(self.leading.get(merge, ()))
        if self.large is not None and merge in self.large.edges_to:
            found.append(self.large)
            found.sort(key=self.added.__getitem__)
        return found

    def _block(self, arms: list[Thread], merge: int, slow: int | None) -> Thread:
        edges = sum(arm.edges_to[merge] for arm in arms)
        inline = edges == self.tree.in_degree[merge]
        edges_to = dict(self.below_forks[merge]) if inline else {merge: edges}
        side_exits = {other for arm in arms for other in arm.edges_to if other != merge}
        for arm in arms:
            for other in arm.edges_to.keys() & side_exits:
                edges_to[other] = edges_to.get(other, 0) + arm.edges_to[other]
        return Thread(self.fork, merge, edges_to, arms, inline, frozenset(side_exits), slow)

    def _require_block(self, arm: Thread, merge: int) -> int | None:
        """Raise unless waiting for the whole `arm` at `merge` delays nothing.

        Returns:
            A vertex of the arm that takes time without leading to `merge`, where `merge` needs all
            of its edges: in such a run the merge is skipped, so that nothing waits for the vertex.
        """
        tree = self.tree
        inner = any(tree.contains(self.fork, fork) for fork in self.side_exits.get(merge, ()))
        if inner or merge in arm.side_exits:
            raise self._unstructured(arm, merge, shared=True)
        for other in arm.edges_to:
            if other != merge and not self._may_wait(other, merge):
                raise self._unstructured(arm, merge, other_merge=other)
        if not arm.arms and tree.is_merge(arm.target):
            return None
        if (not arm.arms or arm.inline) and tree.overtakes[arm.target]:
            raise self._unstructured(arm, merge)
        slow = self._slow(arm, merge, arm.edges_to.keys() != {merge})
        if slow is None:
            return None
        within = tree.subtree(arm.target) if self._holds(arm) else ()
        if tree.vertices[merge].full and not any(tree.vertices[node].forks for node in within):
            return slow
        raise self._unstructured(arm, merge, slow=slow)

    def _require_all(self, arms: list[Thread], merge: int) -> None:
        """Raise unless every edge into `merge` is taken whenever all of the arms reach it."""
        if sum(arm.edges_to[merge] for arm in arms) < self.tree.in_degree[merge]:
            raise self._unstructured(arms[0], merge, shared=True)
        for arm in arms:
            if arm.edges_to[merge] > 1 and not _takes_all(self.tree, arm.target, merge):
                raise self._unstructured(arm, merge, shared=True)

    def _may_wait(self, other: int, merge: int) -> bool:
        """Return True if delaying `other`, a merge an arm leads to, is unobservable."""
        if other == self.tree.finish or self.tree.parent[other] in self.in_regions:
            return False
        alone = self._count(other) == 1 and not _leads_to(self.tree, merge, other)
        return alone and self._ends_at_once(other)

    def _unstructured(
        self,
        arm: Thread,
        merge: int,
        *,
        other_merge: int | None = None,
        slow: int | None = None,
        shared: bool = False,
    ) -> "_UnstructuredError":
        tree = self.tree
        roots = {
            tree.parent[other]
            for one in self._leading_to(merge)
            for other in one.edges_to
            if other != tree.finish
        }
        ordered = tuple(sorted(roots, key=tree.depth.__getitem__, reverse=True))
        found = Unstructured(self.fork, merge, arm.target, ordered, other_merge, slow, shared)
        return _UnstructuredError(found)

    def _ends_at_once(self, merge: int) -> bool:
        """Return True if nothing that follows takes time, so that a delay is unobservable."""
        tree = self.tree
        return tree.shallowest[merge] >= tree.depth[merge] and tree.slowest[merge] < 0

    def _slow(self, arm: Thread, merge: int, side_exits: bool) -> int | None:
        """Return a vertex of the arm that takes time and does not lead to `merge`.

        The inner arms of a block were checked when the block was formed.
        """
        tree, root = self.tree, arm.target
        if arm.slow is not None or not self._holds(arm):
            return arm.slow
        if not side_exits and tree.slowest[root] < tree.rank_at_depth(tree.depth[root]):
            return None
        return _not_leading_to(tree, root, merge)

    def _holds(self, arm: Thread) -> bool:
        """Return True if the subtree of the arm's target is part of the arm."""
        return not arm.arms or arm.inline


def _not_leading_to(tree: Dominance, root: int, goal: int) -> int | None:
    """Return the first vertex below `root` that takes time and does not lead to `goal`."""
    leads: set[int] = {goal}
    found: int | None = None
    for node in sorted(tree.subtree(root), reverse=True):
        if any(target in leads for target in tree.targets[node]):
            leads.add(node)
        elif tree.vertices[node].takes_time:
            found = node
    return found


def _takes_all(tree: Dominance, root: int, goal: int) -> bool:
    """Return True if a run that takes an edge from the subtree of `root` to `goal` takes all such.

    This holds if no vertex of the subtree chooses between these edges.
    """
    edges: dict[int, int] = {}
    count = 0
    for node in sorted(tree.subtree(root), reverse=True):
        by_exit: list[int] = []
        for exit_ in tree.vertices[node].exits:
            found = 0
            for edge in exit_.edges:
                target = tree.number[edge.target]
                if target == goal:
                    found |= 1 << count
                    count += 1
                else:
                    found |= edges.get(target, 0)
            by_exit.append(found)
        leading = {found for found in by_exit if found}
        if len(leading) > 1 or (leading and tree.vertices[node].every):
            return False
        edges[node] = next(iter(leading), 0)
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
    """The merges that the edges out of subtrees lead to.

    Attributes:
        below_forks: Vertex directly below a fork → the edges out of its subtree.
        sole: For each vertex, the only merge that edges out of its subtree lead to and their
            number; None if no edge leaves it, (NOWHERE, 0) if there are several merges.
    """

    below_forks: dict[int, EdgeCounts]
    sole: list[tuple[int, int] | None]


def outlets_of(tree: Dominance) -> Outlets:
    """Count the edges out of subtrees.

    The counts of children are merged into the largest of them, so that a long chain takes linear
    time.
    """
    forks = {node for node, vertex in enumerate(tree.vertices) if vertex.forks}
    kept: dict[int, EdgeCounts] = {}
    sole: list[tuple[int, int] | None] = [None] * len(tree.names)
    below: list[EdgeCounts] = [{} for _ in tree.names]
    for node in range(len(tree.names) - 1, -1, -1):
        merged: EdgeCounts = {}
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
