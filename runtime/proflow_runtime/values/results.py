"""The results of nodes and runs: ends, back edges, decisions, received events, failures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proflow_runtime.values import JSON


@dataclass(frozen=True, slots=True)
class Result:
    """An end that a path of a run has reached.

    Attributes:
        node: The id of the end; empty if the path ended without one.
        status: The status of the end, such as `completed`.
        output: The output of the end.
    """

    node: str
    status: str
    output: JSON = None


@dataclass(frozen=True, slots=True)
class Again:
    """A back edge that was taken, so that a loop runs again.

    Attributes:
        node: The node that the edge leaves.
        to: The header of the loop.
        limit: How often the edge may be taken.
        of: The node that messages name, if `node` is not drawn.
    """

    node: str
    to: str
    limit: int
    of: str | None = None


class Left(Exception):
    """Ends an item or an iteration at once, whatever else is open in it."""

    def __init__(self, node: str) -> None:
        super().__init__(node)
        self.node = node


class Returned(Left):
    """Ends an iteration: an approval has returned to the beginning of the loop."""

    def __init__(self, back: Again) -> None:
        super().__init__(back.node)
        self.back = back


class ItemEnded(Left):
    """Ends an item, or an iteration of a loop container: an outcome has no edge.

    `depth` is the number of enclosing groups of concurrent steps.
    """

    def __init__(self, node: str, outcome: str, depth: int) -> None:
        super().__init__(node)
        self.outcome, self.depth = outcome, depth


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision of an approval.

    Attributes:
        outcome: `approved`, `rejected`, `returned` or `timeout`.
        decided_by: Who decided; `timeout` if the timeout did.
        comment: The comment, if any.
    """

    outcome: str
    decided_by: JSON = None
    comment: JSON = None


@dataclass(frozen=True, slots=True)
class Received:
    """The result of a wait: `received` with the event's data, or `timeout`."""

    outcome: str
    data: JSON = None


class Stopped(Exception):
    """Ends the run: a terminating end was reached, or an outcome has no edge."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.status)
        self.result = result

    @property
    def node(self) -> str:
        """The end that was reached."""
        return self.result.node


class Failed(Exception):
    """Fails the run without another attempt, unless a container around `node` catches it.

    `name` is the class name of the error that caused it.
    """

    def __init__(self, node: str, message: str, name: str = "NonRetriableError") -> None:
        super().__init__(message)
        self.node = node
        self.name = name


def combined(results: Iterable[Result]) -> Result:
    """Return the result of several paths.

    Paths that reached an end precede those that did not; then a status other than `completed`
    precedes `completed`; ties go to the smallest node id.
    """
    return min(results, key=lambda one: (not one.node, one.status == "completed", one.node))
