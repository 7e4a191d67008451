"""Whether blocks of a definition end, arrive, or may do either."""

from collections.abc import Mapping, Sequence
from enum import Flag, auto
from typing import Any

from proflow_schemas.definition import BranchOp, CallOp, EndOp, ParallelOp, StopOp, walk


class Ending(Flag):
    """What a block may do; `ENDS | ARRIVES` is both."""

    ENDS = auto()
    ARRIVES = auto()


class Endings:
    """The endings of a definition's functions, and of any block of it."""

    def __init__(self, functions: Mapping[str, Sequence[Any]]) -> None:
        self.functions: dict[str, Ending] = {}
        self.order: list[str] = []
        """The functions, each after those it calls."""
        calls = {
            name: list(
                dict.fromkeys(op.function for op in walk(list(block)) if isinstance(op, CallOp))
            )
            for name, block in functions.items()
        }
        begun: set[str] = set()
        for root in functions:
            stack = [root]
            while stack:
                name = stack[-1]
                if name in begun:
                    stack.pop()
                    if name not in self.functions:
                        self.functions[name] = self.of(functions[name])
                        self.order.append(name)
                    continue
                begun.add(name)
                stack += [one for one in reversed(calls[name]) if one not in begun]

    def of(self, block: Sequence[Any]) -> Ending:
        """What a block may do. An outcome that a branch has no case for arrives."""
        ending = Ending(0)
        for op in block:
            found = self._of_op(op)
            ending |= found & Ending.ENDS
            if Ending.ARRIVES not in found:
                return ending
        return ending | Ending.ARRIVES

    def _of_op(self, op: Any) -> Ending:
        match op:
            case EndOp() | StopOp():
                return Ending.ENDS
            case CallOp():
                return self.functions[op.function]
            case BranchOp():
                ending = Ending.ARRIVES
                for case in op.cases:
                    ending |= self.of(case.steps)
                return ending
            case ParallelOp():
                arms = [self.of(arm.steps) for arm in op.arms]
                if Ending.ARRIVES in arms:
                    return Ending.ARRIVES
                ending = Ending.ENDS
                for arm in arms:
                    ending |= arm
                return ending
            case _:
                return Ending.ARRIVES
