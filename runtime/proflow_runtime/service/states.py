"""Reads the status of a run and of every node of the version that it uses."""

from __future__ import annotations

from collections import Counter
from typing import Any

from proflow_schemas.definition import Canvas

from proflow_runtime.service.canvases import canvas_of
from proflow_runtime.service.recording import path_of, state_of
from proflow_runtime.status import NodeState, RunStatus, state_json, time_text
from proflow_runtime.status.item_states import over_items
from proflow_runtime.status.node_states import every_state
from proflow_runtime.store import blocking
from proflow_runtime.store.models.runs import NodeChange, NodeStateRow, Run


async def execution_status(tenant_id: int, run_id: str) -> dict[str, Any] | None:
    """Read the status of a run and of its nodes.

    Args:
        tenant_id: The tenant that owns the run.
        run_id: The run.

    Returns:
        The run with its nodes by id, in the form of `proflow run --format json`, or None if there
        is no such run. A node inside a foreach also has `items`, the number of items in each
        status. Times are ISO 8601.
    """
    run = await Run.get_or_none(id=run_id, tenant_id=tenant_id)
    if run is None:
        return None
    canvas = await canvas_of(run.digest)
    rows = await NodeStateRow.filter(run_id=run.id)
    return {
        "run_id": run.id,
        "workflow": run.workflow,
        "version": run.version,
        "revision": run.revision,
        "status": run.status,
        "result": run.result,
        "output": run.output,
        "error": run.error,
        "blocked": blocking.shown(run),
        "business_id": run.business_id,
        "started_by": run.started_by,
        "parent": run.parent,
        "retried_from": run.retried_from,
        "attempt": run.attempt,
        "inngest_run_id": run.inngest_run_id,
        "created_at": time_text(run.created_at),
        "started_at": time_text(run.started_at),
        "ended_at": time_text(run.ended_at),
        "nodes": {} if canvas is None else _nodes(canvas, run, rows),
    }


async def history(
    tenant_id: int, run_id: str, *, after: int = 0, limit: int = 500
) -> list[dict[str, Any]] | None:
    """List the changes of a run and of its nodes, the oldest first.

    Args:
        tenant_id: The tenant that owns the run.
        run_id: The run.
        after: Only changes with a greater id than this.
        limit: How many changes to return at most.

    Returns:
        The changes, or None if there is no such run. A change of the run itself has no `node`.
    """
    if not await Run.exists(id=run_id, tenant_id=tenant_id):
        return None
    found = NodeChange.filter(run_id=run_id, tenant_id=tenant_id, id__gt=after)
    return [
        {
            "id": one.id,
            "revision": one.revision,
            "at": time_text(one.at),
            "node": one.node or None,
            "items": list(path_of(one.items)),
            "round": one.round,
            "status": one.status,
            "outcome": one.outcome,
            "attempts": one.attempts,
            "error": one.error,
            "notes": one.notes or [],
        }
        for one in await found.order_by("id").limit(limit)
    ]


def _nodes(canvas: Canvas, run: Run, rows: list[NodeStateRow]) -> dict[str, Any]:
    recorded: dict[str, NodeState] = {}
    items: dict[str, dict[tuple[int, ...], NodeState]] = {}
    for row in rows:
        if row.items:
            items.setdefault(row.node, {})[path_of(row.items)] = state_of(row)
        else:
            recorded[row.node] = state_of(row)
    recorded |= {node: over_items(states.values()) for node, states in items.items()}
    status: Any = "running" if run.status == "pending" else run.status
    return _shown(canvas, recorded, status, run, items)


def _shown(
    canvas: Canvas,
    recorded: dict[str, NodeState],
    status: RunStatus,
    run: Run,
    items: dict[str, dict[tuple[int, ...], NodeState]],
) -> dict[str, Any]:
    if run.started_at is None:
        unbegun = NodeState("pending" if run.ended_at is None else "skipped")
        states = {node.id: [unbegun] for node in canvas.nodes if node.type != "choice"}
    else:
        states = every_state(canvas, recorded, status, run.started_at, items)
    found = {}
    for node, of_items in states.items():
        found[node] = {**state_json(over_items(of_items)), "round": over_items(of_items).round}
        if node in items:
            found[node]["items"] = dict(Counter(state.status for state in of_items))
    return found
