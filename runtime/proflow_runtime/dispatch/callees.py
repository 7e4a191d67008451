"""Tells a stored run which function to invoke for a subprocess or a part of its definition.

It is always the interpreter function, with a `StartRequest` that says what to run.
"""

from __future__ import annotations

from typing import Any

from proflow_runtime.context import clock
from proflow_runtime.dispatch.cancelling import cancel_again, cancellation
from proflow_runtime.dispatch.programs import Programs
from proflow_runtime.dispatch.start_request import RUN, StartRequest, without_lineage
from proflow_runtime.flow.callees import Call, Callee, Cancelling
from proflow_runtime.protocol.app_names import AppNames
from proflow_runtime.status import OPEN
from proflow_runtime.store import designs, outbox, runs
from proflow_runtime.store.database import transaction
from proflow_runtime.store.outbox import Effect

INVOKED = "inngest/function.invoked"
"""The name of the event with which Inngest begins an invoked function."""


class StoredCallees:
    """The callees of one run, which is pinned to a digest; its parts belong to the same digest."""

    def __init__(
        self,
        programs: Programs,
        names: AppNames,
        tenant_id: int,
        run_id: str,
        digest: str,
        version: int,
        attempt: int = 1,
    ) -> None:
        self._programs, self._names, self._attempt = programs, names, attempt
        self._tenant_id, self._run_id = tenant_id, run_id
        self._digest, self._version = digest, version

    def workflow(self, workflow: str, call: str) -> Callee:
        """Return the callee for a subprocess; `call` identifies the invocation."""
        request = StartRequest(
            self._child(call), workflow, caller=self._run_id, attempt=self._attempt
        )
        return Callee(RUN, request.own())

    def part(self, workflow: str, part: str) -> Callee:
        """Return the callee for a part of this run's definition."""
        request = StartRequest(
            *(self._run_id, workflow, self._digest, self._version),
            part=part,
            attempt=self._attempt,
        )
        return Callee(RUN, request.own())

    async def leave(self, call: Call) -> Cancelling:
        """Cancel a subprocess that this run no longer waits for.

        A child that Inngest has not begun would miss the event that cancels it. It is recorded as
        cancelled first, so that it never begins.

        Args:
            call: The call that the run has left.

        Returns:
            The event that cancels the child if it has begun.
        """
        child = self._child(call.id)
        published = await designs.published(self._tenant_id, call.workflow)
        if published is not None:
            async with transaction() as client:
                left = Effect("resumed", self._run_id, child)
                await outbox.watch(
                    client, f"returned:{child}", self._tenant_id, runs.RETURNED, left, seen=True
                )
                run, _ = await runs.create(await self._never_begun(call, child, published))
                unbegun = await runs.withdraw(self._tenant_id, child)
                if not unbegun and run.status in OPEN:
                    event = cancellation(self._names, self._tenant_id, child, cause=call.id)
                    await cancel_again(client, self._tenant_id, child, event)
        return Cancelling(self._names.cancel, {"run_id": child})

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
            attempt=self._attempt,
        )
