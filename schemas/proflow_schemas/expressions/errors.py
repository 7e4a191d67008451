"""What an expression reports when it cannot be read, typed or evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from proflow_schemas.errors import ProFlowError

ProblemKind = Literal["syntax", "not-a-condition", "unknown-reference", "type"]


class ExpressionError(ProFlowError, ValueError):
    """An expression that cannot be parsed, compiled, rendered or evaluated.

    `message` says what is wrong (lowercase start, no full stop), `offset` is an index in code
    points into the text that was given, or `None` where no place is to blame, `help` says what
    to do, or is `None`.
    """

    def __init__(self, message: str, *, offset: int | None = None, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.help = help

    def shifted(self, by: int) -> ExpressionError:
        """The same error in a text in which the expression begins at `by`."""
        offset = by if self.offset is None else self.offset + by
        return ExpressionError(self.message, offset=offset, help=self.help)


@dataclass(frozen=True)
class Correction:
    """What to write in place of a part of an expression; `sure`: nothing else can be meant."""

    start: int
    end: int
    text: str
    sure: bool = False


@dataclass(frozen=True)
class ExpressionProblem:
    """One finding about an expression; `start` and `end` are a span of its text."""

    kind: ProblemKind
    message: str
    start: int
    end: int
    help: str | None = None
    correction: Correction | None = None
