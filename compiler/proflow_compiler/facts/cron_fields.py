"""Reads the days of a cron expression as Inngest does, and writes rules that test days.

The `…_question` functions return CEL expressions, which fixes offer where a cron cannot express the
days that were meant.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from proflow_schemas.configs import CronTrigger
from proflow_schemas.language import Text, Texts

from proflow_compiler.facts import Facts

LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""The most days of each month."""
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
_WEEKDAYS = {
    "Sunday": "每周日",
    "Monday": "每周一",
    "Tuesday": "每周二",
    "Wednesday": "每周三",
    "Thursday": "每周四",
    "Friday": "每周五",
    "Saturday": "每周六",
}
TEXTS = Texts(
    "cron",
    {
        **{name: Text(name, f"{number} 月") for number, name in enumerate(_MONTHS, 1)},
        **{name: Text(name, zh) for name, zh in _WEEKDAYS.items()},
        "add-zone": Text(
            "add `timezone` to the design, such as `{zone}`; ",
            "先为设计设置 `timezone`（例如 `{zone}`），然后",
        ),
    },
)
MONTHS = tuple(TEXTS(name) for name in _MONTHS)
OFFERED_ZONE = "Asia/Shanghai"
"""The example zone that messages show for designs without a time zone."""
WEEKDAYS = tuple(TEXTS(name) for name in _WEEKDAYS)

_ZONE = re.compile(r"[A-Za-z0-9_+/-]{1,40}")
_PART = re.compile(r"(\*|[0-9]{1,2}|[a-z]{3})(?:-([0-9]{1,2}|[a-z]{3}))?(?:/([0-9]{1,2}))?")


@dataclass(frozen=True)
class Days:
    """The days on which a cron fires.

    Attributes:
        days: The days of the month, from 1.
        months: The months, from 1.
        weekdays: The weekdays, from 0, which is Sunday.
        either: True if one of day of the month and weekday has to match, and not both.
    """

    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool


@dataclass(frozen=True)
class Tick:
    """How a rule reads the time at which its run was due.

    Attributes:
        time: The CEL expression of the time.
        zone: The argument of CEL's date functions that names the time zone; may be empty.
        first: What has to be done before such a rule is right, as the beginning of a sentence.
    """

    time: str
    zone: str
    first: str = ""

    @classmethod
    def of(cls, facts: Facts, trigger: CronTrigger) -> Self:
        """Return how rules of a design read it.

        If neither the trigger nor the design names a zone, the rule uses `OFFERED_ZONE`, and
        `first` says that the design has to name it, since the server's clock must not decide. A
        malformed zone is left out.
        """
        settings = facts.graph.design.settings
        key = "scheduledAt" if settings.scope == "system" else "scheduled_at"
        zone = trigger.timezone or settings.timezone or facts.timezone
        time = f"timestamp(event.data.{key})"
        if zone is None:
            return cls(
                time,
                f"'{OFFERED_ZONE}'",
                TEXTS("add-zone", zone=OFFERED_ZONE),
            )
        return cls(time, f"'{zone}'" if _ZONE.fullmatch(zone) else "")


def days_of(cron: str) -> Days | None:
    """Return the days on which a cron fires, or None if the expression cannot be read."""
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
    """Return the numbers that a field matches; empty if the field is malformed.

    Args:
        field: A field of a cron, such as `1-5,15` or `*/2`.
        low: The lowest number of the field.
        high: The highest one.
        names: Names for the numbers from `low` on, such as `jan`.
    """
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
    """Write numbers as a field: `1-5,15`."""
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
    """Return a rule that holds if a run was started on the last day of a month."""
    return f"({tick.time} + duration('24h')).getDate({tick.zone}) == 1"


def days_question(tick: Tick, days: Collection[int], months: Collection[int]) -> str:
    """Return a rule that holds on these days of the month, the largest of which some months lack.

    In a month without the largest day, the rule holds on the last day.
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
    """Return a rule that holds if a run was started in the last seven days of a month."""
    return f"({tick.time} + duration('168h')).getDate({tick.zone}) <= 7"


def weekday_question(tick: Tick, weekdays: frozenset[int]) -> str:
    """Return a rule that holds if a run was started on one of these weekdays (0 is Sunday)."""
    day = f"{tick.time}.getDayOfWeek({tick.zone})"
    numbers = sorted(weekdays)
    return f"{day} == {numbers[0]}" if len(numbers) == 1 else f"{day} in {numbers}"


def date_question(tick: Tick, first: int, last: int) -> str:
    """Return a rule that holds if a run was started between two days of a month, both included."""
    date = f"{tick.time}.getDate({tick.zone})"
    return f"{date} >= {first} && {date} <= {last}"


def _number(text: str, low: int, names: Sequence[str]) -> int | None:
    if text.isdigit():
        return int(text)
    return names.index(text) + low if text in names else None


def _is_open(field: str) -> bool:
    """Return True if a field matches every day: `*`, also in a list, but not `*/2`."""
    return any(part in ("*", "*/1") for part in field.split(","))
