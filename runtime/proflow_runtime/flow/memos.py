"""The stored outputs of a run's steps, as one request contains them.

The SDK copies its dictionary of outputs whenever a step reads its own, so that a request costs the
square of its steps. It has no public way to read an output without calling the step, either. So this
module, the only one that depends on the SDK's internals here, puts an object of the same class in the
place of the SDK's, and reads outputs from it directly. If the SDK differs from what `_as_expected`
tests, everything is left to it.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

import inngest
from inngest._internal import step_lib, types


class _Missing:
    """The type of `MISSING`."""


MISSING = _Missing()
"""In place of the output of a step that has not ended, or that the SDK has to be asked for."""


@lru_cache(maxsize=8192)
def hashed(step: str) -> str:
    """Return the id of a step as Inngest knows it."""
    return hashlib.sha1(step.encode()).hexdigest()


class Memos:
    """The stored outputs of one request."""

    __slots__ = ("_indexed", "_step", "count")

    def __init__(self, step: inngest.Step) -> None:
        """Take the outputs from the SDK.

        Args:
            step: The steps of the request's context.
        """
        self._step = step
        # The SDK has no public attribute for it.
        execution: Any = step._execution
        given = execution._memos
        self.count: int = given.size
        """The number of outputs that the request contains."""
        self._indexed: _IndexedMemos | None = None
        if AS_EXPECTED and type(given) is inngest.StepMemos and execution.version == "0":
            self._indexed = execution._memos = _IndexedMemos(given._memos)

    def __contains__(self, step: str) -> bool:
        """True if a step has ended. Call this before the step itself; it does not plan the step."""
        execution: Any = self._step._execution
        return hashed(step) in execution._memos._memos

    def take(self, step: str) -> Any:
        """Return the stored output of a step, as calling the step would, but without the SDK.

        Args:
            step: The id of a step of type `run`.

        Returns:
            `MISSING` if the step has to be called: it has not ended or has failed, or it is the last
            with an output, after which the SDK informs its middleware.
        """
        if self._indexed is None:
            return MISSING
        outputs = self._indexed._memos
        if len(outputs) == 1 or (name := hashed(step)) not in outputs:
            return MISSING
        if outputs[name].error is not None:
            return MISSING
        return outputs.pop(name).data


class _IndexedMemos(inngest.StepMemos):
    """The SDK's outputs; reading one does not copy the others."""

    def pop(self, hashed_id: str) -> step_lib.base.Output | types.EmptySentinel:
        return self._memos.pop(hashed_id, types.empty_sentinel)


def _as_expected() -> bool:
    """Return True if the SDK's class for outputs does what `_IndexedMemos` does in its place."""
    try:
        one = step_lib.base.Output(data={"n": 1})
        memos = inngest.StepMemos({"a": one, "b": step_lib.base.Output(data=None)})
        took = memos.pop("a")
        return (
            took is one
            and (one.data, one.error) == ({"n": 1}, None)
            and list(memos._memos) == ["b"]
            and memos.size == 1
            and memos.pop("a") is types.empty_sentinel
        )
    except Exception:  # whatever another version of the SDK may raise
        return False


AS_EXPECTED = _as_expected()
