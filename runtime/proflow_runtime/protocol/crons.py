"""Cron expressions as Inngest reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from cronsim import CronSim


def as_inngest_reads(schedule: str) -> str:
    """Rewrite a step such as `*/2` in the days of a cron as a list, to get Inngest's meaning.

    For Inngest, either the day of the month or the weekday has to match. Other cron parsers treat a
    field that begins with `*` as unrestricted, so that both would have to match.
    """
    fields = schedule.split()
    if len(fields) == 5:
        for place, whole in ((2, "1-31"), (4, "0-6")):
            parts = fields[place].split(",")
            is_open = any(part in ("*", "*/1") for part in parts)
            fields[place] = "*" if is_open else fields[place].replace("*", whole)
    return " ".join(fields)


def last_tick(schedule: str, zone: tzinfo, until: datetime) -> datetime | None:
    """Return when a cron fired last, up to and including a time, in UTC.

    Args:
        schedule: The cron, without a time zone.
        zone: Its time zone.
        until: The time.
    """
    after = until.astimezone(zone) + timedelta(microseconds=1)
    tick = next(CronSim(as_inngest_reads(schedule), after, reverse=True), None)
    return None if tick is None else tick.astimezone(UTC)
