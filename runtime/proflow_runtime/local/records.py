"""The engine's records of runs, and the observations that it sends to listeners.

Times are aware, in UTC. Events are the objects of the wire protocol: `{data, id, name, ts, user}`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

Event: TypeAlias = dict[str, Any]
"""An event in the form of the wire protocol."""
RunStatus = Literal["Queued", "Running", "Completed", "Failed", "Cancelled"]
"""The status of a run."""
StepStatus = Literal[
    "planned",  # known, not executed yet
    "sleeping",
    "waiting",  # for an event
    "invoking",  # another function, which has not ended
    "completed",
    "timed_out",  # a wait without its event, an invocation without its result
    "retrying",  # this attempt failed, another follows
    "failed",
    "cancelled",  # open when its run ended
]
"""The status of a step."""


@dataclass(slots=True)
class StepRecord:
    """One attempt at a step, or one sleep, wait or invocation; open ones change as they settle."""

    id: str | None
    """As the function wrote it, with `:1`, `:2` when repeated; `None` is the function's body."""
    hashed: str | None
    op: str
    """`StepRun`, `Sleep`, `WaitForEvent`, `InvokeFunction`; `Error` for a failed request."""
    attempt: int
    status: StepStatus
    started_at: datetime
    """When the step was executed, planned or armed."""
    at: datetime
    """When its status was last set."""
    output: Any = None
    error: dict[str, Any] | None = None
    next_at: datetime | None = None
    """The next attempt, if `retrying`."""


@dataclass(frozen=True, slots=True)
class ArmedWait:
    """A step that is waiting for time, an event or another run."""

    run_id: str
    function_id: str
    step_id: str
    hashed: str
    op: Literal["Sleep", "WaitForEvent", "InvokeFunction"]
    name: str
    """The awaited event's name, the invoked function's id, or the ISO time of a sleep."""
    expression: str | None
    timeout: timedelta | None
    """The requested timeout; None for a sleep, and for an invocation without one."""
    armed_at: datetime
    deadline: datetime


@dataclass(slots=True)
class ParentStep:
    """The step that invoked a run."""

    run_id: str
    hashed: str


@dataclass(slots=True)
class RunRecord:
    """One run of a function."""

    id: str
    function_id: str
    event: Event
    """The trigger; of a batch the first."""
    events: list[Event]
    queued_at: datetime
    parent: ParentStep | None = None
    status: RunStatus = "Queued"
    started_at: datetime | None = None
    """When the first request was made."""
    ended_at: datetime | None = None
    output: Any = None
    error: dict[str, Any] | None = None
    """Of a failed run, as in `inngest/function.failed`."""
    steps: list[StepRecord] = field(default_factory=list)
    waits: dict[str, ArmedWait] = field(default_factory=dict)
    """What it is waiting for, by hashed step id."""

    @property
    def ended(self) -> bool:
        return self.ended_at is not None


@dataclass(slots=True)
class Exchange:
    """One request to the app and its answer."""

    number: int
    at: datetime
    run_id: str
    function_id: str
    step: str
    """`step`, or the hashed id of the targeted step."""
    body: dict[str, Any]
    status: int
    headers: dict[str, str]
    response: Any
    """As the SDK wrote it, numbers as they were."""


@dataclass(frozen=True, slots=True)
class EventReceived:
    """The engine has received an event."""

    event: Event
    id: str
    """The engine's own id, as `send` returns it; `event["id"]` is the sender's if it gave one."""
    at: datetime
    internal: bool
    """Made by the engine: `inngest/function.*`, `inngest/scheduled.timer`."""
    sender: str | None
    """The run that sent it."""


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run has begun."""

    run: RunRecord
    at: datetime


@dataclass(frozen=True, slots=True)
class StepPlanned:
    """A step was planned, and is not executed yet."""

    run: RunRecord
    step: StepRecord
    at: datetime


@dataclass(frozen=True, slots=True)
class StepArmed:
    """A sleep, a wait or an invocation began."""

    run: RunRecord
    step: StepRecord
    wait: ArmedWait
    at: datetime


@dataclass(frozen=True, slots=True)
class StepSettled:
    """A step has its output or its final error."""

    run: RunRecord
    step: StepRecord
    at: datetime


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """A step's or the body's attempt failed; `next_at` is `None` if the run fails by it."""

    run: RunRecord
    step: StepRecord
    error: dict[str, Any]
    next_at: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run has completed, failed, or was cancelled."""

    run: RunRecord
    at: datetime


Observation: TypeAlias = (
    EventReceived | RunStarted | StepPlanned | StepArmed | StepSettled | AttemptFailed | RunEnded
)
"""Something that has happened in the engine."""
Listener: TypeAlias = Callable[[Observation], None]
"""A function that is called with each observation."""
