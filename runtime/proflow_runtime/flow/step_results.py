"""The results of steps that a replay finds: those of this attempt, and those of earlier ones.

Inngest cannot go on with a run that has failed: the next attempt is another run there, which knows
nothing. So the results that earlier attempts have left are added to those that Inngest sends, and
the replay finds both alike. What has failed is forgotten instead, so that it is executed again. That
may depend only on results of earlier attempts, because all replays of an attempt must agree on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import inngest
from inngest._internal.step_lib.base import Output  # the SDK has no public name for it

from proflow_runtime.flow.memos import LazyMemos, hashed
from proflow_runtime.values import JSON
from proflow_runtime.values.result_wrappers import StepFailure, unwrap

_DUE = "due:"
"""What the keys of the times begin with at which sleeping steps wake up."""


class StepResults:
    """The results of a run's steps in one replay.

    Attributes:
        executed: The outputs of the steps that this request has executed, by hashed step id.
    """

    def __init__(self, step: inngest.Step, earlier: Mapping[str, Any] | None = None) -> None:
        """Add the results of earlier attempts to those of a request.

        Args:
            step: The steps of the request's context.
            earlier: The results of earlier attempts by hashed step id, `{data}` or `{error}`.
        """
        execution: Any = step._execution  # the SDK has no public attribute for it
        self._memos = execution._memos
        lazy = self._memos if isinstance(self._memos, LazyMemos) else None
        raw = None if lazy is None else lazy.raw
        self._sent: Mapping[str, Any] = dict(self._memos._memos if raw is None else raw)
        given = earlier or {}
        self._due = {key: one["due"] for key, one in given.items() if key.startswith(_DUE)}
        self._earlier = {
            key: Output(**one) for key, one in given.items() if not key.startswith(_DUE)
        }
        for key, one in self._earlier.items():
            if raw is None:
                self._memos._memos.setdefault(key, one)
            else:
                raw.setdefault(key, given[key])
        self.executed: dict[str, JSON] = {}
        self._sleeping: dict[str, str] = {}

    @property
    def continues(self) -> bool:
        """True if there are results of earlier attempts."""
        return bool(self._earlier)

    def earlier(self, step: str) -> Output | None:
        """Return the result that an earlier attempt has left, if any."""
        return self._earlier.get(hashed(step))

    def failure_earlier(self, step: str) -> StepFailure | None:
        """Return the failure with which a step has ended in an earlier attempt, if any."""
        found = self.earlier(step)
        if found is None:
            return None
        if found.error is not None:
            return StepFailure(found.error.name, found.error.message, 0)
        output = unwrap(found.data)
        return output if isinstance(output, StepFailure) else None

    def forget(self, *steps: str) -> None:
        """Forget what earlier attempts have left of these steps: they are executed again."""
        for step in steps:
            key = hashed(step)
            if key in self._earlier and key not in self._sent:
                self._memos.pop(key)

    def sleeps_until(self, step: str, until: datetime) -> datetime:
        """Return when a sleeping step wakes up: when it would have in an earlier attempt, if any.

        Args:
            step: The id of the step.
            until: When it wakes up if it begins to sleep now.
        """
        key = f"{_DUE}{hashed(step)}"
        due = self._due.get(key)
        if due is not None:
            until = datetime.fromisoformat(due)
        if hashed(step) not in self._sent:
            self._sleeping[key] = until.isoformat()
        return until

    def to_keep(self, known: set[str]) -> dict[str, dict[str, Any]]:
        """Return the results of this attempt for a later one.

        Args:
            known: The hashed ids of steps whose results are kept already.

        Returns:
            `{data}` or `{error}` by hashed step id: what this request has executed, and what Inngest
            has sent and is not known; and `{due}` for steps that sleep.
        """
        found = {key: _as_kept(one) for key, one in self._sent.items() if key not in known}
        found |= {key: {"due": at} for key, at in self._sleeping.items() if key not in known}
        return found | {key: {"data": output} for key, output in self.executed.items()}


def _as_kept(sent: Any) -> dict[str, Any]:
    """Return a result as it is kept; that of a wait is sent as the event itself."""
    model = sent if isinstance(sent, Output) else Output.from_raw(sent)
    if isinstance(model, Exception):
        return {"data": sent}
    if model.error is not None:
        return {"error": model.error.model_dump(mode="json")}
    return {"data": model.data}
