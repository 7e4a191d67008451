"""Turns an acyclic graph into a structured program in which every node stands exactly once.

A merge stands as low in the program as its immediate dominator allows: right after the block of
its dominator where all of the block leads there (its *tail*), else in a function that the blocks
leading there call last. Ramsey, "Beyond Relooper" (2022), does so for sequential graphs; what runs
at once is formed into parallel blocks beforehand (see `forks`). Concurrency that forms no such
block is refused.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import accumulate

from proflow_schemas.step_ids import node_of, step_id

from proflow_compiler.arrivals import Arrivals
from proflow_compiler.crossings import crossing_diagnostic
from proflow_compiler.diagnostics import Diagnostic
from proflow_compiler.dominance import Dominance, dominance_of
from proflow_compiler.forks import OPEN, Crossing, Forks, Thread, plan_forks, threads_of
from proflow_compiler.graph import Exit, Graph
from proflow_compiler.program import (
    Arm,
    Block,
    Branch,
    Call,
    Case,
    Fork,
    Program,
    Statement,
    Step,
    Stop,
    statements,
)

MAX_DEPTH = 2
"""Blocks nested deeper than this become functions, so that what is generated can be read."""
_MANY = 3
"""So many cases are nested twice as deep: under the outcome, and under its alternatives."""
_NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Structured:
    """The program; None if the graph has none, and then the diagnostics say why."""

    program: Program | None
    diagnostics: list[Diagnostic]


def structure(
    graph: Graph, *, takes_time: Callable[[str], bool], early: Callable[[str], bool]
) -> Structured:
    """The program of a sound, acyclic graph.

    `takes_time` says of a node whether running it takes time, `early` of a merge whether it may go
    on before all its edges are settled.
    """
    tree = dominance_of(graph, takes_time)
    forks = plan_forks(graph, tree, early)
    if forks.crossings:
        return Structured(None, [crossing_diagnostic(graph, tree, one) for one in forks.crossings])
    builder = _Builder(graph, tree, forks)
    program = builder.build()
    if crossings := builder.crossings():
        return Structured(None, [crossing_diagnostic(graph, tree, one) for one in crossings])
    return Structured(program, [])


@dataclass(slots=True)
class _Way:
    """Outcomes that go on alike: by the edges of an exit, or to an invisible end."""

    outcomes: list[str]
    exit: Exit | None
    arrives: bool
    weight: int


_Start = int | Thread
"""What a block begins with: a node, or a thread of a fork."""


class _Builder:
    """Builds blocks from the start on; whatever is still to be built waits on a stack.

    A task says what to append to a block, and the merge at which that block arrives (`follows`).
    Of two tasks for the same block, the one that stands first is pushed last.
    """

    def __init__(self, graph: Graph, tree: Dominance, forks: Forks) -> None:
        self.graph, self.tree, self.blocks = graph, tree, forks.blocks
        self.aside = forks.aside
        self.functions: dict[str, Block] = {}
        self.tasks: list[tuple[_Start, int, Block, int]] = []
        self.arrivals = Arrivals(tree)
        self.nesting = _nesting(graph, tree)
        self.inlined = {
            thread.target
            for block in forks.blocks.values()
            for thread in threads_of(block)
            if thread.inline
        }
        self.ends = _Counts(tree, (n for n, name in enumerate(tree.names) if not graph.exits[name]))
        self.open = _Counts(tree, (b.fork for b in forks.blocks.values() if b.target == OPEN))
        self.shared: list[tuple[int, Fork]] = []
        """Forks whose arms do not join, and several of them leave for merges elsewhere."""
        self.shortcuts: list[tuple[Block, int]] = []
        """Where forks stand of which an edge leads straight to where the other arms join."""

    def build(self) -> Program:
        main: Block = []
        self.tasks.append((0, _NOWHERE, main, 0))
        while self.tasks:
            start, follows, block, depth = self.tasks.pop()
            if depth > MAX_DEPTH and not block and self._is_long(start):
                block, depth = self._hoist(start, block), 0
            if isinstance(start, Thread):
                self._thread(start, follows, block, depth)
            else:
                self._node(start, follows, block, depth)
        for block, place in reversed(self.shortcuts):
            self._straighten(block, place)
        return Program(main, self.functions)

    def _is_long(self, start: _Start) -> bool:
        if isinstance(start, Thread):
            return bool(start.arms)
        name = self.tree.names[start]
        ways = len(self.graph.exits[name]) + len(self.graph.undrawn(name))
        return self.tree.size[start] > 1 or ways > 1

    def _hoist(self, start: _Start, block: Block) -> Block:
        """Put a call in the place of a block that is nested too deep."""
        names = self.tree.names
        if isinstance(start, Thread):
            target = start.fork if start.target == OPEN else start.target
            function = step_id(names[target], "branches")
        else:
            function = step_id(names[start])
        block.append(Call(function))
        return self.functions.setdefault(function, [])

    def _node(self, node: int, follows: int, block: Block, depth: int) -> None:
        tree, name = self.tree, self.tree.names[node]
        block.append(Step(name))
        exits, undrawn = self.graph.exits[name], self.graph.undrawn(name)
        merges = [m for m in tree.children[node] if tree.is_merge(m) and m not in self.inlined]
        tail = self._tail(node, merges) if merges else None
        if tail is not None:
            self.tasks.append((tail, follows, block, depth))
            merges.remove(tail)
            follows = tail
            self.arrivals.mark(tail)
        for merge in reversed(merges):
            if self.arrivals.from_subtree(merge):
                self.arrivals.mark(merge)
        for merge in merges:
            function = self.functions[step_id(tree.names[merge])] = []
            self.tasks.append((merge, follows, function, 0))
        if len(exits) == 1 and not undrawn:
            self._exit(node, exits[0], follows, block, depth)
        elif exits or undrawn:
            self._branch(node, follows, block, depth)

    def _tail(self, node: int, merges: list[int]) -> int | None:
        """The merge to go on with right after the block of `node`, if one is fit for that."""
        tree, tail = self.tree, merges[-1]
        others = [child for child in tree.children[node] if child != tail]
        if tail in self.aside:
            return None
        if self.open.below(node) == self.open.below(tail):
            plain = (
                len(merges) == 1
                and all(self.nesting[child] <= 1 for child in others)
                and self.ends.below(node) == self.ends.below(tail)
            )
            largest = max((tree.size[child] for child in others), default=0)
            pretty = plain or tree.size[tail] >= largest
            return tail if pretty and not self.arrivals.between(node, tail) else None
        # The tail waits for the whole block, so all that takes time there has to lead to it.
        leaves = min(
            (tree.depth[tree.parent[to]] for to in tree.targets[node] if tree.is_merge(to)),
            default=tree.depth[node],
        )
        fit = leaves >= tree.depth[node] and all(
            tree.shallowest[child] >= tree.depth[node] and tree.slowest[child] <= tree.rank(tail)
            for child in others
        )
        return tail if fit else None

    def _branch(self, node: int, follows: int, block: Block, depth: int) -> None:
        """A branch; the only way that arrives, if there is one, goes on after it.

        So what happens in the ordinary course of events is not nested.
        """
        name = self.tree.names[node]
        ways = self._ways(node, follows)
        arriving = [way for way in ways if way.arrives]
        straight: _Way | None = None
        if len(arriving) == 1:
            straight = arriving[0]
        elif not arriving:
            straight = max(ways, key=lambda way: way.weight)
        aside = [
            way
            for way in ways
            if way is not straight
            and not (way.exit is not None and self._is_nothing(way.exit, follows))
        ]
        if aside:
            branch = Branch(name, [Case(way.outcomes) for way in aside])
            block.append(branch)
            deeper = depth + (2 if len(aside) >= _MANY else 1)
            for way, case in zip(aside, branch.cases, strict=True):
                self._way(node, way, follows, case.block, deeper)
        if straight is not None:
            self._way(node, straight, follows, block, depth)

    def _way(self, node: int, way: _Way, follows: int, block: Block, depth: int) -> None:
        if way.exit is None:
            block.append(Stop(self.tree.names[node]))
        else:
            self._exit(node, way.exit, follows, block, depth)

    def _ways(self, node: int, follows: int) -> list[_Way]:
        name, tree = self.tree.names[node], self.tree
        ways: list[_Way] = []
        to_merge: dict[int, _Way] = {}
        for exit_ in self.graph.exits[name]:
            target = tree.number[exit_.edges[0].target]
            if len(exit_.edges) > 1:
                threads = list(threads_of(self.blocks[node, exit_.outcome]))
                weight = sum(tree.size[t.target] for t in threads if self._stands_here(t))
                arrives = self._arrives(threads[0], follows)
                ways.append(_Way([exit_.outcome], exit_, arrives, weight))
            elif not tree.is_merge(target):
                arrives = self.arrivals.from_subtree(target)
                ways.append(_Way([exit_.outcome], exit_, arrives, tree.size[target]))
            elif target in to_merge:
                to_merge[target].outcomes.append(exit_.outcome)
            else:
                arrives = target == follows or target in self.arrivals.marked
                to_merge[target] = _Way([exit_.outcome], exit_, arrives, 0)
                ways.append(to_merge[target])
        if undrawn := self.graph.undrawn(name):
            ways.append(_Way(list(undrawn), None, False, -1))
        return ways

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

    def _is_nothing(self, exit_: Exit, follows: int) -> bool:
        return all(self.tree.number[edge.target] == follows for edge in exit_.edges)

    def _exit(self, node: int, exit_: Exit, follows: int, block: Block, depth: int) -> None:
        if len(exit_.edges) == 1:
            self._go(self.tree.number[exit_.edges[0].target], follows, block, depth)
        else:
            self.tasks.append((self.blocks[node, exit_.outcome], follows, block, depth))

    def _go(self, target: int, follows: int, block: Block, depth: int) -> None:
        if not self.tree.is_merge(target):
            self.tasks.append((target, follows, block, depth))
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
        fork = Fork(tree.names[thread.fork], [])
        straight = False
        for one in thread.arms:
            if not one.arms and one.target == until:
                straight = True
                continue
            arm = Arm(tree.names[one.target])
            fork.arms.append(arm)
            self.tasks.append((one, until, arm.block, depth + 1))
        if fork.arms:
            if straight:
                fork.arms.append(Arm(tree.names[until]))
                self.shortcuts.append((block, len(block)))
            block.append(fork)
        if not joined:
            if sum(1 for one in thread.arms if one.exits) > 1:
                self.shared.append((thread.fork, fork))
        elif thread.inline:
            self.tasks.append((thread.target, follows, block, depth))
        elif thread.target != follows:
            block.append(Call(step_id(tree.names[thread.target])))

    def _straighten(self, block: Block, place: int) -> None:
        """Drop an edge that leads straight to the join where others are sure to arrive there."""
        fork = block[place]
        assert isinstance(fork, Fork)
        arms = fork.arms[:-1]
        if not any(all(map(self._goes_on, statements(arm.block))) for arm in arms):
            return
        fork.arms = arms
        if len(arms) == 1:
            block[place : place + 1] = arms[0].block

    def _goes_on(self, statement: Statement) -> bool:
        if isinstance(statement, Step):
            return bool(self.graph.exits[statement.node])
        return not isinstance(statement, Stop | Call)

    def crossings(self) -> list[Crossing]:
        """Functions that two arms of one fork would both call."""
        tree = self.tree
        found: list[Crossing] = []
        for node, fork in self.shared:
            called: dict[str, int] = {}
            for index, arm in enumerate(fork.arms):
                stack = [arm.block]
                while stack:
                    for statement in statements(stack.pop()):
                        if not isinstance(statement, Call):
                            continue
                        function = statement.function
                        if function not in called:
                            called[function] = index
                            stack.append(self.functions[function])
                        elif called[function] != index:
                            merge = tree.number[node_of(function)]
                            first = tree.number[arm.name]
                            found.append(Crossing(node, merge, first, shared=True))
                            called[function] = index
        return found


def _nesting(graph: Graph, tree: Dominance) -> list[int]:
    """How deep the block of a node would nest if nothing were put into functions."""
    nesting = [0] * len(tree.names)
    for node in range(len(tree.names) - 1, -1, -1):
        name = tree.names[node]
        deeper = int(len(graph.out(name)) + len(graph.undrawn(name)) > 1)
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
