"""How many steps a block of a definition takes at most, as Inngest counts them."""

from collections.abc import Iterator, Mapping, Sequence
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
    InvokeOp,
    LeaveOp,
    LoopOp,
    ParallelOp,
    RegionOp,
    RepeatOp,
    SetOp,
    StopOp,
    WaitOp,
    walk,
    with_blocks,
)

APPROVAL_STEPS = 2
"""It waits for the answer, and requests it."""


@dataclass(frozen=True, slots=True)
class Length:
    """Steps until a block arrives (None: it never does), and until it ends (0: it never does)."""

    arrives: int | None = 0
    ends: int = 0

    @property
    def most(self) -> int:
        return max(self.arrives or 0, self.ends)

    def then(self, after: "Length") -> "Length":
        """Of this, followed by `after` where it arrives."""
        if self.arrives is None:
            return self
        arrives = None if after.arrives is None else self.arrives + after.arrives
        return Length(arrives, max(self.ends, self.arrives + after.ends))

    def beside(self, other: "Length") -> "Length":
        """Of one of the two."""
        both = [one for one in (self.arrives, other.arrives) if one is not None]
        return Length(max(both, default=None), max(self.ends, other.ends))


class Lengths:
    """The lengths of blocks over some functions."""

    def __init__(self, functions: Mapping[str, Sequence[Any]]) -> None:
        self._blocks = functions
        self._functions: dict[str, Length] = {}

    def of(self, block: Sequence[Any]) -> Length:
        """The length of a block; a list of unknown length counts one item."""
        for function in self._called(block):
            self._functions[function] = self._block(self._blocks[function])
        return self._block(block)

    def replace(self, function: str, block: Sequence[Any]) -> None:
        """A function has become another block."""
        self._functions[function] = self.of(block)

    def _called(self, block: Sequence[Any]) -> Iterator[str]:
        """The functions that a block leads to and that are not known yet, each after its own."""
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
        """The steps that keep what was known as something ended an item: where more was at work."""
        ops = list(self._all(block))
        at_once = any(isinstance(op, ParallelOp | RegionOp) for op in ops)
        ends = any(isinstance(op, StopOp) for op in ops)
        return self._leaving(block) if at_once and ends else 0

    def _leaving(self, block: Sequence[Any]) -> int:
        """The steps by which a block is left: one cancels what it has called."""
        return 2 if any(isinstance(op, InvokeOp) for op in self._all(block)) else 1

    def _all(self, block: Sequence[Any]) -> Iterator[Any]:
        """The ops of a block, and of the functions that it leads to."""
        seen: set[str] = set()
        stack = [block]
        while stack:
            for op in walk(list(stack.pop())):
                yield op
                if isinstance(op, CallOp) and op.function not in seen:
                    seen.add(op.function)
                    stack.append(self._blocks[op.function])


def with_item_steps(block: list[Any], functions: Mapping[str, list[Any]]) -> list[Any]:
    """A block of a program in which each foreach says how many steps an item takes at most."""
    return _Counting(functions).block(block)


class _Counting:
    def __init__(self, functions: Mapping[str, list[Any]]) -> None:
        self._lengths = Lengths(functions)

    def block(self, block: list[Any]) -> list[Any]:
        return [self._op(op) for op in block]

    def _op(self, op: Any) -> Any:
        if not any(isinstance(one, ForeachOp) for one in walk([op])):
            return op
        changed = with_blocks(op, self.block)
        if not isinstance(op, ForeachOp):
            return changed
        return changed.model_copy(update={"item_steps": self._lengths.of([op]).most})


def _calls(block: Sequence[Any]) -> list[str]:
    return [op.function for op in walk(list(block)) if isinstance(op, CallOp)]
