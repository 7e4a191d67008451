"""Walks through the blocks of a definition, and replaces them."""

from collections.abc import Callable, Iterator
from typing import Any

from proflow_schemas.definition.document import Definition
from proflow_schemas.definition.ops import (
    BranchOp,
    ForeachOp,
    LoopOp,
    ParallelOp,
    RegionOp,
    RepeatOp,
    WaitOp,
)


def walk(steps: list[Any]) -> Iterator[Any]:
    """Yield every op of a block in reading order, each before the ops inside of it.

    Functions that are called are not entered; `blocks` gives their blocks.
    """
    stack = [iter(steps)]
    while stack:
        op = next(stack[-1], None)
        if op is None:
            stack.pop()
            continue
        yield op
        for inner in reversed(blocks_of(op)):
            stack.append(iter(inner))


def blocks_of(op: Any) -> list[list[Any]]:
    """Return the blocks directly inside of an op; none for most ops."""
    match op:
        case WaitOp():
            return [op.armed_with]
        case BranchOp():
            return [case.steps for case in op.cases]
        case ParallelOp():
            return [arm.steps for arm in op.arms]
        case RegionOp():
            return [task.steps for task in op.tasks]
        case RepeatOp() | ForeachOp() | LoopOp():
            return [op.steps]
        case _:
            return []


def with_blocks(op: Any, change: Callable[[list[Any]], list[Any]]) -> Any:
    """Return an op with each block directly inside of it replaced by what `change` returns for it."""
    match op:
        case WaitOp():
            return op.model_copy(update={"armed_with": change(op.armed_with)})
        case BranchOp():
            cases = [one.model_copy(update={"steps": change(one.steps)}) for one in op.cases]
            return op.model_copy(update={"cases": cases})
        case ParallelOp():
            arms = [one.model_copy(update={"steps": change(one.steps)}) for one in op.arms]
            return op.model_copy(update={"arms": arms})
        case RegionOp():
            tasks = [one.model_copy(update={"steps": change(one.steps)}) for one in op.tasks]
            return op.model_copy(update={"tasks": tasks})
        case RepeatOp() | ForeachOp() | LoopOp():
            return op.model_copy(update={"steps": change(op.steps)})
        case _:
            return op


def blocks(definition: Definition) -> Iterator[list[Any]]:
    """Yield the outermost blocks of a definition: the main one, then those of its functions and parts."""
    yield definition.steps
    yield from definition.functions.values()
    for part in definition.parts.values():
        yield part.steps
