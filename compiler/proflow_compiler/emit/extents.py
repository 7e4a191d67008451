"""Measures statements: how deep they are indented, and the branches that linters count."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from proflow_schemas.definition import (
    ApprovalOp,
    ChooseOp,
    EndOp,
    InvokeOp,
    RegionOp,
    SendOp,
    SetOp,
    TaskOp,
)
from proflow_schemas.node_types import method_of

from proflow_compiler.emit.literals import computed

MOST_LEVELS = 5
"""How many levels deeper than the body of its function a line may be indented."""
MOST_BRANCHES = 11
"""The most branches of a function, including those of functions inside it."""
MOST_STATEMENTS = 48
"""The most statements of a function."""
_ROOM = 48
"""A value of up to this many characters always fits on one line."""


@dataclass(frozen=True, slots=True)
class Extent:
    """The size of some statements.

    Attributes:
        levels: The deepest indentation.
        branches: The number of branches and inner functions.
        statements: The number of statements that do not return.
    """

    levels: int = 0
    branches: int = 0
    statements: int = 0

    def __add__(self, other: "Extent") -> "Extent":
        """Return the extent of two sequences of statements in a row."""
        return Extent(
            max(self.levels, other.levels),
            self.branches + other.branches,
            self.statements + other.statements,
        )

    @classmethod
    def of_all(cls, extents: Iterable["Extent"]) -> "Extent":
        """Return the extent of several sequences of statements in a row."""
        levels = branches = statements = 0
        for one in extents:
            levels = max(levels, one.levels)
            branches += one.branches
            statements += one.statements
        return cls(levels, branches, statements)

    def inside(self, levels: int = 0, branches: int = 0, statements: int = 0) -> "Extent":
        """Return the extent of a statement that contains these, given what it adds itself."""
        return Extent(self.levels + levels, self.branches + branches, self.statements + statements)

    @property
    def fits(self) -> bool:
        """True if a function may have such a body."""
        return self.branches <= MOST_BRANCHES and self.statements <= MOST_STATEMENTS

    @property
    def load(self) -> float:
        """The extent as a share of the maximum for a function."""
        return max(self.branches / MOST_BRANCHES, self.statements / MOST_STATEMENTS)


def spread(op: Any) -> int:
    """Return the levels that the arguments of a call indent if they need lines of their own."""
    match op:
        case TaskOp() if isinstance(op.input, Mapping) and method_of(op.handler) is not None:
            values = list(op.input.values())
        case TaskOp() | InvokeOp():
            values = [op.input]
        case ApprovalOp():
            values = list(op.approval.model_dump(mode="json", exclude_defaults=True).values())
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
            return 2 + max(_length(one)[1] for one in after)
        case _:
            values = []
    return min(1 + max((_length(value)[1] for value in values), default=0), MOST_LEVELS)


def _length(value: Any) -> tuple[int, int]:
    """Return the length of a value's source on one line, and the levels it indents otherwise."""
    if isinstance(value, str):
        length = len(computed(value))
        return length, int("${" in value and length > _ROOM)
    if isinstance(value, Mapping):
        inner = [_length(item) for item in value.values()]
        length = sum(map(len, value)) + 6 * len(inner) + sum(one for one, _ in inner)
    elif isinstance(value, list | tuple):
        inner = [_length(item) for item in value]
        length = 2 * len(inner) + sum(one for one, _ in inner)
    else:
        return len(str(value)), 0
    if length <= _ROOM:
        return length, 0
    return length, 1 + max((levels for _, levels in inner), default=0)
