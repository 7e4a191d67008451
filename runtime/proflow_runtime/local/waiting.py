"""Steps that wait for a time, an event or another run."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from proflow_runtime.context.clock import Clock
from proflow_runtime.local.ids import IdFactory, milliseconds
from proflow_runtime.local.journal import Journal
from proflow_runtime.local.records import (
    ArmedWait,
    Event,
    Observation,
    ParentStep,
    StepArmed,
    StepRecord,
    StepStatus,
)
from proflow_runtime.local.runs import (
    FINISHED,
    INVOKE_TIMEOUT_ERROR,
    INVOKED,
    Pending,
    Run,
    due_time,
    make_event,
)
from proflow_runtime.local.scheduler import Scheduler, Timer
from proflow_runtime.local.settings import LONGEST_WAIT, parse_duration
from proflow_runtime.protocol import gojson
from proflow_runtime.protocol.matching import BadExpression, Expression, compile_expression
from proflow_runtime.protocol.wire import Op

INVOKE_DEADLINE = timedelta(days=365)


class Runs(Protocol):
    """The part of `Execution` that `Waiting` uses."""

    def find(self, run_id: str) -> Run | None: ...

    def log(self, run: Run, op: Op, name: str, status: StepStatus) -> StepRecord: ...

    def close(self, run: Run, hashed: str, status: StepStatus) -> Pending: ...

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
    ) -> None: ...

    def fail(
        self, run: Run, output: Any, error: dict[str, Any], *, event_output: Any = None
    ) -> None: ...

    def refuse(self, run: Run, name: str, message: str) -> None: ...


class Waiting:
    """Arms waits, and resumes runs on an event, at the end of a child, or at a time."""

    def __init__(
        self,
        runs: Runs,
        clock: Clock,
        scheduler: Scheduler,
        ids: IdFactory,
        journal: Journal,
        *,
        emit: Callable[[Event], None],
        invoke: Callable[[str, Event, ParentStep], bool],
        notify: Callable[[Observation], None],
    ) -> None:
        self._execution = runs
        self._clock = clock
        self._scheduler = scheduler
        self._ids = ids
        self._journal = journal
        self._emit = emit
        self._invoke = invoke
        self._notify = notify
        self._by_event: dict[str, dict[tuple[str, str], Run]] = {}

    def forget(self, wait: ArmedWait) -> None:
        """Remove a wait that has ended."""
        if wait.op == "WaitForEvent":
            del self._by_event[wait.name][wait.run_id, wait.hashed]

    def arm(self, run: Run, op: Op) -> None:
        """Start the wait that an operation requests; the run fails if that is impossible."""
        match op.op:
            case "Sleep":
                self._sleep(run, op)
            case "WaitForEvent":
                self._wait(run, op)
            case "InvokeFunction":
                self._call(run, op)
            case _:
                self._execution.refuse(
                    run,
                    "Unsupported",
                    f"step `{op.step_id}` asks for {op.op}, which the local engine cannot do",
                )

    def _sleep(self, run: Run, op: Op) -> None:
        now = self._clock.now()
        due = due_time(op.name)
        if self._too_long(run, op, due - now):
            return
        wait = self._waits(run, op, "Sleep", op.name, None, None, due)
        step = self._execution.log(run, op, "Sleep", "sleeping")
        self._open(run, Pending(step, op.races, wait), wait)

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
        step = self._execution.log(run, op, "WaitForEvent", "waiting")
        # The server loses the mode of a wait whose expression it interpolates.
        races = op.races and not (expression is not None and expression.reads_trigger)
        self._open(run, Pending(step, races, wait, expression), wait)

    def _call(self, run: Run, op: Op) -> None:
        now = self._clock.now()
        given: str | None = op.opts.get("timeout")
        timeout = parse_duration(given) if given else None
        if timeout is not None and self._too_long(run, op, timeout):
            return
        due = now + (timeout or INVOKE_DEADLINE)
        function_id: str = op.opts["function_id"]
        wait = self._waits(run, op, "InvokeFunction", function_id, None, timeout, due)
        step = self._execution.log(run, op, "InvokeFunction", "invoking")
        self._open(run, Pending(step, op.races, wait), wait)
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

    def _open(self, run: Run, pending: Pending, wait: ArmedWait) -> None:
        self.begin(run, pending, wait)
        self._journal.step_opened(run, wait.hashed, pending)
        self._notify(StepArmed(run.record, pending.step, wait, wait.armed_at))

    def begin(self, run: Run, pending: Pending, wait: ArmedWait) -> None:
        """Start a wait, which may be one of an earlier process."""
        expired = {
            "Sleep": self._woken,
            "WaitForEvent": self._wait_expired,
            "InvokeFunction": self._invocation_expired,
        }[wait.op]
        endless = wait.op == "InvokeFunction" and wait.timeout is None
        pending.timer = Timer(
            max(wait.deadline, self._clock.now()),
            partial(expired, run, wait.hashed),
            wait=None if endless or wait.op == "Sleep" else wait,
            passive=endless,
        )
        run.pending[wait.hashed] = pending
        run.record.waits[wait.hashed] = wait
        if wait.op == "WaitForEvent":
            self._by_event.setdefault(wait.name, {})[run.record.id, wait.hashed] = run
        self._scheduler.add(pending.timer)

    def _woken(self, run: Run, hashed: str) -> None:
        pending = self._execution.close(run, hashed, "completed")
        self._execution.settle_step(
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
        status: StepStatus,
        memo: Any,
        *,
        output: Any = None,
        error: dict[str, Any] | None = None,
    ) -> None:
        pending = self._execution.close(run, hashed, status)
        pending.step.output, pending.step.error = output, error
        self._execution.settle_step(run, hashed, pending.step, status, memo, pending.races)

    def return_to(self, parent: ParentStep, finished: Event) -> None:
        """Pass the result of a child to the step that invoked it."""
        run = self._execution.find(parent.run_id)
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

    def resume_all(self, event: Event, arrival: Event) -> None:
        """Resume every wait for an event; `arrival` is the event with floats for numbers."""
        for (_, hashed), run in list(self._by_event.get(event["name"], {}).items()):
            pending = run.pending.get(hashed)
            if pending is None:
                continue  # an earlier one of this round ended the run
            expression = pending.expression
            if expression is None or expression.resumes(run.trigger, arrival):
                self._resume(run, hashed, "completed", event, output=event)

    def _too_long(self, run: Run, op: Op, span: timedelta) -> bool:
        if span <= LONGEST_WAIT:
            return False
        self._execution.refuse(
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
        failure = {"error": "InvalidExpression", "message": text, "name": "Error"}
        self._execution.fail(run, output, failure, event_output=text)
