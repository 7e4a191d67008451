"""How an attempt's end is memoised: outputs as they are, failures as `{"__error__": …}`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from proflow_runtime.values import JSON

_ERROR, _OUTPUT = "__error__", "__output__"


@dataclass(frozen=True, slots=True)
class StepFailure:
    """Why a step failed for good, and at which attempt; 0: nobody knows."""

    name: str
    message: str
    attempts: int

    def __str__(self) -> str:
        times = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        return f"failed after {times}: {self.message}"


def wrap(output: JSON) -> JSON:
    """An output as it is memoised; one that could be taken for an envelope gets its own."""
    if isinstance(output, dict) and len(output) == 1 and (_ERROR in output or _OUTPUT in output):
        return {_OUTPUT: output}
    return output


def wrap_failure(failure: StepFailure) -> JSON:
    return {
        _ERROR: {
            "name": failure.name,
            "message": failure.message,
            "attempts": failure.attempts,
        }
    }


def unwrap(memo: Any) -> JSON | StepFailure:
    """What was sealed."""
    if type(memo) is dict and len(memo) == 1:
        if _OUTPUT in memo:
            return memo[_OUTPUT]
        if _ERROR in memo:
            return StepFailure(**memo[_ERROR])
    return memo
