"""Calls other workflows as subprocesses, and cancels those that nobody waits for any more."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Any

import inngest

from proflow_runtime.flow import events, subprocess
from proflow_runtime.flow.callees import Call
from proflow_runtime.flow.chains import Chain
from proflow_runtime.flow.replay import Replay
from proflow_runtime.values import JSON

BATCH = 200
"""Maximum number of events in one request."""
TIMED_OUT = "InngestInvokeTimeoutError"


class Calls(Replay):
    """Calls of other workflows.

    Inngest does not cancel a child when its parent stops waiting for it. So the run cancels it in a
    step of its own: `<node>/left` after a timeout, `<node>/ended-left` and so on after the step that
    stores the progress of an item or iteration. It cannot be that step itself: another replay might
    see the cancelled child before it sees the completed step, and would treat it as a failure.
    """

    async def _called(
        self, step: str, left: str, workflow: str, given: Any, timeout: timedelta | None
    ) -> JSON:
        """Call a workflow in a step, and return its result.

        Args:
            step: The id of the step.
            left: The id of the step that cancels the child if it takes too long.
            workflow: The id of the workflow.
            given: Its input.
            timeout: How long to wait for its end.

        Raises:
            SubprocessError: If it cannot be called, was cancelled, or is no workflow.
            StepError: If it has failed or takes too long.
        """
        parent = self.inngest_run_id
        call_id = f"{self.run_id}:{step}"  # the same in all attempts at the run
        callee = self._callees.workflow(workflow, call_id)
        data = subprocess.invocation(
            given,
            self._ctx.event.data,
            self.tenant_id,
            parent,
            {**callee.own, **Chain.handed_on(self._ctx.event.id, self._ctx.event.data)},
            self._scope.get("initiator"),
        )
        call = Call(call_id, workflow, data)
        child = callee.own.get("run")
        if isinstance(child, str) and not self._is_memoised(step):
            self.called.append(child)
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
                cancel = partial(self._cancel, left, [call])
                memo = partial(self._step.run, left, self._kept, left, cancel)
                await self._groups.one(partial(self._stepped, left, memo, call))
            self._returned(child)
            raise
        self._returned(child)
        return subprocess.answered(workflow, answer)

    def _returned(self, child: JSON) -> None:
        """Record that the run goes on from a call; `child` is the run of the service that was called."""
        if isinstance(child, str):
            self.resumed.append(child)

    async def _cancel_left(self, step: str, known: Any) -> None:
        """Cancel, in a step, the calls that were open when a cancel scope was left.

        Until that step has ended they count as open, since an enclosing scope may be left as well.

        Args:
            step: The id of the step.
            known: The stored progress of the scope.
        """
        # Runs that an earlier version has begun have stored no calls.
        found = [self._open.get(one) for one in known.get("calls", ())]
        if not found:
            return
        calls = [call for call in found if call is not None]
        cancel = partial(self._cancel, step, calls)
        memo = partial(self._step.run, step, self._kept, step, cancel)
        await self._groups.one(partial(self._stepped, step, memo))

    async def _cancel(self, step: str, calls: Iterable[Call]) -> None:
        """Send the events that cancel calls, from inside a step."""
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
