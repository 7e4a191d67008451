"""The primitives that wait: for a time, for an event, for somebody's decision."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

import inngest
from proflow_schemas.durations import MAX_WAIT
from proflow_schemas.expressions import ExpressionError
from proflow_schemas.times import TimeError, read_time

from proflow_runtime.context import clock
from proflow_runtime.flow import approvals
from proflow_runtime.flow.approvals import TimeoutAction
from proflow_runtime.flow.passes import step_id
from proflow_runtime.flow.reminders import Reminders
from proflow_runtime.flow.stepping import Steps
from proflow_runtime.protocol.conditions import answering, condition, correlation_id, matched_value
from proflow_runtime.values import resolve, rounded_on_the_way
from proflow_runtime.values.envelopes import StepFailure, open_memo
from proflow_runtime.values.results import Decision, Received


class Waits(Steps):
    """What a run waits for."""

    async def sleep(self, node: str, duration: timedelta) -> None:
        """Sleeps for a duration, counted from when the run first arrives here."""
        await self._slept(node, clock.now() + duration)

    async def sleep_until(self, node: str, until: Any) -> None:
        """Sleeps until an ISO 8601 time (local time of the run, unless it has an offset), or until
        so many seconds or milliseconds since 1970."""
        try:
            when = read_time(resolve(until, self._scope), self.timezone)
        except ExpressionError as error:
            self._fail(node, f"time of `{node}`: {self._scope.worded(error)}")
        except TimeError as error:
            self._fail(node, f"time of `{node}`: {error}")
        if when - clock.now() > MAX_WAIT:
            self._fail(node, f"time of `{node}`: {when.isoformat()} is more than 366 days ahead")
        await self._slept(node, when)

    async def wait(
        self,
        node: str,
        event: str,
        *,
        match: str | None = None,
        timeout: timedelta | None = None,
        armed_with: Callable[[], Awaitable[object]] | None = None,
    ) -> Received:
        """Waits for an event of this tenant.

        `match` is a path in the trigger and in the event that must hold the same value.
        `armed_with` starts once the wait is armed, and both must be over.
        """
        step = self._begin(node)
        try:
            value = None if match is None else matched_value(match, self._ctx.event.data)
            if_exp = condition(self.tenant_id, match, value)
        except ExpressionError as error:
            self._fail(node, f"wait `{node}`: {error.message}")
        answer: inngest.Event | None = None

        async def armed() -> None:
            nonlocal answer
            answer = await self._waited(step, event, if_exp, timeout)

        self._saw(node, "waiting")
        if armed_with is None:
            await self._groups.one(armed)
        else:
            await self._groups.all((armed, armed_with))
        self._check_answer(answer, f"wait `{node}`", node)
        received = (
            Received("timeout") if answer is None else Received("received", dict(answer.data))
        )
        self._holds(node, received.data)
        self._took(node, received.outcome)
        self._settle(node, received.data, received.outcome)
        return received

    async def approve(
        self,
        node: str,
        *,
        approvers: Sequence[str] = (),
        approver_expression: Any = None,
        timeout: timedelta | None = None,
        timeout_action: TimeoutAction = "route",
        event: str = "approval/response",
        match: str | None = None,
        mode: Literal["any", "all", "sequential", "quorum"] = "any",
        pass_ratio: float | None = None,
        reminders: Reminders | None = None,
        empty_approver_policy: str | None = None,
        fallback_approvers: Sequence[str] = (),
        self_approval: str | None = None,
        comment_required: str | None = None,
        allow: Sequence[str] = (),
    ) -> Decision:
        """Asks for a decision (`approval/requested`) and waits for the answer.

        What it does not need itself (`mode` and so on) travels to the host as `policy`.
        """
        items, execution = self._frame.items, self._execution(node)
        notifying = step_id(node, "notify", items=items, execution=execution)
        waiting = step_id(node, "wait", items=items, execution=execution)
        self._located(notifying, waiting)
        self.planned += 0 if items else 2
        try:
            path = "data.approval_id" if match is None else match
            approval_id = (
                correlation_id(self.run_id, node, items=items, execution=execution)
                if match is None
                else matched_value(match, self._ctx.event.data)
            )
            if_exp = condition(self.tenant_id, path, approval_id)
        except ExpressionError as error:
            self._fail(node, f"approval `{node}`: {error.message}")
        decided = False
        execution_id = step_id(node, items=items, execution=execution)
        left = bool(self._groups.left)

        async def request() -> None:
            if left:
                return  # its iteration is over: nobody is asked any more
            policy = {
                "mode": mode,
                "passRatio": pass_ratio,
                "timeout": None if timeout is None else timeout.total_seconds(),
                "timeoutAction": timeout_action,
                "reminders": None if reminders is None else reminders.policy(),
                "emptyApproverPolicy": empty_approver_policy,
                "fallbackApprovers": list(fallback_approvers) or None,
                "selfApproval": self_approval,
                "commentRequired": comment_required,
                "allow": list(allow) or None,
            }
            asked = approvals.Request(
                approval_id, self.run_id, self.workflow.id, node, event, policy
            )
            named = [*approvers, *approvals.listed(self._resolved(approver_expression))]
            initiator = self._scope.get("initiator")
            data = asked.data(named, initiator)
            if self._opener is not None and self.tenant_id is not None:
                answer = answering(path, approval_id)
                await self._opener(
                    approvals.OpenRequest(
                        self.tenant_id,
                        self.run_id,
                        self.workflow.id,
                        node,
                        execution_id,
                        tuple(named),
                        None if initiator is None else str(initiator),
                        event,
                        answer,
                        asked.shown_policy(),
                        self._ctx.event.data,
                    )
                )
            await self._sent(notifying, approvals.REQUESTED, data)

        async def requested() -> None:
            attempt = partial(self._attempt, node, request)
            self._count(self._frame.stretch)
            memo = open_memo(await self._step.run(notifying, attempt))
            if isinstance(memo, StepFailure) and not (decided or left):
                self._fail(node, f"step `{notifying}` {memo}", memo)

        async def armed() -> inngest.Event | None:
            limit = approvals.open_for(timeout, timeout_action)
            return await self._waited(waiting, event, if_exp, limit)

        self._saw(node, "waiting")
        self._asked[execution_id] = True
        self._groups.aside(self._framed(requested))
        (answer,) = await self._groups.all((armed,))
        decided = True
        self._asked.discard(execution_id)
        self._check_answer(answer, f"the answer to approval `{node}`", node)
        try:
            decision = (
                approvals.by_timeout(timeout_action)
                if answer is None
                else approvals.by_answer(answer.data)
            )
        except approvals.AnswerError as error:
            self._fail(node, f"the answer to approval `{node}` {error}")
        self._holds(node, None if answer is None else dict(answer.data))
        self._took(node, decision.outcome)
        self._settle(node, None if answer is None else dict(answer.data), decision.outcome)
        self._frame.steps[node] |= {"decidedBy": decision.decided_by, "comment": decision.comment}
        return decision

    def _check_answer(self, answer: inngest.Event | None, what: str, node: str) -> None:
        """The run fails where the event that resumes it holds a number that was rounded."""
        if answer is None:
            return
        problem = rounded_on_the_way(answer.data, "data")
        if problem is not None:
            self._fail(node, f"{what}: {problem}")

    async def _slept(self, node: str, until: datetime) -> None:
        step = self._begin(node)
        self._saw(node, "waiting")
        call = partial(self._step.sleep_until, step, until)
        await self._groups.one(partial(self._stepped, step, call))
        self._settle(node, None)

    async def _waited(
        self, step: str, event: str, if_exp: str | None, timeout: timedelta | None
    ) -> inngest.Event | None:
        limit = MAX_WAIT if timeout is None else timeout
        call = partial(self._step.wait_for_event, step, event=event, if_exp=if_exp, timeout=limit)
        return await self._stepped(step, call)
