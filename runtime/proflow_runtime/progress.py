"""How far a pass has come: what is to be as it was when something in the run was left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from proflow_runtime.frames import Outcome
from proflow_runtime.status import ItemKey
from proflow_runtime.values import JSON

if TYPE_CHECKING:
    from proflow_runtime.passes import Pass


@dataclass(frozen=True, slots=True)
class Progress:
    """What a pass knows at one moment: executions counted, steps settled, outcomes taken.

    `asked` are the executions of approvals that are open, `open` all steps that are, `entered`
    where only the first of several paths goes on, and one has.
    """

    executions: Mapping[ItemKey, int]
    inner_outcomes: Mapping[str, Outcome]
    steps: Mapping[str, Any]
    outcomes: Mapping[str, Outcome]
    asked: frozenset[str]
    open: frozenset[str]
    entered: frozenset[ItemKey]

    @classmethod
    def of(cls, at: Pass) -> Progress:
        """The progress of a pass so far, in its present frame."""
        frame = at._frame
        return cls(
            dict(at._executions),
            dict(at._inner_outcomes),
            dict(frame.steps),
            dict(frame.outcomes),
            frozenset(at._asked),
            frozenset(at._open),
            frozenset(at._entered),
        )

    def since(self, before: Progress) -> dict[str, JSON]:
        """What has changed since an earlier moment, as JSON for a memo."""
        return {
            "executions": [
                [name, list(items), number]
                for (name, items), number in self.executions.items()
                if before.executions.get((name, items)) != number
            ],
            "outcomes": {
                key: outcome
                for key, outcome in self.inner_outcomes.items()
                if before.inner_outcomes.get(key) != outcome
            },
            "open": sorted(self.open - before.open),
            "settled": sorted(
                {
                    *(n for n, one in self.steps.items() if before.steps.get(n) is not one),
                    *(n for n, one in self.outcomes.items() if before.outcomes.get(n) != one),
                }
            ),
        }

    def executed(self, changed: Any) -> dict[ItemKey, int]:
        """How often each node was executed at the moment of a memo that was made by `since`."""
        counted = {(name, tuple(items)): number for name, items, number in changed["executions"]}
        return {**self.executions, **counted}

    def restored(self, at: Pass, changed: Any) -> None:
        """Take a pass back to the moment of a memo that was made by `since`."""
        at._executions = self.executed(changed)
        at._inner_outcomes = {**self.inner_outcomes, **changed["outcomes"]}
        at._asked, at._open = set(self.asked), set(self.open)
        at._entered = set(self.entered)
        settled = set(changed["settled"])
        _keep(at._frame.steps, self.steps, settled)
        _keep(at._frame.outcomes, self.outcomes, settled)


def _keep(now: dict[str, Any], before: Mapping[str, Any], settled: set[str]) -> None:
    for name in [name for name in now if name not in settled]:
        if name in before:
            now[name] = before[name]
        else:
            del now[name]
