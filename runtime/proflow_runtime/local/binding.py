"""Connects an SDK client to a running engine: the engine receives its events and sets its time."""

import inspect
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any

import inngest

from proflow_runtime.context import clock
from proflow_runtime.local.records import Event


class Outbox:
    """The events that the executing request has sent.

    `retry_at` is set if the request asks for another attempt at a time of the run's clock.
    """

    __slots__ = ("closed", "number", "pending", "retry_at", "run_id", "sent")

    def __init__(self, run_id: str, number: int) -> None:
        self.run_id = run_id
        self.number = number
        self.sent = 0
        self.closed = False
        self.pending: list[tuple[str, Event]] = []
        self.retry_at: datetime | None = None


current: ContextVar[Outbox | None] = ContextVar("proflow_outbox", default=None)

Deliver = Callable[[list[inngest.Event], Outbox | None], list[str]]


class ClientBinding:
    """Overrides `send` and `send_sync` of a client, and makes its sleeps exact in virtual time.

    `release` restores the client, which can serve one engine at a time. `flushed` waits until the
    delivered events are stored; `flush` does so in another thread.
    """

    def __init__(
        self,
        client: inngest.Inngest,
        deliver: Deliver,
        time: clock.Clock,
        outboxes: dict[str, Outbox],
        *,
        flushed: Callable[[], Awaitable[None]],
        flush: Callable[[], None],
        exact_sleeps: bool,
    ) -> None:
        self._client = client
        self._deliver = deliver
        self._flushed = flushed
        self._flush = flush
        self._time = time
        self._outboxes = outboxes
        self._exact_sleeps = exact_sleeps

    def bind(self) -> None:
        """Connect the client. Raises `RuntimeError` if another engine uses it."""
        if "send" in vars(self._client):
            raise RuntimeError("the client is in use by another local engine")
        self._middleware = self._client.middleware
        # First in the list: the functions' own middleware may ask for the time already.
        self._client.middleware = [self._make_middleware, *self._middleware]
        vars(self._client).update(send=self._send, send_sync=self._send_sync)

    def release(self) -> None:
        del vars(self._client)["send"], vars(self._client)["send_sync"]
        self._client.middleware = self._middleware

    async def _send(
        self,
        events: inngest.Event | list[inngest.Event],
        *,
        skip_middleware: bool = False,
    ) -> list[str]:
        listed = events if isinstance(events, list) else [events]
        hooks = [] if skip_middleware else self._hooks()
        for hook in hooks:
            done = hook.before_send_events(listed)
            if inspect.isawaitable(done):
                await done
        ids = self._deliver(listed, current.get())
        await self._flushed()
        for hook in reversed(hooks):
            done = hook.after_send_events(inngest.SendEventsResult(ids=ids))
            if inspect.isawaitable(done):
                await done
        return ids

    def _send_sync(
        self,
        events: inngest.Event | list[inngest.Event],
        *,
        skip_middleware: bool = False,
    ) -> list[str]:
        listed = events if isinstance(events, list) else [events]
        hooks = [] if skip_middleware else self._hooks()
        for hook in hooks:
            hook.before_send_events(listed)
        ids = self._deliver(listed, current.get())
        self._flush()
        for hook in reversed(hooks):
            hook.after_send_events(inngest.SendEventsResult(ids=ids))
        return ids

    def _hooks(self) -> list[inngest.Middleware | inngest.MiddlewareSync]:
        return [make(self._client, None) for make in self._middleware]

    def _make_middleware(self, client: inngest.Inngest, raw_request: object) -> "_Timekeeper":
        return _Timekeeper(client, raw_request, self._time, self._outboxes, self._exact_sleeps)


class _Timekeeper(inngest.MiddlewareSync):
    """Sets the engine's clock in each replay, also in the threads of synchronous functions."""

    def __init__(
        self,
        client: inngest.Inngest,
        raw_request: object,
        time: clock.Clock,
        outboxes: dict[str, Outbox],
        exact_sleeps: bool,
    ) -> None:
        super().__init__(client, raw_request)
        self._time = time
        self._outboxes = outboxes
        self._exact_sleeps = exact_sleeps

    def transform_input(
        self,
        ctx: inngest.Context | inngest.ContextSync,
        function: inngest.Function[Any],
        steps: inngest.StepMemos,
    ) -> None:
        clock.activate(self._time)
        current.set(self._outboxes.get(ctx.request_id or ""))
        if not self._exact_sleeps:
            return
        if isinstance(ctx.step, inngest.Step):
            vars(ctx.step)["sleep"] = _exact_sleep(ctx.step, self._time)
        else:
            vars(ctx.step)["sleep"] = _exact_sleep_sync(ctx.step, self._time)

    def transform_output(self, result: inngest.TransformOutputResult) -> None:
        outbox, error = current.get(), result.error
        # The SDK computes durations from the wall clock, and only these are naive.
        if outbox is not None and isinstance(error, inngest.RetryAfterError):
            outbox.retry_at = error.retry_after if error.retry_after.tzinfo else None


def _exact_sleep(step: inngest.Step, time: clock.Clock) -> Callable[..., Any]:
    async def sleep(step_id: str, duration: int | timedelta) -> None:
        # The SDK reads the wall clock and a sleep's memo is its return value.
        return await step.sleep_until(step_id, _wake(time, duration))

    return sleep


def _exact_sleep_sync(step: inngest.StepSync, time: clock.Clock) -> Callable[..., Any]:
    def sleep(step_id: str, duration: int | timedelta) -> None:
        return step.sleep_until(step_id, _wake(time, duration))

    return sleep


def _wake(time: clock.Clock, duration: int | timedelta) -> datetime:
    span = duration if isinstance(duration, timedelta) else timedelta(milliseconds=duration)
    return time.now() + span
