"""The days of a cron expression, as Inngest reads its five fields."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from proflow_schemas.configs import CronTrigger

from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.facts import Facts

LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""The most days of each month."""
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
OFFERED_ZONE = "Asia/Shanghai"
"""The zone that is shown to designs that name none."""
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

_ZONE = re.compile(r"[A-Za-z0-9_+/-]{1,40}")
_PART = re.compile(r"(\*|[0-9]{1,2}|[a-z]{3})(?:-([0-9]{1,2}|[a-z]{3}))?(?:/([0-9]{1,2}))?")


@dataclass(frozen=True)
class Days:
    """On which days a cron fires. `either`: a day of the month or a weekday is enough."""

    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool


@dataclass(frozen=True)
class Tick:
    """How a rule reads when its run was due: a time, and the argument that names a zone.

    `first` is what has to be done before such a rule is right.
    """

    time: str
    zone: str
    first: str = ""

    @classmethod
    def of(cls, facts: Facts, trigger: CronTrigger) -> Self:
        """As the runs of a design see it.

        Where nobody names a zone, the rule is written for the one that is offered, and the design
        has to name it: the server's clock is no answer. A zone that is no name is left out.
        """
        settings = facts.graph.design.settings
        key = "scheduledAt" if settings.scope == "system" else "scheduled_at"
        zone = trigger.timezone or settings.timezone or facts.timezone
        time = f"timestamp(event.data.{key})"
        if zone is None:
            return cls(
                time,
                f"'{OFFERED_ZONE}'",
                f"add `timezone` to the design, such as {ticks(OFFERED_ZONE)}; ",
            )
        return cls(time, f"'{zone}'" if _ZONE.fullmatch(zone) else "")


def days_of(cron: str) -> Days | None:
    """The days on which a cron fires; None if the expression cannot be read."""
    fields = cron.split()
    if len(fields) != 5:
        return None
    days = values(fields[2], 1, 31)
    months = values(fields[3], 1, 12, [name[:3].lower() for name in MONTHS])
    weekdays = values(fields[4], 0, 6, [name[:3].lower() for name in WEEKDAYS])
    if not days or not months or not weekdays:
        return None
    return Days(days, months, weekdays, not (_is_open(fields[2]) or _is_open(fields[4])))


def values(field: str, low: int, high: int, names: Sequence[str] = ()) -> frozenset[int]:
    """The numbers that a field lists; none if it is not sound."""
    found: set[int] = set()
    for part in field.lower().split(","):
        match = _PART.fullmatch(part)
        if match is None:
            return frozenset()
        first, last, step = match.groups()
        start = low if first == "*" else _number(first, low, names)
        end = high if first == "*" or (last is None and step) else start
        if last is not None:
            end = _number(last, low, names)
        if start is None or end is None or not low <= start <= end <= high or step == "0":
            return frozenset()
        found.update(range(start, end + 1, int(step or 1)))
    return frozenset(found)


def listed(numbers: Iterable[int]) -> str:
    """Numbers as a field lists them: `1-5,15`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(
        ",".join(map(str, run)) if len(run) < 3 else f"{run[0]}-{run[-1]}" for run in runs
    )


def last_day_question(tick: Tick) -> str:
    """A rule that holds if a run was started on the last day of a month."""
    return f"({tick.time} + duration('24h')).getDate({tick.zone}) == 1"


def days_question(tick: Tick, days: Collection[int], months: Collection[int]) -> str:
    """A rule that holds on each of these days, the largest of which some months do not have.

    In a month without it, its last day stands in.
    """
    if all(LONGEST[month - 1] <= max(days) for month in months):
        days = {day for day in days if day < max(days)} | {31}
    last, largest = last_day_question(tick), max(days)
    date = f"{tick.time}.getDate({tick.zone})"
    others = sorted(day for day in days if day < 31)
    if not others:
        return last
    fits = f"{date} == {others[0]}" if len(others) == 1 else f"{date} in {others}"
    return f"{fits} || {last}" if largest == 31 else f"{fits} || ({last} && {date} < {largest})"


def last_weekday_question(tick: Tick) -> str:
    """A rule that holds if a run was started in the last seven days of a month."""
    return f"({tick.time} + duration('168h')).getDate({tick.zone}) <= 7"


def weekday_question(tick: Tick, weekdays: frozenset[int]) -> str:
    """A rule that holds if a run was started on one of these weekdays."""
    day = f"{tick.time}.getDayOfWeek({tick.zone})"
    numbers = sorted(weekdays)
    return f"{day} == {numbers[0]}" if len(numbers) == 1 else f"{day} in {numbers}"


def date_question(tick: Tick, first: int, last: int) -> str:
    """A rule that holds if a run was started on one of these days of a month."""
    date = f"{tick.time}.getDate({tick.zone})"
    return f"{date} >= {first} && {date} <= {last}"


def _number(text: str, low: int, names: Sequence[str]) -> int | None:
    if text.isdigit():
        return int(text)
    return names.index(text) + low if text in names else None


def _is_open(field: str) -> bool:
    """True if a field leaves its day open: `*`, also in a list, but not `*/2`."""
    return any(part in ("*", "*/1") for part in field.split(","))
