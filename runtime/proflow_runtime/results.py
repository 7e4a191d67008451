"""What nodes and runs come to: decisions, received events, results, and failures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proflow_runtime.values import JSON


@dataclass(frozen=True, slots=True)
class Result:
    """An end that a path of the run has reached."""

    node: str
    status: str
    output: JSON = None


@dataclass(frozen=True, slots=True)
class Again:
    """A way back was taken: the loop that begins with `to` runs once more."""

    node: str
    to: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of an approval: `approved`, `rejected`, `returned` or `timeout`."""

    outcome: str
    decided_by: JSON = None
    comment: JSON = None


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a wait: `received` with the event's data, or `timeout`."""

    outcome: str
    data: JSON = None


class Stopped(Exception):
    """A terminating end was reached inside an arm: the run is over."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.status)
        self.result = result


class Failed(Exception):
    """The run fails, without another attempt, unless a container around `node` catches it.

    `name` is that of the error to blame.
    """

    def __init__(self, node: str, message: str, name: str = "NonRetriableError") -> None:
        super().__init__(message)
        self.node = node
        self.name = name


def combined(results: Iterable[Result]) -> Result:
    """A status other than `completed` wins; ties go to the smallest node id."""
    return min(results, key=lambda result: (result.status == "completed", result.node))
