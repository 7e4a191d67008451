"""Whom a stored run invokes: always the interpreter function, which is told what to run."""

from __future__ import annotations

from typing import Any

from proflow_runtime.context import clock
from proflow_runtime.dispatch.asked import RUN, Asked, without_lineage
from proflow_runtime.dispatch.programs import Programs
from proflow_runtime.flow.callees import Call, Callee, Cancelling
from proflow_runtime.store import designs, runs
from proflow_runtime.store.database import transaction

INVOKED = "inngest/function.invoked"
"""The event that begins a child, as Inngest names it."""


class StoredCallees:
    """Of one run, which is pinned to a digest; its parts are of the same."""

    def __init__(
        self, programs: Programs, tenant_id: int, run_id: str, digest: str, version: int
    ) -> None:
        self._programs = programs
        self._tenant_id, self._run_id = tenant_id, run_id
        self._digest, self._version = digest, version

    def workflow(self, workflow: str, call: str) -> Callee:
        return Callee(RUN, Asked(self._child(call), workflow, caller=self._run_id).own())

    def part(self, workflow: str, part: str) -> Callee:
        asked = Asked(self._run_id, workflow, self._digest, self._version, part=part)
        return Callee(RUN, asked.own())

    async def leave(self, call: Call) -> Cancelling:
        """A child that Inngest has not begun is noted as cancelled, so that it never begins: the
        event would come too early for it."""
        child = self._child(call.id)
        published = await designs.published(self._tenant_id, call.workflow)
        if published is not None:
            async with transaction():
                await runs.create(await self._never_begun(call, child, published))
                await runs.withdraw(self._tenant_id, child)
        return Cancelling(runs.CANCEL_EVENT, {"run_id": child})

    def _child(self, call: str) -> str:
        return runs.derived_id("call", self._tenant_id, call)

    async def _never_begun(
        self, call: Call, child: str, published: designs.Published
    ) -> runs.NewRun:
        event: dict[str, Any] = {
            "name": INVOKED,
            "id": f"call:{child}",
            "ts": int(clock.now().timestamp() * 1000),
            "data": without_lineage(call.data),
        }
        return runs.NewRun(
            id=child,
            tenant_id=self._tenant_id,
            workflow=call.workflow,
            version=published.version,
            digest=published.digest,
            event=event,
            function_id=RUN,
            task_type=(await self._programs.about(published.digest)).task_type,
            parent=self._run_id,
        )
