"""When those who have not decided an approval are reminded of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proflow_runtime.values import JSON
from proflow_runtime.values.retry import Span, span


@dataclass(frozen=True)
class Reminders:
    """The first reminder comes `after` a while, more of them `every` so often, `max` at most."""

    after: Span
    every: Span | None = None
    max: int | None = None

    @classmethod
    def of(cls, policy: Mapping[str, Any]) -> Reminders:
        """Read what a definition says, with durations in seconds."""
        return cls(policy["after"], policy.get("every"), policy.get("max"))

    def policy(self) -> dict[str, JSON]:
        """What the host is told, with durations in seconds and without what is not set."""
        found: dict[str, JSON] = {"after": _seconds(self.after)}
        if self.every is not None:
            found["every"] = _seconds(self.every)
        if self.max is not None:
            found["max"] = self.max
        return found


def _seconds(value: Span) -> float:
    exact = span(value).total_seconds()
    return int(exact) if exact.is_integer() else exact
