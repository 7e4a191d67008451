"""From an event to the runs it starts and cancels: one function for each name of an event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import inngest

from proflow_runtime import clock
from proflow_runtime.local import gojson
from proflow_runtime.local.matching import BadExpression, compile_expression
from proflow_runtime.store import runs, triggers
from proflow_runtime.store.models.designs import Trigger
from proflow_runtime.store.runs import CANCEL_EVENT
from proflow_runtime.stored.asked import Asked, as_kept
from proflow_runtime.tenant import required_tenant

BATCH = 200
"""Runs that are handed over, or cancelled, in one step."""


async def on_event(ctx: inngest.Context) -> dict[str, int]:
    """Hand over what an event of a tenant starts, and cancel what it cancels."""
    tenant_id = required_tenant(ctx.event.data)
    event = ctx.event

    async def match() -> list[dict[str, Any]]:
        return await started_by(tenant_id, event)

    async def cancel() -> list[str]:
        return await cancelled_by(tenant_id, event)

    starts = await ctx.step.run("match", match)
    cancels = await ctx.step.run("match-cancels", cancel)
    handed = [
        Asked(
            start["run"], start["workflow"], start["digest"], start["version"], as_kept(event)
        ).to_event(tenant_id, start["id"])
        for start in starts
    ]
    await send(ctx, "start", handed)
    await send(ctx, "cancel", [cancellation(tenant_id, run_id) for run_id in cancels])
    return {"started": len(starts), "cancelled": len(cancels)}


async def send(ctx: inngest.Context, step: str, events: list[inngest.Event]) -> None:
    """Send events, a batch a step."""
    for number, first in enumerate(range(0, len(events), BATCH), start=1):
        name = step if number == 1 else f"{step}-{number}"
        await ctx.step.send_event(name, events[first : first + BATCH])


def cancellation(tenant_id: int, run_id: str) -> inngest.Event:
    """The event that ends a run."""
    return inngest.Event(
        name=CANCEL_EVENT,
        id=f"cancel:{run_id}",
        data={"tenant_id": tenant_id, "run_id": run_id},
    )


async def started_by(tenant_id: int, event: inngest.Event) -> list[dict[str, Any]]:
    """The runs that an event starts: `{run, workflow, digest, version, id}`, the last of which is
    the id of the event that hands the run over: Inngest takes it once.
    """
    arrival = _arrival(event)
    found: dict[str, dict[str, Any]] = {}
    for trigger in await triggers.matching(tenant_id, "event", event.name):
        if trigger.workflow in found or not _holds(trigger.condition, {"event": arrival}):
            continue
        run_id = runs.derived_id("event", tenant_id, trigger.workflow, event.id)
        found[trigger.workflow] = {
            "run": run_id,
            "workflow": trigger.workflow,
            "digest": trigger.digest,
            "version": trigger.version,
            "id": _once(trigger, tenant_id, arrival) or f"run:{run_id}",
        }
    return list(found.values())


async def cancelled_by(tenant_id: int, event: inngest.Event) -> list[str]:
    """The open runs that an event cancels, by their ids: each by the rules of its own version."""
    arrival = _arrival(event)
    now = clock.now()
    found: dict[str, None] = {}
    for rule in await triggers.matching(tenant_id, "cancel", event.name):
        async for run in runs.open_of(tenant_id, rule.workflow, rule.digest):
            until = rule.timeout and run.created_at + timedelta(seconds=rule.timeout)
            names = {"event": gojson.as_floats(run.event), "async": arrival}
            if (not until or now <= until) and _holds(rule.condition, names):
                found[run.id] = None
    return list(found)


def _once(trigger: Trigger, tenant_id: int, arrival: Mapping[str, Any]) -> str | None:
    """The id of the handing event of a design that starts once per value, a day long."""
    if trigger.idempotency is None:
        return None
    try:
        value = compile_expression(trigger.idempotency).evaluate({"event": arrival})
    except BadExpression as error:
        raise inngest.NonRetriableError(
            f"the idempotency of `{trigger.workflow}`: {error}"
        ) from error
    digest = runs.derived_id("once", tenant_id, trigger.workflow, gojson.dumps(value))
    return f"once:{digest}"


def _holds(condition: str | None, names: Mapping[str, Any]) -> bool:
    return condition is None or compile_expression(condition).holds(names)


def _arrival(event: inngest.Event) -> dict[str, Any]:
    """An event as conditions see it: numbers are floating, as on Inngest."""
    arrival: dict[str, Any] = gojson.as_floats({**as_kept(event), "user": {}})
    return arrival
