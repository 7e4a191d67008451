"""Builds the statements of a body from its dominator tree, its parallel blocks and its regions."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from proflow_schemas.step_ids import node_of, step_id

from proflow_compiler.structuring.bodies import Exit, Vertex
from proflow_compiler.structuring.dominance import NOWHERE, Dominance
from proflow_compiler.structuring.fall_through import FallThrough
from proflow_compiler.structuring.forks import OPEN, Forks, Thread, Unstructured, threads_of
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
"""From this number of cases on, a branch is written with two levels of nesting: match, case."""


@dataclass(slots=True)
class _Alternative:
    """Outcomes of a vertex with the same continuation: an exit, or None to end the run.

    `weight` is the size of what becomes nested by it.
    """

    outcomes: list[str]
    exit: Exit | None
    falls_through: bool
    weight: int


_Start = int | Thread
"""What a block begins with: a vertex, or an arm of a fork."""


class Builder:
    """Builds the blocks of a body from the root on; `build` is called once.

    A stack holds what is still to be appended: (start, merge that follows the block, block, nesting
    depth). Of two entries for the same block, the one to be appended first is pushed last.
    """

    def __init__(self, tree: Dominance, forks: Forks, layouts: Layouts, *, max_depth: int) -> None:
        self.tree, self.blocks, self.side_exits = tree, forks.blocks, forks.side_exits
        self.layouts, self.max_depth = layouts, max_depth
        self.functions: dict[str, Block] = {}
        self.nested: list[tuple[Vertex, int]] = []
        """Vertices that hold bodies of their own, with the nesting depth of their block."""
        self.waiting: list[tuple[_Start, int, Block, int]] = []
        self.fall_through = FallThrough(tree)
        self.nesting = _nesting(tree)
        self.inlined = {
            thread.target
            for block in forks.blocks.values()
            for thread in threads_of(block)
            if thread.inline
        }
        self.ending = {
            vertex.node for vertex in tree.vertices if vertex.statement and not vertex.exits
        }
        self.ends = _Counts(tree, (n for n, vertex in enumerate(tree.vertices) if not vertex.exits))
        opened = [block.fork for block in forks.blocks.values() if block.target == OPEN]
        self.open = _Counts(tree, [*opened, *layouts.by_root])
        self.shared: list[tuple[int, list[tuple[int, Block]]]] = []
        """Forks and their concurrent blocks (start, block), if several lead to merges outside."""
        self.hoisted: set[str] = set()
        """Functions that are blocks which were nested too deep."""
        self.shortcuts: list[tuple[Block, int]] = []
        """(block, index) of each fork with an edge directly to the join of its other arms."""

    def build(self, depth: int) -> Block:
        """Build the main block at nesting level `depth`; functions are added to `functions`."""
        main: Block = []
        if self.tree.finish != NOWHERE:
            self.fall_through.mark(self.tree.finish)
        self.waiting.append((0, self.tree.finish, main, depth))
        while self.waiting:
            start, follows, block, depth = self.waiting.pop()
            if depth > self.max_depth and not block and self._is_long(start):
                block, depth = self._hoist(start, block), 0
            if isinstance(start, Thread):
                self._thread(start, follows, block, depth)
            else:
                self._node(start, follows, block, depth)
        for block, index in reversed(self.shortcuts):
            self._straighten(block, index)
        return main

    def _is_long(self, start: _Start) -> bool:
        """Return True if a block that begins with `start` is worth a function of its own."""
        if isinstance(start, Thread):
            return bool(start.arms)
        vertex = self.tree.vertices[start]
        return self.tree.size[start] > 1 or len(vertex.exits) + len(vertex.undrawn) > 1

    def _hoist(self, start: _Start, block: Block) -> Block:
        """Move a block that is nested too deep into a function, call that, and return its block."""
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
        """Append a vertex, and place the merges that it dominates."""
        tree, vertex = self.tree, self.tree.vertices[node]
        self._run(vertex, block, depth)
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
            self.fall_through.mark(tail)
        for merge in reversed(merges):
            if self.fall_through.from_subtree(merge):
                self.fall_through.mark(merge)
        for merge in merges:
            function = self.functions[step_id(tree.names[merge])] = []
            self.waiting.append((merge, follows, function, 0))
        if len(vertex.exits) == 1 and not vertex.undrawn:
            self._follow(node, vertex.exits[0], follows, block, depth)
        elif vertex.exits or vertex.undrawn:
            self._branch(node, follows, block, depth)

    def _run(self, vertex: Vertex, block: Block, depth: int) -> None:
        assert vertex.statement is not None
        block.append(vertex.statement)
        if vertex.inner is not None:
            self.nested.append((vertex, depth))

    def _region(self, layout: Layout, follows: int, block: Block, depth: int) -> None:
        """Append a region, and schedule the blocks of its tasks."""
        vertex = self.tree.vertices[layout.root]
        _stop(vertex, block)
        if layout.tail is not None:
            self.waiting.append((layout.tail, follows, block, depth))
            follows = layout.tail
            self.fall_through.mark(layout.tail)
        found = tasks_of(self.tree, layout, follows, self.fall_through.marked)
        block.append(Region(vertex.node, [task for task, _ in found]))
        self.shared.append((layout.root, [(start, task.block) for task, start in found]))
        items = {item.root: item for item in layout.items}
        for task, start in reversed(found):
            item = items.get(start)
            if item is None:
                continue
            if not item.whole:
                self._run(self.tree.vertices[start], task.block, depth + 1)
                _stop(self.tree.vertices[start], task.block)
                continue
            if item.merge != NOWHERE:
                self.fall_through.mark_within(item.merge, [start])
            self.waiting.append((start, item.merge, task.block, depth + 1))

    def _tail(self, node: int, merges: list[int]) -> int | None:
        """Return the merge to place directly after the block of `node`, or None if none can be.

        The other merges become functions. A small merge after a larger, nested block becomes a
        function too, since that is easier to read.
        """
        tree, tail = self.tree, merges[-1]
        others = [child for child in tree.children[node] if child not in (tail, tree.finish)]
        if tail in self.side_exits or self.fall_through.between(node, tail):
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
        """Append a branch. One alternative is not nested, but continues after the branch.

        It is the only one that falls through; if none does, the longest, preferably no error.
        """
        vertex = self.tree.vertices[node]
        alternatives = self._alternatives(node, follows)
        falling_through = [alternative for alternative in alternatives if alternative.falls_through]
        straight: _Alternative | None = None
        if len(falling_through) == 1:
            straight = falling_through[0]
        elif not falling_through:
            straight = max(alternatives, key=lambda one: ("error" not in one.outcomes, one.weight))
        nested = [
            alternative
            for alternative in alternatives
            if alternative is not straight
            and not (alternative.exit is not None and self._is_empty(alternative.exit, follows))
        ]
        if nested:
            branch = Branch(
                vertex.outcome_of, [Case(alternative.outcomes) for alternative in nested]
            )
            block.append(branch)
            deeper = depth + (2 if len(nested) >= _MANY else 1)
            for alternative, case in zip(nested, branch.cases, strict=True):
                self._alternative(node, alternative, follows, case.block, deeper)
        if straight is not None:
            self._alternative(node, straight, follows, block, depth)

    def _alternative(
        self, node: int, alternative: _Alternative, follows: int, block: Block, depth: int
    ) -> None:
        if alternative.exit is None:
            block.append(Stop(self.tree.vertices[node].outcome_of))
        else:
            self._follow(node, alternative.exit, follows, block, depth)

    def _alternatives(self, node: int, follows: int) -> list[_Alternative]:
        """Group the outcomes of a vertex by what they continue with."""
        tree, vertex = self.tree, self.tree.vertices[node]
        alternatives: list[_Alternative] = []
        to_merge: dict[int, _Alternative] = {}
        for exit_ in vertex.exits:
            target = tree.number[exit_.edges[0].target]
            if len(exit_.edges) > 1:
                threads = list(threads_of(self.blocks[node, exit_.outcome]))
                weight = sum(tree.size[t.target] for t in threads if self._is_inline(t))
                falls_through = self._falls_through(threads[0], follows)
                alternatives.append(_Alternative([exit_.outcome], exit_, falls_through, weight))
            elif not tree.is_merge(target):
                falls_through = self.fall_through.from_subtree(target)
                alternatives.append(
                    _Alternative([exit_.outcome], exit_, falls_through, tree.size[target])
                )
            elif target in to_merge:
                to_merge[target].outcomes.append(exit_.outcome)
            else:
                falls_through = target == follows or target in self.fall_through.marked
                to_merge[target] = _Alternative([exit_.outcome], exit_, falls_through, 0)
                alternatives.append(to_merge[target])
        if vertex.undrawn:
            alternatives.append(_Alternative(list(vertex.undrawn), None, False, -1))
        return alternatives

    def _is_inline(self, thread: Thread) -> bool:
        """Return True if the target of a thread is part of the thread's block, not a function."""
        if thread.arms:
            return thread.inline
        return not self.tree.is_merge(thread.target)

    def _falls_through(self, thread: Thread, follows: int) -> bool:
        if thread.target == OPEN:
            return any(self._falls_through(arm, follows) for arm in thread.arms)
        if self._is_inline(thread):
            return self.fall_through.from_subtree(thread.target)
        return thread.target == follows or thread.target in self.fall_through.marked

    def _is_empty(self, exit_: Exit, follows: int) -> bool:
        """Return True if an exit leads directly to what follows the block."""
        return all(self.tree.number[edge.target] == follows for edge in exit_.edges)

    def _follow(self, node: int, exit_: Exit, follows: int, block: Block, depth: int) -> None:
        if len(exit_.edges) == 1:
            self._go(self.tree.number[exit_.edges[0].target], follows, block, depth)
        else:
            self.waiting.append((self.blocks[node, exit_.outcome], follows, block, depth))

    def _go(self, target: int, follows: int, block: Block, depth: int) -> None:
        """Continue a block with a vertex: in place, by a call, or by falling through."""
        if not self.tree.is_merge(target):
            self.waiting.append((target, follows, block, depth))
        elif target != follows:
            block.append(Call(step_id(self.tree.names[target])))

    def _thread(self, thread: Thread, follows: int, block: Block, depth: int) -> None:
        """Append the fork of an arm with inner arms; without, continue with its target."""
        tree = self.tree
        if not thread.arms:
            self._go(thread.target, follows, block, depth)
            return
        joined = thread.target != OPEN
        if joined:
            roots = [arm.target for arm in thread.arms if self._is_inline(arm)]
            self.fall_through.mark_within(thread.target, roots)
        until = thread.target if joined else follows
        full = joined and tree.vertices[thread.target].full
        fork = Fork(tree.vertices[thread.fork].node, [], full)
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
            if sum(1 for one in thread.arms if one.edges_to) > 1:
                self.shared.append((thread.fork, starts))
        elif thread.inline:
            self.waiting.append((thread.target, follows, block, depth))
        elif thread.target != follows:
            block.append(Call(step_id(tree.names[thread.target])))

    def _straighten(self, block: Block, index: int) -> None:
        """Drop the arm that leads directly to the join if another one is certain to reach it."""
        fork = block[index]
        assert isinstance(fork, Fork)
        arms = fork.arms[:-1]
        if not fork.full and not any(self._goes_on(arm.block) for arm in arms):
            return
        fork.arms = arms
        if len(arms) == 1:
            block[index : index + 1] = self._unhoisted(arms[0].block)

    def _unhoisted(self, block: Block) -> Block:
        """Undo `_hoist` for a block that is not the last: a call has to end its block."""
        while len(block) == 1 and isinstance(block[0], Call) and block[0].function in self.hoisted:
            block = self.functions.pop(block[0].function)
        return block

    def _goes_on(self, block: Block) -> bool:
        """Return True if a block is certain to fall through."""
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

    def unstructured(self, main: Block) -> list[Unstructured]:
        """Return the merges whose functions would be called by two concurrent blocks.

        Args:
            main: The block that `build` returned.
        """
        tree = self.tree
        if not self.shared:
            return []
        calls = SharedCalls(main, self.functions)
        found: list[Unstructured] = []
        for node, starts in self.shared:
            for start, function in calls.among(starts):
                merge = tree.number[node_of(function)]
                root = (tree.parent[merge],)
                found.append(Unstructured(node, merge, start, root, shared=True))
        return found


def _stop(vertex: Vertex, block: Block) -> None:
    """Append a branch that ends the run for undrawn outcomes, before others read the outcome."""
    if vertex.undrawn:
        stop = Stop(vertex.outcome_of)
        block.append(Branch(vertex.outcome_of, [Case(list(vertex.undrawn), [stop])]))


def _nesting(tree: Dominance) -> list[int]:
    """Return for each vertex how deep its block would nest if it called no functions for this."""
    nesting = [0] * len(tree.names)
    for node in range(len(tree.names) - 1, -1, -1):
        deeper = int(len(tree.targets[node]) + len(tree.vertices[node].undrawn) > 1)
        nesting[node] = max(
            (
                nesting[child] + (0 if tree.is_merge(child) else deeper)
                for child in tree.children[node]
            ),
            default=0,
        )
    return nesting


class _Counts:
    """Counts how many of the given vertices are in a subtree."""

    def __init__(self, tree: Dominance, nodes: Iterable[int]) -> None:
        self._tree = tree
        counts = [0] * (len(tree.names) + 1)
        for node in nodes:
            counts[tree.position[node] + 1] += 1
        self._before = list(accumulate(counts))

    def below(self, root: int) -> int:
        """Return how many are in the subtree of `root`."""
        first = self._tree.position[root]
        return self._before[first + self._tree.size[root]] - self._before[first]
