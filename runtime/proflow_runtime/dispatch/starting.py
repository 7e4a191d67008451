"""From an event to the runs it starts and cancels: one function for each name of an event."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import inngest

from proflow_runtime.context import clock
from proflow_runtime.context.tenant import required_tenant
from proflow_runtime.dispatch.asked import RUN, Asked, as_kept
from proflow_runtime.dispatch.programs import Programs
from proflow_runtime.protocol import gojson
from proflow_runtime.protocol.matching import BadExpression, compile_expression
from proflow_runtime.store import runs, triggers
from proflow_runtime.store.models.designs import Trigger
from proflow_runtime.store.runs import CANCEL_EVENT

BATCH = 200
BATCH_BYTES = 1024 * 1024
"""Events that are sent in one step: so many, and of so many bytes, unless one alone has more."""
ONCE = timedelta(days=1)
"""How long a design with `idempotency` starts no second run for the same value."""


class Starter:
    """The handler of the functions for events."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs

    async def __call__(self, ctx: inngest.Context) -> dict[str, int]:
        """Hand over what an event of a tenant starts, and cancel what it cancels."""
        tenant_id = required_tenant(ctx.event.data)
        event = as_kept(ctx.event)

        async def match() -> list[dict[str, Any]]:
            found = await started_by(tenant_id, event)
            return [
                {
                    "run": run_id,
                    "workflow": one.workflow,
                    "digest": one.digest,
                    "version": one.version,
                }
                for one in found
                if (run_id := await settled(self._programs, one, "event", event)) is not None
            ]

        async def cancel() -> list[str]:
            found = await cancelled_by(tenant_id, event)
            for run_id in found:
                await runs.withdraw(tenant_id, run_id)
            return found

        starts = await ctx.step.run("match", match)
        cancels = await ctx.step.run("match-cancels", cancel)
        handed = [
            Asked(one["run"], one["workflow"], one["digest"], one["version"], event).to_event(
                tenant_id
            )
            for one in starts
        ]
        await send(ctx, "start", handed)
        ends = [cancellation(tenant_id, run_id, cause=event["id"]) for run_id in cancels]
        await send(ctx, "cancel", ends)
        return {"started": len(starts), "cancelled": len(cancels)}


async def send(ctx: inngest.Context, step: str, events: Sequence[inngest.Event]) -> None:
    """Send events, a batch a step."""
    for number, batch in enumerate(_batches(events), start=1):
        await ctx.step.send_event(step if number == 1 else f"{step}-{number}", batch)


def _batches(events: Sequence[inngest.Event]) -> Iterator[list[inngest.Event]]:
    batch: list[inngest.Event] = []
    size = 0
    for event in events:
        own = len(json.dumps(event.data, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        if batch and (len(batch) == BATCH or size + own > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += own
    if batch:
        yield batch


def cancellation(tenant_id: int, run_id: str, *, cause: str) -> inngest.Event:
    """The event that ends a run; with the same `cause`, the same one."""
    return inngest.Event(
        name=CANCEL_EVENT,
        id=f"cancel:{run_id}:{runs.derived_id(cause)}",
        data={"tenant_id": tenant_id, "run_id": run_id},
    )


async def started_by(tenant_id: int, event: Mapping[str, Any]) -> list[Trigger]:
    """What an event, `{name, id, ts, data}`, starts: of each workflow one run."""
    arrival = _arrival(event)
    found: dict[str, Trigger] = {}
    for trigger in await triggers.matching(tenant_id, "event", event["name"]):
        if trigger.workflow not in found and _holds(trigger.condition, {"event": arrival}):
            found[trigger.workflow] = trigger
    return list(found.values())


async def cancelled_by(tenant_id: int, event: Mapping[str, Any]) -> list[str]:
    """The open runs that an event cancels, by their ids: each by the rules of its own version."""
    arrival = _arrival(event)
    now = clock.now()
    found: dict[str, None] = {}
    for rule in await triggers.matching(tenant_id, "cancel", event["name"]):
        async for run in runs.open_of(tenant_id, rule.workflow, rule.version):
            until = rule.timeout and run.created_at + timedelta(seconds=rule.timeout)
            names = {"event": gojson.as_floats(run.event), "async": arrival}
            if (not until or now <= until) and _holds(rule.condition, names):
                found[run.id] = None
    return list(found)


async def settled(
    programs: Programs, trigger: Trigger, kind: str, event: Mapping[str, Any]
) -> str | None:
    """The id of the run that a trigger starts by an event; None: there is to be no other today.

    A run that events may cancel is noted before it is handed over, so that none comes too early for
    it; one of which there is to be one a day is, so that the next is known not to be the first.
    """
    tenant_id = trigger.tenant_id
    run_id: str | None = runs.derived_id(kind, tenant_id, trigger.workflow, event["id"])
    if trigger.idempotency is not None:
        run_id = await _first_today(trigger, trigger.idempotency, event)
    if run_id is None or (trigger.idempotency is None and not trigger.cancellable):
        return run_id
    about = await programs.about(trigger.digest)
    run, _ = await runs.create(
        runs.NewRun(
            id=run_id,
            tenant_id=tenant_id,
            workflow=trigger.workflow,
            version=trigger.version,
            digest=trigger.digest,
            event=dict(event),
            function_id=RUN,
            task_type=about.task_type,
        )
    )
    return run_id if run.event["id"] == event["id"] else None


async def _first_today(trigger: Trigger, expression: str, event: Mapping[str, Any]) -> str | None:
    """The id of the run for the value that an event has; None: there is one for another event."""
    try:
        value = compile_expression(expression).evaluate({"event": _arrival(event)})
    except BadExpression as error:
        raise inngest.NonRetriableError(
            f"the idempotency of `{trigger.workflow}`: {error}"
        ) from error
    tenant_id = trigger.tenant_id
    run_id = runs.derived_id("once", tenant_id, trigger.workflow, gojson.dumps(value))
    while (run := await runs.get(tenant_id, run_id)) is not None and run.event["id"] != event["id"]:
        if clock.now() - run.created_at < ONCE:
            return None
        run_id = runs.derived_id("again", tenant_id, run_id)
    return run_id


def _holds(condition: str | None, names: Mapping[str, Any]) -> bool:
    return condition is None or compile_expression(condition).holds(names)


def _arrival(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event as conditions see it: numbers are floating, as on Inngest."""
    arrival: dict[str, Any] = gojson.as_floats({**event, "user": {}})
    return arrival
