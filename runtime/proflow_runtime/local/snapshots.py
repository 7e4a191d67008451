"""Serialises the state of a run as JSON, in pieces that change at different times."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from proflow_runtime.local.execution import Execution
from proflow_runtime.local.journal import SavedRun
from proflow_runtime.local.records import ArmedWait, ParentStep, RunRecord, StepRecord
from proflow_runtime.local.runs import Pending, QueueItem, Run
from proflow_runtime.local.settings import FunctionSettings
from proflow_runtime.protocol import gojson, wire
from proflow_runtime.protocol.matching import compile_expression


def origin(run: Run) -> str:
    """Serialise what a run was queued with."""
    record = run.record
    parent = record.parent
    head = gojson.dumps(
        {
            "function_id": record.function_id,
            "queued_at": _time(record.queued_at),
            "parent": parent and [parent.run_id, parent.hashed],
        }
    )
    return f'{head[:-1]},"events":{run.events_json}}}'


def progress(run: Run) -> str:
    """Serialise the progress of a run."""
    record = run.record
    if record.ended:
        ended = {"status": record.status, "output": record.output, "error": record.error}
        return gojson.dumps(ended)
    limit = run.limit
    return gojson.dumps(
        {
            "status": record.status,
            "started_at": record.started_at and _time(record.started_at),
            "limit": _time(limit.due) if limit is not None and limit.live else None,
            "plan_only": run.plan_only,
            "version": run.version,
        }
    )


def step(hashed: str, pending: Pending) -> str:
    """Serialise a step that is planned, or waits."""
    record, wait = pending.step, pending.wait
    return gojson.dumps(
        {
            "hashed": hashed,
            "id": record.id,
            "op": record.op,
            "status": record.status,
            "started_at": _time(record.started_at),
            "races": pending.races,
            "wait": wait
            and {
                "op": wait.op,
                "name": wait.name,
                "expression": wait.expression,
                "timeout": None if wait.timeout is None else wait.timeout.total_seconds(),
                "armed_at": _time(wait.armed_at),
                "deadline": _time(wait.deadline),
            },
        }
    )


def request(item: QueueItem) -> str:
    """Serialise a queued request; for an open one, also whether it only plans steps."""
    return gojson.dumps(
        {
            "target": item.target,
            "current": item.current,
            "queue_id": item.queue_id,
            "due": _time(item.due),
            "attempt": item.attempt,
            "after_sleep": item.after_sleep,
            "plan_only": item.plan_only if item.made else None,
            "claims": item.claims,
        }
    )


def function_of(saved: SavedRun) -> str:
    """Return the id of the function of a saved run."""
    function_id: str = json.loads(saved.origin)["function_id"]
    return function_id


def restore(execution: Execution, settings: FunctionSettings, saved: SavedRun) -> None:
    """Continue a run of an earlier process."""
    given, so_far = json.loads(saved.origin), json.loads(saved.progress)
    started = so_far["started_at"]
    record = RunRecord(
        id=saved.id,
        function_id=settings.id,
        event=given["events"][0],
        events=given["events"],
        queued_at=datetime.fromisoformat(given["queued_at"]),
        parent=given["parent"] and ParentStep(*given["parent"]),
        status=so_far["status"],
        started_at=started and datetime.fromisoformat(started),
    )
    run = execution.add(record, settings)
    run.plan_only, run.version = so_far["plan_only"], so_far["version"]
    if so_far["limit"] is not None:
        execution.expire(run, datetime.fromisoformat(so_far["limit"]))
    for hashed, memo in saved.memos:
        run.memos.add(hashed)
        run.stack.append(hashed)
        run.entries.append(wire.memo_entry(hashed, memo))
        run.size += len(memo)
    for state in saved.steps:
        _restore_step(execution, run, json.loads(state))
    _restore_requests(execution, run, saved.requests)


def _restore_step(execution: Execution, run: Run, state: dict[str, Any]) -> None:
    hashed, begun = state["hashed"], datetime.fromisoformat(state["started_at"])
    record = StepRecord(state["id"], hashed, state["op"], 0, state["status"], begun, begun)
    run.record.steps.append(record)
    given = state["wait"]
    if given is None:
        run.pending[hashed] = Pending(record, state["races"])
        return
    timeout = given["timeout"]
    wait = ArmedWait(
        run_id=run.record.id,
        function_id=run.settings.id,
        step_id=state["id"],
        hashed=hashed,
        op=given["op"],
        name=given["name"],
        expression=given["expression"],
        timeout=None if timeout is None else timedelta(seconds=timeout),
        armed_at=datetime.fromisoformat(given["armed_at"]),
        deadline=datetime.fromisoformat(given["deadline"]),
    )
    expression = compile_expression(wait.expression) if wait.expression else None
    execution.waiting.begin(run, Pending(record, state["races"], wait, expression), wait)


def _restore_requests(execution: Execution, run: Run, requests: Sequence[tuple[str, str]]) -> None:
    for job_id, text in requests:
        state = json.loads(text)
        item = QueueItem(
            run=run,
            target=state["target"],
            current=state["current"],
            job_id=job_id,
            queue_id=state["queue_id"],
            due=datetime.fromisoformat(state["due"]),
            attempt=state["attempt"],
            after_sleep=state["after_sleep"],
            plan_only=bool(state["plan_only"]),
            made=state["plan_only"] is not None,
            claims=state.get("claims", 0),
        )
        execution.schedule(item)


def _time(at: datetime) -> str:
    return at.isoformat()
