"""Drives workflows on the local engine, and says what happened."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from proflow_runtime.local import ArmedWait, LocalEngine, RunRecord

FOREVER = 300 * 86400


def open_ended(wait: ArmedWait) -> bool:
    """Whether a wait's timeout is only Inngest's own limit."""
    return wait.timeout is not None and wait.timeout.total_seconds() > FOREVER


async def start(engine: LocalEngine, data: Mapping[str, Any] | None = None) -> RunRecord:
    """Starts a run and drives it until it ends or waits without a limit."""
    before = len(engine.runs)
    event = {"name": "x/start", "data": {"tenant_id": 1} if data is None else dict(data)}
    await engine.send(event)
    await engine.run_until_idle(ignore_timeouts=open_ended)
    return list(engine.runs.values())[before]


async def answer(engine: LocalEngine, node: str, **said: Any) -> None:
    """Answers the approval that was requested last for a node."""
    data = requests(engine, node)[-1]
    reply = {"tenant_id": data["tenant_id"], "approval_id": data["approval_id"], **said}
    await engine.send({"name": data["answer_with"], "data": reply})
    await engine.run_until_idle(ignore_timeouts=open_ended)


def requests(engine: LocalEngine, node: str) -> list[dict[str, Any]]:
    """The data of the `approval/requested` events of a node."""
    return [
        received.event["data"]
        for received in engine.events
        if received.event["name"] == "approval/requested"
        and received.event["data"]["node_id"] == node
    ]


def sent(engine: LocalEngine, name: str) -> list[dict[str, Any]]:
    return [received.event for received in engine.events if received.event["name"] == name]


def started(run: RunRecord) -> dict[str, float]:
    """When each step was first executed, armed or planned, in seconds since the run began."""
    begin = run.started_at
    assert begin is not None
    found: dict[str, datetime] = {}
    for step in run.steps:
        if step.id is not None:
            found.setdefault(step.id, step.started_at)
    return {step: (at - begin).total_seconds() for step, at in found.items()}


def executions(run: RunRecord) -> dict[str, int]:
    """How often each step was executed or armed."""
    found: dict[str, int] = {}
    for step in run.steps:
        if step.id is not None:
            found[step.id] = found.get(step.id, 0) + 1
    return found
