"""The primitives that wait: for a time, for an event, or for a decision."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import inngest
from proflow_schemas.definition import ApprovalPolicy, RequestedPolicy, TimeoutAction
from proflow_schemas.durations import MAX_WAIT
from proflow_schemas.expressions import ExpressionError
from proflow_schemas.times import TimeError, read_time

from proflow_runtime.context import clock
from proflow_runtime.flow import approvals
from proflow_runtime.flow.observing import Observation
from proflow_runtime.flow.replay import step_id
from proflow_runtime.flow.stepping import Steps
from proflow_runtime.protocol.conditions import answering, condition, correlation_id, matched_value
from proflow_runtime.values import resolve, rounding_problem
from proflow_runtime.values.result_wrappers import StepFailure, unwrap
from proflow_runtime.values.results import Decision, Received


class Waits(Steps):
    """The primitives that wait: sleeps, events and approvals."""

    async def sleep(self, node: str, duration: timedelta) -> None:
        """Sleep for a duration.

        Args:
            node: The node's id.
            duration: The duration, counted from when the run first reaches the node.
        """
        await self._slept(node, clock.now() + duration, lasts=True)

    async def sleep_until(self, node: str, until: Any) -> None:
        """Sleep until a time.

        Args:
            node: The node's id.
            until: An ISO 8601 time, or the number of seconds or milliseconds since 1970. A time
                without an offset is in the time zone of the run. The value may be lazy.

        Raises:
            Failed: If the time cannot be computed or read, or is more than 366 days ahead.
        """
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
        """Wait for an event of this tenant.

        Args:
            node: The node's id.
            event: The event's name.
            match: A path such as `data.order_id`. The event must have the same value there as the
                event that started the run.
            timeout: How long to wait; by default 366 days, Inngest's maximum.
            armed_with: What to run at the same time, once Inngest knows of the wait. Both have to end.

        Returns:
            `received` with the event's data, or `timeout`.

        Raises:
            Failed: If there is nothing to match on, or if a number in the event was rounded.
        """
        step = self._begin(node)
        try:
            value = None if match is None else matched_value(match, self._ctx.event.data)
            if_exp = condition(self.tenant_id, match, value)
        except ExpressionError as error:
            self._fail(node, f"wait `{node}`: {error.message}")
        self._ask_again(step, self._bad_answer)
        answer: inngest.Event | None = None

        async def armed() -> None:
            nonlocal answer
            answer = await self._waited(step, event, if_exp, timeout)

        self._record_status(node, "waiting")
        if armed_with is None:
            await self._groups.one(armed)
        else:
            await self._groups.all((armed, armed_with))
        self._check_answer(answer, f"wait `{node}`", node)
        received = (
            Received("timeout") if answer is None else Received("received", dict(answer.data))
        )
        self._holds(node, received.data)
        self._record_outcome(node, received.outcome)
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
        event: str = approvals.RESPONSE,
        match: str | None = None,
        policy: ApprovalPolicy = ApprovalPolicy(),  # noqa: B008 - immutable
    ) -> Decision:
        """Request a decision by `approval/requested`, and wait for the answer.

        The run itself needs only the answer. The policy is for whoever asks the approvers and
        counts their votes; the request contains it, with the timeout.

        With a board (the service), an event alone decides nothing: the run goes on with what the
        board has recorded. If it has recorded nothing, the event is forged, and the run waits on.

        Args:
            node: The node's id.
            approvers: The ids of the approvers.
            approver_expression: A lazy value with one more approver, or a list of them.
            timeout: How long to wait for the answer.
            timeout_action: What happens then: the outcome `timeout` (`route`), a decision (`approve`,
                `reject`), or a reminder only (`remind`).
            event: The name of the event with the answer. The service answers by an event of its own
                in place of `approval/response`.
            match: The path that identifies the answer, as in `wait`; by default the answer contains
                the `approval_id` of the request.
            policy: How the approvers are asked, and how their votes are counted.

        Returns:
            The decision, with who made it and the comment.

        Raises:
            Failed: If the approval cannot be requested, or if the answer is not a decision.
        """
        requested_policy = RequestedPolicy.of(policy, timeout, timeout_action)
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
        self._ask_again(waiting, self._bad_decision, notifying)
        if self._answer_event is not None and event == approvals.RESPONSE:
            event = self._answer_event
        decided = False
        execution_id = step_id(node, items=items, execution=execution)
        left = bool(self._groups.left)

        async def request() -> None:
            if left:
                return  # the item or iteration has ended, so nobody is asked any more
            approval = approvals.Request(
                approval_id, self.run_id, self.workflow.id, node, event, requested_policy
            )
            named = [*approvers, *approvals.listed(self._resolved(approver_expression))]
            initiator = self._scope.get("initiator")
            data = approval.data(named, initiator)
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
                        requested_policy,
                        self._ctx.event.data,
                        attempt=self.attempt,
                    )
                )
            await self._sent(notifying, approvals.REQUESTED, data)

        async def requested() -> None:
            seen = Observation(node, notifying)
            attempt = partial(self._attempt, node, request, seen=seen)
            self._count(self._frame.cancel_scope)
            memo = unwrap(await self._step.run(notifying, self._kept, notifying, attempt))
            if isinstance(memo, StepFailure) and not (decided or left):
                self._fail(node, f"step `{notifying}` {memo}", memo)

        async def armed() -> Mapping[str, Any] | None:
            limit = approvals.open_for(requested_policy)
            answer = await self._waited(waiting, event, if_exp, limit)
            forged = 0
            while answer is not None:
                if self._board is None:
                    self._check_answer(answer, f"the answer to approval `{node}`", node)
                    return dict(answer.data)
                given = await self._board.decision(execution_id)
                if given is not None:
                    return given  # whatever the event says: the board's record is what counts
                forged += 1
                if forged > approvals.MOST_FORGED:
                    text = f"approval `{node}`: {forged} answers came that nobody has given"
                    self._fail(node, text)
                again = partial(step_id, node, items=items, execution=execution)
                refusing, waiting_again = again(f"refuse-{forged}"), again(f"wait-{forged + 1}")
                self._located(refusing, waiting_again)
                self.planned += 0 if items else 2
                refuse = partial(self._board.refuse, execution_id, forged, dict(answer.data))
                # Wait first, then look: the board may decide in between.
                self._groups.aside(self._framed(partial(self._step.run, refusing, refuse)))
                answer = await self._waited(waiting_again, event, if_exp, limit)
            return None

        self._record_status(node, "waiting")
        self._open_approvals[execution_id] = True
        self._groups.aside(self._framed(requested))
        (answer,) = await self._groups.all((armed,))
        decided = True
        self.resumed.append(execution_id)
        self._open_approvals.discard(execution_id)
        try:
            decision = (
                approvals.by_timeout(requested_policy)
                if answer is None
                else approvals.by_answer(answer)
            )
        except approvals.AnswerError as error:
            self._fail(node, f"the answer to approval `{node}` {error}")
        output = None if answer is None else dict(answer)
        self._holds(node, output)
        self._record_outcome(node, decision.outcome)
        self._settle(node, output, decision.outcome)
        self._frame.steps[node] |= {"decidedBy": decision.decided_by, "comment": decision.comment}
        return decision

    def _ask_again(self, wait: str, is_bad: Callable[[Any], bool], *others: str) -> None:
        """Wait again if the answer in an earlier attempt at the run has failed it.

        Args:
            wait: The id of the step that waits.
            is_bad: Returns True for the data of an event that is no answer.
            *others: Steps that ask for the answer; they are executed again while there is none.
        """
        if not self.results.continues:
            return
        found = self.results.earlier(wait)
        if found is None:
            self.results.forget(*others)
        elif isinstance(found.data, dict) and is_bad(found.data.get("data") or {}):
            self.results.forget(wait, *others)

    @staticmethod
    def _bad_answer(data: Any) -> bool:
        return rounding_problem(data, "data") is not None

    @classmethod
    def _bad_decision(cls, data: Any) -> bool:
        try:
            approvals.by_answer(data)
        except approvals.AnswerError:
            return True
        return cls._bad_answer(data)

    def _check_answer(self, answer: inngest.Event | None, what: str, node: str) -> None:
        """Fail the run if a number in the event that resumes it may have been rounded."""
        if answer is None:
            return
        problem = rounding_problem(answer.data, "data")
        if problem is not None:
            self._fail(node, f"{what}: {problem}")

    async def _slept(self, node: str, until: datetime, *, lasts: bool = False) -> None:
        """Sleep until a time; with `lasts`, until that of an earlier attempt at the run, if any."""
        step = self._begin(node)
        if lasts:
            until = self.results.sleeps_until(step, until)
        self._record_status(node, "waiting")
        call = partial(self._step.sleep_until, step, until)
        await self._groups.one(partial(self._stepped, step, call))
        self._settle(node, None)

    async def _waited(
        self, step: str, event: str, if_exp: str | None, timeout: timedelta | None
    ) -> inngest.Event | None:
        limit = MAX_WAIT if timeout is None else timeout
        call = partial(self._step.wait_for_event, step, event=event, if_exp=if_exp, timeout=limit)
        return await self._stepped(step, call)
