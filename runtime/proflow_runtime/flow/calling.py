"""How a run calls another workflow, and cancels what it has called."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Any

import inngest

from proflow_runtime.flow import events, subprocess
from proflow_runtime.flow.callees import Call
from proflow_runtime.flow.passes import Pass
from proflow_runtime.values import JSON

BATCH = 200
"""Events that are sent at once."""
TIMED_OUT = "InngestInvokeTimeoutError"


class Calls(Pass):
    """Calls of other workflows.

    Inngest lets a child go on that its parent waits for no more. So whatever leaves one cancels it, in
    a step of its own: `x/left` if it takes too long, `x/ended-left` and so on after the step that keeps
    what was known as an item or an iteration was left. Not in that step itself: another pass may see
    the child cancelled before it sees that the step is over, and would take that for a failure.
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
                memo = partial(self._step.run, left, partial(self._cancel, left, [call]))
                await self._groups.one(partial(self._stepped, left, memo, call))
            raise
        return subprocess.answered(workflow, answer)

    async def _cancel_left(self, step: str, known: Any) -> None:
        """Cancel, in a step, what was called and open when something was left, which is known since.

        Until then these calls count as open: something around may be left, too.
        """
        # What was begun by an earlier version has kept no calls.
        found = [self._open.get(one) for one in known.get("calls", ())]
        if not found:
            return
        calls = [call for call in found if call is not None]
        memo = partial(self._step.run, step, partial(self._cancel, step, calls))
        await self._groups.one(partial(self._stepped, step, memo))

    async def _cancel(self, step: str, calls: Iterable[Call]) -> None:
        """Cancel what was called, inside a step."""
        self._groups.executed = True
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
