"""Tracks what a replay has recorded inside a cancel scope, so that it can be rolled back."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from proflow_runtime.flow.revertible import RevertibleDict
from proflow_runtime.status import ItemKey
from proflow_runtime.values import JSON

if TYPE_CHECKING:
    from proflow_runtime.flow.replay import Replay


class Progress:
    """What a replay records in a `with` block: executions, settled steps, outcomes.

    When a cancel scope is left, its progress is memoised in a step. Every later replay runs the
    scope again and may get further than the first one did; it is then rolled back to the memo.
    """

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        frame = replay._frame
        self._settled: tuple[RevertibleDict[str, Any], ...] = (frame.steps, frame.outcomes)
        self._tracked: tuple[RevertibleDict[Any, Any], ...] = (
            replay._executions,
            replay._inner_outcomes,
            replay._open_approvals,
            replay._open,
            replay._entered,
        )

    def __enter__(self) -> Progress:
        for one in (*self._tracked, *self._settled):
            one.mark()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for one in (*self._tracked, *self._settled):
            one.release()

    @property
    def open_approvals(self) -> list[str]:
        """The executions (`x[3]#2`) of approvals that were requested in this block and are open."""
        return sorted(self._replay._open_approvals.changed())

    def recorded(self) -> dict[str, JSON]:
        """Return what has changed in this block, as JSON for a memo."""
        open_ = self._replay._open.changed()
        settled = {name for one in self._settled for name in one.changed()}
        return {
            "executions": [
                [name, list(items), number]
                for (name, items), number in self._replay._executions.changed().items()
            ],
            "outcomes": self._replay._inner_outcomes.changed(),
            "open": sorted(open_),
            "calls": sorted(step for step, call in open_.items() if call is not None),
            "settled": sorted(settled),
        }

    def restore(self, recorded: Any) -> None:
        """Set the replay to the state of a memo.

        Args:
            recorded: What `recorded` returned when the memo was made.
        """
        for one in self._tracked:
            one.roll_back()
        for one in self._settled:
            one.roll_back(keep=recorded["settled"])
        for key, number in recorded_executions(recorded).items():
            self._replay._executions[key] = number
        for node, outcome in recorded["outcomes"].items():
            self._replay._inner_outcomes[node] = outcome


def recorded_executions(recorded: Any) -> Mapping[ItemKey, int]:
    """Return how often each node of a cancel scope had been executed, from its memo."""
    return {(name, tuple(items)): number for name, items, number in recorded["executions"]}
