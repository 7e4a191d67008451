"""The primitives that are one step each: handlers, messages, models, calls, events, other runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import inngest

from proflow_runtime.context import clock, steering, tenant
from proflow_runtime.flow import events, subprocess
from proflow_runtime.flow.attempts import Attempt
from proflow_runtime.flow.calling import Calls
from proflow_runtime.flow.passes import step_id
from proflow_runtime.handlers import ai, http, interception, notify
from proflow_runtime.handlers.task import Handler, Task
from proflow_runtime.status import NodeState
from proflow_runtime.values import JSON
from proflow_runtime.values.envelopes import StepFailure, open_memo, seal_failure
from proflow_runtime.values.retry import Retry, Span, span


class Steps(Calls):
    """What a run does, step by step.

    With `catch` a step that fails takes the outcome `error`, with `steps.x.error`, and returns
    None; without, the run fails when its attempts are used up.
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
        """Runs a handler, and returns its output."""
        step = self._begin(node)

        def attempt() -> Awaitable[JSON]:
            work = partial(self._handled, node, step, handler, input)
            return self._attempt(node, work, retry, timeout)

        # Handed on, not awaited: one coroutine less for every step of every pass.
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
        """Sends a message over a channel."""
        message = {"channel": channel, "to": to, "subject": subject, "content": content}
        return await self.run(node, notify.send, message, retry=retry, catch=catch)

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
        """Asks a language model; the output is its text, or JSON if there is an output schema."""
        request = {
            "prompt": prompt,
            "model": model,
            "system": system,
            "output_schema": output_schema,
            "temperature": temperature,
        }
        return await self.run(node, ai.complete, request, retry=retry, catch=catch)

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
        """Calls a URL; the output is `{"status", "headers", "body"}`."""
        request = {
            "method": method,
            "url": url,
            "headers": headers,
            "body": body,
            "timeout": None if timeout is None else span(timeout).total_seconds(),
        }
        return await self.run(node, http.request, request, retry=retry, catch=catch)

    async def send(self, node: str, event: str, data: Any = None) -> None:
        """Sends one event; its data gets the run's `tenant_id`."""
        step = self._begin(node)

        async def work() -> None:
            await self._sent(step, event, self._resolved(data))

        await self._executed(node, step, partial(self._attempt, node, work))

    async def invoke(
        self,
        node: str,
        workflow: str,
        input: Any = None,
        *,
        timeout: timedelta | None = None,
        catch: bool = False,
    ) -> JSON:
        """Runs another workflow of the same tenant; the output is its `{"result", "output"}`."""
        items, execution = self._frame.items, self._execution(node)
        step = step_id(node, items=items, execution=execution)
        left = step_id(node, "left", items=items, execution=execution)
        self._located(step, left)
        self.planned += 0 if items else 1
        self._saw(node, "running")
        try:
            if catch and steering.lets_fail(self.workflow.id, step):
                raise subprocess.SubprocessError("simulated")
            given = {} if input is None else self._resolved(input)
            output = await self._called(step, left, workflow, given, timeout)
        except (inngest.StepError, inngest.NonRetriableError, subprocess.SubprocessError) as error:
            named = error.name if isinstance(error, inngest.StepError) else type(error).__name__
            failure = StepFailure(named, str(error), 1)
            return self._failed(node, f"step `{step}` failed: {error}", failure, catch)
        return self._succeeded(node, output, catch)

    async def _executed(
        self, node: str, step: str, attempt: Callable[[], Awaitable[JSON]], catch: bool = False
    ) -> JSON:
        """The output of a node that is one step."""
        if self.states is not None:
            self._saw(node, "running")
        try:
            # Most steps are those of a sequential run that has them behind it.
            call = partial(self._step.run, step, attempt)
            if self._frame.stretch is not None:
                call = partial(self._stepped, step, call)
            memo = await (call() if self._groups.plain else self._groups.one(call))
        except inngest.StepError as error:
            # Inngest gave up first: the function has fewer attempts than the node.
            failure = StepFailure(error.name, error.message, 0)
            return self._failed(node, f"step `{step}` failed: {error.message}", failure, catch)
        output = open_memo(memo)
        if type(output) is StepFailure:
            return self._failed(node, f"step `{step}` {output}", output, catch)
        return self._succeeded(node, output, catch)

    def _succeeded(self, node: str, output: JSON, catch: bool) -> JSON:
        self._holds(node, output)
        if catch:
            self._took(node, "default")
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
    ) -> JSON:
        """One attempt, inside its step: returns what is memoised."""
        self._groups.executed = True
        number = self._ctx.attempt
        if self._abandoned or self._groups.left:
            return seal_failure(StepFailure("Abandoned", "what it belongs to is over", number))
        limit = None if timeout is None else span(timeout)
        attempt = Attempt(number, retry, self.workflow.max_attempts)
        if self.states is None:
            return await attempt.run(work, limit, self._held)
        started_at = clock.now()
        try:
            return await attempt.run(work, limit, self._held)
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

    def _attempted(
        self, node: str, failure: StepFailure | None, number: int, started_at: datetime
    ) -> None:
        """An attempt is over; the memo of a step says no more about that."""
        known = self._known((node, self._frame.items))
        if known is None or known.status != "running":
            return
        if failure is None:
            state = NodeState("completed", "default", number, None, started_at, clock.now())
        else:
            error = {"name": failure.name, "message": failure.message}
            state = NodeState("running", None, number, error, started_at)
        self._note(node, state)
