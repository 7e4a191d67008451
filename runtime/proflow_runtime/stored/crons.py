"""From a tick of a cron to the runs it starts, of all tenants that have published it."""

from __future__ import annotations

import inngest

from proflow_runtime.functions import scheduled_event
from proflow_runtime.schedules import tick_of
from proflow_runtime.store import runs, triggers
from proflow_runtime.stored.asked import Asked
from proflow_runtime.values import JSON

PAGE = 500
"""Designs that are looked up, and handed over, in one step."""


async def on_tick(ctx: inngest.Context, key: str) -> dict[str, int]:
    """Hand over a run of every published design with the cron `key`."""
    tick = tick_of(ctx.event)
    after, count, full = 0, 0, True
    number = 0
    while full:
        number += 1
        suffix = "" if number == 1 else f"-{number}"
        position = after

        async def page(position: int = position) -> list[list[JSON]]:
            found = await triggers.cron_page(key, after=position, limit=PAGE)
            return [[one.id, one.tenant_id, one.workflow, one.digest, one.version] for one in found]

        rows = await ctx.step.run(f"page{suffix}", page)
        if rows:
            events = [_handed(key, tick, ctx.event.ts, *row[1:]) for row in rows]
            await ctx.step.send_event(f"start{suffix}", events)
            after = rows[-1][0]
        count += len(rows)
        full = len(rows) == PAGE
    return {"started": count}


def _handed(
    key: str, tick: str, ts: int, tenant_id: int, workflow: str, digest: str, version: int
) -> inngest.Event:
    run_id = runs.derived_id("cron", tenant_id, workflow, key, tick)
    event = {
        "name": scheduled_event(workflow),
        "id": f"cron:{run_id}",
        "ts": ts,
        "data": {"tenant_id": tenant_id, "scheduled_at": tick},
    }
    asked = Asked(run_id, workflow, digest, version, event)
    return asked.to_event(tenant_id, f"run:{run_id}")
