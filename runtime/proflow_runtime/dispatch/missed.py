"""Starts the runs of ticks that Inngest has missed, or has lost."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from proflow_runtime.context import clock
from proflow_runtime.dispatch.crons import PAGE, scheduled
from proflow_runtime.dispatch.programs import Programs
from proflow_runtime.dispatch.start_request import StartRequest
from proflow_runtime.dispatch.starting import settled
from proflow_runtime.protocol.app_names import AppNames
from proflow_runtime.protocol.crons import parse_cron, tick_text
from proflow_runtime.store import crons, outbox, triggers
from proflow_runtime.store.database import transaction
from proflow_runtime.store.outbox import Effect
from proflow_runtime.tenants import TenantZones

GRACE = timedelta(minutes=2)
"""How long after a tick Inngest has to begin it."""
log = logging.getLogger("proflow.stored")


class MissedTicks:
    """Makes up for ticks that did not come.

    The runs have the same ids as if the tick had come, so that a tick that comes late starts none.
    """

    def __init__(self, programs: Programs, names: AppNames, zones: TenantZones) -> None:
        self._programs, self._names, self._zones = programs, names, zones

    async def make_up(self) -> int:
        """Hand over the runs of the last tick of every cron that has missed it.

        Returns:
            How many runs were handed over.
        """
        count, until = 0, clock.now() - GRACE
        for key in sorted(await triggers.keys(self._zones.of_all)):
            if key.kind != "cron":
                continue
            tick = parse_cron(key.key).last_tick(until)
            if tick is not None:
                count += await self._made_up(key.key, tick)
        return count

    async def _made_up(self, key: str, tick: datetime) -> int:
        count = 0
        async with transaction() as client:
            if not await crons.take(key, tick):
                return 0
            after: int | None = 0
            while after is not None:
                found, after = await triggers.cron_page(
                    key, self._zones.of_all, after=after, limit=PAGE
                )
                for trigger in found:
                    if not await crons.is_older(trigger, tick):
                        continue
                    ts = int(tick.timestamp() * 1000)
                    event = scheduled(trigger.tenant_id, trigger.workflow, tick_text(tick), ts)
                    run_id = await settled(
                        self._programs, self._names, trigger, f"cron {key}", event
                    )
                    if run_id is None:
                        continue
                    request = StartRequest(
                        run_id, trigger.workflow, trigger.digest, trigger.version, event
                    ).to_event(trigger.tenant_id, self._names)
                    await outbox.put(
                        *(client, request.id, trigger.tenant_id, request.name, request.data),
                        effect=Effect("begun", run_id),
                    )
                    count += 1
        log.warning("the tick %s of `%s` did not come: %d runs are started", tick, key, count)
        return count
