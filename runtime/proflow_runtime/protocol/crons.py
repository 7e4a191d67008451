"""Cron expressions as Inngest reads them: when they fire."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

_CRON_ZONE = re.compile(r"(?:CRON_)?TZ=(\S+)\s+(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CronTrigger:
    """A five-field cron expression in a time zone (UTC unless it starts with `TZ=Zone`)."""

    source: str
    schedule: str
    zone: ZoneInfo

    def ticks(self, after: datetime) -> Iterator[datetime]:
        """Yield the times at which it fires, strictly after a time, in UTC."""
        for tick in CronSim(_as_inngest_reads(self.schedule), after.astimezone(self.zone)):
            yield tick.astimezone(UTC)

    def last_tick(self, until: datetime) -> datetime | None:
        """Return when it fired last, up to and including a time, in UTC."""
        after = until.astimezone(self.zone) + timedelta(microseconds=1)
        tick = next(CronSim(_as_inngest_reads(self.schedule), after, reverse=True), None)
        return None if tick is None else tick.astimezone(UTC)


def _as_inngest_reads(schedule: str) -> str:
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


def parse_cron(source: str) -> CronTrigger:
    """Parse a cron trigger as Inngest does. Raises `ValueError`."""
    zone_name, schedule = "UTC", source
    if found := _CRON_ZONE.fullmatch(source.strip()):
        zone_name, schedule = found[1], found[2]
    if len(schedule.split()) != 5:
        raise ValueError(f"`{source}` is not a cron expression of five fields")
    try:
        zone = ZoneInfo(zone_name)
        CronSim(schedule, datetime(2026, 1, 1, tzinfo=zone))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"`{zone_name}` is not a time zone") from error
    except CronSimError as error:
        raise ValueError(f"`{source}` is not a cron expression: {error}") from error
    return CronTrigger(source, schedule, zone)


def tick_text(at: datetime) -> str:
    """Return the time of a tick as Inngest writes it, such as `2026-01-01T09:00:00Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
