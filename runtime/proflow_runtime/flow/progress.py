"""What a pass learns in a stretch of a run, which is as it was when that was left."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from proflow_runtime.flow.kept import Kept
from proflow_runtime.status import ItemKey
from proflow_runtime.values import JSON

if TYPE_CHECKING:
    from proflow_runtime.flow.passes import Pass


class Progress:
    """What a pass learns while this is entered: executions counted, steps settled, outcomes taken.

    Every pass over a stretch that was left comes to that moment again, and may have seen more by then.
    """

    def __init__(self, at: Pass) -> None:
        self._at = at
        frame = at._frame
        self._settled: tuple[Kept[str, Any], ...] = (frame.steps, frame.outcomes)
        self._kept: tuple[Kept[Any, Any], ...] = (
            at._executions,
            at._inner_outcomes,
            at._asked,
            at._open,
            at._entered,
        )

    def __enter__(self) -> Progress:
        for one in (*self._kept, *self._settled):
            one.mark()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for one in (*self._kept, *self._settled):
            one.unmark()

    @property
    def asked(self) -> list[str]:
        """The executions of approvals that were begun here and are open."""
        return sorted(self._at._asked.changed())

    def told(self) -> dict[str, JSON]:
        """What has changed, as JSON for a memo."""
        open_ = self._at._open.changed()
        settled = {name for one in self._settled for name in one.changed()}
        return {
            "executions": [
                [name, list(items), number]
                for (name, items), number in self._at._executions.changed().items()
            ],
            "outcomes": self._at._inner_outcomes.changed(),
            "open": sorted(open_),
            "calls": sorted(step for step, call in open_.items() if call is not None),
            "settled": sorted(settled),
        }

    def restore(self, told: Any) -> None:
        """Take the pass back to the moment of a memo that was made by `told`."""
        for one in self._kept:
            one.take_back()
        for one in self._settled:
            one.take_back(keep=told["settled"])
        for key, number in executed(told).items():
            self._at._executions[key] = number
        for node, outcome in told["outcomes"].items():
            self._at._inner_outcomes[node] = outcome


def executed(told: Any) -> Mapping[ItemKey, int]:
    """How often each node was executed at the moment of a memo, of those that were in its stretch."""
    return {(name, tuple(items)): number for name, items, number in told["executions"]}
