"""Reports a simulated run as JSON, for `proflow run --format json`; times are ISO 8601, in UTC."""

from dataclasses import asdict
from typing import Any

from proflow_schemas.step_ids import node_of

from proflow_runtime.local import RunRecord, StepRecord
from proflow_runtime.simulation.playing import Attempt, Simulated
from proflow_runtime.status import RunStatus, state_json, time_text
from proflow_runtime.status.node_states import node_states
from proflow_runtime.status.redaction import to_keep
from proflow_runtime.status.step_attempts import StepAttempt, error_json, logs_json
from proflow_runtime.values.result_wrappers import StepFailure, unwrap

_STATUSES: dict[str, RunStatus] = {
    "Completed": "completed",
    "Failed": "failed",
    "Cancelled": "cancelled",
}
_STEP_STATUSES = {"timed_out": "timeout", "retrying": "failed"}


def report(simulated: Simulated) -> dict[str, Any]:
    """Report a simulated run.

    Returns:
        `{"run_id", "workflow", "status", "result", "output", "error", "started_at", "ended_at",
        "nodes", "steps", "events", "attempts", "simulated", "unused"}`. `steps` has one entry per
        attempt, sleep or wait, where `at` is when it was executed, answered or ended; for an open
        one, when it began. `attempts` has those of handlers that were not simulated.
    """
    run, definition = simulated.run, simulated.definition
    status: RunStatus = _STATUSES.get(run.status, "waiting")
    output = run.output if status == "completed" and isinstance(run.output, dict) else {}
    known = simulated.states
    recorded, items = (known.nodes, known.items) if known else ({}, {})
    nodes = node_states(definition.canvas, recorded, status, run.started_at, items)
    return {
        "run_id": simulated.run_id,
        "workflow": definition.id,
        "status": status,
        "result": output.get("result"),
        "output": output.get("output"),
        "error": _error(run),
        "started_at": time_text(run.started_at),
        "ended_at": time_text(run.ended_at),
        "nodes": {name: state_json(state) for name, state in nodes.items()},
        "steps": [
            _attempted(entry, simulated.run_id) if isinstance(entry, Attempt) else _settled(entry)
            for entry in simulated.log
        ],
        "events": [
            {
                "name": received.event["name"],
                "data": received.event["data"],
                "id": received.event["id"],
                "at": time_text(received.at),
                "run_id": received.sender,
            }
            for received in simulated.engine.events
            if not received.internal
        ],
        "attempts": [
            _observed(one) for one in simulated.attempts if one.node not in simulated.simulated
        ],
        "simulated": simulated.simulated,
        "unused": simulated.unused,
    }


def _error(run: RunRecord) -> dict[str, Any] | None:
    if run.error is None:
        return None
    return {"name": run.error.get("name"), "message": run.error.get("message")}


def _attempted(attempt: Attempt, run_id: str) -> dict[str, Any]:
    return {
        "id": attempt.step.removeprefix(f"{run_id}:"),
        "op": "StepRun",
        "node": attempt.node,
        "attempt": attempt.number,
        "at": time_text(attempt.at),
        "status": "completed" if attempt.error is None else "failed",
        "output": attempt.output if attempt.error is None else attempt.error,
    }


def _observed(attempt: StepAttempt) -> dict[str, Any]:
    return {
        "node": attempt.node,
        "step": attempt.step,
        "number": attempt.number,
        "started_at": time_text(attempt.started_at),
        "ended_at": time_text(attempt.ended_at),
        "error": error_json(attempt.error),
        "logs": logs_json(attempt.logs),
        "input": to_keep(attempt.node, attempt.input),
        "output": to_keep(attempt.node, attempt.output),
    }


def _settled(step: StepRecord) -> dict[str, Any]:
    open_ = step.status in ("waiting", "sleeping", "invoking")
    status, output = _STEP_STATUSES.get(step.status, step.status), step.output
    if step.error is not None:
        output = step.error
    elif step.op == "StepRun" and isinstance(memo := unwrap(output), StepFailure):
        status, output = "failed", {"name": memo.name, "message": memo.message}
    return {
        "id": step.id,
        "op": step.op,
        "node": node_of(step.id or ""),
        "attempt": step.attempt + 1,
        "at": time_text(step.started_at if open_ else step.at),
        "status": status,
        "output": output,
    }


def traced(simulated: Simulated) -> list[dict[str, Any]]:
    """Return every request to the SDK with its response: `{"at", "run_id", …, "response"}`."""
    return [
        {**asdict(exchange), "at": time_text(exchange.at)} for exchange in simulated.engine.requests
    ]
