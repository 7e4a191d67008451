"""Builds the statements of a round, once it is decided how its forks join and what its regions are."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from proflow_schemas.step_ids import node_of, step_id

from proflow_compiler.structuring.arrivals import Arrivals
from proflow_compiler.structuring.dominance import NOWHERE, Dominance
from proflow_compiler.structuring.forks import OPEN, Crossing, Forks, Thread, threads_of
from proflow_compiler.structuring.places import Place, Way
from proflow_compiler.structuring.program import (
    Arm,
    Block,
    Branch,
    Call,
    Case,
    Container,
    Fork,
    Leave,
    Region,
    Step,
    Stop,
    inner_blocks,
)
from proflow_compiler.structuring.regions import Layout, Layouts
from proflow_compiler.structuring.shared_calls import SharedCalls
from proflow_compiler.structuring.tasks import tasks_of

_MANY = 3
"""So many cases are nested twice as deep: under the outcome, and under its alternatives."""


@dataclass(slots=True)
class _Course:
    """Outcomes that go on alike: by the links of a way, or to an invisible end."""

    outcomes: list[str]
    way: Way | None
    arrives: bool
    weight: int


_Start = int | Thread
"""What a block begins with: a place, or a thread of a fork."""


class Builder:
    """Builds blocks from the root on; whatever is still to be built waits on a stack.

    An entry says what to append to a block, and the merge at which that block arrives (`follows`).
    Of two for the same block, the one that stands first is pushed last.
    """

    def __init__(self, tree: Dominance, forks: Forks, layouts: Layouts, *, max_depth: int) -> None:
        self.tree, self.blocks, self.aside = tree, forks.blocks, forks.aside
        self.layouts, self.max_depth = layouts, max_depth
        self.functions: dict[str, Block] = {}
        self.nested: list[tuple[Place, int]] = []
        """Places that hold rounds of their own, with the depth of the block they stand in."""
        self.waiting: list[tuple[_Start, int, Block, int]] = []
        self.arrivals = Arrivals(tree)
        self.nesting = _nesting(tree)
        self.inlined = {
            thread.target
            for block in forks.blocks.values()
            for thread in threads_of(block)
            if thread.inline
        }
        self.ending = {place.node for place in tree.at if place.statement and not place.ways}
        self.ends = _Counts(tree, (n for n, place in enumerate(tree.at) if not place.ways))
        opened = [block.fork for block in forks.blocks.values() if block.target == OPEN]
        self.open = _Counts(tree, [*opened, *layouts.by_root])
        self.shared: list[tuple[int, list[tuple[int, Block]]]] = []
        """Places with the blocks that start there at once, several of which leave for merges."""
        self.hoisted: set[str] = set()
        """The functions that were blocks nested too deep."""
        self.shortcuts: list[tuple[Block, int]] = []
        """Where forks stand of which a link leads straight to where the other arms join."""

    def build(self, depth: int) -> Block:
        """The main block, which stands so deep."""
        main: Block = []
        if self.tree.finish != NOWHERE:
            self.arrivals.mark(self.tree.finish)
        self.waiting.append((0, self.tree.finish, main, depth))
        while self.waiting:
            start, follows, block, depth = self.waiting.pop()
            if depth > self.max_depth and not block and self._is_long(start):
                block, depth = self._hoist(start, block), 0
            if isinstance(start, Thread):
                self._thread(start, follows, block, depth)
            else:
                self._node(start, follows, block, depth)
        for block, place in reversed(self.shortcuts):
            self._straighten(block, place)
        return main

    def _is_long(self, start: _Start) -> bool:
        if isinstance(start, Thread):
            return bool(start.arms)
        place = self.tree.at[start]
        return self.tree.size[start] > 1 or len(place.ways) + len(place.undrawn) > 1

    def _hoist(self, start: _Start, block: Block) -> Block:
        """Put a call in the place of a block that is nested too deep."""
        names = self.tree.names
        if isinstance(start, Thread):
            target = start.fork if start.target == OPEN else start.target
            function, count = step_id(names[target], "branches"), 1
            while function in self.functions:
                count += 1
                function = step_id(names[target], f"branches{count}")
        else:
            function = step_id(names[start])
        block.append(Call(function))
        self.functions[function] = []
        self.hoisted.add(function)
        return self.functions[function]

    def _node(self, node: int, follows: int, block: Block, depth: int) -> None:
        tree, place = self.tree, self.tree.at[node]
        self._run(place, block, depth)
        if node in self.layouts.by_root:
            self._region(self.layouts.by_root[node], follows, block, depth)
            return
        merges = [
            merge
            for merge in tree.children[node]
            if tree.is_merge(merge) and merge not in self.inlined and merge != tree.finish
        ]
        tail = self._tail(node, merges) if merges else None
        if tail is not None:
            self.waiting.append((tail, follows, block, depth))
            merges.remove(tail)
            follows = tail
            self.arrivals.mark(tail)
        for merge in reversed(merges):
            if self.arrivals.from_subtree(merge):
                self.arrivals.mark(merge)
        for merge in merges:
            function = self.functions[step_id(tree.names[merge])] = []
            self.waiting.append((merge, follows, function, 0))
        if len(place.ways) == 1 and not place.undrawn:
            self._way(node, place.ways[0], follows, block, depth)
        elif place.ways or place.undrawn:
            self._branch(node, follows, block, depth)

    def _run(self, place: Place, block: Block, depth: int) -> None:
        assert place.statement is not None
        block.append(place.statement)
        if place.inner is not None:
            self.nested.append((place, depth))

    def _region(self, layout: Layout, follows: int, block: Block, depth: int) -> None:
        place = self.tree.at[layout.root]
        _stop(place, block)
        if layout.tail is not None:
            self.waiting.append((layout.tail, follows, block, depth))
            follows = layout.tail
            self.arrivals.mark(layout.tail)
        found = tasks_of(self.tree, layout, follows, self.arrivals.marked)
        block.append(Region(place.node, [task for task, _ in found]))
        self.shared.append((layout.root, [(start, task.block) for task, start in found]))
        items = {item.root: item for item in layout.items}
        for task, start in reversed(found):
            item = items.get(start)
            if item is None:
                continue
            if not item.whole:
                self._run(self.tree.at[start], task.block, depth + 1)
                _stop(self.tree.at[start], task.block)
                continue
            if item.exit != NOWHERE:
                self.arrivals.mark_within(item.exit, [start])
            self.waiting.append((start, item.exit, task.block, depth + 1))

    def _tail(self, node: int, merges: list[int]) -> int | None:
        """The merge to go on with right after the block of `node`, if one is fit for that."""
        tree, tail = self.tree, merges[-1]
        others = [child for child in tree.children[node] if child not in (tail, tree.finish)]
        if tail in self.aside or self.arrivals.between(node, tail):
            return None
        if self.open.below(node) == self.open.below(tail):
            plain = (
                len(merges) == 1
                and all(self.nesting[child] <= 1 for child in others)
                and self.ends.below(node) == self.ends.below(tail)
            )
            largest = max((tree.size[child] for child in others), default=0)
            return tail if plain or tree.size[tail] >= largest else None
        return tail if tree.closes(node, tail) else None

    def _branch(self, node: int, follows: int, block: Block, depth: int) -> None:
        """A branch; the only course that arrives, if there is one, goes on after it.

        So what happens in the ordinary course of events is not nested.
        """
        place = self.tree.at[node]
        courses = self._courses(node, follows)
        arriving = [course for course in courses if course.arrives]
        straight: _Course | None = None
        if len(arriving) == 1:
            straight = arriving[0]
        elif not arriving:
            straight = max(courses, key=lambda one: ("error" not in one.outcomes, one.weight))
        aside = [
            course
            for course in courses
            if course is not straight
            and not (course.way is not None and self._is_nothing(course.way, follows))
        ]
        if aside:
            branch = Branch(place.settles, [Case(course.outcomes) for course in aside])
            block.append(branch)
            deeper = depth + (2 if len(aside) >= _MANY else 1)
            for course, case in zip(aside, branch.cases, strict=True):
                self._course(node, course, follows, case.block, deeper)
        if straight is not None:
            self._course(node, straight, follows, block, depth)

    def _course(self, node: int, course: _Course, follows: int, block: Block, depth: int) -> None:
        if course.way is None:
            block.append(Stop(self.tree.at[node].settles))
        else:
            self._way(node, course.way, follows, block, depth)

    def _courses(self, node: int, follows: int) -> list[_Course]:
        tree, place = self.tree, self.tree.at[node]
        courses: list[_Course] = []
        to_merge: dict[int, _Course] = {}
        for way in place.ways:
            target = tree.number[way.links[0].target]
            if len(way.links) > 1:
                threads = list(threads_of(self.blocks[node, way.outcome]))
                weight = sum(tree.size[t.target] for t in threads if self._stands_here(t))
                arrives = self._arrives(threads[0], follows)
                courses.append(_Course([way.outcome], way, arrives, weight))
            elif not tree.is_merge(target):
                arrives = self.arrivals.from_subtree(target)
                courses.append(_Course([way.outcome], way, arrives, tree.size[target]))
            elif target in to_merge:
                to_merge[target].outcomes.append(way.outcome)
            else:
                arrives = target == follows or target in self.arrivals.marked
                to_merge[target] = _Course([way.outcome], way, arrives, 0)
                courses.append(to_merge[target])
        if place.undrawn:
            courses.append(_Course(list(place.undrawn), None, False, -1))
        return courses

    def _stands_here(self, thread: Thread) -> bool:
        """Whether the target of a thread stands where the thread does, and not in a function."""
        if thread.arms:
            return thread.inline
        return not self.tree.is_merge(thread.target)

    def _arrives(self, thread: Thread, follows: int) -> bool:
        if thread.target == OPEN:
            return any(self._arrives(arm, follows) for arm in thread.arms)
        if self._stands_here(thread):
            return self.arrivals.from_subtree(thread.target)
        return thread.target == follows or thread.target in self.arrivals.marked

    def _is_nothing(self, way: Way, follows: int) -> bool:
        return all(self.tree.number[link.target] == follows for link in way.links)

    def _way(self, node: int, way: Way, follows: int, block: Block, depth: int) -> None:
        if len(way.links) == 1:
            self._go(self.tree.number[way.links[0].target], follows, block, depth)
        else:
            self.waiting.append((self.blocks[node, way.outcome], follows, block, depth))

    def _go(self, target: int, follows: int, block: Block, depth: int) -> None:
        if not self.tree.is_merge(target):
            self.waiting.append((target, follows, block, depth))
        elif target != follows:
            block.append(Call(step_id(self.tree.names[target])))

    def _thread(self, thread: Thread, follows: int, block: Block, depth: int) -> None:
        tree = self.tree
        if not thread.arms:
            self._go(thread.target, follows, block, depth)
            return
        joined = thread.target != OPEN
        if joined:
            roots = [arm.target for arm in thread.arms if self._stands_here(arm)]
            self.arrivals.mark_within(thread.target, roots)
        until = thread.target if joined else follows
        full = joined and tree.at[thread.target].full
        fork = Fork(tree.at[thread.fork].node, [], full)
        starts: list[tuple[int, Block]] = []
        straight = False
        for one in thread.arms:
            if not one.arms and one.target == until:
                straight = True
                continue
            arm = Arm(tree.names[one.target])
            fork.arms.append(arm)
            starts.append((one.target, arm.block))
            self.waiting.append((one, until, arm.block, depth + 1))
        if fork.arms:
            if straight:
                fork.arms.append(Arm(tree.names[until]))
                self.shortcuts.append((block, len(block)))
            block.append(fork)
        if not joined:
            if sum(1 for one in thread.arms if one.exits) > 1:
                self.shared.append((thread.fork, starts))
        elif thread.inline:
            self.waiting.append((thread.target, follows, block, depth))
        elif thread.target != follows:
            block.append(Call(step_id(tree.names[thread.target])))

    def _straighten(self, block: Block, place: int) -> None:
        """Drop a link that leads straight to the join where others are sure to arrive there."""
        fork = block[place]
        assert isinstance(fork, Fork)
        arms = fork.arms[:-1]
        if not fork.full and not any(self._goes_on(arm.block) for arm in arms):
            return
        fork.arms = arms
        if len(arms) == 1:
            block[place : place + 1] = self._unhoisted(arms[0].block)

    def _unhoisted(self, block: Block) -> Block:
        """A block that something is to follow: a call would have to be the last."""
        while len(block) == 1 and isinstance(block[0], Call) and block[0].function in self.hoisted:
            block = self.functions.pop(block[0].function)
        return block

    def _goes_on(self, block: Block) -> bool:
        """Whether a block is sure to arrive."""
        stack = [block]
        while stack:
            for statement in stack.pop():
                match statement:
                    case Step() | Container():
                        if statement.node in self.ending:
                            return False
                    case Branch() | Fork():
                        stack += inner_blocks(statement)
                    case Leave():
                        continue
                    case _:
                        return False
        return True

    def crossings(self, main: Block) -> list[Crossing]:
        """Functions that two blocks of the built program which run at once would both call."""
        tree = self.tree
        if not self.shared:
            return []
        calls = SharedCalls(main, self.functions)
        found: list[Crossing] = []
        for node, starts in self.shared:
            for start, function in calls.among(starts):
                merge = tree.number[node_of(function)]
                root = (tree.parent[merge],)
                found.append(Crossing(node, merge, start, root, shared=True))
        return found


def _stop(place: Place, block: Block) -> None:
    """What is undrawn ends the run, before anything else goes on by the outcome."""
    if place.undrawn:
        stop = Stop(place.settles)
        block.append(Branch(place.settles, [Case(list(place.undrawn), [stop])]))


def _nesting(tree: Dominance) -> list[int]:
    """How deep the block of a place would nest if nothing were put into functions."""
    nesting = [0] * len(tree.names)
    for node in range(len(tree.names) - 1, -1, -1):
        deeper = int(len(tree.targets[node]) + len(tree.at[node].undrawn) > 1)
        nesting[node] = max(
            (
                nesting[child] + (0 if tree.is_merge(child) else deeper)
                for child in tree.children[node]
            ),
            default=0,
        )
    return nesting


class _Counts:
    """How many of some nodes stand below a node."""

    def __init__(self, tree: Dominance, nodes: Iterable[int]) -> None:
        self._tree = tree
        counts = [0] * (len(tree.names) + 1)
        for node in nodes:
            counts[tree.place[node] + 1] += 1
        self._before = list(accumulate(counts))

    def below(self, root: int) -> int:
        place = self._tree.place[root]
        return self._before[place + self._tree.size[root]] - self._before[place]
