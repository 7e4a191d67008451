"""Whether blocks of a definition end, arrive, or go back; and whether they await anything."""

from collections.abc import Iterable, Mapping, Sequence
from enum import Flag, auto
from typing import Any

from proflow_schemas.definition import (
    AgainOp,
    BranchOp,
    CallOp,
    ChooseOp,
    EndOp,
    LeaveOp,
    ParallelOp,
    PartOp,
    RegionOp,
    RepeatOp,
    SetOp,
    StopOp,
    walk,
)


class Guards(BranchOp):
    """A branch of which each case returns from the function, which goes on by the other outcomes."""


class Ending(Flag):
    """What a block may do: end, go back to the begin of a repeated block, arrive."""

    ENDS = auto()
    AGAIN = auto()
    ARRIVES = auto()

    @property
    def annotation(self) -> str:
        """The type of what a function with such a block returns."""
        names = {Ending.ENDS: "Result", Ending.AGAIN: "Again", Ending.ARRIVES: "None"}
        return " | ".join(name for flag, name in names.items() if flag in self) or "NoReturn"


RETURNS = Ending.ENDS | Ending.AGAIN
"""What a function says by what it returns."""
_ANY = RETURNS | Ending.ARRIVES
"""What is said of a group in which a way back begins."""


class Endings:
    """The endings of a definition's functions, and of any block of it; `parts` by their names."""

    def __init__(
        self,
        functions: Mapping[str, Sequence[Any]],
        parts: Mapping[str, Sequence[Any]],
        steps: Sequence[Any] = (),
    ) -> None:
        """`steps` is what calls the first of them."""
        self._parts = parts
        self.functions: dict[str, Ending] = {}
        self.order: list[str] = []
        """The functions, each after those it calls."""
        self.called: list[str] = []
        """The functions in the order in which they are first called."""
        self._awaiting: set[str] = set()
        calls = {name: self._calls(block) for name, block in functions.items()}
        begun: set[str] = set()
        for root in [*self._calls(steps), *functions]:
            stack = [root]
            while stack:
                name = stack[-1]
                if name in begun:
                    stack.pop()
                    if name not in self.functions:
                        self.functions[name] = self.of(functions[name])
                        if self.awaits(functions[name]):
                            self._awaiting.add(name)
                        self.order.append(name)
                    continue
                begun.add(name)
                self.called.append(name)
                stack += [one for one in reversed(calls[name]) if one not in begun]

    def _calls(self, block: Sequence[Any]) -> list[str]:
        """The functions that a block and the parts in it call."""
        found: dict[str, None] = {}
        stack = [block]
        while stack:
            for op in walk(list(stack.pop())):
                if isinstance(op, CallOp):
                    found[op.function] = None
                elif isinstance(op, PartOp):
                    stack.append(self._parts[op.part])
        return list(found)

    def awaits(self, block: Sequence[Any]) -> bool:
        """Whether a function with this block has to be a coroutine."""
        return any(self._awaits_op(op) for op in block)

    def _awaits_op(self, op: Any) -> bool:
        match op:
            case EndOp() | StopOp() | AgainOp() | LeaveOp() | ChooseOp() | SetOp():
                return False
            case CallOp():
                return op.once or op.function in self._awaiting
            case BranchOp():
                return any(self.awaits(case.steps) for case in op.cases)
            case _:
                return True

    def of(self, block: Sequence[Any]) -> Ending:
        """What a block may do. An outcome that a branch has no case for arrives."""
        ending = Ending(0)
        for op in block:
            found = self._of_op(op)
            ending |= found & RETURNS
            if isinstance(op, Guards):
                cases = (self.of(case.steps) for case in op.cases)
                ending |= Ending.ARRIVES & _union(cases)
            elif Ending.ARRIVES not in found:
                return ending
        return ending | Ending.ARRIVES

    def _of_op(self, op: Any) -> Ending:
        match op:
            case EndOp() | StopOp():
                return Ending.ENDS
            case AgainOp():
                return Ending(0) if op.at_once else Ending.AGAIN  # raised, and not returned
            case CallOp():
                return self.functions[op.function]
            case BranchOp():
                ending = Ending.ARRIVES
                for case in op.cases:
                    ending |= self.of(case.steps)
                return ending
            case ParallelOp():
                return self._of_parallel(op)
            case RegionOp():
                return self._of_region(op)
            case PartOp():
                # What runs elsewhere may arrive, for all that its type tells.
                return self.of(self._parts[op.part]) | Ending.ARRIVES
            case RepeatOp():
                return self.of(op.steps) & ~Ending.AGAIN or Ending.ENDS
            case _:
                return Ending.ARRIVES

    def _of_parallel(self, op: ParallelOp) -> Ending:
        """It ends if all arms do, or, where it needs all of them to arrive, if one does."""
        arms = [self.of(arm.steps) for arm in op.arms]
        ending = _union(arms)
        if Ending.AGAIN in ending:
            return _ANY
        if op.needs is None and Ending.ARRIVES in arms:
            return Ending.ARRIVES
        return ending

    def _of_region(self, op: RegionOp) -> Ending:
        """It arrives if a task that leaves does; of any other task, its type tells that it ends."""
        tasks = [(task, self.of(task.steps)) for task in op.tasks]
        ending = _union(ending for _, ending in tasks)
        if Ending.AGAIN in ending:
            return _ANY
        if ending == Ending.ARRIVES:
            return ending
        return _union(ending if task.leaves else Ending.ENDS for task, ending in tasks)


def _union(endings: Iterable[Ending]) -> Ending:
    found = Ending(0)
    for ending in endings:
        found |= ending
    return found
