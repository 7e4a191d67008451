"""The primitives of a run: what generated code and the interpreter call, and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any, Literal, NoReturn, overload

import inngest
from proflow_schemas.durations import MAX_WAIT
from proflow_schemas.expressions import ExpressionError, compile
from proflow_schemas.step_ids import step_id as derived_step_id

from proflow_runtime import approvals, clock, events, steering, tenant
from proflow_runtime.approvals import TimeoutAction
from proflow_runtime.attempts import Attempt
from proflow_runtime.envelopes import StepFailure, open_memo
from proflow_runtime.groups import Groups
from proflow_runtime.handlers import ai, http, interception, notify
from proflow_runtime.handlers.task import Handler, Task
from proflow_runtime.matching import condition, correlation_id, matched_value
from proflow_runtime.results import Decision, Failed, Received, Result, Stopped, combined
from proflow_runtime.retry import Retry, Span, span
from proflow_runtime.scope import Scope, Workflow
from proflow_runtime.status import NodeState
from proflow_runtime.values import JSON, Expression, Text, resolve

# The same few ids are asked for in every pass of every run.
step_id = lru_cache(maxsize=8192)(derived_step_id)


class Flow:
    """One pass over a run. All state is in here, and is rebuilt from the memos in every pass."""

    def __init__(
        self, ctx: inngest.Context, workflow: Workflow, tenant_id: int | None, *, recorded: bool
    ) -> None:
        self.workflow = workflow
        self.tenant_id = tenant_id
        self.run_id = ctx.run_id
        self.outcomes: dict[str, str] = {}
        """Of nodes with more than one possible outcome, those that were taken."""
        self.states: dict[str, NodeState] | None = {} if recorded else None
        """What this pass has seen of the nodes; None: nobody asks."""
        self._ctx = ctx
        self._step = ctx.step
        self._groups = Groups(ctx)
        self._ends: list[Result] = []
        self._steps: dict[str, dict[str, JSON]] = {}
        self._built: Scope | None = None

    # --- values

    def get(self, expression: str) -> Any:
        """The value of an expression, computed inside the step that uses it."""
        return Expression(expression)

    def text(self, text: str) -> Any:
        """A text with `${…}`, put together inside the step that uses it."""
        return Text(text)

    def choose(
        self,
        node: str,
        rules: Mapping[str, str],
        default: str | None = None,
        *,
        of: str | None = None,
    ) -> str:
        """The first outcome whose rule holds, else `default`; without one the run fails.

        `of` names the node whose outcome's edges carry the rules, if `node` is no condition.
        """
        steer = steering.current()
        if steer is None:
            outcome = self._ruled(node, rules, default, of or node)
        else:
            outcome = steer(node, [*rules, *([] if default is None else [default])])
        self.outcomes[node] = outcome
        if of is None:
            self._steps[node] = {"outcome": outcome}
        self._saw(node, "completed", outcome)
        return outcome

    def _ruled(self, node: str, rules: Mapping[str, str], default: str | None, of: str) -> str:
        scope = self._scope
        for outcome, rule in rules.items():
            try:
                if compile(rule).test(scope):
                    return outcome
            except ExpressionError as error:
                self._fail(node, f"rule `{outcome}` of `{of}`: {scope.worded(error)}")
        if default is None:
            self._fail(node, f"no rule of `{of}` holds, and it has no default")
        return default

    def set(self, node: str, values: Mapping[str, str]) -> None:
        """Computes values: name → expression. It is pure, and no step."""
        scope = self._scope
        output: dict[str, JSON] = {}
        for name, expression in values.items():
            try:
                output[name] = compile(expression).evaluate(scope)
            except ExpressionError as error:
                self._fail(node, f"value `{name}` of `{node}`: {scope.worded(error)}")
        self._settle(node, output)

    # --- steps

    def run(
        self,
        node: str,
        handler: Handler,
        input: Any = None,
        *,
        retry: Retry | None = None,
        timeout: Span | None = None,
    ) -> Coroutine[Any, Any, JSON]:
        """Runs a handler, and returns its output. The run fails when its attempts are used up."""
        step = step_id(node)

        async def attempt() -> JSON:
            work = partial(self._handled, node, step, handler, input)
            return await self._attempt(node, work, retry, timeout)

        # Handed on, not awaited: one coroutine less for every step of every pass.
        return self._executed(node, step, attempt)

    async def notify(
        self,
        node: str,
        *,
        to: Any,
        channel: Any = "inApp",
        subject: Any = None,
        content: Any = None,
        retry: Retry | None = None,
    ) -> JSON:
        """Sends a message over a channel."""
        message = {"channel": channel, "to": to, "subject": subject, "content": content}
        return await self.run(node, notify.send, message, retry=retry)

    async def ai(
        self,
        node: str,
        *,
        prompt: Any,
        model: Any = None,
        system: Any = None,
        output_schema: Mapping[str, Any] | None = None,
        temperature: float | None = None,
        retry: Retry | None = None,
    ) -> JSON:
        """Asks a language model; the output is its text, or JSON if there is an output schema."""
        request = {
            "prompt": prompt,
            "model": model,
            "system": system,
            "output_schema": output_schema,
            "temperature": temperature,
        }
        return await self.run(node, ai.complete, request, retry=retry)

    async def http(
        self,
        node: str,
        *,
        url: Any,
        method: str = "GET",
        headers: Mapping[str, Any] | None = None,
        body: Any = None,
        timeout: float | None = None,
        retry: Retry | None = None,
    ) -> JSON:
        """Calls a URL; the output is `{"status", "headers", "body"}`."""
        request = {
            "method": method,
            "url": url,
            "headers": headers,
            "body": body,
            "timeout": timeout,
        }
        return await self.run(node, http.request, request, retry=retry)

    async def send(self, node: str, event: str, data: Any = None) -> None:
        """Sends one event; its data gets the run's `tenant_id`."""
        step = step_id(node)

        async def work() -> None:
            await self._sent(step, event, self._resolved(data))

        await self._executed(node, step, partial(self._attempt, node, work))

    async def sleep(self, node: str, duration: timedelta) -> None:
        """Sleeps for a duration, counted from when the run first arrives here."""
        await self._slept(node, clock.now() + duration)

    async def sleep_until(self, node: str, until: Any) -> None:
        """Sleeps until an ISO 8601 time (UTC, unless it says otherwise), or epoch milliseconds."""
        try:
            when = events.as_time(resolve(until, self._scope))
        except ExpressionError as error:
            self._fail(node, f"time of `{node}`: {self._scope.worded(error)}")
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
        try:
            value = None if match is None else matched_value(match, self._ctx.event.data)
            if_exp = condition(self.tenant_id, match, value)
        except ExpressionError as error:
            self._fail(node, f"wait `{node}`: {error.message}")
        answer: inngest.Event | None = None

        async def armed() -> None:
            nonlocal answer
            answer = await self._waited(step_id(node), event, if_exp, timeout)

        self._saw(node, "waiting")
        if armed_with is None:
            await self._groups.one(armed)
        else:
            await self._groups.all((armed, armed_with))
        received = (
            Received("timeout") if answer is None else Received("received", dict(answer.data))
        )
        self.outcomes[node] = received.outcome
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
        reminders: Mapping[str, Any] | None = None,
        empty_approver_policy: str | None = None,
        fallback_approvers: Sequence[str] = (),
        self_approval: str | None = None,
        comment_required: str | None = None,
        allow: Sequence[str] = (),
    ) -> Decision:
        """Asks for a decision (`approval/requested`) and waits for the answer.

        What it does not need itself (`mode` and so on) travels to the host as `policy`.
        """
        try:
            path = "data.approval_id" if match is None else match
            approval_id = (
                correlation_id(self.run_id, node)
                if match is None
                else matched_value(match, self._ctx.event.data)
            )
            if_exp = condition(self.tenant_id, path, approval_id)
        except ExpressionError as error:
            self._fail(node, f"approval `{node}`: {error.message}")
        decided = False

        async def request() -> None:
            policy = {
                "mode": mode,
                "passRatio": pass_ratio,
                "timeout": None if timeout is None else timeout.total_seconds(),
                "timeoutAction": timeout_action,
                "reminders": reminders,
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
            data = asked.data(named, self._scope.get("initiator"))
            await self._sent(step_id(node, "notify"), approvals.REQUESTED, data)

        async def requested() -> None:
            step = step_id(node, "notify")
            memo = open_memo(await self._step.run(step, partial(self._attempt, node, request)))
            if isinstance(memo, StepFailure) and not decided:
                self._fail(node, f"step `{step}` {memo}", memo)

        async def armed() -> inngest.Event | None:
            limit = approvals.open_for(timeout, timeout_action)
            return await self._waited(step_id(node, "wait"), event, if_exp, limit)

        self._saw(node, "waiting")
        self._groups.aside(requested)
        (answer,) = await self._groups.all((armed,))
        decided = True
        try:
            decision = (
                approvals.by_timeout(timeout_action)
                if answer is None
                else approvals.by_answer(answer.data)
            )
        except approvals.AnswerError as error:
            self._fail(node, f"the answer to approval `{node}` {error}")
        self.outcomes[node] = decision.outcome
        self._settle(node, None if answer is None else dict(answer.data), decision.outcome)
        self._steps[node] |= {"decidedBy": decision.decided_by, "comment": decision.comment}
        return decision

    # --- structure

    @overload
    async def parallel(self, *arms: Callable[[], Awaitable[Result]]) -> Result: ...

    @overload
    async def parallel(self, *arms: Callable[[], Awaitable[Result | None]]) -> Result | None: ...

    async def parallel(self, *arms: Callable[[], Awaitable[Result | None]]) -> Result | None:
        """Runs all arms at once. None: at least one arrived; a result: all have ended."""
        results = await self._groups.all(arms)
        ended = [result for result in results if result is not None]
        return combined(ended) if len(ended) == len(results) else None

    def end(
        self, node: str, status: str = "completed", *, output: Any = None, terminate: bool = False
    ) -> Result:
        """A path of the run ends here; with `terminate` the whole run does."""
        result = Result(node, status, self._output(node, output))
        self._ends.append(result)
        self._saw(node, "completed")
        if terminate:
            raise Stopped(result)
        return result

    def fail(self, node: str, status: str, *, output: Any = None) -> Result:
        """The run fails here."""
        found = self._output(node, output)
        detail = "" if found is None else f": {found}"
        self._fail(node, f"the run failed at `{node}` with `{status}`{detail}")

    def stop(self, node: str, outcome: str) -> Result:
        """The run ends with an outcome that leads nowhere."""
        raise Stopped(Result(node, outcome))

    def outcome_of(self, node: str) -> str | None:
        """The outcome that a node took in this run."""
        found = self.outcomes.get(node)
        return self._steps.get(node, {}).get("outcome") if found is None else found

    def concluded(self, returned: Result | None) -> Result:
        """The run's result, when the body has returned."""
        if self._ends:
            return combined(self._ends)
        return returned or Result("", "completed")

    # --- inside

    @property
    def _scope(self) -> Scope:
        if self._built is None:
            self._built = Scope(
                self._ctx.event, self.run_id, self.tenant_id, self.workflow, self._steps
            )
        return self._built

    def _resolved(self, value: Any) -> JSON:
        """An input, inside its step."""
        try:
            return resolve(value, self._scope)
        except ExpressionError as error:
            raise inngest.NonRetriableError(f"its input: {self._scope.worded(error)}") from None

    def _output(self, node: str, output: Any) -> JSON:
        if output is None:
            return None
        try:
            return resolve(output, self._scope)
        except ExpressionError as error:
            self._fail(node, f"output of `{node}`: {self._scope.worded(error)}")

    async def _executed(self, node: str, step: str, attempt: Callable[[], Awaitable[JSON]]) -> JSON:
        """The output of a node that is one step."""
        if self.states is not None:
            self._saw(node, "running")
        try:
            # Most steps are those of a sequential run that has them behind it.
            memo = await (
                self._step.run(step, attempt)
                if self._groups.plain
                else self._groups.one(partial(self._step.run, step, attempt))
            )
        except inngest.StepError as error:
            # Inngest gave up first: the function has fewer attempts than the node.
            self._fail(node, f"step `{step}` failed: {error.message}")
        output = open_memo(memo)
        if isinstance(output, StepFailure):
            self._fail(node, f"step `{step}` {output}", output)
        self._settle(node, output)
        return output

    async def _attempt(
        self,
        node: str,
        work: Callable[[], Awaitable[JSON]],
        retry: Retry | None = None,
        timeout: Span | None = None,
    ) -> JSON:
        """One attempt, inside its step: returns what is memoised."""
        number = self._ctx.attempt
        limit = None if timeout is None else span(timeout)
        attempt = Attempt(number, retry, self.workflow.max_attempts)
        started_at = clock.now()
        try:
            return await attempt.run(work, limit)
        finally:
            self._attempted(node, attempt.failure, number + 1, started_at)

    async def _handled(self, node: str, step: str, handler: Handler, input: Any) -> JSON:
        task = Task(
            input=self._resolved(input),
            tenant_id=self.tenant_id,
            run_id=self.run_id,
            node_id=node,
            attempt=self._ctx.attempt + 1,
            idempotency_key=f"{self.run_id}:{step}",
        )
        token = tenant.activate(self.tenant_id)
        try:
            return await interception.call(handler, task)
        finally:
            tenant.deactivate(token)

    async def _slept(self, node: str, until: datetime) -> None:
        self._saw(node, "waiting")
        await self._groups.one(lambda: self._step.sleep_until(step_id(node), until))
        self._settle(node, None)

    async def _waited(
        self, step: str, event: str, if_exp: str | None, timeout: timedelta | None
    ) -> inngest.Event | None:
        limit = MAX_WAIT if timeout is None else timeout
        return await self._step.wait_for_event(step, event=event, if_exp=if_exp, timeout=limit)

    async def _sent(self, step: str, name: str, data: JSON) -> None:
        event = events.outgoing(
            name,
            data,
            tenant_id=self.tenant_id,
            run_id=self.run_id,
            step=step,
            cause=self._ctx.event.id,
        )
        # The public `step.send_event` wants data that is computed already, in every pass.
        await self._step._client.send(event)

    def _settle(self, node: str, output: JSON, outcome: str = "default") -> None:
        self._steps[node] = {"output": output, "outcome": outcome}
        if self.states is not None:
            self.states[node] = NodeState("completed", outcome)

    def _saw(
        self,
        node: str,
        status: Literal["running", "waiting", "completed"],
        outcome: str | None = None,
    ) -> None:
        if self.states is not None:
            self.states[node] = NodeState(status, outcome)

    def _attempted(
        self, node: str, failure: StepFailure | None, number: int, started_at: datetime
    ) -> None:
        """An attempt is over; the memo of a step says no more about that."""
        if self.states is None or self.states[node].status != "running":
            return
        if failure is None:
            self.states[node] = NodeState(
                "completed", "default", number, None, started_at, clock.now()
            )
        else:
            error = {"name": failure.name, "message": failure.message}
            self.states[node] = NodeState("running", None, number, error, started_at)

    def _fail(self, node: str, message: str, failure: StepFailure | None = None) -> NoReturn:
        if self.states is not None:
            error = {
                "name": failure.name if failure else "NonRetriableError",
                "message": failure.message if failure else message,
            }
            attempts = failure.attempts if failure else None
            self.states[node] = NodeState("failed", None, attempts, error)
        raise Failed(node, message)
