"""The engine's internal state of a run, and the events that the server sends about runs."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from proflow_runtime.local.records import ArmedWait, Event, RunRecord, StepRecord
from proflow_runtime.local.scheduler import Timer
from proflow_runtime.local.settings import FunctionSettings
from proflow_runtime.protocol import gojson, wire
from proflow_runtime.protocol.matching import Expression

FINISHED = "inngest/function.finished"
FAILED = "inngest/function.failed"
CANCELLED = "inngest/function.cancelled"
INVOKED = "inngest/function.invoked"
CRON = "inngest/scheduled.timer"
INVOKE_TIMEOUT_ERROR = {
    "error": "InngestInvokeTimeoutError: Timed out waiting for invoked function to complete",
    "message": "Timed out waiting for invoked function to complete",
    "name": "InngestInvokeTimeoutError",
}


Place = tuple[tuple[str, str, str], int]
"""What a limit on concurrency counts (owner, key's source, key's value), and the limit."""


@dataclass(slots=True, eq=False)
class Pending:
    """A step that is planned, or waiting for something."""

    step: StepRecord
    races: bool
    wait: ArmedWait | None = None
    expression: Expression | None = None
    timer: Timer | None = None


@dataclass(slots=True, eq=False)
class Run:
    """The internal state of a run; its public part is `record`.

    `memos`: the hashed ids of the completed steps. `entries`: their stored outputs, as JSON text
    `"id":output`. `stack`: the same ids in order of completion. `plan_only`: the field
    `disable_immediate_execution` of requests. `version`: -1 until a 206 response was accepted.
    """

    record: RunRecord
    settings: FunctionSettings
    uuid: str
    event_json: str
    events_json: str
    trigger: Event
    """The trigger with floats for numbers, for expressions."""
    rank: timedelta
    """The priority of the run; a higher one is served earlier."""
    memos: set[str] = field(default_factory=set)
    entries: list[str] = field(default_factory=list)
    stack: list[str] = field(default_factory=list)
    pending: dict[str, Pending] = field(default_factory=dict)
    plan_only: bool = False
    version: int = -1
    size: int = 0
    """The size of the stored outputs, in bytes."""
    limit: Timer | None = None
    """The timer that cancels the run if it does not start (later: finish) in time."""
    queued: set[Timer] = field(default_factory=set)
    """The queued requests."""
    places: tuple[Place, ...] | None = None
    """The concurrency limits that apply to the run, once they are known."""


@dataclass(slots=True, eq=False)
class QueueItem:
    """A queued request. Its retries are the same item with a higher `attempt`.

    `target`: the hashed id of a planned step, or `None` for a request that discovers steps.
    `current`: the length of the stack when it was queued.
    """

    run: Run
    target: str | None
    current: int
    job_id: str
    queue_id: str
    due: datetime
    attempt: int = 0
    after_sleep: bool = False
    plan_only: bool = False
    """The value that its request contains."""
    made: bool = False
    """The request is open, or was when an earlier process ended; it is then repeated unchanged."""
    claims: int = 0
    """How many processes have begun the request, this one included if `claimed`. Each stores it before."""
    claimed: bool = False
    mark: int = 0
    """The position of the journal when the request was queued."""

    @property
    def step(self) -> str:
        return self.target or "step"


class PreparedRequest:
    """A request that is about to be made; it contains the state of the run as of now.

    The memos of a run are only ever added to, so their number is enough to write them later. Most
    prepared requests of a group are never written: the run has ended, or the response is known.
    """

    __slots__ = ("_count", "_version", "id", "item", "number")

    def __init__(self, item: QueueItem, number: int, id: str) -> None:
        self.item, self.number, self.id = item, number, id
        self._count, self._version = len(item.run.stack), item.run.version

    @property
    def question(self) -> Hashable:
        """What a function can tell apart of the requests of one moment."""
        item = self.item
        run = item.run.record.id
        return run, item.target, item.attempt, item.plan_only, self._count, self._version

    def body(self) -> bytes:
        """Return the body of the request."""
        item, count = self.item, self._count
        run = item.run
        return wire.request_body(
            attempt=item.attempt,
            max_attempts=run.settings.max_attempts,
            plan_only=item.plan_only,
            function_uuid=run.uuid,
            job_id=item.job_id,
            queue_id=item.queue_id,
            request_id=self.id,
            run_id=run.record.id,
            current=item.current,
            stack=run.stack[:count],
            event=run.event_json,
            events=run.events_json,
            memos=run.entries[:count],
            version=self._version,
        )


def make_event(name: str, data: dict[str, Any], event_id: str, ts: int) -> Event:
    """Make an event of the server itself, with sorted keys."""
    return {"data": data, "id": event_id, "name": name, "ts": ts, "user": {}}


def ended_data(run: RunRecord, result: Any) -> dict[str, Any]:
    """Return the data of `function.finished`, `.failed` and `.cancelled`, with sorted keys."""
    data: dict[str, Any] = {"_inngest": {"status": run.status}}
    if run.parent is not None:
        data["correlation_id"] = f"{run.parent.run_id}.{run.parent.hashed}"
    if run.error is not None:
        data["error"] = run.error
    data["event"] = run.event
    data["events"] = [
        {key: value for key, value in event.items() if key != "user" or value}
        for event in run.events
    ]
    data["function_id"] = run.function_id
    if run.status != "Cancelled":
        data["result"] = result
    data["run_id"] = run.id
    return data


def function_error(body: Any, *, no_retry: bool) -> dict[str, Any]:
    """Return the `error` of a failed run, from the body of the last response."""
    error: dict[str, Any] = {
        "error": "NonRetriableError" if no_retry else "invalid status code: 500"
    }
    if isinstance(body, dict):
        error |= {key: body[key] for key in ("message", "name", "stack") if key in body}
    else:
        error |= {"message": gojson.dumps(body), "name": "Error"}
    return error


def step_error(error: dict[str, Any] | None, *, no_retry: bool) -> dict[str, Any]:
    """Return the stored error of a step that has failed for good."""
    kept = {key: (error or {}).get(key) for key in ("message", "name")}
    if no_retry:
        kept["noRetry"] = True
    if error and error.get("stack") is not None:
        kept["stack"] = error["stack"]
    return kept


def due_time(text: str) -> datetime:
    """Parse the time of a sleep."""
    return datetime.fromisoformat(text)
