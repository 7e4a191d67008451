"""How a run calls another workflow, and cancels what it has called."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Any

import inngest

from proflow_runtime import events, subprocess
from proflow_runtime.callees import Call
from proflow_runtime.passes import Pass
from proflow_runtime.values import JSON

BATCH = 200
"""Events that are sent at once."""
TIMED_OUT = "InngestInvokeTimeoutError"


class Calls(Pass):
    """Calls of other workflows.

    Inngest lets a child go on that its parent waits for no more. So whatever leaves one cancels it, by
    an event that is sent inside a step: where an item or an iteration is over, the step that keeps what
    was known then; where a child has taken too long, a step `x/left`.
    """

    async def _called(
        self, step: str, left: str, workflow: str, given: Any, timeout: timedelta | None
    ) -> JSON:
        """The answer of a child that is called in a step; `left`: the step that cancels it.

        Raises `SubprocessError`, and `StepError` for a child that has failed or takes too long.
        """
        parent = self.inngest_run_id
        call_id = f"{parent}:{step}"
        callee = self._callees.workflow(workflow, call_id)
        data = subprocess.invocation(
            given, self._ctx.event.data, self.tenant_id, parent, callee.own
        )
        call = Call(call_id, workflow, data)
        invoke = partial(
            self._step.invoke_by_id,
            step,
            function_id=callee.function_id,
            data=data,
            timeout=timeout,
        )
        try:
            answer = await self._groups.one(partial(self._stepped, step, invoke, call))
        except inngest.StepError as error:
            if error.name == TIMED_OUT:
                memo = partial(self._step.run, left, partial(self._cancel_late, left, call))
                await self._groups.one(partial(self._stepped, left, memo, call))
            raise
        return subprocess.answered(workflow, answer)

    async def _cancel_late(self, step: str, call: Call) -> None:
        self._groups.executed = True
        await self._cancel(step, [call])

    async def _cancel(self, step: str, calls: Iterable[Call]) -> None:
        """Cancel what was called, inside a step."""
        cancelling = [
            events.outgoing(
                found.event,
                dict(found.data),
                tenant_id=self.tenant_id,
                run_id=self.run_id,
                step=f"{step}:{call.id}",
                cause=self._ctx.event.id,
            )
            for call in calls
            for found in [await self._callees.leave(call)]
        ]
        for start in range(0, len(cancelling), BATCH):
            await self._step._client.send(cancelling[start : start + BATCH])
