"""How often a step is tried, and how long after a failure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from proflow_schemas.definition import RetryPolicy
from proflow_schemas.durations import parse_duration

Span: TypeAlias = timedelta | float | str
"""A duration: a `timedelta`, seconds, or a text such as `90s` or `PT15M`."""

_LONGEST = timedelta(days=366)


def span(value: Span) -> timedelta:
    """Raises `DurationError` for a text or number that is no duration."""
    return value if isinstance(value, timedelta) else parse_duration(value)


@dataclass(frozen=True)
class Retry:
    """A node's own policy. Without `initial_interval`, Inngest decides on the pauses."""

    max_attempts: int
    initial_interval: Span | None = None
    max_interval: Span | None = None
    multiplier: float = 2.0

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError("a step is tried at least once")
        for name in ("initial_interval", "max_interval"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else span(value))

    @classmethod
    def of(cls, policy: RetryPolicy) -> Retry:
        return cls(
            policy.max_attempts,
            policy.initial_interval,
            policy.max_interval,
            policy.multiplier,
        )

    def pause(self, attempt: int) -> timedelta | None:
        """The pause after a failed attempt, counted from 0; None: Inngest's own."""
        if self.initial_interval is None:
            return None
        initial = span(self.initial_interval)
        longest = _LONGEST if self.max_interval is None else span(self.max_interval)
        try:
            return min(initial * self.multiplier**attempt, longest)
        except OverflowError:
            return longest
