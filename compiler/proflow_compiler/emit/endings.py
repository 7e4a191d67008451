"""Determines how blocks can be left, and so what their functions return; and whether they await."""

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
    """A branch whose cases all return from the function; other outcomes continue after it."""


class Ending(Flag):
    """How a block can be left: by ending the run, by a new iteration of a loop, at its end."""

    ENDS = auto()
    AGAIN = auto()
    FALLS_THROUGH = auto()

    @property
    def annotation(self) -> str:
        """The return type of a function with such a block."""
        names = {Ending.ENDS: "Result", Ending.AGAIN: "Again", Ending.FALLS_THROUGH: "None"}
        return " | ".join(name for flag, name in names.items() if flag in self) or "NoReturn"


RETURNS = Ending.ENDS | Ending.AGAIN
"""The endings that a function reports by its return value."""
_ANY = RETURNS | Ending.FALLS_THROUGH
"""The endings assumed of concurrent blocks that contain a back edge."""


class Endings:
    """Computes the endings of the blocks of a program, its functions first."""

    def __init__(
        self,
        functions: Mapping[str, Sequence[Any]],
        parts: Mapping[str, Sequence[Any]],
        steps: Sequence[Any] = (),
    ) -> None:
        """Compute the endings of all functions.

        Args:
            functions: The functions, by name.
            parts: The parts, by name.
            steps: The main block.
        """
        self._parts = parts
        self.functions: dict[str, Ending] = {}
        self.order: list[str] = []
        """The functions, callees before callers."""
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
        """Return the functions that a block and its parts call."""
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
        """Return True if a function with this block has to be a coroutine."""
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
        """Return how a block can be left. An outcome without a case falls through."""
        ending = Ending(0)
        for op in block:
            found = self._of_op(op)
            ending |= found & RETURNS
            if isinstance(op, Guards):
                cases = (self.of(case.steps) for case in op.cases)
                ending |= Ending.FALLS_THROUGH & _union(cases)
            elif Ending.FALLS_THROUGH not in found:
                return ending
        return ending | Ending.FALLS_THROUGH

    def _of_op(self, op: Any) -> Ending:
        match op:
            case EndOp() | StopOp():
                return Ending.ENDS
            case AgainOp():
                return Ending(0) if op.at_once else Ending.AGAIN  # it raises, and returns nothing
            case CallOp():
                return self.functions[op.function]
            case BranchOp():
                ending = Ending.FALLS_THROUGH
                for case in op.cases:
                    ending |= self.of(case.steps)
                return ending
            case ParallelOp():
                return self._of_parallel(op)
            case RegionOp():
                return self._of_region(op)
            case PartOp():
                # The type of a call of a part does not tell that it never falls through.
                return self.of(self._parts[op.part]) | Ending.FALLS_THROUGH
            case RepeatOp():
                return self.of(op.steps) & ~Ending.AGAIN or Ending.ENDS
            case _:
                return Ending.FALLS_THROUGH

    def _of_parallel(self, op: ParallelOp) -> Ending:
        """Return the endings: it ends if all arms do; if it needs all of them, if one does."""
        arms = [self.of(arm.steps) for arm in op.arms]
        ending = _union(arms)
        if Ending.AGAIN in ending:
            return _ANY
        if op.needs is None and Ending.FALLS_THROUGH in arms:
            return Ending.FALLS_THROUGH
        return ending

    def _of_region(self, op: RegionOp) -> Ending:
        """Return the endings: it falls through if a task that leaves it does.

        The type of other tasks says that they end.
        """
        tasks = [(task, self.of(task.steps)) for task in op.tasks]
        ending = _union(ending for _, ending in tasks)
        if Ending.AGAIN in ending:
            return _ANY
        if ending == Ending.FALLS_THROUGH:
            return ending
        return _union(ending if task.leaves else Ending.ENDS for task, ending in tasks)


def _union(endings: Iterable[Ending]) -> Ending:
    found = Ending(0)
    for ending in endings:
        found |= ending
    return found
