"""The primitives of a run: what generated code and the interpreter call, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, NoReturn, TypeVar

import inngest
from proflow_schemas.durations import MAX_WAIT
from proflow_schemas.expressions import ExpressionError, as_doubles, compile
from proflow_schemas.step_ids import step_id as _step_id

from proflow_runtime import clock, tenant
from proflow_runtime.attempts import Attempt
from proflow_runtime.envelopes import StepFailure, open_memo
from proflow_runtime.groups import Groups
from proflow_runtime.handlers import ai, http, interception, notify
from proflow_runtime.handlers.task import Handler, Task
from proflow_runtime.matching import condition, correlation_id, matched_value
from proflow_runtime.results import Decision, Failed, Received, Result, Stopped, combined
from proflow_runtime.retry import Retry, Span, span
from proflow_runtime.status import NodeState
from proflow_runtime.values import JSON, Expression, Text, resolve

T = TypeVar("T")

step_id = lru_cache(maxsize=8192)(_step_id)

_APPROVAL_OUTCOMES = ("approved", "rejected", "timeout", "returned")
_TIMEOUT_OUTCOMES = {"approve": "approved", "reject": "rejected"}


@dataclass(frozen=True)
class Workflow:
    """What is the same for all runs of a compiled design."""

    id: str
    digest: str = ""
    version: str | None = None
    max_attempts: int = 5
    scope: Literal["tenant", "system"] = "tenant"
    doubles: tuple[str, ...] = ()
    initiator: str | None = None


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
        self._built: dict[str, Any] | None = None

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
        scope = self._scope
        for outcome, rule in rules.items():
            try:
                holds = compile(rule).test(scope)
            except ExpressionError as error:
                self._fail(node, f"rule `{outcome}` of `{of or node}`: {self._worded(error)}")
            if holds:
                break
        else:
            if default is None:
                self._fail(node, f"no rule of `{of or node}` holds, and it has no default")
            outcome = default
        self.outcomes[node] = outcome
        if of is None:
            self._steps[node] = {"outcome": outcome}
        self._saw(node, "completed", outcome)
        return outcome

    def set(self, node: str, values: Mapping[str, str]) -> None:
        """Computes values: name → expression. It is pure, and no step."""
        scope = self._scope
        output: dict[str, JSON] = {}
        for name, expression in values.items():
            try:
                output[name] = compile(expression).evaluate(scope)
            except ExpressionError as error:
                self._fail(node, f"value `{name}` of `{node}`: {self._worded(error)}")
        self._settle(node, output)

    # --- steps

    async def run(
        self,
        node: str,
        handler: Handler,
        input: Any = None,
        *,
        retry: Retry | None = None,
        timeout: Span | None = None,
    ) -> JSON:
        """Runs a handler, and returns its output. The run fails when its attempts are used up."""
        step = step_id(node)

        async def work() -> JSON:
            task = Task(
                input=resolve(input, self._scope),
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

        async def attempt() -> JSON:
            limit = None if timeout is None else span(timeout)
            return await self._attempt(node, work, retry, limit)

        self._saw(node, "running")
        output = await self._executed(node, step, attempt)
        self._settle(node, output)
        return output

    async def notify(
        self,
        node: str,
        *,
        channel: Any = "inApp",
        to: Any,
        subject: Any = None,
        content: Any = None,
    ) -> JSON:
        """Sends a message over a channel."""
        message = {"channel": channel, "to": to, "subject": subject, "content": content}
        return await self.run(node, notify.send, message)

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

        async def work() -> JSON:
            return await self._sent(step, event, resolve(data, self._scope))

        async def attempt() -> JSON:
            return await self._attempt(node, work)

        self._saw(node, "running")
        await self._executed(node, step, attempt)
        self._settle(node, None)

    async def sleep(self, node: str, duration: timedelta) -> None:
        """Sleeps for a duration, counted from when the run first arrives here."""
        await self._slept(node, clock.now() + duration)

    async def sleep_until(self, node: str, until: Any) -> None:
        """Sleeps until an ISO 8601 time (UTC, unless it says otherwise), or epoch milliseconds."""
        try:
            when = _time(resolve(until, self._scope))
        except ExpressionError as error:
            self._fail(node, f"time of `{node}`: {self._worded(error)}")
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
            value = None if match is None else matched_value(match, self._trigger_data)
            if_exp = condition(self.tenant_id, match, value)
        except ExpressionError as error:
            self._fail(node, f"wait `{node}`: {error.message}")

        answer: inngest.Event | None = None

        async def armed() -> None:
            nonlocal answer
            answer = await self._waited(node, step_id(node), event, if_exp, timeout)

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
        timeout_action: Literal["route", "approve", "reject", "remind"] = "route",
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
            if match is None:
                match, approval_id = "data.approval_id", correlation_id(self.run_id, node)
            else:
                approval_id = matched_value(match, self._trigger_data)
            if_exp = condition(self.tenant_id, match, approval_id)
        except ExpressionError as error:
            self._fail(node, f"approval `{node}`: {error.message}")
        decided = False

        async def request() -> JSON:
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
            data = {
                "approval_id": approval_id,
                "run_id": self.run_id,
                "workflow_id": self.workflow.id,
                "node_id": node,
                "approvers": [*approvers, *_listed(resolve(approver_expression, self._scope))],
                "initiator": self._scope.get("initiator"),
                "policy": {key: value for key, value in policy.items() if value is not None},
                "answer_with": event,
            }
            return await self._sent(step_id(node, "notify"), "approval/requested", data)

        async def requested() -> None:
            async def attempt() -> JSON:
                return await self._attempt(node, request)

            step = step_id(node, "notify")
            memo = open_memo(await self._step.run(step, attempt))
            if isinstance(memo, StepFailure) and not decided:
                self._fail(node, f"step `{step}` {memo}", memo)

        async def armed() -> inngest.Event | None:
            limit = None if timeout_action == "remind" else timeout
            return await self._waited(node, step_id(node, "wait"), event, if_exp, limit)

        self._saw(node, "waiting")
        self._groups.aside(requested)
        (answer,) = await self._groups.all((armed,))
        decided = True
        if answer is None:
            taken = _TIMEOUT_OUTCOMES.get(timeout_action)
            decision = Decision(taken, "timeout") if taken else Decision("timeout")
        else:
            decision = self._decision(node, answer.data)
        self.outcomes[node] = decision.outcome
        self._settle(
            node,
            None if answer is None else dict(answer.data),
            decision.outcome,
            decidedBy=decision.decided_by,
            comment=decision.comment,
        )
        return decision

    # --- structure

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
    def _trigger_data(self) -> Mapping[str, Any]:
        return self._ctx.event.data

    @property
    def _scope(self) -> dict[str, Any]:
        """What expressions see."""
        if self._built is None:
            event, workflow = self._ctx.event, self.workflow
            data = as_doubles(event.data, workflow.doubles) if workflow.doubles else event.data
            self._built = {
                "event": {"name": event.name, "id": event.id, "ts": event.ts, "data": data},
                "run": {"id": self.run_id},
                "workflow": {"id": workflow.id, "version": workflow.version},
                "steps": self._steps,
            }
            if self.tenant_id is not None:
                self._built["tenant_id"] = self.tenant_id
            if workflow.initiator is not None:
                try:
                    self._built["initiator"] = compile(workflow.initiator).evaluate(self._built)
                except ExpressionError as error:
                    self._no_initiator = error.message
        return self._built

    _no_initiator: str | None = None

    def _worded(self, error: ExpressionError) -> str:
        if self._no_initiator and "`initiator`" in error.message:
            return f"{error.message}: {self._no_initiator}"
        return error.message

    def _output(self, node: str, output: Any) -> JSON:
        if output is None:
            return None
        try:
            return resolve(output, self._scope)
        except ExpressionError as error:
            self._fail(node, f"output of `{node}`: {self._worded(error)}")

    async def _attempt(
        self,
        node: str,
        work: Callable[[], Awaitable[JSON]],
        retry: Retry | None = None,
        timeout: timedelta | None = None,
    ) -> JSON:
        number = self._ctx.attempt
        attempt = Attempt(number, retry, self.workflow.max_attempts)
        started_at = clock.now()
        try:
            return await attempt.run(work, timeout)
        finally:
            if self.states is not None and self.states[node].status == "running":
                self.states[node] = _attempted(attempt, number + 1, started_at)

    async def _executed(self, node: str, step: str, attempt: Callable[[], Awaitable[JSON]]) -> JSON:
        try:
            memo = open_memo(await self._groups.one(lambda: self._step.run(step, attempt)))
        except inngest.StepError as error:
            # Inngest gave up first: the function has fewer attempts than the node.
            self._fail(node, f"step `{step}` failed: {error.message}")
        if isinstance(memo, StepFailure):
            self._fail(node, f"step `{step}` {memo}", memo)
        return memo

    async def _slept(self, node: str, until: datetime) -> None:
        self._saw(node, "waiting")
        await self._groups.one(lambda: self._step.sleep_until(step_id(node), until))
        self._settle(node, None)

    async def _waited(
        self, node: str, step: str, event: str, if_exp: str | None, timeout: timedelta | None
    ) -> inngest.Event | None:
        limit = MAX_WAIT if timeout is None else timeout
        return await self._step.wait_for_event(step, event=event, if_exp=if_exp, timeout=limit)

    async def _sent(self, step: str, name: str, data: JSON) -> None:
        """Sends an event, the same one however often the step is tried."""
        if data is not None and not isinstance(data, dict):
            raise inngest.NonRetriableError(f"the data of event `{name}` is not an object")
        data = dict(data or {})
        if self.tenant_id is not None:
            data["tenant_id"] = self.tenant_id
        digest = hashlib.sha256(f"{self.run_id}:{step}".encode()).hexdigest()[:32]
        origin = self._ctx.event.id.split(":", 1)[0][:64]
        event = inngest.Event(name=name, data=data, id=f"{origin}:{digest}")
        # `step.send_event` takes data that is computed already, on every pass.
        await self._step._client.send(event)

    def _decision(self, node: str, answer: Mapping[str, Any]) -> Decision:
        approved, outcome = answer.get("approved"), answer.get("outcome")
        if approved is not None and not isinstance(approved, bool):
            self._fail(node, f"the answer to `{node}` has an `approved` that is not true or false")
        said = None if approved is None else "approved" if approved else "rejected"
        if outcome is None:
            outcome = said
        if outcome is None:
            self._fail(node, f"the answer to `{node}` has neither `approved` nor `outcome`")
        if outcome not in _APPROVAL_OUTCOMES:
            self._fail(node, f"the answer to `{node}` has the unknown outcome `{outcome}`")
        if said is not None and (said == "approved") != (outcome == "approved"):
            self._fail(node, f"the answer to `{node}` says both `{said}` and `{outcome}`")
        return Decision(outcome, answer.get("decided_by"), answer.get("comment"))

    def _settle(self, node: str, output: JSON, outcome: str = "default", **more: JSON) -> None:
        self._steps[node] = {"output": output, "outcome": outcome, **more}
        self._saw(node, "completed", outcome)

    def _saw(
        self,
        node: str,
        status: Literal["running", "waiting", "completed"],
        outcome: str | None = None,
    ) -> None:
        if self.states is not None:
            self.states[node] = NodeState(status, outcome)

    def _fail(self, node: str, message: str, failure: StepFailure | None = None) -> NoReturn:
        if self.states is not None:
            error = {
                "name": failure.name if failure else "NonRetriableError",
                "message": failure.message if failure else message,
            }
            attempts = failure.attempts if failure else None
            self.states[node] = NodeState("failed", None, attempts, error)
        raise Failed(node, message)


def _attempted(attempt: Attempt, number: int, started_at: datetime) -> NodeState:
    failure = attempt.failure
    if failure is None:
        return NodeState(
            "completed", "default", number, started_at=started_at, ended_at=clock.now()
        )
    error = {"name": failure.name, "message": failure.message}
    return NodeState("running", None, number, error, started_at)


def _time(value: JSON) -> datetime:
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value.strip())
        except ValueError:
            raise ExpressionError(f"`{value[:60]}` is not an ISO 8601 time") from None
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value / 1000, UTC)
        except (OverflowError, ValueError, OSError):
            raise ExpressionError(f"`{value}` is not a time in milliseconds") from None
    raise ExpressionError("not a text or a number")


def _listed(value: JSON) -> list[str]:
    if value is None:
        return []
    return [str(one) for one in (value if isinstance(value, list) else [value])]
