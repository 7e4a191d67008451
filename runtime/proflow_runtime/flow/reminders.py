"""The schedule on which approvers are reminded of an open approval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proflow_runtime.values import JSON
from proflow_runtime.values.retry import Span, span


@dataclass(frozen=True)
class Reminders:
    """A schedule of reminders.

    Attributes:
        after: The time from the request to the first reminder.
        every: The time between reminders; None for a single one.
        max: The maximum number of reminders.
    """

    after: Span
    every: Span | None = None
    max: int | None = None

    @classmethod
    def of(cls, policy: Mapping[str, Any]) -> Reminders:
        """Convert from the form in a definition, where durations are seconds."""
        return cls(policy["after"], policy.get("every"), policy.get("max"))

    def policy(self) -> dict[str, JSON]:
        """Return the form in `approval/requested`: durations in seconds, and only what is set."""
        found: dict[str, JSON] = {"after": _seconds(self.after)}
        if self.every is not None:
            found["every"] = _seconds(self.every)
        if self.max is not None:
            found["max"] = self.max
        return found


def _seconds(value: Span) -> float:
    exact = span(value).total_seconds()
    return int(exact) if exact.is_integer() else exact
