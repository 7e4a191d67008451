"""What the world does to a run, and what is then told of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from proflow_compiler.graph import Graph


@dataclass(frozen=True)
class Answer:
    """The outcome somebody decides on, `after` seconds from when the node starts waiting."""

    outcome: str
    after: float


@dataclass(frozen=True)
class Sent:
    """An event that somebody sends `at` seconds after the run began."""

    event: str
    data: Mapping[str, Any]
    at: float


@dataclass(frozen=True)
class Outside:
    """The event a run starts with, answers, and how handlers behave.

    `answers` and `failures` are of steps (`x`, `x#2`, `x[0]`), as each execution has its own.
    """

    data: Mapping[str, Any]
    answers: Mapping[str, Answer] = field(default_factory=dict)
    sent: Sequence[Sent] = ()
    failures: Mapping[str, int] = field(default_factory=dict)
    """How many attempts of a step fail before one works."""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """Of a step, else of all executions of a node."""
    children: Mapping[str, Graph] = field(default_factory=dict)
    """The other workflows, by id."""
    pause: Callable[[int], float] = lambda failed: 0
    """The seconds until another attempt, after so many, where no policy says it."""
    began: datetime = datetime(2026, 1, 5, tzinfo=UTC)
    timezone: str = "UTC"
    """That of a design which names none."""


@dataclass
class Happened:
    """A node's part in a run; of a node in a loop, in its last round."""

    status: str
    outcome: str | list[str] | None = None
    started: float | None = None
    attempts: int = 0
    error: str | None = None


@dataclass
class Execution:
    """A step that was taken: when it began, and when it was over."""

    step: str
    started: float
    ended: float | None = None


@dataclass
class Called:
    """A run of another workflow, which a step has begun: what became of it, and when."""

    step: str
    started: float
    status: str = "open"
    ended: float | None = None

    def over(self, status: str, now: float) -> None:
        self.status, self.ended = status, now


@dataclass
class Run:
    """How a run went; nodes inside a foreach show what all their items come to."""

    status: str = "running"
    result: str | None = None
    output: Any = None
    error: str | None = None
    nodes: dict[str, Happened] = field(default_factory=dict)
    outcomes: dict[str, str | list[str]] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    calls: list[Called] = field(default_factory=list)
    stops: set[float] = field(default_factory=set)
    """When the run, or something in it, was stopped: what else happens in such a moment may come
    before or after."""
    abandoned: set[str] = field(default_factory=set)
    """Nodes of items (`x[i]`) that were given up: what is open there may still come to an end."""
    ended: float = 0
