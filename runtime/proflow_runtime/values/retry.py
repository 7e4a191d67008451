"""Retry policies: how often a step is attempted, and the pauses in between."""

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
    """Return a duration as a `timedelta`.

    Raises:
        DurationError: If a text or number is not a duration.
    """
    return value if isinstance(value, timedelta) else parse_duration(value)


@dataclass(frozen=True)
class Retry:
    """The retry policy of a node.

    Attributes:
        max_attempts: The maximum number of attempts, at least 1.
        initial_interval: The pause after the first failure; by default Inngest chooses the pauses.
        max_interval: The maximum pause; 366 days by default.
        multiplier: The factor by which each pause is longer than the one before.
    """

    max_attempts: int
    initial_interval: Span | None = None
    max_interval: Span | None = None
    multiplier: float = 2.0

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError("`max_attempts` must be at least 1")
        for name in ("initial_interval", "max_interval"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else span(value))

    @classmethod
    def of(cls, policy: RetryPolicy) -> Retry:
        """Convert from the form in a definition."""
        return cls(
            policy.max_attempts,
            policy.initial_interval,
            policy.max_interval,
            policy.multiplier,
        )

    def pause(self, attempt: int) -> timedelta | None:
        """Return the pause after a failed attempt; None if Inngest chooses it.

        Args:
            attempt: The number of the attempt, counted from 0.
        """
        if self.initial_interval is None:
            return None
        initial = span(self.initial_interval)
        longest = _LONGEST if self.max_interval is None else span(self.max_interval)
        try:
            return min(initial * self.multiplier**attempt, longest)
        except OverflowError:
            return longest
