"""The errors and problems of expressions that cannot be parsed, type-checked or evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from proflow_schemas.errors import ProFlowError
from proflow_schemas.language import Text, Texts
from proflow_schemas.numbers import BEYOND

TEXTS = Texts(
    "inexact",
    {
        "number": Text("the number is {beyond}", "数字{beyond}"),
    },
)

ProblemKind = Literal["syntax", "not-a-condition", "unknown-reference", "type", "inexact"]
INEXACT = TEXTS("number", beyond=BEYOND)
"""The message for a number in an expression that would be rounded."""


class ExpressionError(ProFlowError, ValueError):
    """Raised when an expression cannot be parsed, compiled, rendered or evaluated.

    Attributes:
        message: What is wrong, with a lowercase start and without a full stop.
        offset: Where in the given text, in code points; None if no single place is wrong.
        help: What to do about it, or None.
    """

    def __init__(self, message: str, *, offset: int | None = None, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.help = help

    @property
    def kind(self) -> ProblemKind:
        """The kind of problem that an expression which cannot be parsed has."""
        return "inexact" if self.message == INEXACT else "syntax"

    def shifted(self, by: int) -> ExpressionError:
        """Return the same error for a longer text in which the expression begins at offset `by`."""
        offset = by if self.offset is None else self.offset + by
        return ExpressionError(self.message, offset=offset, help=self.help)


@dataclass(frozen=True)
class Correction:
    """A replacement for a part of an expression.

    Attributes:
        start: Where the replaced part begins.
        end: Where it ends.
        text: The text to put there.
        sure: True if nothing else can have been meant, so that it may be applied without asking.
        whole: True if the text replaces a whole value of a structured condition.
    """

    start: int
    end: int
    text: str
    sure: bool = False
    whole: bool = False


@dataclass(frozen=True)
class ExpressionProblem:
    """One problem of an expression; `start` and `end` are the span of its text that is wrong."""

    kind: ProblemKind
    message: str
    start: int
    end: int
    help: str | None = None
    correction: Correction | None = None
