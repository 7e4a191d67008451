"""`LocalEngine`: an Inngest server in one process, for one machine, tests and simulation."""

import asyncio
import json
import logging
import threading
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, Self

import inngest
from proflow_schemas.errors import ProFlowError
from proflow_schemas.sizes import MAX_STEPS

from proflow_runtime.context.clock import Clock, VirtualClock, activate, deactivate, happens
from proflow_runtime.local import binding
from proflow_runtime.local.admission import Admission
from proflow_runtime.local.binding import ClientBinding, Outbox
from proflow_runtime.local.crons import NEXT_TICK, Crons
from proflow_runtime.local.deployment import Deployment
from proflow_runtime.local.dispatch import Dispatcher
from proflow_runtime.local.events import parse_event
from proflow_runtime.local.execution import Execution
from proflow_runtime.local.ids import IdFactory, milliseconds
from proflow_runtime.local.journal import Journal, NoJournal
from proflow_runtime.local.records import (
    ArmedWait,
    Event,
    EventReceived,
    Exchange,
    Listener,
    Observation,
    RunRecord,
)
from proflow_runtime.local.retries import inngest_backoff, retry_pause
from proflow_runtime.local.runs import PreparedRequest, QueueItem
from proflow_runtime.local.scheduler import Scheduler, Timer
from proflow_runtime.local.settings import Unsupported
from proflow_runtime.protocol import gojson
from proflow_runtime.protocol.wire import Answer, refusal

MOST_IN_FLIGHT = 100
LONGEST_REQUEST = timedelta(hours=2)
GRACE = timedelta(seconds=10)
PARKED = "ParkedError"
"""The name of the error of a run that is not executed again, as it has killed the process."""
LONGEST_PAUSE = 30.0
"""Maximum seconds between two looks at the clock, which may be set, and stops while a machine sleeps."""

log = logging.getLogger("proflow.engine")
Action = Callable[[], Awaitable[object] | None]


class Runaway(ProFlowError, RuntimeError):
    """The engine has made `max_requests` requests and is not idle."""


class LocalEngine:
    """An Inngest server in this process, which runs functions through the SDK's own request handler.

    With a `VirtualClock` (the default) a request takes no time, requests are made one by one, and
    time jumps to whatever is due next. So the same inputs give exactly the same run. With a
    `RealClock` requests overlap, and responses are processed in order of arrival.

    Use the engine as an async context manager; inside it, the client's events go to the engine.
    Drive it with `run_until_idle`, or with `serve` until `stop`.

    With a `journal`, the engine continues where an earlier process ended: a step whose output was
    stored is never executed again; a step that was executing is (at least once).

    Attributes:
        clock: The clock that runs read.
        events: The events that the engine has received.
        requests: The requests and responses, if `trace` is set.

    Example:
        ```python
        async with LocalEngine(client, functions) as engine:
            await engine.send(inngest.Event(name="leave/requested", data={"days": 3}))
            await engine.run_until_idle()
            (run,) = engine.runs.values()
        ```
    """

    def __init__(
        self,
        client: inngest.Inngest,
        functions: Sequence[inngest.Function[Any]],
        *,
        clock: Clock | None = None,
        journal: Journal | None = None,
        seed: int = 0,
        max_steps: int = MAX_STEPS,
        max_requests: int | None = None,
        most_in_flight: int = MOST_IN_FLIGHT,
        longest_request: timedelta = LONGEST_REQUEST,
        history: int | None = None,
        retry_backoff: Callable[[int], timedelta] | None = None,
        trace: bool = False,
    ) -> None:
        """Create an engine.

        Args:
            client: The Inngest client of the functions, not in production mode.
            functions: The functions to run.
            clock: A `VirtualClock` (the default) or a `RealClock`.
            journal: Where the engine stores its state, so that another process can continue.
            seed: The seed of all ids. With a journal, each process needs another one.
            max_steps: The maximum number of steps of a run, as on Inngest.
            max_requests: The maximum number of requests, beyond which `Runaway` is raised; functions
                may start each other for ever.
            most_in_flight: The maximum number of concurrent requests, in real time.
            longest_request: A request that takes longer counts as failed, in real time.
            history: How many ended runs and events are kept; all by default.
            retry_backoff: Maps the failed attempt, counted from 0, to the pause before the next one;
                by default Inngest's table without jitter.
            trace: Whether to keep `requests`.

        Raises:
            Unsupported: If the client is in production mode, or if the engine cannot run a function
                as Inngest would.
        """
        if client.is_production:
            raise Unsupported(
                "the client is in production mode: create it with is_production=False"
            )
        self._deployment = Deployment(client, functions)
        self.clock: Clock = clock or VirtualClock()
        self.events: list[EventReceived] = []
        self.requests: list[Exchange] = []
        self._client = client
        self._durable = journal is not None
        self._journal: Journal = journal or NoJournal()
        self._ids = IdFactory(seed)
        self._backoff = retry_backoff or inngest_backoff
        self._trace = trace
        self._max_requests = max_requests
        self._longest_request = longest_request.total_seconds()
        self._history = history
        self._listeners: list[Listener] = []
        self._scheduler = Scheduler()
        self._execution = Execution(
            self.clock,
            self._scheduler,
            self._ids,
            self._journal,
            max_steps=max_steps,
            history=history,
            submit=self._submit,
            claim=lambda item: self._dispatcher.claim_early(item),
            emit=self._emit,
            invoke=lambda *call: self._admission.invoke(*call),
            notify=self._notify,
        )
        self._admission = Admission(
            self._deployment.settings, self.clock, self._scheduler, self._journal, self._execution
        )
        self._virtual = self.clock if isinstance(self.clock, VirtualClock) else None
        self._outboxes: dict[str, Outbox] = {}
        self._binding = ClientBinding(
            client,
            self._sent,
            self.clock,
            self._outboxes,
            flushed=self._journal.flushed,
            flush=self._flush_from_thread,
            exact_sleeps=self._virtual is not None,
        )
        self._due: list[QueueItem] = []
        self._wake = asyncio.Event()
        self._dispatcher = Dispatcher(
            self._journal,
            self._make,
            self._landed,
            most=most_in_flight,
            park=self._park if self._durable else None,
            wake=self._wake.set,
        )
        self._failure: BaseException | None = None
        self._count = 0
        self._open = False
        self._running = False
        self._serving = False
        self._stopping = False
        self._crons = Crons(
            self.clock, self._scheduler, self._admission, self._journal, self._record
        )

    async def __aenter__(self) -> Self:
        saved = await self._journal.open(self._wake.set)
        try:
            self._binding.bind()
        except RuntimeError:
            await self._journal.close()
            raise
        self._open = True
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        try:
            self._admission.restore([key for key in saved.keys if key[0][1] != NEXT_TICK])
            self._crons.restore([key for key in saved.keys if key[0][1] == NEXT_TICK])
            self._deployment.restore(saved.runs, self._execution)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._open = False
        self._dispatcher.withdraw_claims()
        await self._dispatcher.abort()
        self._binding.release()
        await self._journal.close()

    # --- records

    @property
    def runs(self) -> Mapping[str, RunRecord]:
        """All runs by id, in the order in which they were queued."""
        return MappingProxyType(self._execution.runs)

    @property
    def waits(self) -> list[ArmedWait]:
        """All that runs are waiting for at the moment."""
        live = self._execution.live_runs()
        return [wait for run in live for wait in run.record.waits.values()]

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every observation as it happens.

        Returns:
            A function that unsubscribes it.
        """
        self._listeners.append(listener)
        return partial(self._listeners.remove, listener)

    # --- actions from outside

    async def send(self, *events: inngest.Event | Mapping[str, Any]) -> list[str]:
        """Send events, as to the server's event API.

        Args:
            events: The events; one that is a mapping may also have a `user`.

        Returns:
            The engine's ids of the events, once they are stored.

        Raises:
            ValueError: If the API would refuse an event.
        """
        self._check_open()
        parsed = [parse_event(event) for event in events]
        now = self.clock.now()
        ids = [self._receive(event, self._ids.next(now, "event")) for event in parsed]
        await self._journal.flushed()
        return ids

    async def cancel(self, run_id: str) -> bool:
        """Cancel a run, as the API does.

        Returns:
            False if the run has ended already.

        Raises:
            KeyError: If there is no such run.
        """
        self._execution.runs[run_id]
        run = self._execution.find(run_id)
        if run is None:
            return False
        self._execution.cancel(run)
        self._wake.set()
        await self._journal.flushed()
        return True

    def deploy(self, functions: Sequence[inngest.Function[Any]]) -> None:
        """Replace the functions.

        Open runs continue with the new function of the same id. A function that was removed starts no
        more runs, but completes those it has.

        Args:
            functions: All functions to run from now on.

        Raises:
            Unsupported: If the engine cannot run one of them; nothing is changed then.
        """
        running = {run.settings.id for run in self._execution.live_runs()}
        self._deployment.replace(functions, running)
        self._admission.functions = {item.id: item for item in self._deployment.settings}
        self._execution.reconfigure(self._admission.functions)
        self._crons.redeploy()
        if self._open:
            self._admission.restore(())
            self._deployment.restore((), self._execution)
        self._wake.set()

    def at(self, when: datetime, action: Action) -> Timer:
        """Schedule an action.

        Args:
            when: When to call it; at once if this time has passed. It comes before requests that are
                due at the same time.
            action: A function, plain or async.

        Returns:
            A timer, which can be cancelled.
        """
        self._wake.set()
        return self._scheduler.add(Timer(when, action))

    async def fire_cron(self, fn_id: str, at: datetime | None = None) -> None:
        """Fire the first cron of a function once.

        Args:
            fn_id: The id of the function, with or without the app's id.
            at: When; now by default.

        Raises:
            KeyError: If there is no such function, or if it has no cron.
        """
        functions = self._admission.functions
        settings = functions.get(fn_id) or functions[f"{self._client.app_id}-{fn_id}"]
        if not settings.crons:
            raise KeyError(f"{fn_id} has no cron trigger")
        when = at or self.clock.now()
        self.at(when, partial(self._crons.tick, settings, settings.crons[0], when))

    # --- time

    async def run_until_idle(
        self,
        *,
        until: datetime | None = None,
        ignore_timeouts: Callable[[ArmedWait], bool] | None = None,
    ) -> None:
        """Drive all runs until they have ended or wait for something outside, or until a time.

        Args:
            until: When to stop. Crons fire only if this is given, up to that time.
            ignore_timeouts: Returns True for a wait whose timeout must not move virtual time by
                itself, such as Inngest's maximum of 366 days. All other timeouts are awaited.

        Raises:
            Runaway: If there were more than `max_requests` requests.
        """
        self._check_open()
        if self._running:
            raise RuntimeError("the engine is being driven already")
        self._running = True
        self._scheduler.classify(ignore_timeouts or (lambda _: False))
        if until is not None:
            self._crons.schedule(until)
        try:
            if self._virtual is not None:
                await self._run_virtual(self._virtual, until)
            else:
                await self._run_real(until)
        finally:
            self._running = False
            self._crons.stop()

    async def serve(self, *, grace: timedelta = GRACE) -> None:
        """Drive all runs and crons in real time, until `stop` is called.

        An error of the engine in one run ends only that run.

        Args:
            grace: How long open requests may take to end after `stop`. The next process that opens
                the journal repeats those that were aborted.

        Raises:
            Exception: If the journal cannot be written.
        """
        self._check_open()
        if self._running or self._virtual is not None:
            raise RuntimeError("the engine is being driven already, or in virtual time")
        self._running = self._serving = True
        self._crons.schedule()
        try:
            await self._run_real(None)
            left = await self._dispatcher.drain(grace)
            if left:
                log.warning("%d requests are aborted, and will be repeated", left)
            if (failure := self._journal.failure()) is not None:
                raise failure
        finally:
            self._running = self._serving = False
            self._crons.stop()

    def stop(self) -> None:
        """Make `serve` end."""
        self._stopping = True
        self._dispatcher.withdraw_claims()
        self._wake.set()

    async def _run_virtual(self, clock: VirtualClock, until: datetime | None) -> None:
        while True:
            await self._fire_timers()
            if self._failure is not None:
                raise self._failure
            if self._due:
                await self._run_batch()
                continue
            due = self._scheduler.next_due(passive_too=until is not None)
            if due is None or (until is not None and due > until):
                break
            clock.advance_to(due)
        if until is not None and until > clock.now():
            clock.advance_to(until)

    async def _run_batch(self) -> None:
        """Make the requests that are due now; all contain the state before the first response.

        After a group, each of its steps has a request to find what follows. If one of them was
        answered with nothing but plans, the others get the same answer without asking the function
        again.
        """
        items, self._due = self._due, []
        items.sort(key=lambda item: -item.run.rank)
        prepared = [self._prepare(item) for item in items if not item.run.record.ended]
        plans: dict[Hashable, Answer] = {}
        for one in prepared:
            if one.item.run.record.ended:
                continue
            answer = await self._exchange(one, plans.get(one.question))
            if answer is not None:
                plans[one.question] = answer

    async def _run_real(self, until: datetime | None) -> None:
        while not self._stopping:
            self._wake.clear()
            await self._fire_timers()
            self._dispatcher.launch()
            failure = self._failure or self._journal.failure()
            if failure is not None:
                raise failure
            now = self.clock.now()
            if until is not None and now >= until:
                return
            endless = self._serving or until is not None
            due = self._scheduler.next_due(passive_too=endless)
            if not endless and due is None and self._dispatcher.idle:
                return
            stops = [stop for stop in (due, until) if stop is not None]
            pause = (min(stops) - now).total_seconds() if stops else LONGEST_PAUSE
            await happens(self._wake, min(max(0.0, pause), LONGEST_PAUSE))

    def _park(self, item: QueueItem) -> None:
        """End a run whose request has killed the process again and again."""
        run = item.run
        message = (
            f"parked: {item.claims} processes ended while they executed this run, without being stopped:"
            " it may take too much memory, or crash a library"
        )
        log.error("run %s of %s is parked: %s", run.record.id, run.settings.id, message)
        self._execution.refuse(run, PARKED, message)

    def _landed(self, item: QueueItem, error: BaseException | None) -> None:
        if isinstance(error, Exception) and self._serving:
            run = item.run
            log.error("run %s cannot continue", run.record.id, exc_info=error)
            if not run.record.ended:
                self._execution.refuse(run, type(error).__name__, f"the engine failed: {error}")
        elif error is not None:
            self._failure = error
        self._wake.set()

    async def _fire_timers(self) -> None:
        while (timer := self._scheduler.pop_due(self.clock.now())) is not None:
            try:
                done = timer.action()
                if done is not None:
                    await done
            except Exception:
                if not self._serving:
                    raise
                log.exception("what was due at %s failed", timer.due)

    # --- requests

    def _submit(self, item: QueueItem) -> None:
        if self._virtual is not None:
            self._due.append(item)
        else:
            self._dispatcher.submit(item)

    async def _make(self, item: QueueItem) -> None:
        await self._exchange(self._prepare(item))

    def _prepare(self, item: QueueItem) -> PreparedRequest:
        if self._count == self._max_requests:
            raise Runaway(f"not idle after {self._count} requests")
        self._execution.open(item)
        self._count += 1
        request = self._ids.ulid(self.clock.now(), f"request/{self._count}")
        return PreparedRequest(item, self._count, request)

    async def _exchange(
        self, prepared: PreparedRequest, known: Answer | None = None
    ) -> Answer | None:
        """Make a request, and apply its response.

        Args:
            prepared: The request.
            known: The response, if it is known already.

        Returns:
            The response, if it is one of plans only.
        """
        item, request = prepared.item, prepared.id
        run = item.run
        outbox = self._outboxes[request] = Outbox(run.record.id, prepared.number)
        token = activate(self.clock)
        sender = binding.current.set(outbox)
        before = datetime.now(UTC)
        at = self.clock.now()
        body = prepared.body() if known is None or self._trace else b""
        try:
            answer = known or await self._answer(item, body, request)
        finally:
            binding.current.reset(sender)
            deactivate(token)
            del self._outboxes[request]
            outbox.closed = True
        if self._trace:
            self._keep(item, prepared.number, at, body, answer)
        for event_id, event in outbox.pending:
            self._receive(event, event_id, sender=outbox.run_id)
        self._execution.settle(item, answer, partial(self._retry_time, before, outbox.retry_at))
        return answer if answer.only_plans and not outbox.sent else None

    async def _answer(self, item: QueueItem, body: bytes, request: str) -> Answer:
        call = self._deployment.app.post(
            item.run.settings.id, item.step, body, item.job_id, request
        )
        if self._virtual is not None:
            return await call
        try:
            async with asyncio.timeout(self._longest_request):
                return await call
        except TimeoutError:
            seconds = f"{self._longest_request:g}"
            return refusal("TimeoutError", f"the request took longer than {seconds} s")

    def _retry_time(
        self, before: datetime, retry_at: datetime | None, item: QueueItem, answer: Answer
    ) -> datetime:
        now = self.clock.now()
        if answer.retry_after is None:
            return now + self._backoff(item.attempt)
        if self._virtual is None:
            return max(now, answer.retry_after)
        if retry_at is not None:
            return max(now, retry_at)
        return now + retry_pause(answer.retry_after, before, datetime.now(UTC))

    def _keep(
        self, item: QueueItem, number: int, at: datetime, body: bytes, answer: Answer
    ) -> None:
        record = item.run.record
        self.requests.append(
            Exchange(
                number=number,
                at=at,
                run_id=record.id,
                function_id=record.function_id,
                step=item.step,
                body=json.loads(body),
                status=answer.status,
                headers=answer.headers,
                response=json.loads(answer.raw),
            )
        )

    # --- events

    def _sent(self, events: list[inngest.Event], outbox: Outbox | None) -> list[str]:
        """Take events from the client. In virtual time, events of a request arrive at its end."""
        self._check_open()
        parsed = [parse_event(event) for event in events]
        now = self.clock.now()
        ids = []
        for event in parsed:
            if outbox is None:
                event_id = self._ids.next(now, "event")
            else:
                event_id = self._ids.ulid(now, f"sent/{outbox.number}/{outbox.sent}")
                outbox.sent += 1
            ids.append(event_id)
            sender = outbox.run_id if outbox else None
            if outbox is not None and self._virtual is not None and not outbox.closed:
                outbox.pending.append((event_id, event))
            elif threading.get_ident() == self._thread:
                self._receive(event, event_id, sender=sender)
            else:  # a synchronous function, in a thread of the SDK's
                self._loop.call_soon_threadsafe(self._receive_safely, event, event_id, sender)
        return ids

    def _receive(self, event: Event, event_id: str, *, sender: str | None = None) -> str:
        event["id"] = event["id"] or event_id
        event["ts"] = event["ts"] or milliseconds(self.clock.now())
        self._route(event, event_id, sender=sender, internal=False)
        return event_id

    def _receive_safely(self, event: Event, event_id: str, sender: str | None) -> None:
        try:
            self._receive(event, event_id, sender=sender)
        except Exception as error:  # of a listener; raised where the engine is driven
            self._failure = error
            self._wake.set()

    def _flush_from_thread(self) -> None:
        """Wait in another thread until sent events are stored; the engine's own thread cannot wait."""
        if self._durable and threading.get_ident() != self._thread:
            asyncio.run_coroutine_threadsafe(self._journal.flushed(), self._loop).result()

    def _emit(self, event: Event) -> None:
        self._route(event, event["id"], sender=None, internal=True)

    def _route(self, event: Event, event_id: str, *, sender: str | None, internal: bool) -> None:
        self._record(EventReceived(event, event_id, self.clock.now(), internal, sender))
        arrival = gojson.as_floats(event)
        self._execution.cancel_runs(event, arrival)
        self._execution.waiting.resume_all(event, arrival)
        self._admission.admit(event, arrival)
        self._wake.set()

    def _record(self, received: EventReceived) -> None:
        self.events.append(received)
        if self._history is not None and len(self.events) > 2 * self._history:
            del self.events[: -self._history or None]
        self._notify(received)

    def _notify(self, observation: Observation) -> None:
        for listener in list(self._listeners):
            try:
                listener(observation)
            except Exception:
                if not self._serving:
                    raise
                log.exception("a listener failed")

    def _check_open(self) -> None:
        if not self._open:
            raise RuntimeError("the engine is not running: use it in `async with`")
