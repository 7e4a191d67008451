"""Records which ticks of crons have started their runs, to find those that were missed."""

from __future__ import annotations

from datetime import datetime

from proflow_runtime.context import clock
from proflow_runtime.store.models.crons import CronRow
from proflow_runtime.store.models.designs import DesignVersion, Trigger


async def record(key: str, tick: datetime) -> None:
    """Record that the runs of a tick are handed over.

    Args:
        key: The cron with its time zone.
        tick: The time of the tick.
    """
    await CronRow.bulk_create([CronRow(key=key, tick=tick)], ignore_conflicts=True)
    await CronRow.filter(key=key, tick__lt=tick).update(tick=tick)


async def take(key: str, tick: datetime) -> bool:
    """Take a tick that was missed, in the transaction that starts its runs.

    A cron is known from when it is taken first: earlier ticks are not missed.

    Args:
        key: The cron with its time zone.
        tick: The last time at which it should have fired.

    Returns:
        False if the tick was not missed, or another process has taken it.
    """
    row = await CronRow.select_for_update().get_or_none(key=key)
    if row is None:
        await CronRow.bulk_create([CronRow(key=key, tick=clock.now())], ignore_conflicts=True)
        return False
    if row.tick >= tick:
        return False
    row.tick = tick
    await row.save(update_fields=["tick"])
    return True


async def is_older(trigger: Trigger, tick: datetime) -> bool:
    """True if the version of a trigger was published before a tick."""
    versions = DesignVersion.filter(
        tenant_id=trigger.tenant_id, design_id=trigger.design_id, number=trigger.version
    )
    return await versions.filter(published_at__lt=tick).exists()
