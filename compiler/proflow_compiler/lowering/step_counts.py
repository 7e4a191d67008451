"""Bounds the number of steps that a block of a definition takes, as Inngest counts them."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from proflow_schemas.definition import (
    AgainOp,
    ApprovalOp,
    BranchOp,
    CallOp,
    ChooseOp,
    EndOp,
    ForeachOp,
    InnerList,
    InvokeOp,
    LeaveOp,
    LoopOp,
    ParallelOp,
    RegionOp,
    RepeatOp,
    SetOp,
    StopOp,
    WaitOp,
    blocks_of,
    walk,
    with_blocks,
)
from proflow_schemas.expressions import parse

APPROVAL_STEPS = 2
"""One step waits for the answer, one requests it."""


@dataclass(frozen=True, slots=True)
class Length:
    """The most steps that a block takes.

    Attributes:
        falls_through: Until its end is reached; None if it never is.
        ends: Until it ends the run or the iteration inside; 0 if it never does.
    """

    falls_through: int | None = 0
    ends: int = 0

    @property
    def most(self) -> int:
        """The most steps, however the block is left."""
        return max(self.falls_through or 0, self.ends)

    def then(self, after: "Length") -> "Length":
        """Return the length of this block followed by `after`."""
        if self.falls_through is None:
            return self
        falls_through = (
            None if after.falls_through is None else self.falls_through + after.falls_through
        )
        return Length(falls_through, max(self.ends, self.falls_through + after.ends))

    def beside(self, other: "Length") -> "Length":
        """Return the length of a choice between two blocks."""
        both = [one for one in (self.falls_through, other.falls_through) if one is not None]
        return Length(max(both, default=None), max(self.ends, other.ends))


class Lengths:
    """Computes the lengths of blocks that call the given functions."""

    def __init__(self, functions: Mapping[str, Sequence[Any]], *, lists: bool = True) -> None:
        """Prepare for a set of functions.

        Args:
            functions: The functions that blocks call, by name.
            lists: Whether to count one item of each `foreach`, whose length is unknown, or none.
        """
        self._blocks = functions
        self._functions: dict[str, Length] = {}
        self._lists = lists

    def of_item(self, op: ForeachOp) -> int:
        """Return the most steps that one item of a `foreach` takes."""
        self.of(op.steps)
        return self._times(op.steps, 1, self._memos(op.steps)).most

    def of(self, block: Sequence[Any]) -> Length:
        """Return the length of a block."""
        for function in self._called(block):
            self._functions[function] = self._block(self._blocks[function])
        return self._block(block)

    def replace(self, function: str, block: Sequence[Any]) -> None:
        """Replace the body of a function."""
        self._functions[function] = self.of(block)

    def _called(self, block: Sequence[Any]) -> Iterator[str]:
        """Yield the functions that a block reaches and that are not measured yet, callees first."""
        stack = [(name, False) for name in _calls(block)]
        while stack:
            name, ready = stack.pop()
            if name in self._functions:
                continue
            if ready:
                yield name
                continue
            stack.append((name, True))
            stack += [(one, False) for one in _calls(self._blocks[name])]

    def _block(self, block: Sequence[Any]) -> Length:
        length = Length()
        for op in block:
            length = length.then(self._op(op))
        return length

    def _op(self, op: Any) -> Length:
        match op:
            case SetOp() | ChooseOp() | LeaveOp():
                return Length()
            case EndOp() | StopOp() | AgainOp():
                return Length(None)
            case ApprovalOp():
                return Length(APPROVAL_STEPS)
            case WaitOp():
                return Length(1 + self._block(op.armed_with).most)
            case InvokeOp() if op.timeout is not None:
                return Length(2)
            case CallOp():
                return self._functions[op.function]
            case BranchOp():
                length = Length()
                for case in op.cases:
                    length = length.beside(self._block(case.steps))
                return length
            case ParallelOp():
                return self._sum([arm.steps for arm in op.arms])
            case RegionOp():
                return self._sum([task.steps for task in op.tasks])
            case RepeatOp():
                back = [
                    one
                    for one in walk(list(op.steps))
                    if isinstance(one, AgainOp) and one.to == op.node
                ]
                memos = sum(one.limit for one in back if one.at_once) * self._leaving(op.steps)
                return self._times(op.steps, 1 + sum(one.limit for one in back), memos)
            case LoopOp():
                times = op.max_iterations
                return self._times(op.steps, times, times * self._memos(op.steps))
            case ForeachOp():
                if not self._lists:
                    return Length()
                return self._times(op.steps, 1, self._memos(op.steps))
            case _:
                return Length(1)

    def _sum(self, blocks: Sequence[Sequence[Any]]) -> Length:
        most = sum(self._block(block).most for block in blocks)
        return Length(most, most)

    def _times(self, block: Sequence[Any], times: int, more: int) -> Length:
        most = self._block(block).most * times + more
        return Length(most, most)

    def _memos(self, block: Sequence[Any]) -> int:
        """Return the steps that are needed to leave an item while other branches are running.

        They record what was known at that time. No step is needed if nothing runs concurrently, or
        nothing can end the item early.
        """
        ops = list(self.all_ops(block))
        at_once = any(isinstance(op, ParallelOp | RegionOp) for op in ops)
        ends = any(isinstance(op, StopOp) for op in ops)
        return self._leaving(block) if at_once and ends else 0

    def _leaving(self, block: Sequence[Any]) -> int:
        """Return the steps that leaving a block early takes; a second cancels subprocesses."""
        return 2 if any(isinstance(op, InvokeOp) for op in self.all_ops(block)) else 1

    def all_ops(self, block: Sequence[Any]) -> Iterator[Any]:
        """Yield the ops of a block, and of the functions that it reaches."""
        seen: set[str] = set()
        stack = [block]
        while stack:
            for op in walk(list(stack.pop())):
                yield op
                if isinstance(op, CallOp) and op.function not in seen:
                    seen.add(op.function)
                    stack.append(self._blocks[op.function])


def with_item_steps(block: list[Any], functions: Mapping[str, list[Any]]) -> list[Any]:
    """Return the block with step counts in every `foreach`, for a check before the list is run.

    Args:
        block: The block.
        functions: The functions that it calls, by name.
    """
    return _Counting(functions).block(block)


class _Counting:
    """Adds step counts to the `foreach` ops of blocks."""

    def __init__(self, functions: Mapping[str, list[Any]]) -> None:
        self._functions = functions
        self._most = Lengths(functions, lists=False)
        self._least = _Least(functions)

    def block(self, block: list[Any]) -> list[Any]:
        """Return the block with step counts."""
        return [self._op(op) for op in block]

    def _op(self, op: Any) -> Any:
        if not any(isinstance(one, ForeachOp) for one in walk([op])):
            return op
        changed = with_blocks(op, self.block)
        if not isinstance(op, ForeachOp):
            return changed
        counts = {
            "item_steps": self._most.of_item(op),
            "least_steps": self._least.of(op.steps),
            "lists": list(self._lists(op)),
        }
        return changed.model_copy(update=counts)

    def _lists(self, op: ForeachOp) -> Iterator[InnerList]:
        """Yield the lists inside an item whose values are known before the item starts."""
        inside = {one.node for one in self._most.all_ops(op.steps)}
        certain = self._certain(op.steps)
        for one, times in self._inner(op.steps, 1):
            if not _is_known_before(one.items, inside):
                continue
            yield InnerList(
                node=one.node,
                items=one.items,
                alias=one.alias,
                item_steps=self._most.of_item(one),
                least_steps=self._least.of(one.steps),
                times=times,
                certain=one.node in certain,
                lists=list(self._lists(one)),
            )

    def _certain(self, block: Sequence[Any]) -> set[str]:
        """Return the `foreach` nodes that every run of the block reaches unless it fails."""
        found: set[str] = set()
        for op in block:
            if isinstance(op, ForeachOp):
                found.add(op.node)
            elif any(isinstance(one, StopOp | EndOp | AgainOp) for one in self._most.all_ops([op])):
                break
        return found

    def _inner(self, block: Sequence[Any], times: int) -> Iterator[tuple[ForeachOp, int]]:
        """Yield the outermost `foreach` ops of a block, and how often each may run."""
        found: dict[str, tuple[ForeachOp, int]] = {}
        stack: list[tuple[Any, int]] = [(op, times) for op in reversed(block)]
        called: set[tuple[str, int]] = set()
        while stack:
            op, often = stack.pop()
            match op:
                case ForeachOp():
                    known = found.get(op.node, (op, 0))
                    found[op.node] = (op, max(known[1], often))
                    continue
                case LoopOp():
                    often *= op.max_iterations
                case RepeatOp():
                    often *= 1 + sum(
                        one.limit
                        for one in walk(list(op.steps))
                        if isinstance(one, AgainOp) and one.to == op.node
                    )
                case CallOp():
                    if (op.function, often) not in called:
                        called.add((op.function, often))
                        stack += [(one, often) for one in reversed(self._functions[op.function])]
            stack += [(one, often) for inner in blocks_of(op) for one in reversed(inner)]
        yield from found.values()


def _is_known_before(items: str, inside: Set[str]) -> bool:
    """Return True if an expression reads neither the iteration nor a node inside the item."""
    return all(
        one.path[0] != "iteration"
        and not (one.path[0] == "steps" and (len(one.path) < 2 or one.path[1] in inside))
        for one in parse(items).references
    )


class _Least:
    """Computes the fewest steps that a block takes if none fails; lists count as empty."""

    def __init__(self, functions: Mapping[str, Sequence[Any]]) -> None:
        self._blocks = functions
        self._functions: dict[str, tuple[int | None, int | None]] = {}

    def of(self, block: Sequence[Any]) -> int:
        """Return the fewest steps until a block falls through or ends."""
        return min((one for one in self._block(block) if one is not None), default=0)

    def _block(self, block: Sequence[Any]) -> tuple[int | None, int | None]:
        """Return the fewest steps until a block falls through, and until it ends; None: never."""
        falls_through: int | None = 0
        ends: int | None = None
        for op in block:
            if falls_through is None:
                break
            then, over = self._op(op)
            ends = _smaller(ends, None if over is None else falls_through + over)
            falls_through = None if then is None else falls_through + then
        return falls_through, ends

    def _op(self, op: Any) -> tuple[int | None, int | None]:
        match op:
            case SetOp() | ChooseOp() | LeaveOp() | ForeachOp():
                return 0, None
            case EndOp() | StopOp() | AgainOp():
                return None, 0
            case ApprovalOp():
                return APPROVAL_STEPS, None
            case CallOp():
                if op.function not in self._functions:
                    self._functions[op.function] = self._block(self._blocks[op.function])
                return self._functions[op.function]
            case BranchOp():
                falls_through: int | None = 0  # for an outcome without a case
                ends: int | None = None
                for case in op.cases:
                    one = self._block(case.steps)
                    falls_through, ends = _smaller(falls_through, one[0]), _smaller(ends, one[1])
                return falls_through, ends
            case ParallelOp(needs=None):
                arms = [self._block(arm.steps) for arm in op.arms]
                if any(end is not None for _, end in arms):
                    return 0, 0
                return sum(one or 0 for one, _ in arms), None
            case ParallelOp() | RegionOp() | RepeatOp() | LoopOp():
                return 0, 0
            case _:
                return 1, None


def _smaller(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)


def _calls(block: Sequence[Any]) -> list[str]:
    return [op.function for op in walk(list(block)) if isinstance(op, CallOp)]
