"""An Inngest server in one process, for tests and for one machine.

`LocalEngine` drives the real Inngest SDK, in virtual or in real time. The names exported here are
public; all modules of the package are internal.
"""

from proflow_runtime.context.clock import Clock, RealClock, VirtualClock
from proflow_runtime.local.engine import LocalEngine, Runaway
from proflow_runtime.local.records import (
    ArmedWait,
    AttemptFailed,
    Event,
    EventReceived,
    Exchange,
    Listener,
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
    StepStatus,
)
from proflow_runtime.local.retries import inngest_backoff
from proflow_runtime.local.settings import Unsupported

__all__ = [
    "ArmedWait",
    "AttemptFailed",
    "Clock",
    "Event",
    "EventReceived",
    "Exchange",
    "Listener",
    "LocalEngine",
    "Observation",
    "ParentStep",
    "RealClock",
    "RunEnded",
    "RunRecord",
    "RunStarted",
    "RunStatus",
    "Runaway",
    "StepArmed",
    "StepPlanned",
    "StepRecord",
    "StepSettled",
    "StepStatus",
    "Unsupported",
    "VirtualClock",
    "inngest_backoff",
]
