"""From a tick of a cron to the runs it starts, of all tenants that have published it."""

from __future__ import annotations

from typing import Any

import inngest

from proflow_runtime.dispatch.asked import Asked
from proflow_runtime.dispatch.programs import Programs
from proflow_runtime.dispatch.starting import send, settled
from proflow_runtime.programs.functions import scheduled_event
from proflow_runtime.programs.schedules import tick_of
from proflow_runtime.store import triggers
from proflow_runtime.store.models.designs import Trigger
from proflow_runtime.tenants import TenantZones
from proflow_runtime.values import JSON

PAGE = 500
"""Designs that are looked up, and handed over, in one step."""


class Ticker:
    """The handler of the function for a cron with its time zone, `key`."""

    def __init__(self, programs: Programs, zones: TenantZones, key: str) -> None:
        self._programs, self._zones, self._key = programs, zones, key

    async def __call__(self, ctx: inngest.Context) -> dict[str, int]:
        """Hand over a run of every published design with the cron, in the function's time zone."""
        tick, ts = tick_of(ctx.event), ctx.event.ts
        count, number = 0, 1
        after: int | None = 0
        while after is not None:
            suffix = "" if number == 1 else f"-{number}"
            position = after

            async def page(position: int = position) -> dict[str, JSON]:
                return await self._page(position, tick, ts)

            found = await ctx.step.run(f"page{suffix}", page)
            events = [
                Asked(
                    run_id, workflow, digest, version, _scheduled(tenant_id, workflow, tick, ts)
                ).to_event(tenant_id)
                for tenant_id, workflow, digest, version, run_id in found["starts"]
            ]
            await send(ctx, f"start{suffix}", events)
            count += len(events)
            after = found["next"]
            number += 1
        return {"started": count}

    async def _page(self, after: int, tick: str, ts: int) -> dict[str, JSON]:
        """Starts, and where the next page begins; None: there is none."""
        found, following = await triggers.cron_page(
            self._key, self._zones.of_all, after=after, limit=PAGE
        )
        starts = [
            [one.tenant_id, one.workflow, one.digest, one.version, run_id]
            for one in found
            if (run_id := await self._run_id(one, tick, ts)) is not None
        ]
        return {"starts": starts, "next": following}

    async def _run_id(self, trigger: Trigger, tick: str, ts: int) -> str | None:
        event = _scheduled(trigger.tenant_id, trigger.workflow, tick, ts)
        return await settled(self._programs, trigger, f"cron {self._key}", event)


def _scheduled(tenant_id: int, workflow: str, tick: str, ts: int) -> dict[str, Any]:
    """What a tick is to a run of a tenant."""
    return {
        "name": scheduled_event(workflow),
        "id": f"cron:{tenant_id}:{workflow}:{tick}",
        "ts": ts,
        "data": {"tenant_id": tenant_id, "scheduled_at": tick},
    }
