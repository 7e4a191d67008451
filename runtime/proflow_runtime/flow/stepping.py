"""The primitives that are one step each: handlers, messages, models, HTTP, events, subprocesses."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import inngest
from proflow_schemas.durations import MAX_WAIT
from proflow_schemas.event_names import reserved_prefix

from proflow_runtime.context import clock, tenant, test_controls
from proflow_runtime.flow import events, subprocess
from proflow_runtime.flow.attempts import Attempt
from proflow_runtime.flow.blocking import BLOCKED
from proflow_runtime.flow.calling import Calls
from proflow_runtime.flow.chains import Chain, ChainTooLongError
from proflow_runtime.flow.memos import MISSING
from proflow_runtime.flow.observing import Observation
from proflow_runtime.flow.replay import step_id
from proflow_runtime.handlers import ai, http, interception, notify
from proflow_runtime.handlers.blocked import UNBLOCKED
from proflow_runtime.handlers.task import Handler, Task
from proflow_runtime.protocol.conditions import condition
from proflow_runtime.status import NodeState
from proflow_runtime.status.step_attempts import StepAttempt
from proflow_runtime.values import JSON
from proflow_runtime.values.result_wrappers import StepFailure, unwrap, wrap_failure
from proflow_runtime.values.retry import Retry, Span, span

log = logging.getLogger("proflow.steps")


class Steps(Calls):
    """The primitives that are one step each.

    Their common arguments are:

    - `node`: the node's id, from which the id of the step is derived;
    - `retry`: how often and when a failed attempt is repeated; by default the workflow's number of
      attempts, with Inngest's pauses;
    - `catch`: whether the design handles the failure. If so, a step that has failed for good returns
      None, and its node has the outcome `error` and the field `steps.<node>.error`. Otherwise the run
      fails (`Failed`).

    Values may be lazy (`Flow.get`, `Flow.text`); they are computed inside the step.
    """

    def run(
        self,
        node: str,
        handler: Handler,
        input: Any = None,
        *,
        retry: Retry | None = None,
        timeout: Span | None = None,
        catch: bool = False,
    ) -> Coroutine[Any, Any, JSON]:
        """Run a handler in a step.

        Args:
            node: The node's id.
            handler: The host's function.
            input: The `input` of its `Task`.
            retry: The node's retry policy.
            timeout: How long one attempt may take.
            catch: Whether the design handles the failure.

        Returns:
            The output of the handler, as JSON; None if a caught failure has occurred.

        Raises:
            Failed: If the step has failed for good and `catch` is not set.
        """
        step = self._begin(node)

        def attempt() -> Awaitable[JSON]:
            seen = Observation(node, step)
            work = partial(self._handled, node, step, handler, input, seen)
            return self._attempt(node, work, retry, timeout, seen=seen)

        # Returned, not awaited: this saves a coroutine for every step of every replay.
        return self._executed(node, step, attempt, catch)

    async def notify(
        self,
        node: str,
        *,
        to: Any,
        channel: Any = "inApp",
        subject: Any = None,
        content: Any = None,
        retry: Retry | None = None,
        catch: bool = False,
    ) -> JSON:
        """Send a message.

        Args:
            node: The node's id.
            to: A recipient or a list of recipients, in the form that the channel expects.
            channel: The name of the channel, such as `email`.
            subject: The subject line.
            content: The text of the message.
            retry: The node's retry policy.
            catch: Whether the design handles the failure.

        Returns:
            The output of the channel's handler.

        Raises:
            Failed: If the step has failed for good and `catch` is not set.
        """
        message = {"channel": channel, "to": to, "subject": subject, "content": content}
        return await self.run(node, notify.send, _given(message), retry=retry, catch=catch)

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
        catch: bool = False,
    ) -> JSON:
        """Ask a language model.

        Args:
            node: The node's id.
            prompt: The user's message.
            model: The model's name; by default `PROFLOW_AI_MODEL`.
            system: The system message.
            output_schema: The JSON Schema of the answer.
            temperature: The sampling temperature; by default the model's own.
            retry: The node's retry policy.
            catch: Whether the design handles the failure.

        Returns:
            The text of the answer; with `output_schema`, the answer as JSON.

        Raises:
            Failed: If the step has failed for good and `catch` is not set.
        """
        request = {
            "prompt": prompt,
            "model": model,
            "system": system,
            "output_schema": output_schema,
            "temperature": temperature,
        }
        return await self.run(node, ai.complete, _given(request), retry=retry, catch=catch)

    async def http(
        self,
        node: str,
        *,
        url: Any,
        method: str = "GET",
        headers: Mapping[str, Any] | None = None,
        body: Any = None,
        timeout: Span | None = None,
        retry: Retry | None = None,
        catch: bool = False,
    ) -> JSON:
        """Send an HTTP request.

        Args:
            node: The node's id.
            url: An absolute http or https URL.
            method: The HTTP method.
            headers: The headers.
            body: A text, or a value that is sent as JSON.
            timeout: How long one attempt may take, 30 seconds by default.
            retry: The node's retry policy.
            catch: Whether the design handles the failure.

        Returns:
            `{"status", "headers", "body"}`.

        Raises:
            Failed: If the step has failed for good and `catch` is not set.
        """
        request = {
            "method": method,
            "url": url,
            "headers": headers,
            "body": body,
            "timeout": None if timeout is None else span(timeout).total_seconds(),
        }
        return await self.run(node, http.request, _given(request), retry=retry, catch=catch)

    async def send(self, node: str, event: str, data: Any = None) -> None:
        """Send an event.

        Args:
            node: The node's id.
            event: The event's name.
            data: The event's data, an object; the run's `tenant_id` is added to it.

        Raises:
            Failed: If the event cannot be sent.
        """
        step = self._begin(node)

        async def attempt() -> JSON:
            seen = Observation(node, step)

            async def work() -> None:
                if (prefix := reserved_prefix(event)) is not None:
                    raise inngest.NonRetriableError(
                        f"event `{event}` cannot be sent: names below `{prefix}` are reserved"
                    )
                seen.input = self._resolved(data)
                await self._sent(step, event, seen.input, chained=True)

            return await self._attempt(node, work, seen=seen)

        await self._executed(node, step, attempt)

    async def invoke(
        self,
        node: str,
        workflow: str,
        input: Any = None,
        *,
        timeout: timedelta | None = None,
        catch: bool = False,
    ) -> JSON:
        """Run another workflow of the same tenant as a subprocess, and wait for its end.

        Args:
            node: The node's id.
            workflow: The id of the other workflow.
            input: The data of the event that starts it, an object.
            timeout: How long to wait for its end; it is cancelled then.
            catch: Whether the design handles the failure.

        Returns:
            `{"result", "output"}`: its status and its output.

        Raises:
            Failed: If it fails, is cancelled or takes too long, and `catch` is not set.
        """
        items, execution = self._frame.items, self._execution(node)
        step = step_id(node, items=items, execution=execution)
        left = step_id(node, "left", items=items, execution=execution)
        self._located(step, left)
        self.planned += 0 if items else 1
        self._record_status(node, "running")
        self._call_again(step, left, catch)
        try:
            if catch and test_controls.must_fail(self.workflow.id, step):
                raise subprocess.SubprocessError("simulated")
            given = {} if input is None else self._resolved(input)
            output = await self._called(step, left, workflow, given, timeout)
        except (inngest.StepError, inngest.NonRetriableError, subprocess.SubprocessError) as error:
            named = error.name if isinstance(error, inngest.StepError) else type(error).__name__
            failure = StepFailure(named, str(error), 1)
            return self._failed(node, f"step `{step}` failed: {error}", failure, catch)
        return self._succeeded(node, output, catch)

    def _call_again(self, step: str, left: str, catch: bool) -> None:
        """Call a workflow again that has failed or was left in an earlier attempt at the run."""
        if not self.results.continues:
            return
        found = self.results.earlier(step)
        if found is None:
            self.results.forget(left)
        elif (found.error or not subprocess.is_answer(found.data)) and not (
            catch or self._frame.caught
        ):
            self.results.forget(step, left)

    async def _executed(
        self, node: str, step: str, attempt: Callable[[], Awaitable[JSON]], catch: bool = False
    ) -> JSON:
        """Execute a node that is one step, and return its output."""
        if self.states is not None:
            self._record_status(node, "running")
        self._repeat_attempt(step, caught=catch)
        try:
            if (memo := self._taken(step)) is MISSING:
                call = partial(self._step.run, step, self._kept, step, attempt)
                if self._frame.cancel_scope is not None:
                    call = partial(self._stepped, step, call)
                memo = await (call() if self._groups.plain else self._groups.one(call))
        except inngest.StepError as error:
            # Inngest stopped retrying first: the function has fewer attempts than the node.
            failure = StepFailure(error.name, error.message, 0)
            return self._failed(node, f"step `{step}` failed: {error.message}", failure, catch)
        output = unwrap(memo)
        if type(output) is StepFailure:
            if output.name == BLOCKED:
                output = await self._held(node, step, attempt, output)
            if type(output) is StepFailure:
                return self._failed(node, f"step `{step}` {output}", output, catch)
        return self._succeeded(node, output, catch)

    def _repeat_attempt(self, step: str, *, caught: bool) -> None:
        """Execute a step again that failed, or was still blocked, in an earlier attempt at the run."""
        if not self.results.continues:
            return
        last, others = step, list[str]()
        for number in count(1):
            waiting, again = _held_steps(step, number)
            others += waiting, again
            if self.results.earlier(again) is None:
                break
            last = again
        failure = self.results.failure_earlier(last)
        handled = caught or self._frame.caught
        if failure is not None and (failure.name == BLOCKED or not handled):
            self.results.forget(step, *others)

    def _succeeded(self, node: str, output: JSON, catch: bool) -> JSON:
        self._holds(node, output)
        if catch:
            self._record_outcome(node, "default")
        self._settle(node, output)
        return output

    def _failed(self, node: str, message: str, failure: StepFailure, catch: bool) -> None:
        if not catch:
            self._fail(node, message, failure)
        self._settle_error(node, failure)

    async def _attempt(
        self,
        node: str,
        work: Callable[[], Awaitable[JSON]],
        retry: Retry | None = None,
        timeout: Span | None = None,
        *,
        seen: Observation,
    ) -> JSON:
        """Make one attempt inside a step, and return what Inngest is to store."""
        self._groups.executed = True
        number = self._ctx.attempt
        if self._abandoned or self._groups.left:
            return wrap_failure(StepFailure("Abandoned", "what it belongs to is over", number))
        limit = None if timeout is None else span(timeout)
        attempt = Attempt(number, retry, self.workflow.max_attempts)
        if self.states is None:
            return await self._unless_blocked(
                node, attempt, await attempt.run(work, limit, self._size)
            )
        started_at = clock.now()
        try:
            with seen.collecting():
                memo = await attempt.run(work, limit, self._size)
            if attempt.failure is None:
                seen.output = unwrap(memo)
        finally:
            self._attempted(node, attempt.failure, number + 1, started_at)
            made = seen.made(number + 1, started_at, attempt.failure, attempt.error)
            self.step_attempts.append(made)
            if made.error is not None:
                self._log_failure(made)
        return await self._unless_blocked(node, attempt, memo)

    async def _unless_blocked(self, node: str, attempt: Attempt, memo: JSON) -> JSON:
        """Return what Inngest is to store; for work that could not begin, that it is blocked."""
        error = attempt.blocked
        if error is None or self._blocker is None:
            return memo
        step = step_id(node, items=self._frame.items)
        await self._blocker.block(step, node, error)
        return wrap_failure(StepFailure(BLOCKED, str(error), 0))

    async def _held(
        self, node: str, step: str, attempt: Callable[[], Awaitable[JSON]], blocked: StepFailure
    ) -> JSON | StepFailure:
        """Hold a step that could not begin until the run is released, and try it again.

        Whether a step was blocked is remembered like an output. So all deployments plan the same
        steps, whatever they have or lack.
        """
        output: JSON | StepFailure = blocked
        for number in count(1):
            if type(output) is not StepFailure or output.name != BLOCKED:
                return output
            waiting, again = _held_steps(step, number)
            self._located(waiting, again)
            self.planned += 0 if self._frame.items else 2
            self._record_status(node, "waiting")
            wait = partial(
                self._step.wait_for_event,
                waiting,
                event=UNBLOCKED,
                if_exp=condition(self.tenant_id, "data.run_id", self.run_id),
                timeout=MAX_WAIT,
            )
            await self._groups.one(partial(self._stepped, waiting, wait))
            self._record_status(node, "running")
            again_attempt = partial(self._tried_again, node, attempt)
            work = partial(self._step.run, again, self._kept, again, again_attempt)
            try:
                output = unwrap(await self._groups.one(partial(self._stepped, again, work)))
            except inngest.StepError as error:
                return StepFailure(error.name, error.message, 0)
        raise AssertionError

    async def _tried_again(self, node: str, attempt: Callable[[], Awaitable[JSON]]) -> JSON:
        """Try a step that was blocked."""
        memo: JSON | None = None
        try:
            memo = await attempt()
        finally:
            found = unwrap(memo)
            still = type(found) is StepFailure and found.name == BLOCKED
            if self._blocker is not None and not still:
                await self._blocker.clear(step_id(node, items=self._frame.items))
        return memo

    def _log_failure(self, made: StepAttempt) -> None:
        about = {
            "run_id": self.run_id,
            "tenant_id": self.tenant_id,
            "node_id": made.node,
            "attempt": made.number,
        }
        assert made.error is not None
        text = "step `%s` has failed in attempt %d: %s\n%s"
        trace = made.error.traceback
        log.warning(text, made.step, made.number, made.error.line, trace, extra=about)

    async def _handled(
        self, node: str, step: str, handler: Handler, input: Any, seen: Observation
    ) -> JSON:
        seen.input = self._resolved(input)
        task = Task(
            input=seen.input,
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

    async def _sent(self, step: str, name: str, data: JSON, *, chained: bool = False) -> None:
        """Send an event; `chained`: if it may start a run, which then belongs to the same chain."""
        event = events.outgoing(
            name,
            data,
            tenant_id=self.tenant_id,
            run_id=self.run_id,
            step=step,
            cause=self._ctx.event.id,
        )
        if chained:
            chain = Chain.of(self._ctx.event.id, self._ctx.event.data)
            try:
                event.id = chain.event_id(self.workflow.id, self.run_id, step)
            except ChainTooLongError as error:
                raise inngest.NonRetriableError(f"event `{name}`: {error}") from None
        # The public `step.send_event` needs the computed data in every replay.
        await self._step._client.send(event)

    def _attempted(
        self, node: str, failure: StepFailure | None, number: int, started_at: datetime
    ) -> None:
        """Record the end of an attempt: the stored output of a step does not contain its times."""
        known = self._known((node, self._frame.items))
        if known is None or known.status != "running":
            return
        if failure is None:
            state = NodeState("completed", "default", number, None, started_at, clock.now())
        else:
            error = {"name": failure.name, "message": failure.message}
            state = NodeState("running", None, number, error, started_at)
        self._note(node, state)


def _held_steps(step: str, number: int) -> tuple[str, str]:
    """Return the ids of the steps that wait for a blocked step's release, and that try it again."""
    return f"{step}/blocked-{number}", f"{step}/again-{number}"


def _given(input: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that are given, which is what definitions hold."""
    return {name: value for name, value in input.items() if value is not None}
