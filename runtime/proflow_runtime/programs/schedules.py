"""Crons: each tick starts one run per tenant."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import inngest
from proflow_schemas.times import UTC_NAME

from proflow_runtime.context.tenant import is_tenant
from proflow_runtime.context.zones import default_timezone
from proflow_runtime.handlers.lifespan import surroundings_of
from proflow_runtime.handlers.registry import Tenants

_BATCH = 500


def cron_trigger(cron: str, timezone: str | None = None) -> inngest.TriggerCron:
    """Make an Inngest trigger from a cron expression.

    Args:
        cron: A cron expression of five fields.
        timezone: Its time zone, such as `Asia/Shanghai`; by default `PROFLOW_TIMEZONE`, else UTC.
    """
    return inngest.TriggerCron(cron=in_timezone(cron, timezone or default_timezone()))


def in_timezone(cron: str, timezone: str) -> str:
    """Return a cron with its time zone in Inngest's form: `TZ=Asia/Shanghai 0 9 * * *`."""
    return cron if timezone == UTC_NAME else f"TZ={timezone} {cron}"


def fan_out(
    client: inngest.Inngest,
    *,
    fn_id: str,
    cron: str,
    event: str,
    tenants: Tenants,
    timezone: str | None = None,
) -> inngest.Function[Any]:
    """Make an Inngest function that sends an event to each tenant at each tick of a cron.

    The data of the event is `{"tenant_id", "scheduled_at"}`. Its id consists of the tick and the
    tenant, so that no run starts twice.

    Args:
        client: The Inngest client of the application.
        fn_id: The id of the function.
        cron: A cron expression of five fields.
        event: The name of the event.
        tenants: Returns the ids of the tenants.
        timezone: The time zone of the cron; by default `PROFLOW_TIMEZONE`, else UTC.
    """

    async def handler(ctx: inngest.Context) -> dict[str, int]:
        async def listed() -> list[int]:
            with surroundings_of(tenants).entered():
                ids = list(await tenants())
            if wrong := [one for one in ids if not is_tenant(one)]:
                raise inngest.NonRetriableError(
                    f"`tenants` gave {wrong[0]!r}, which is no positive integer"
                )
            return list(dict.fromkeys(ids))

        scheduled_at = tick_of(ctx.event)
        ids = await ctx.step.run("tenants", listed)
        for number, start in enumerate(range(0, len(ids), _BATCH), start=1):
            events = [
                inngest.Event(
                    name=event,
                    data={"tenant_id": tenant, "scheduled_at": scheduled_at},
                    id=f"{fn_id}:{scheduled_at}:{tenant}",
                )
                for tenant in ids[start : start + _BATCH]
            ]
            await ctx.step.send_event("send" if number == 1 else f"send-{number}", events)
        return {"tenants": len(ids)}

    create = client.create_function(fn_id=fn_id, trigger=cron_trigger(cron, timezone), retries=4)
    return create(handler)


def tick_of(event: inngest.Event) -> str:
    """Return the time of a cron's tick in ISO 8601; if invoked by hand, the time of the event."""
    at = event.data.get("scheduledAt")
    if isinstance(at, str) and at:
        return at
    when = datetime.fromtimestamp(event.ts / 1000, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
