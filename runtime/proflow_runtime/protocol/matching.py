"""Evaluates CEL expressions as Inngest's server does: `event` is the trigger, `async` the new event.

A missing field, a type error or a result that is not a boolean means "no match", never an error.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cel_expr_python import cel
from proflow_schemas.errors import ProFlowError

_ENV = cel.NewEnv(variables={"event": cel.Type.DYN, "async": cel.Type.DYN})
_STRING = re.compile(
    r"""(?P<prefix>(?<![A-Za-z0-9_])[rRbB]{0,2})"""
    r"""(?P<body>\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''"""
    r"""|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')""",
    re.DOTALL,
)
_TRIGGER = re.compile(r"(?<![\w.])event\s*[.\[]")


class BadExpression(ProFlowError, ValueError):
    """An expression that does not compile; the message is the compiler's, positions included."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression.

    Attributes:
        source: Its text.
        program: The compiled program.
        has_escape: Whether a string literal contains an escape sequence. The server compares the
            literals of waits and cancellations unparsed, so such an expression never matches there.
        reads_trigger: Whether it contains `event.`.
    """

    source: str
    program: cel.Expression
    has_escape: bool
    reads_trigger: bool

    def evaluate(self, names: Mapping[str, Any]) -> Any:
        """Return the value, or None if the evaluation fails."""
        value = self.program.eval(data=dict(names))
        return None if value.type() == cel.Type.ERROR else value.plain_value()

    def holds(self, names: Mapping[str, Any]) -> bool:
        """Return True if the result is `true`."""
        return self.evaluate(names) is True

    def resumes(self, trigger: Mapping[str, Any], arrival: Mapping[str, Any]) -> bool:
        """Return True if an arriving event resumes or cancels a run.

        Args:
            trigger: The event that started the run, with all numbers as floats.
            arrival: The arriving event, likewise.
        """
        return not self.has_escape and self.holds({"event": trigger, "async": arrival})


@lru_cache(maxsize=4096)
def compile_expression(source: str) -> Expression:
    """Compile an expression.

    Raises:
        BadExpression: If it does not compile.
    """
    try:
        program = _ENV.compile(source)
    except (RuntimeError, ValueError) as error:
        text = str(error).removeprefix("INVALID_ARGUMENT: ").removesuffix(" [INVALID_ARGUMENT]")
        raise BadExpression(text) from error
    return Expression(
        source=source,
        program=program,
        has_escape=any(
            "\\" in found["body"] and "r" not in found["prefix"].lower()
            for found in _STRING.finditer(source)
        ),
        reads_trigger=_TRIGGER.search(_STRING.sub('""', source)) is not None,
    )
