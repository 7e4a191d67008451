"""What answers of the app do to runs: the server's state machine, free of any input and output."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from proflow_runtime.clock import Clock
from proflow_runtime.local import gojson, wire
from proflow_runtime.local.ids import IdFactory, milliseconds
from proflow_runtime.local.matching import BadExpression, Expression, compile_expression
from proflow_runtime.local.records import (
    ArmedWait,
    AttemptFailed,
    Event,
    Observation,
    ParentStep,
    RunEnded,
    RunRecord,
    RunStarted,
    RunStatus,
    StepArmed,
    StepPlanned,
    StepRecord,
    StepSettled,
)
from proflow_runtime.local.runs import (
    CANCELLED,
    FAILED,
    FINISHED,
    INVOKE_TIMEOUT_ERROR,
    INVOKED,
    Pending,
    QueueItem,
    Run,
    due_time,
    ended_data,
    function_error,
    make_event,
    step_error,
)
from proflow_runtime.local.scheduler import Scheduler, Timer
from proflow_runtime.local.settings import LONGEST_WAIT, FunctionSettings, parse_duration
from proflow_runtime.local.wire import Answer, Op

MAX_OUTPUT = 4 * 2**20
MAX_STATE = 32 * 2**20
INVOKE_DEADLINE = timedelta(days=365)

RetryTime = Callable[[QueueItem, Answer], datetime]


class Execution:
    """All runs and what they wait for.

    `submit` takes a request that is due, `emit` an event of the server's own, `invoke` starts a
    child (or returns `None` if there is no such function), `notify` tells the listeners.
    """

    def __init__(
        self,
        clock: Clock,
        scheduler: Scheduler,
        ids: IdFactory,
        *,
        max_steps: int,
        submit: Callable[[QueueItem], None],
        emit: Callable[[Event], None],
        invoke: Callable[[str, Event, ParentStep], bool],
        notify: Callable[[Observation], None],
    ) -> None:
        self.runs: dict[str, RunRecord] = {}
        self._live: dict[str, Run] = {}
        self._waiting: dict[str, dict[tuple[str, str], Run]] = {}
        self._clock = clock
        self._scheduler = scheduler
        self._ids = ids
        self._max_steps = max_steps
        self._submit = submit
        self._emit = emit
        self._invoke = invoke
        self._notify = notify

    # --- the start and the end of runs

    def queue_run(
        self,
        settings: FunctionSettings,
        events: list[Event],
        due: datetime,
        parent: ParentStep | None = None,
    ) -> Run:
        """Make a run whose first request is due at a time."""
        now = self._clock.now()
        record = RunRecord(
            id=self._ids.next(now, "run"),
            function_id=settings.id,
            event=events[0],
            events=events,
            queued_at=now,
            parent=parent,
        )
        trigger = gojson.as_floats(events[0])
        priority = settings.priority and settings.priority.evaluate({"event": trigger})
        seconds = priority if isinstance(priority, int | float) else 0
        encoded = [gojson.dumps(event) for event in events]
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
        self._enqueue(run, None, due=due)
        if settings.start_timeout is not None:
            self._expire(run, due + settings.start_timeout)
        return run

    def live_runs(self, function_id: str | None = None) -> list[Run]:
        """The runs that have not ended, in order of their start."""
        return [
            run
            for run in self._live.values()
            if function_id is None or run.settings.id == function_id
        ]

    def find(self, run_id: str) -> Run | None:
        """A run that has not ended."""
        return self._live.get(run_id)

    def cancel(self, run: Run) -> None:
        """End a run without another request."""
        run.record.output = {}
        self._end(run, "Cancelled", None)

    def fail(self, run: Run, output: Any, error: dict[str, Any], *, told: Any = None) -> None:
        """End a run; `told` is the output as the events have it, where that differs."""
        run.record.error = error
        run.record.output = output
        self._end(run, "Failed", output if told is None else told)

    def refuse(self, run: Run, name: str, message: str) -> None:
        """End a run that has asked for what is not possible."""
        output = {"message": message, "name": name}
        self.fail(run, output, {"error": name, **output})

    def _end(self, run: Run, status: RunStatus, result: Any) -> None:
        now = self._clock.now()
        record = run.record
        record.status = status
        record.ended_at = now
        for timer in run.timers:
            timer.cancel()
        for hashed in list(run.pending):
            self._close(run, hashed, "cancelled")
        del self._live[record.id]
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
            self._return_to(record.parent, finished)

    # --- requests

    def open(self, item: QueueItem) -> None:
        """Take note that an item's request is about to be made."""
        run = item.run
        item.plan_only = run.plan_only
        if item.after_sleep:
            # The server clears the flag after it has read it into the request.
            run.plan_only = False
        if run.record.started_at is None:
            now = self._clock.now()
            run.record.started_at = now
            run.record.status = "Running"
            for timer in run.timers:
                timer.cancel()
            if run.settings.finish_timeout is not None:
                self._expire(run, now + run.settings.finish_timeout)
            self._notify(RunStarted(run.record, now))

    def body(self, item: QueueItem, request_id: str) -> bytes:
        """The body of an item's request, after `open`."""
        run = item.run
        return wire.request_body(
            attempt=item.attempt,
            max_attempts=run.settings.max_attempts,
            plan_only=item.plan_only,
            function_uuid=run.uuid,
            job_id=item.job_id,
            request_id=request_id,
            run_id=run.record.id,
            current=item.current,
            stack=run.stack,
            event=run.event_json,
            events=run.events_json,
            memos=run.entries,
            version=run.version,
        )

    def settle(self, item: QueueItem, answer: Answer, retry_time: RetryTime) -> None:
        """Apply an answer. The answer to a run that has ended changes nothing."""
        run = item.run
        if run.record.ended:
            return
        if answer.status == 206:
            self._apply(item, answer, retry_time)
        elif answer.status == 200:
            run.record.output = answer.body
            self._end(run, "Completed", answer.body)
        else:
            self._body_failed(item, answer, retry_time)

    def _apply(self, item: QueueItem, answer: Answer, retry_time: RetryTime) -> None:
        run = item.run
        run.version = 2
        ops = [wire.read_op(raw) for raw in answer.body]
        if len(ops) > 1 and not item.plan_only:
            run.plan_only = True
        for op in ops:
            if run.record.ended:
                return
            planned = run.pending.get(op.hashed)
            executed = op.op in ("StepRun", "StepError", "StepFailed")
            if op.hashed in run.memos or (planned is not None and not executed):
                continue  # reported again: the first time counts
            if executed:
                self._executed(item, op, answer, retry_time)
            elif op.op == "StepPlanned":
                step = self._log(run, op, "StepRun", "planned")
                run.pending[op.hashed] = Pending(step, op.races)
                self._enqueue(run, op.hashed, current=item.current)
                self._notify(StepPlanned(run.record, step, self._clock.now()))
            else:
                self._arm(run, op)

    def _executed(self, item: QueueItem, op: Op, answer: Answer, retry_time: RetryTime) -> None:
        run = item.run
        step = self._attempt(item, op.hashed, op.step_id)
        if op.op == "StepRun":
            step.output = op.data
            self._settle_step(run, op.hashed, step, "completed", {"data": op.data}, op.races)
            return
        error = op.error or {}
        last = item.attempt + 1 >= run.settings.max_attempts
        step.error = step_error(error, no_retry=False)
        if op.op == "StepFailed" or answer.no_retry or last:
            self._notify(AttemptFailed(run.record, step, step.error, None, self._clock.now()))
            memo = {"error": step_error(error, no_retry=answer.no_retry)}
            self._settle_step(run, op.hashed, step, "failed", memo, op.races)
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
        self._scheduler.add(Timer(due, partial(self._submit, item)))
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
            after_sleep=after_sleep,
        )
        self._scheduler.add(Timer(due or now, partial(self._submit, item)))

    # --- steps

    def _attempt(self, item: QueueItem, hashed: str | None, step_id: str | None) -> StepRecord:
        """The record of the attempt that was just made."""
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

    def _log(self, run: Run, op: Op, name: str, status: Any) -> StepRecord:
        now = self._clock.now()
        step = StepRecord(op.step_id, op.hashed, name, 0, status, now, now)
        run.record.steps.append(step)
        return step

    def _settle_step(
        self,
        run: Run,
        hashed: str,
        step: StepRecord,
        status: Any,
        memo: Any,
        races: bool,
        *,
        after_sleep: bool = False,
    ) -> None:
        """Memoise a step and ask for what follows."""
        now = self._clock.now()
        step.status, step.at = status, now
        run.pending.pop(hashed, None)
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
        self._notify(StepSettled(run.record, step, now))
        if run.record.ended or (run.pending and not races):
            return
        if not after_sleep:
            run.plan_only = False
        self._enqueue(run, None, after_sleep=after_sleep)

    def _close(self, run: Run, hashed: str, status: Any) -> Pending:
        """Take a pending step out, its timer and its wait with it."""
        pending = run.pending.pop(hashed)
        pending.step.status, pending.step.at = status, self._clock.now()
        if pending.timer is not None:
            pending.timer.cancel()
        run.record.waits.pop(hashed, None)
        if pending.wait is not None and pending.wait.op == "WaitForEvent":
            del self._waiting[pending.wait.name][run.record.id, hashed]
        return pending

    # --- sleeps, waits, invocations

    def _arm(self, run: Run, op: Op) -> None:
        match op.op:
            case "Sleep":
                self._sleep(run, op)
            case "WaitForEvent":
                self._wait(run, op)
            case "InvokeFunction":
                self._call(run, op)
            case _:
                self.refuse(
                    run,
                    "Unsupported",
                    f"step `{op.step_id}` is a {op.op}, which the local engine cannot do",
                )

    def _sleep(self, run: Run, op: Op) -> None:
        now = self._clock.now()
        due = due_time(op.name)
        if self._too_long(run, op, due - now):
            return
        wait = self._waits(run, op, "Sleep", op.name, None, None, due)
        step = self._log(run, op, "Sleep", "sleeping")
        self._open(run, op, step, wait, self._woken, max(due, now))

    def _wait(self, run: Run, op: Op) -> None:
        source: str | None = op.opts.get("if")
        expression: Expression | None = None
        if source:
            try:
                expression = compile_expression(source)
            except BadExpression as error:
                self._bad_expression(run, error)
                return
        timeout = parse_duration(op.opts["timeout"])
        if self._too_long(run, op, timeout):
            return
        due = self._clock.now() + timeout
        wait = self._waits(run, op, "WaitForEvent", op.name, source, timeout, due)
        step = self._log(run, op, "WaitForEvent", "waiting")
        pending = self._open(run, op, step, wait, self._wait_expired, due)
        pending.expression = expression
        # The server loses the mode of a wait whose expression it interpolates.
        pending.races = op.races and not (expression is not None and expression.reads_trigger)
        self._waiting.setdefault(op.name, {})[run.record.id, op.hashed] = run

    def _call(self, run: Run, op: Op) -> None:
        now = self._clock.now()
        given: str | None = op.opts.get("timeout")
        timeout = parse_duration(given) if given else None
        if timeout is not None and self._too_long(run, op, timeout):
            return
        due = now + (timeout or INVOKE_DEADLINE)
        function_id: str = op.opts["function_id"]
        wait = self._waits(run, op, "InvokeFunction", function_id, None, timeout, due)
        step = self._log(run, op, "InvokeFunction", "invoking")
        self._open(run, op, step, wait, self._invocation_expired, due)
        correlation = f"{run.record.id}.{op.hashed}"
        data = {
            "_inngest": {
                "correlation_id": correlation,
                "expire": milliseconds(due),
                "fn_id": function_id,
                "gid": self._ids.uuid(f"group/{correlation}"),
                "name": op.step_id,
                "source_app_id": self._ids.uuid("app"),
                "source_fn_id": run.uuid,
                "source_fn_v": 1,
            },
            **(op.opts["payload"].get("data") or {}),
        }
        event = make_event(INVOKED, data, self._ids.next(now, "event"), milliseconds(now))
        if self._invoke(function_id, event, ParentStep(run.record.id, op.hashed)):
            return
        error = {"message": f"could not find function with ID: {function_id}", "name": "Error"}
        unknown = {
            "correlation_id": correlation,
            "error": error,
            "function_id": "",
            "run_id": "",
        }
        self._emit(make_event(FINISHED, unknown, self._ids.next(now, "event"), milliseconds(now)))
        self._resume(run, op.hashed, "failed", {"error": error}, error=error)

    def _waits(
        self,
        run: Run,
        op: Op,
        kind: Any,
        name: str,
        expression: str | None,
        timeout: timedelta | None,
        deadline: datetime,
    ) -> ArmedWait:
        return ArmedWait(
            run_id=run.record.id,
            function_id=run.settings.id,
            step_id=op.step_id,
            hashed=op.hashed,
            op=kind,
            name=name,
            expression=expression,
            timeout=timeout,
            armed_at=self._clock.now(),
            deadline=deadline,
        )

    def _open(
        self,
        run: Run,
        op: Op,
        step: StepRecord,
        wait: ArmedWait,
        expired: Callable[[Run, str], None],
        due: datetime,
    ) -> Pending:
        passive = wait.op == "InvokeFunction" and wait.timeout is None
        timer = Timer(
            due,
            partial(expired, run, op.hashed),
            wait=None if passive or wait.op == "Sleep" else wait,
            passive=passive,
        )
        pending = Pending(step, op.races, wait, timer=timer)
        run.pending[op.hashed] = pending
        run.record.waits[op.hashed] = wait
        self._scheduler.add(timer)
        self._notify(StepArmed(run.record, step, wait, wait.armed_at))
        return pending

    def _woken(self, run: Run, hashed: str) -> None:
        pending = self._close(run, hashed, "completed")
        self._settle_step(
            run, hashed, pending.step, "completed", None, pending.races, after_sleep=True
        )

    def _wait_expired(self, run: Run, hashed: str) -> None:
        self._resume(run, hashed, "timed_out", None)

    def _invocation_expired(self, run: Run, hashed: str) -> None:
        memo = {"error": INVOKE_TIMEOUT_ERROR}
        self._resume(run, hashed, "timed_out", memo, error=INVOKE_TIMEOUT_ERROR)

    def _resume(
        self,
        run: Run,
        hashed: str,
        status: Any,
        memo: Any,
        *,
        output: Any = None,
        error: dict[str, Any] | None = None,
    ) -> None:
        pending = self._close(run, hashed, status)
        pending.step.output, pending.step.error = output, error
        self._settle_step(run, hashed, pending.step, status, memo, pending.races)

    def _return_to(self, parent: ParentStep, finished: Event) -> None:
        """Give a child's end to the step that invoked it."""
        run = self._live.get(parent.run_id)
        if run is None or parent.hashed not in run.pending:
            return
        data = finished["data"]
        match data["_inngest"]["status"]:
            case "Completed":
                memo = {"data": data["result"]}
                self._resume(run, parent.hashed, "completed", memo, output=data["result"])
            case "Failed":
                memo = {"error": data["error"]}
                self._resume(run, parent.hashed, "failed", memo, error=data["error"])
            case _:
                self._resume(run, parent.hashed, "completed", finished, output=finished)

    # --- events that arrive

    def resume_waits(self, event: Event, arrival: Event) -> None:
        """Resume every wait for an event; `arrival` is the event with floats for numbers."""
        for (_, hashed), run in list(self._waiting.get(event["name"], {}).items()):
            pending = run.pending.get(hashed)
            if pending is None:
                continue  # an earlier one of this round ended the run
            expression = pending.expression
            if expression is None or expression.resumes(run.trigger, arrival):
                self._resume(run, hashed, "completed", event, output=event)

    def cancel_runs(self, event: Event, arrival: Event) -> None:
        """Cancel every run that is to be cancelled on an event."""
        now = self._clock.now()
        for run in self.live_runs():
            for rule in run.settings.cancel_on:
                if rule.event != event["name"]:
                    continue
                if rule.timeout is not None and now > run.record.queued_at + rule.timeout:
                    continue
                if rule.condition is None or rule.condition.resumes(run.trigger, arrival):
                    self.cancel(run)
                    break

    # --- limits

    def _expire(self, run: Run, due: datetime) -> None:
        run.timers.append(self._scheduler.add(Timer(due, partial(self.cancel, run))))

    def _too_long(self, run: Run, op: Op, span: timedelta) -> bool:
        if span <= LONGEST_WAIT:
            return False
        self.refuse(
            run,
            "WaitLimit",
            f"step `{op.step_id}` would take {span.days} days, and at most 366 are possible",
        )
        return True

    def _bad_expression(self, run: Run, error: BadExpression) -> None:
        message = "Wait for event If expression failed to compile"
        output = {
            "error": {
                "error": f"InvalidExpression: {message}",
                "name": "InvalidExpression",
                "message": message,
                "stack": f"error compiling expression: {error}",
            }
        }
        text = gojson.dumps_html_safe(output)
        told = {"error": "InvalidExpression", "message": text, "name": "Error"}
        self.fail(run, output, told, told=text)
