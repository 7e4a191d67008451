"""The server's state machine: how responses of the app change runs. It does no input or output."""

from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from proflow_runtime.context.clock import Clock
from proflow_runtime.local.ids import IdFactory, milliseconds
from proflow_runtime.local.journal import Journal
from proflow_runtime.local.records import (
    AttemptFailed,
    Event,
    Observation,
    ParentStep,
    RunEnded,
    RunRecord,
    RunStarted,
    RunStatus,
    StepPlanned,
    StepRecord,
    StepSettled,
    StepStatus,
)
from proflow_runtime.local.runs import (
    CANCELLED,
    FAILED,
    FINISHED,
    Pending,
    QueueItem,
    Run,
    ended_data,
    function_error,
    make_event,
    step_error,
)
from proflow_runtime.local.scheduler import Scheduler, Timer
from proflow_runtime.local.settings import FunctionSettings
from proflow_runtime.local.waiting import Waiting
from proflow_runtime.protocol import gojson, wire
from proflow_runtime.protocol.wire import Answer, Op

MAX_OUTPUT = 4 * 2**20
MAX_STATE = 32 * 2**20

RetryTime = Callable[[QueueItem, Answer], datetime]


class Execution:
    """All runs, and what they wait for.

    `submit` takes a request that is due, `emit` an event of the server itself; `invoke` starts a child
    (False if there is no such function), `notify` calls the listeners. `history` is the number of
    ended runs to keep; all by default.
    """

    def __init__(
        self,
        clock: Clock,
        scheduler: Scheduler,
        ids: IdFactory,
        journal: Journal,
        *,
        max_steps: int,
        history: int | None,
        submit: Callable[[QueueItem], None],
        claim: Callable[[QueueItem], None],
        emit: Callable[[Event], None],
        invoke: Callable[[str, Event, ParentStep], bool],
        notify: Callable[[Observation], None],
    ) -> None:
        self.runs: dict[str, RunRecord] = {}
        self._live: dict[str, Run] = {}
        self._cancellable: dict[str, dict[str, Run]] = {}
        self._clock = clock
        self._scheduler = scheduler
        self._ids = ids
        self._journal = journal
        self._max_steps = max_steps
        self._history = history
        self._ended: deque[str] = deque()
        self._submit = submit
        self._claim = claim
        self._emit = emit
        self._notify = notify
        self.waiting = Waiting(
            self, clock, scheduler, ids, journal, emit=emit, invoke=invoke, notify=notify
        )

    # --- the start and the end of runs

    def queue_run(
        self,
        settings: FunctionSettings,
        events: list[Event],
        ready: datetime,
        due: datetime,
        parent: ParentStep | None = None,
    ) -> Run:
        """Create a run that may start at `ready`; its first request is `due` then or later."""
        now = self._clock.now()
        record = RunRecord(
            id=self._ids.next(now, "run"),
            function_id=settings.id,
            event=events[0],
            events=events,
            queued_at=now,
            parent=parent,
        )
        run = self.add(record, settings)
        if settings.start_timeout is not None:
            self.expire(run, ready + settings.start_timeout)
        self._journal.run_queued(run)
        self._enqueue(run, None, due=due)
        return run

    def add(self, record: RunRecord, settings: FunctionSettings) -> Run:
        """Add a run without any request."""
        trigger = gojson.as_floats(record.event)
        priority = settings.priority and settings.priority.evaluate({"event": trigger})
        seconds = priority if isinstance(priority, int | float) else 0
        encoded = [gojson.dumps(event) for event in record.events]
        run = Run(
            record=record,
            settings=settings,
            uuid=self._ids.uuid(settings.id),
            event_json=encoded[0],
            events_json=f"[{','.join(encoded)}]",
            trigger=trigger,
            rank=timedelta(seconds=max(-600, min(600, seconds))),
        )
        self.runs[record.id] = record
        self._live[record.id] = run
        for rule in settings.cancel_on:
            self._cancellable.setdefault(rule.event, {})[record.id] = run
        return run

    def reconfigure(self, functions: Mapping[str, FunctionSettings]) -> None:
        """Apply the new settings of their functions to open runs."""
        self._cancellable.clear()
        for run in self._live.values():
            run.settings = functions.get(run.settings.id, run.settings)
            run.places = None
            for rule in run.settings.cancel_on:
                self._cancellable.setdefault(rule.event, {})[run.record.id] = run

    def live_runs(self, function_id: str | None = None) -> list[Run]:
        """Return the open runs, in order of their start."""
        return [
            run
            for run in self._live.values()
            if function_id is None or run.settings.id == function_id
        ]

    def find(self, run_id: str) -> Run | None:
        """Return an open run, or None."""
        return self._live.get(run_id)

    def cancel(self, run: Run) -> None:
        """End a run without another request."""
        run.record.output = {}
        self._end(run, "Cancelled", None)

    def fail(
        self, run: Run, output: Any, error: dict[str, Any], *, event_output: Any = None
    ) -> None:
        """Fail a run; `event_output` is the output to publish in events, if it differs."""
        run.record.error = error
        run.record.output = output
        self._end(run, "Failed", output if event_output is None else event_output)

    def refuse(self, run: Run, name: str, message: str) -> None:
        """Fail a run that has requested something impossible."""
        output = {"message": message, "name": name}
        self.fail(run, output, {"error": name, **output})

    def _end(self, run: Run, status: RunStatus, result: Any) -> None:
        now = self._clock.now()
        record = run.record
        record.status = status
        record.ended_at = now
        for timer in run.queued:
            timer.cancel()
        if run.limit is not None:
            run.limit.cancel()
        for hashed in list(run.pending):
            self.close(run, hashed, "cancelled")
        del self._live[record.id]
        for rule in run.settings.cancel_on:
            self._cancellable[rule.event].pop(record.id, None)
        self._journal.run_ended(run)
        self._forget_old(record.id)
        self._notify(RunEnded(record, now))
        if record.event["name"] in (FAILED, FINISHED):
            return
        data = ended_data(record, result)
        finished = make_event(FINISHED, data, self._ids.next(now, "event"), milliseconds(now))
        self._emit(finished)
        if status != "Completed":
            name = FAILED if status == "Failed" else CANCELLED
            self._emit(make_event(name, data, record.id, milliseconds(now)))
        if record.parent is not None:
            self.waiting.return_to(record.parent, finished)

    def _forget_old(self, ended: str) -> None:
        if self._history is None:
            return
        self._ended.append(ended)
        while len(self._ended) > self._history:
            del self.runs[self._ended.popleft()]

    # --- requests

    def open(self, item: QueueItem) -> None:
        """Record that a request is about to be made."""
        run = item.run
        if not item.made:
            item.plan_only = run.plan_only
        item.made = True
        if item.after_sleep and run.plan_only:
            # The server clears the flag after it has read it into the request.
            run.plan_only = False
            self._journal.request_queued(item)
            self._journal.run_moved(run)
        if run.record.started_at is None:
            now = self._clock.now()
            run.record.started_at = now
            run.record.status = "Running"
            if run.limit is not None:
                run.limit.cancel()
            if run.settings.finish_timeout is not None:
                self.expire(run, now + run.settings.finish_timeout)
            self._journal.run_moved(run)
            self._notify(RunStarted(run.record, now))

    def settle(self, item: QueueItem, answer: Answer, retry_time: RetryTime) -> None:
        """Apply a response. A response for a run that has ended changes nothing."""
        run = item.run
        if run.record.ended:
            return
        self._journal.request_answered(item)
        if answer.status == 206:
            self._apply(item, answer, retry_time)
        elif answer.status == 200:
            run.record.output = answer.body
            self._end(run, "Completed", answer.body)
        else:
            self._body_failed(item, answer, retry_time)

    def _apply(self, item: QueueItem, answer: Answer, retry_time: RetryTime) -> None:
        run = item.run
        ops = answer.ops
        plan_only = run.plan_only or (len(ops) > 1 and not item.plan_only)
        if (run.version, run.plan_only) != (2, plan_only):
            run.version, run.plan_only = 2, plan_only
            self._journal.run_moved(run)
        for op in ops:
            if run.record.ended:
                return
            planned = run.pending.get(op.hashed)
            executed = op.executed
            if op.hashed in run.memos or (planned is not None and not executed):
                continue  # reported again: the first time counts
            if executed:
                self._executed(item, op, answer, retry_time)
            elif op.op == "StepPlanned":
                step = self.log(run, op, "StepRun", "planned")
                pending = run.pending[op.hashed] = Pending(step, op.races)
                self._journal.step_opened(run, op.hashed, pending)
                self._enqueue(run, op.hashed, current=item.current)
                self._notify(StepPlanned(run.record, step, self._clock.now()))
            else:
                self.waiting.arm(run, op)

    def _executed(self, item: QueueItem, op: Op, answer: Answer, retry_time: RetryTime) -> None:
        run = item.run
        step = self._attempt(item, op.hashed, op.step_id)
        if op.op == "StepRun":
            step.output = op.data
            self.settle_step(run, op.hashed, step, "completed", {"data": op.data}, op.races)
            return
        error = op.error or {}
        last = item.attempt + 1 >= run.settings.max_attempts
        step.error = step_error(error, no_retry=False)
        if op.op == "StepFailed" or answer.no_retry or last:
            self._notify(AttemptFailed(run.record, step, step.error, None, self._clock.now()))
            memo = {"error": step_error(error, no_retry=answer.no_retry)}
            self.settle_step(run, op.hashed, step, "failed", memo, op.races)
        else:
            self._retry(item, step, retry_time(item, answer))

    def _body_failed(self, item: QueueItem, answer: Answer, retry_time: RetryTime) -> None:
        run = item.run
        step_id = None
        if item.target is not None and (planned := run.pending.get(item.target)) is not None:
            step_id = planned.step.id
        step = self._attempt(item, item.target, step_id)
        if step_id is None:
            step.op = "Error"
        error = function_error(answer.body, no_retry=answer.no_retry)
        step.error = {key: value for key, value in error.items() if key != "error"}
        if answer.no_retry or item.attempt + 1 >= run.settings.max_attempts:
            step.status = "failed"
            step.at = self._clock.now()
            self._notify(AttemptFailed(run.record, step, step.error, None, step.at))
            self.fail(run, answer.body, error)
        else:
            self._retry(item, step, retry_time(item, answer))

    def _retry(self, item: QueueItem, step: StepRecord, due: datetime) -> None:
        now = self._clock.now()
        step.status, step.at, step.next_at = "retrying", now, due
        item.attempt += 1
        item.after_sleep = False
        item.made = False
        item.claims, item.claimed = 0, False  # this process has survived it
        item.due = due
        self._request(item)
        assert step.error is not None
        self._notify(AttemptFailed(item.run.record, step, step.error, due, now))

    def _enqueue(
        self,
        run: Run,
        target: str | None,
        *,
        current: int | None = None,
        due: datetime | None = None,
        after_sleep: bool = False,
    ) -> None:
        now = self._clock.now()
        item = QueueItem(
            run=run,
            target=target,
            current=len(run.stack) if current is None else current,
            job_id=self._ids.next(now, "job"),
            queue_id=self._ids.next(now, "queue"),
            due=due or now,
            after_sleep=after_sleep,
        )
        self._request(item)

    def _request(self, item: QueueItem) -> None:
        if item.due <= self._clock.now():
            self._claim(item)
        self._journal.request_queued(item)
        item.mark = self._journal.position
        self.schedule(item)

    def schedule(self, item: QueueItem) -> None:
        """Submit a request at the time when it is due."""

        def come_due() -> None:
            item.run.queued.discard(timer)
            self._submit(item)

        timer = self._scheduler.add(Timer(item.due, come_due))
        item.run.queued.add(timer)

    # --- steps

    def _attempt(self, item: QueueItem, hashed: str | None, step_id: str | None) -> StepRecord:
        """Return the record of the last attempt."""
        planned = item.run.pending.get(hashed) if hashed is not None else None
        if planned is not None and planned.step.status == "planned":
            planned.step.attempt = item.attempt
            return planned.step
        now = self._clock.now()
        step = StepRecord(step_id, hashed, "StepRun", item.attempt, "planned", now, now)
        item.run.record.steps.append(step)
        if planned is not None:
            planned.step = step
        return step

    def log(self, run: Run, op: Op, name: str, status: StepStatus) -> StepRecord:
        now = self._clock.now()
        step = StepRecord(op.step_id, op.hashed, name, 0, status, now, now)
        run.record.steps.append(step)
        return step

    def settle_step(
        self,
        run: Run,
        hashed: str,
        step: StepRecord,
        status: StepStatus,
        memo: Any,
        races: bool,
        *,
        after_sleep: bool = False,
    ) -> None:
        """Store the output of a step, and schedule the next request."""
        now = self._clock.now()
        step.status, step.at = status, now
        if run.pending.pop(hashed, None) is not None:
            self._journal.step_closed(run, hashed)
        text = gojson.dumps(memo)
        if len(run.memos) >= self._max_steps:
            limit = self._max_steps
            self.refuse(run, "StepLimit", f"a run may have at most {limit} steps")
            return
        run.size += len(text)
        if len(text) > MAX_OUTPUT or run.size > MAX_STATE:
            what = (
                f"the output of step `{step.id}` exceeds 4 MiB"
                if len(text) > MAX_OUTPUT
                else "the outputs of the run's steps exceed 32 MiB"
            )
            self.refuse(run, "StateSizeLimit", what)
            return
        run.memos.add(hashed)
        run.entries.append(wire.memo_entry(hashed, text))
        run.stack.append(hashed)
        self._journal.step_settled(run, hashed, text)
        self._notify(StepSettled(run.record, step, now))
        if run.record.ended or (run.pending and not races):
            return
        if run.plan_only and not after_sleep:
            run.plan_only = False
            self._journal.run_moved(run)
        self._enqueue(run, None, after_sleep=after_sleep)

    def close(self, run: Run, hashed: str, status: StepStatus) -> Pending:
        """Remove a pending step with its timer and its wait."""
        pending = run.pending.pop(hashed)
        self._journal.step_closed(run, hashed)
        pending.step.status, pending.step.at = status, self._clock.now()
        if pending.timer is not None:
            pending.timer.cancel()
        run.record.waits.pop(hashed, None)
        if pending.wait is not None:
            self.waiting.forget(pending.wait)
        return pending

    def cancel_runs(self, event: Event, arrival: Event) -> None:
        """Cancel all runs that an event cancels."""
        now = self._clock.now()
        for run in list(self._cancellable.get(event["name"], {}).values()):
            for rule in run.settings.cancel_on:
                if rule.event != event["name"]:
                    continue
                if rule.timeout is not None and now > run.record.queued_at + rule.timeout:
                    continue
                if rule.condition is None or rule.condition.resumes(run.trigger, arrival):
                    self.cancel(run)
                    break

    def expire(self, run: Run, due: datetime) -> None:
        """Cancel a run at a time, unless it has started (or finished) by then."""
        run.limit = self._scheduler.add(Timer(due, partial(self.cancel, run)))
