"""Bounds how deep generated code is nested: what is nested deeper becomes functions of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proflow_schemas.definition import (
    AnyOp,
    ApprovalOp,
    BranchOp,
    CallOp,
    ChooseOp,
    Definition,
    EndOp,
    ForeachOp,
    InvokeOp,
    LoopOp,
    ParallelOp,
    RegionOp,
    RepeatOp,
    SendOp,
    SetOp,
    TaskOp,
    WaitOp,
)
from proflow_schemas.step_ids import step_id

from proflow_compiler.emit.literals import computed

MOST_LEVELS = 5
"""How much deeper than the body of its function a line may be indented."""
_ROOM = 48
"""What is no longer than this stands on one line, wherever it is."""


@dataclass(frozen=True, slots=True)
class Title:
    """What a function is named by: a node, and what the function is to it."""

    node: str
    purpose: str


@dataclass(frozen=True)
class Program:
    """The blocks of a definition, none nested too deep."""

    steps: Sequence[AnyOp]
    functions: Mapping[str, Sequence[AnyOp]]
    parts: Mapping[str, Sequence[AnyOp]]
    titles: Mapping[str, Title]
    heights: Mapping[str, int]
    """How many levels the body of a function indents."""


def outlined(definition: Definition) -> Program:
    """The program of a definition, in which the fewest blocks are moved to functions."""
    outline = _Outline()
    names = list(definition.functions)
    outline.functions = dict.fromkeys(names, ())
    outline.titles = {name: Title(name, "path") for name in names}
    steps, _ = outline.block(definition.steps)
    for name in names:
        outline.functions[name], outline.heights[name] = outline.block(definition.functions[name])
    parts = {name: outline.block(part.steps)[0] for name, part in definition.parts.items()}
    return Program(steps, outline.functions, parts, outline.titles, outline.heights)


@dataclass
class _Outline:
    functions: dict[str, Sequence[AnyOp]] = field(default_factory=dict)
    titles: dict[str, Title] = field(default_factory=dict)
    heights: dict[str, int] = field(default_factory=dict)

    def block(self, block: Sequence[AnyOp]) -> tuple[Sequence[AnyOp], int]:
        """A block that fits into a function, and how many levels it indents."""
        height = 0
        ops: list[AnyOp] = []
        for op in block:
            fitted, levels = self._op(op)
            ops.append(fitted)
            height = max(height, levels)
        return ops, height

    def _op(self, op: AnyOp) -> tuple[AnyOp, int]:
        match op:
            case BranchOp():
                deeper = 2 if len(op.cases) > 2 else 1
                cases, height = self._parts(op.cases, deeper, "path")
                return op.model_copy(update={"cases": cases}), height
            case ParallelOp():
                arms, height = self._parts(op.arms, 1, "branch")
                return op.model_copy(update={"arms": arms}), max(height, 1)
            case RegionOp():
                tasks, height = self._parts(op.tasks, 1, "branch")
                return op.model_copy(update={"tasks": tasks}), max(height, _spread(op))
            case RepeatOp() | LoopOp() | ForeachOp():
                purpose = "item" if isinstance(op, ForeachOp) else "round"
                steps, height = self._inner(op.steps, 1, Title(op.node, purpose))
                return op.model_copy(update={"steps": steps}), max(height, _spread(op))
            case WaitOp() if op.armed_with:
                return op, max(1 + _spread(one) for one in op.armed_with)
            case _:
                return op, _spread(op)

    def _parts(self, parts: Sequence[Any], deeper: int, purpose: str) -> tuple[list[Any], int]:
        """Cases, arms or tasks."""
        found, height = [], 0
        for part in parts:
            first = part.steps[0].node if part.steps else ""
            title = Title(getattr(part, "name", first), purpose)
            steps, levels = self._inner(part.steps, deeper, title)
            found.append(part.model_copy(update={"steps": steps}))
            height = max(height, levels)
        return found, height

    def _inner(
        self, block: Sequence[AnyOp], deeper: int, title: Title
    ) -> tuple[Sequence[AnyOp], int]:
        """A block inside an op, or the call of the function that it has become."""
        steps, height = self.block(block)
        match steps:
            case [] | [CallOp()]:
                pass
            case _ if deeper + height > MOST_LEVELS:
                function = self._function(title)
                self.functions[function], self.heights[function] = steps, height
                node = steps[0].node
                steps, height = [CallOp(id=step_id(node), node=node, function=function)], 1
        return steps, deeper + height

    def _function(self, title: Title) -> str:
        """A free name, told apart from those of the definition."""
        name, count = f"{title.node}/{title.purpose}", 1
        while name in self.functions:
            count += 1
            name = f"{title.node}/{title.purpose}/{count}"
        self.titles[name] = title
        return name


def _spread(op: AnyOp) -> int:
    """How many levels the arguments of a call indent, if they need lines of their own."""
    match op:
        case TaskOp() if isinstance(op.input, Mapping) and op.handler.startswith("proflow:"):
            values = list(op.input.values())
        case TaskOp() | InvokeOp():
            values = [op.input]
        case ApprovalOp():
            values = list(op.approval.model_dump(exclude_defaults=True).values())
        case SendOp():
            values = [op.data]
        case SetOp():
            values = [op.values]
        case ChooseOp():
            values = [{rule.outcome: rule.when for rule in op.rules}]
        case EndOp():
            values = [op.output]
        case RegionOp():
            after = [[(one.source, *one.outcomes) for one in task.after] for task in op.tasks]
            return 2 + max(_extent(one)[1] for one in after)
        case _:
            values = []
    return min(1 + max((_extent(value)[1] for value in values), default=0), MOST_LEVELS)


def _extent(value: Any) -> tuple[int, int]:
    """The length of a value's source on one line, and the levels it indents where it is longer."""
    if isinstance(value, str):
        length = len(computed(value))
        return length, int("${" in value and length > _ROOM)
    if isinstance(value, Mapping):
        inner = [_extent(item) for item in value.values()]
        length = sum(map(len, value)) + 6 * len(inner) + sum(one for one, _ in inner)
    elif isinstance(value, list | tuple):
        inner = [_extent(item) for item in value]
        length = 2 * len(inner) + sum(one for one, _ in inner)
    else:
        return len(str(value)), 0
    if length <= _ROOM:
        return length, 0
    return length, 1 + max((levels for _, levels in inner), default=0)
