"""One attempt at a step: when it was made, why it failed, what it wrote to the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from proflow_runtime.status.redaction import redacted_text
from proflow_runtime.values import JSON


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that a handler has written to `task.logger`."""

    at: datetime
    level: str
    message: str


@dataclass(frozen=True, slots=True)
class StepError:
    """Why an attempt has failed; `traceback` has the frames of the host."""

    name: str
    message: str
    traceback: str

    @property
    def line(self) -> str:
        """The error in one line, such as `KeyError: 'deep'`."""
        return f"{self.name}: {self.message}"


@dataclass(frozen=True, slots=True)
class StepAttempt:
    """One attempt at a step.

    Attributes:
        node: The node's id.
        step: The node with its item and execution, such as `x[3]#2`.
        number: The number of the attempt, counted from 1.
        started_at: When it began.
        ended_at: When it ended.
        error: Why it failed; None if it did not.
        logs: What the handler has written to its log.
        input: What the handler was given.
        output: What it returned.
    """

    node: str
    step: str
    number: int
    started_at: datetime
    ended_at: datetime
    error: StepError | None = None
    logs: Sequence[LogLine] = ()
    input: JSON = None
    output: JSON = None


def error_json(error: StepError | None) -> dict[str, Any] | None:
    """Return an error as JSON, `{name, message, traceback}`, without what looks like a secret."""
    if error is None:
        return None
    return {
        "name": error.name,
        "message": redacted_text(error.message),
        "traceback": redacted_text(error.traceback),
    }


def logs_json(lines: Sequence[LogLine]) -> list[dict[str, Any]]:
    """Return log lines as JSON, `{at, level, message}`."""
    return [
        {"at": _time(one.at), "level": one.level, "message": redacted_text(one.message)}
        for one in lines
    ]


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
