"""The names that expressions see: `event`, `tenant_id`, `initiator`, `run`, `workflow`, `steps`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import inngest
from proflow_schemas.expressions import ExpressionError, compile

from proflow_runtime.flow.subprocess import INITIATOR as _INITIATOR
from proflow_runtime.flow.subprocess import LINEAGE
from proflow_runtime.values import JSON


@dataclass(frozen=True)
class Workflow:
    """A compiled design: what all its runs have in common.

    Attributes:
        id: The id of the workflow.
        digest: The digest of the definition.
        version: The version of the design.
        max_attempts: The maximum number of attempts of a step without a policy of its own.
        scope: `system` if runs belong to no tenant.
        initiator: The CEL expression of the person who started the run.
        timezone: The time zone of times that name none; None for the default.
        compared: The paths in the trigger that Inngest compares to find the runs that an event
            cancels.
    """

    id: str
    digest: str = ""
    version: str | None = None
    max_attempts: int = 5
    scope: Literal["tenant", "system"] = "tenant"
    initiator: str | None = None
    timezone: str | None = None
    compared: tuple[str, ...] = ()


class Scope(dict[str, Any]):
    """The names of one replay.

    `initiator` is computed when it is first read: most runs never read it, and many have none.
    """

    __slots__ = ("_initiator", "_no_initiator")

    def __init__(
        self,
        event: inngest.Event,
        run_id: str,
        tenant_id: int | None,
        workflow: Workflow,
        steps: Mapping[str, Mapping[str, JSON]],
    ) -> None:
        """Create the names of a run; `steps` is shared with the caller, not copied."""
        super().__init__(
            event={"name": event.name, "id": event.id, "ts": event.ts, "data": event.data},
            run={"id": run_id},
            workflow={"id": workflow.id, "version": workflow.version},
            steps=steps,
        )
        if tenant_id is not None:
            self["tenant_id"] = tenant_id
        self._initiator = workflow.initiator
        self._no_initiator: str | None = None

    def inside(self, steps: Mapping[str, Mapping[str, JSON]], names: Mapping[str, JSON]) -> Scope:
        """Create the names inside a container: these with other `steps`, and `names` in addition."""
        inner = Scope.__new__(Scope)
        inner.update(self)
        inner["steps"] = steps
        inner.update(names)
        inner._initiator, inner._no_initiator = self._initiator, self._no_initiator
        return inner

    def get(self, key: str, default: Any = None) -> Any:
        if key == _INITIATOR:
            self._find_initiator()
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        if key == _INITIATOR:
            self._find_initiator()
        return super().__contains__(key)

    def worded(self, error: ExpressionError) -> str:
        """Return the message of an error, with the reason if the initiator is missing."""
        if self._no_initiator is not None and f"`{_INITIATOR}`" in error.message:
            return f"{error.message}: {self._no_initiator}"
        return error.message

    def _find_initiator(self) -> None:
        if self._initiator is None:
            return
        expression, self._initiator = self._initiator, None
        try:
            found = compile(expression).evaluate(self)
        except ExpressionError as error:
            found, self._no_initiator = None, error.message
        if found is None:
            found = self._of_caller()
        if found is not None or self._no_initiator is None:
            self[_INITIATOR], self._no_initiator = found, None

    def _of_caller(self) -> Any:
        """Return the initiator of the run that calls this one as a subprocess, or None."""
        data = self["event"]["data"]
        lineage = data.get(LINEAGE) if isinstance(data, Mapping) else None
        return lineage.get(_INITIATOR) if isinstance(lineage, Mapping) else None
