"""Starts and cancels runs when an event arrives; there is one function for each event name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import inngest

from proflow_runtime.context import clock
from proflow_runtime.context.tenant import required_tenant
from proflow_runtime.dispatch.cancelling import cancel_again, cancellation
from proflow_runtime.dispatch.programs import Programs
from proflow_runtime.dispatch.start_request import RUN, StartRequest, as_kept, stated_initiator
from proflow_runtime.flow.subprocess import LINEAGE
from proflow_runtime.protocol import gojson
from proflow_runtime.protocol.app_names import AppNames
from proflow_runtime.protocol.matching import BadExpression, compile_expression
from proflow_runtime.store import outbox, runs, triggers
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models.designs import Trigger
from proflow_runtime.store.outages import through_outages
from proflow_runtime.store.outbox import Effect

BATCH = 200
"""How many events are sent in one step at most."""
BATCH_BYTES = 1024 * 1024
"""How many bytes of event data are sent in one step at most, unless a single event has more."""
ONCE = timedelta(days=1)
"""How long a value of `idempotency` keeps its design from starting another run."""


class Starter:
    """The handler of the functions for events."""

    def __init__(self, programs: Programs, names: AppNames) -> None:
        self._programs, self._names = programs, names

    async def __call__(self, ctx: inngest.Context) -> dict[str, int]:
        """Start the runs that an event of a tenant starts, and cancel those that it cancels."""
        tenant_id = required_tenant(ctx.event.data)
        event = as_kept(ctx.event)

        def handed_over(starts: Sequence[Mapping[str, Any]]) -> list[inngest.Event]:
            return [
                StartRequest(
                    one["run"], one["workflow"], one["digest"], one["version"], event
                ).to_event(tenant_id, self._names)
                for one in starts
            ]

        def ending(cancels: Iterable[str]) -> list[inngest.Event]:
            return [
                cancellation(self._names, tenant_id, run_id, cause=event["id"])
                for run_id in cancels
            ]

        async def match() -> list[dict[str, Any]]:
            found = await started_by(tenant_id, event)
            starts = [
                {
                    "run": run_id,
                    "workflow": one.workflow,
                    "digest": one.digest,
                    "version": one.version,
                }
                for one in found
                if (run_id := await settled(self._programs, self._names, one, "event", event))
                is not None
            ]
            await hand_over_again(handed_over(starts))
            return starts

        async def cancel() -> list[str]:
            found = await cancelled_by(tenant_id, event)
            for run_id, one in zip(found, ending(found), strict=True):
                async with transaction() as client:
                    if not await runs.withdraw(tenant_id, run_id):
                        await cancel_again(client, tenant_id, run_id, one)
            return found

        starts = await ctx.step.run("match", partial(through_outages, match))
        cancels = await ctx.step.run("match-cancels", partial(through_outages, cancel))
        await send(ctx, "start", handed_over(starts))
        await send(ctx, "cancel", ending(cancels))
        return {"started": len(starts), "cancelled": len(cancels)}


async def send(ctx: inngest.Context, step: str, events: Sequence[inngest.Event]) -> None:
    """Send events in steps of one batch each.

    Args:
        ctx: The context of the Inngest function.
        step: The id of the first step; the others get a suffix `-2`, `-3`, ….
        events: The events.
    """
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


async def hand_over_again(events: Iterable[inngest.Event]) -> None:
    """Let the outbox hand runs over if they have not begun a little later.

    Args:
        events: The events that hand over the runs, which a step of Inngest sends now.
    """
    async with transaction() as client:
        for event in events:
            own: Any = event.data[LINEAGE]
            tenant_id: Any = event.data["tenant_id"]
            effect = Effect("begun", own["run"])
            run = await runs.get(tenant_id, effect.run_id)
            if run is None or run.status == "pending":
                await outbox.put(
                    *(client, event.id, tenant_id, event.name, event.data),
                    effect=effect,
                    wait=outbox.PAUSES[0],
                )


async def started_by(tenant_id: int, event: Mapping[str, Any]) -> list[Trigger]:
    """Find the triggers that an event fires, at most one for each workflow.

    Args:
        tenant_id: The tenant of the event.
        event: The event, `{name, id, ts, data}`.
    """
    arrival = _arrival(event)
    found: dict[str, Trigger] = {}
    for trigger in await triggers.matching(tenant_id, "event", event["name"]):
        if trigger.workflow not in found and _holds(trigger.condition, {"event": arrival}):
            found[trigger.workflow] = trigger
    return list(found.values())


async def cancelled_by(tenant_id: int, event: Mapping[str, Any]) -> list[str]:
    """Find the open runs that an event cancels, each by the rules of its own version.

    Args:
        tenant_id: The tenant of the event.
        event: The event, `{name, id, ts, data}`.

    Returns:
        The ids of the runs.
    """
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
    programs: Programs, names: AppNames, trigger: Trigger, kind: str, event: Mapping[str, Any]
) -> str | None:
    """Determine the run that a trigger starts, and record it in advance where that is necessary.

    A run that events may cancel is recorded before it is handed to Inngest, so that no cancelling
    event arrives too early. A run with `idempotency` is recorded so that the next event for the
    same value finds it, and one with a start timeout so that it is due if it never begins.

    Args:
        programs: The stored definitions.
        names: The names of the app's events; every app that gets the event starts a run of its own.
        trigger: The trigger.
        kind: The kind of the trigger, which becomes part of the run's id.
        event: The event, `{name, id, ts, data}`.

    Returns:
        The id of the run, or None if `idempotency` allows no other run now.
    """
    tenant_id = trigger.tenant_id
    parts = names.derived(kind, tenant_id, trigger.workflow, event["id"])
    run_id: str | None = runs.derived_id(*parts)
    if trigger.idempotency is not None:
        run_id = await _first_today(names, trigger, trigger.idempotency, event)
    if run_id is None:
        return None
    about = await programs.about(trigger.digest)
    recorded = trigger.idempotency is not None or trigger.cancellable
    if not recorded and about.start_timeout is None:
        return run_id
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
            started_by=stated_initiator(event["data"]),
            start_timeout=about.start_timeout,
        )
    )
    return run_id if run.event["id"] == event["id"] else None


async def _first_today(
    names: AppNames, trigger: Trigger, expression: str, event: Mapping[str, Any]
) -> str | None:
    """Return the id of the run for an idempotency value, or None if another event has started it."""
    try:
        value = compile_expression(expression).evaluate({"event": _arrival(event)})
    except BadExpression as error:
        raise inngest.NonRetriableError(
            f"the idempotency of `{trigger.workflow}`: {error}"
        ) from error
    tenant_id = trigger.tenant_id
    parts = names.derived("once", tenant_id, trigger.workflow, gojson.dumps(value))
    run_id = runs.derived_id(*parts)
    while (run := await runs.get(tenant_id, run_id)) is not None and run.event["id"] != event["id"]:
        if clock.now() - run.created_at < ONCE:
            return None
        run_id = runs.derived_id("again", tenant_id, run_id)
    return run_id


def _holds(condition: str | None, names: Mapping[str, Any]) -> bool:
    return condition is None or compile_expression(condition).holds(names)


def _arrival(event: Mapping[str, Any]) -> dict[str, Any]:
    """Convert an event to what conditions see: all numbers are floats, as on Inngest."""
    arrival: dict[str, Any] = gojson.as_floats({**event, "user": {}})
    return arrival
