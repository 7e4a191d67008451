"""The stored outputs of a run's steps, as one request contains them.

The SDK turns every output of a request into a model, and copies its dictionary of them whenever a
step reads its own. So a request costs the square of its steps, and a run their cube. `install` puts
`LazyMemos` in the place of the SDK's class, which turns only those outputs into models that are read,
and copies nothing; and what `Flow` reads itself needs no model. This is the only module that depends
on these internals of the SDK. If another version of it behaves differently, `install` does nothing,
and everything is left to the SDK.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

import inngest
from inngest._internal import server_lib, step_lib, types
from inngest._internal.step_lib.base import Output

_SDKS_OWN = step_lib.StepMemos
Plan: TypeAlias = step_lib.StepResponse
"""What a request answers about a step that is to be executed."""
Planned: TypeAlias = step_lib.ResponseInterrupt
"""What the SDK raises for such a step."""


_PLANNED = server_lib.Opcode.PLANNED


class _Missing:
    """The type of `MISSING`."""


MISSING = _Missing()
"""In place of the output of a step that has not ended, or that the SDK has to be asked for."""


@lru_cache(maxsize=8192)
def hashed(step: str) -> str:
    """Return the id of a step as Inngest knows it."""
    return hashlib.sha1(step.encode()).hexdigest()


class LazyMemos(inngest.StepMemos):
    """Does the same as the SDK's class for the outputs of a request, in time for one output."""

    def __init__(self, raw: Mapping[str, object]) -> None:
        """Take the outputs as they are in the request, by the hashes of the steps' ids."""
        self.raw: dict[str, object] | None = dict(raw)
        """The outputs; None once all of them are models, which a middleware may have changed."""
        self._models: dict[str, Output] = {}

    @classmethod
    def from_raw(cls, raw: dict[str, object]) -> LazyMemos:
        return cls(raw)

    @property
    def _memos(self) -> dict[str, Output]:  # type: ignore[override]
        if self.raw is not None:
            self._models = {name: _model(one) for name, one in self.raw.items()}
            self.raw = None
        return self._models

    @property
    def size(self) -> int:
        return len(self._models if self.raw is None else self.raw)

    def values(self) -> Iterator[Output]:
        return iter(self._memos.values())

    def pop(self, hashed_id: str) -> Output | types.EmptySentinel:
        if self.raw is None:
            return self._models.pop(hashed_id, types.empty_sentinel)
        if hashed_id not in self.raw:
            return types.empty_sentinel
        return _model(self.raw.pop(hashed_id))


class Memos:
    """The stored outputs of one request, for `Flow`."""

    __slots__ = ("_execution", "_lazy", "count", "taken")

    def __init__(self, step: inngest.Step) -> None:
        """Read the outputs of a request.

        Args:
            step: The steps of the request's context.
        """
        # The SDK has no public attribute for it.
        execution: Any = step._execution
        self._execution = execution
        given = execution._memos
        self.count: int = given.size
        """The number of outputs that the request contains."""
        self._lazy = given if isinstance(given, LazyMemos) else None
        self.taken: dict[str, Any] | None = None
        """What `take` returns is also added to this, by the hashes of the steps' ids."""

    @property
    def unread(self) -> int | None:
        """The number of outputs that no step has read yet; None if only the SDK knows."""
        return None if self._lazy is None or self._lazy.raw is None else len(self._lazy.raw)

    def __contains__(self, step: str) -> bool:
        """True if a step has ended. Call this before the step itself; it does not plan the step."""
        raw = None if self._lazy is None else self._lazy.raw
        return hashed(step) in (self._execution._memos._memos if raw is None else raw)

    def take(self, step: str) -> Any:
        """Return the stored output of a step, as calling the step would, but without the SDK.

        Args:
            step: The id of a step that is made by `step.run`.

        Returns:
            `MISSING` if the step has to be called: it has not ended or has failed, or it is the last
            with an output, after which the SDK informs its middleware.
        """
        if self._lazy is None or (raw := self._lazy.raw) is None or len(raw) == 1:
            return MISSING
        name = hashed(step)
        memo: Any = raw.get(name)
        if type(memo) is not dict or len(memo) != 1 or "data" not in memo:
            return MISSING
        del raw[name]
        if self.taken is not None:
            self.taken[name] = memo
        return memo["data"]

    def take_all(self, known: Mapping[str, Any], *, open_step: str | None) -> bool:
        """Read the outputs of several steps, if they are those that were taken in an earlier request.

        Args:
            known: The outputs, as they were added to `taken`.
            open_step: A step that must not have ended.

        Returns:
            False if they are not the same, or if one is the last output, after which the SDK informs
            its middleware; then none of them is read.
        """
        raw = None if self._lazy is None else self._lazy.raw
        if raw is None or (known and len(raw) <= len(known)):
            return False
        if open_step is not None and hashed(open_step) in raw:
            return False
        if any(raw.get(name) != memo for name, memo in known.items()):
            return False
        for name in known:
            del raw[name]
        return True


def only_plan(planned: Planned) -> Plan | None:
    """Return what a request answers about the one step that it plans; None if it does anything else."""
    if len(planned.responses) != 1:
        return None
    (response,) = planned.responses
    return response if response.step.op is _PLANNED else None


def install() -> bool:
    """Let the SDK read outputs by `LazyMemos`, in this process.

    Returns:
        False if the SDK behaves differently from what `LazyMemos` does in its place.
    """
    if step_lib.StepMemos is LazyMemos:
        return True
    if step_lib.StepMemos is not _SDKS_OWN or not _alike():
        return False
    setattr(step_lib, "StepMemos", LazyMemos)  # noqa: B010 — to a type checker it is a constant
    return True


def _model(raw: object) -> Output:
    """Turn one output into the SDK's model, as `StepMemos.from_raw` does."""
    found = Output.from_raw(raw)
    # What a wait returns is no such object, but the event itself.
    return Output(data=raw) if isinstance(found, Exception) else found


_SAMPLE: dict[str, object] = {
    "step": {"data": {"n": 1}},
    "none": {"data": None},
    "slept": None,
    "failed": {"error": {"message": "m", "name": "E", "stack": None}},
    "received": {"id": "1", "name": "e", "ts": 1, "data": {}},
    "text": "{",
}


def _alike() -> bool:
    """Return True if the SDK's class does what `LazyMemos` does."""
    try:
        theirs, ours = _SDKS_OWN.from_raw(_SAMPLE), LazyMemos.from_raw(_SAMPLE)
        if list(theirs.values()) != list(ours.values()):
            return False
        return all(
            (theirs.pop(name), theirs.size, theirs._memos)
            == (ours.pop(name), ours.size, ours._memos)
            for name in (*_SAMPLE, "unknown", "step")
        )
    except Exception:  # whatever another version of the SDK may raise
        return False
