"""Result wrappers: how Inngest stores the result of a step.

An output is stored as it is, a final failure as `{"__error__": …}`. So a step that has failed for good
counts as completed for Inngest, and is not retried. An output that looks like a wrapper is stored as
`{"__output__": …}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from proflow_runtime.values import JSON

_ERROR, _OUTPUT = "__error__", "__output__"
_EXPLAINED = frozenset(
    {
        *("NonRetriableError", "RetryAfterError", "TimeoutError", "Failed", "Abandoned"),
        *("AnswerError", "BlockedError", "MissingExtraError"),
        *("ExpressionError", "HandlerInputError", "NotJsonError", "SimulatedError"),
        *("SubprocessError", "SubprocessCancelled"),
    }
)
"""Errors whose message says what has happened. The messages of others may be no more than `'deep'`."""


@dataclass(frozen=True, slots=True)
class StepFailure:
    """The final failure of a step.

    Attributes:
        name: The name of the error's class.
        message: The error's message.
        attempts: The number of attempts; 0 if unknown.
    """

    name: str
    message: str
    attempts: int

    def __str__(self) -> str:
        times = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        if self.name in _EXPLAINED or self.name == self.message:
            return f"failed after {times}: {self.message}"
        return f"failed after {times}: {self.name}: {self.message}"


def wrap(output: JSON) -> JSON:
    """Return an output in the form in which it is stored."""
    if isinstance(output, dict) and len(output) == 1 and (_ERROR in output or _OUTPUT in output):
        return {_OUTPUT: output}
    return output


def wrap_failure(failure: StepFailure) -> JSON:
    """Return a final failure in the form in which it is stored."""
    return {
        _ERROR: {
            "name": failure.name,
            "message": failure.message,
            "attempts": failure.attempts,
        }
    }


def unwrap(memo: Any) -> JSON | StepFailure:
    """Return the output or the failure of a step from its stored form."""
    if type(memo) is dict and len(memo) == 1:
        if _OUTPUT in memo:
            return memo[_OUTPUT]
        if _ERROR in memo:
            return StepFailure(**memo[_ERROR])
    return memo
