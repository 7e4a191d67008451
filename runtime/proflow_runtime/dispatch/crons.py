"""Starts runs when a cron fires, for all tenants that have published a design with that cron."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

import inngest

from proflow_runtime.dispatch.programs import Programs
from proflow_runtime.dispatch.start_request import StartRequest
from proflow_runtime.dispatch.starting import hand_over_again, send, settled
from proflow_runtime.programs.functions import scheduled_event
from proflow_runtime.programs.schedules import tick_of
from proflow_runtime.protocol.app_names import AppNames
from proflow_runtime.store import crons, triggers
from proflow_runtime.store.models.designs import Trigger
from proflow_runtime.store.outages import through_outages
from proflow_runtime.tenants import TenantZones
from proflow_runtime.values import JSON

PAGE = 500
"""How many designs are looked up and started in one step."""


class Ticker:
    """The handler of the function for one cron in one time zone, which `key` holds together."""

    def __init__(self, programs: Programs, names: AppNames, zones: TenantZones, key: str) -> None:
        self._programs, self._names, self._zones, self._key = programs, names, zones, key

    async def __call__(self, ctx: inngest.Context) -> dict[str, int]:
        """Start a run of every published design that has this cron in this time zone."""
        tick, ts = tick_of(ctx.event), ctx.event.ts
        count, number = 0, 1
        after: int | None = 0
        while after is not None:
            suffix = "" if number == 1 else f"-{number}"
            position = after

            async def page(position: int = position) -> dict[str, JSON]:
                return await self._page(position, tick, ts)

            found = await ctx.step.run(f"page{suffix}", partial(through_outages, page))
            events = self._handed_over(found["starts"], tick, ts)
            await send(ctx, f"start{suffix}", events)
            count += len(events)
            after = found["next"]
            number += 1
        return {"started": count}

    async def _page(self, after: int, tick: str, ts: int) -> dict[str, JSON]:
        """Look up one page of designs: `{starts, next}`, where `next` is None on the last page."""
        found, following = await triggers.cron_page(
            self._key, self._zones.of_all, after=after, limit=PAGE
        )
        await crons.record(self._key, _time_of(tick, ts))
        starts = [
            [one.tenant_id, one.workflow, one.digest, one.version, run_id]
            for one in found
            if (run_id := await self._run_id(one, tick, ts)) is not None
        ]
        await hand_over_again(self._handed_over(starts, tick, ts))
        return {"starts": starts, "next": following}

    def _handed_over(self, starts: Any, tick: str, ts: int) -> list[inngest.Event]:
        return [
            StartRequest(
                run_id, workflow, digest, version, scheduled(tenant_id, workflow, tick, ts)
            ).to_event(tenant_id, self._names)
            for tenant_id, workflow, digest, version, run_id in starts
        ]

    async def _run_id(self, trigger: Trigger, tick: str, ts: int) -> str | None:
        event = scheduled(trigger.tenant_id, trigger.workflow, tick, ts)
        return await settled(self._programs, self._names, trigger, f"cron {self._key}", event)


def _time_of(tick: str, ts: int) -> datetime:
    """The time of a tick; that of its event, if it was invoked by hand."""
    try:
        return datetime.fromisoformat(tick)
    except ValueError:
        return datetime.fromtimestamp(ts / 1000, UTC)


def scheduled(tenant_id: int, workflow: str, tick: str, ts: int) -> dict[str, Any]:
    """Build the event that starts a tenant's run for one firing of the cron."""
    return {
        "name": scheduled_event(workflow),
        "id": f"cron:{tenant_id}:{workflow}:{tick}",
        "ts": ts,
        "data": {"tenant_id": tenant_id, "scheduled_at": tick},
    }
