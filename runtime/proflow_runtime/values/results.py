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
    """A back edge was taken: the loop that begins with `to` runs once more, `limit` times at most.

    `of` is the node to blame if that is too often, where `node` is not drawn.
    """

    node: str
    to: str
    limit: int
    of: str | None = None


class Left(Exception):
    """Something ends an item or an iteration at once, whatever else is open in it."""

    def __init__(self, node: str) -> None:
        super().__init__(node)
        self.node = node


class Returned(Left):
    """An approval has returned to the begin of a loop: its iteration is over."""

    def __init__(self, back: Again) -> None:
        super().__init__(back.node)
        self.back = back


class ItemEnded(Left):
    """An outcome that is not drawn has ended an item, or an iteration of a loop container.

    `depth`: in how many groups of steps that run at once this happened.
    """

    def __init__(self, node: str, outcome: str, depth: int) -> None:
        super().__init__(node)
        self.outcome, self.depth = outcome, depth


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

    @property
    def node(self) -> str:
        """The end that was reached."""
        return self.result.node


class Failed(Exception):
    """The run fails, without another attempt, unless a container around `node` catches it.

    `name` is that of the error to blame.
    """

    def __init__(self, node: str, message: str, name: str = "NonRetriableError") -> None:
        super().__init__(message)
        self.node = node
        self.name = name


def combined(results: Iterable[Result]) -> Result:
    """A status other than `completed` wins; ties go to the smallest node id.

    Paths that came to no end count only where no other did.
    """
    return min(results, key=lambda one: (not one.node, one.status == "completed", one.node))
