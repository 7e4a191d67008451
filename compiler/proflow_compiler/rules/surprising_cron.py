"""PF408: a cron expression that fires on other days than it seems to."""

from collections.abc import Iterator, Sequence

from proflow_schemas.configs import CronTrigger

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.facts import Facts
from proflow_compiler.facts.cron_fields import (
    LONGEST,
    MONTHS,
    WEEKDAYS,
    Days,
    Tick,
    days_of,
    days_question,
    listed,
    weekday_question,
)
from proflow_compiler.facts.sites import pointed, triggers
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF408",
    name="surprising-cron",
    level=Level.WARNING,
    summary="""a day that some months do not have, and a cron expression with both a day of the month
and a weekday""",
    why="""
A month without day 31 is left out: a cron on day 31 fires seven times a year, and one on February 29
every four years. Where both the day of the month and the weekday are given, Inngest fires when either
fits, as Unix does: `0 9 1 * 1` is the first of each month and every Monday.
""",
    incorrect="""
{
  "trigger": {"cron": "0 18 31 * *", "timezone": "Asia/Shanghai"},
  "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"}],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
    correct="""
{
  "trigger": {"cron": "0 18 28-31 * *", "timezone": "Asia/Shanghai"},
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "last-day", "type": "condition"},
    {"id": "close", "type": "task", "data": {"handler": "close_month"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "last-day"},
    {"source": "last-day", "target": "close", "data": {
      "when": "(timestamp(event.data.scheduled_at) + duration('24h')).getDate('Asia/Shanghai') == 1"
    }},
    {"source": "last-day", "target": "done"},
    {"source": "close", "target": "done"}
  ]
}
""",
    fix="""
For the last day of a month, let the cron fire on days 28 to 31, and begin with a condition that asks
whether the next day is a first: runs know when they were due by `event.data.scheduled_at`
(`scheduledAt` where the `scope` is `system`). For the end of the month it is often enough to run on
the first. Where a day of the month and a weekday must both fit, leave the weekday to a condition.
""",
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for trigger, pointer, node in triggers(facts.graph):
        if not isinstance(trigger, CronTrigger):
            continue
        found = days_of(trigger.cron)
        if found is None:
            continue
        tick = Tick.of(facts, trigger)
        problem = _either(trigger.cron, found, tick) or _missing(trigger.cron, found, tick)
        if problem is not None:
            message, help = problem
            yield RULE.diagnostic(message, pointed(pointer, "cron"), node=node, help=help)


def _either(cron: str, found: Days, tick: Tick) -> tuple[str, str] | None:
    if not found.either or len(found.weekdays) == 7 or len(found.days) == 31:
        return None
    weekdays = [WEEKDAYS[day] for day in sorted(found.weekdays)]
    days = sorted(found.days)
    shown = ", ".join(map(str, days[:4])) + (", …" if len(days) > 4 else "")
    rule = weekday_question(tick, found.weekdays)
    fields = cron.split()
    every = " ".join([*fields[:4], "*"])
    return (
        f"{ticks(cron)} fires on day {shown} and also on every {', '.join(weekdays)}: "
        "one of the two is enough",
        f"use `*` for one of them; where both must fit, {tick.first}write {ticks(every)}, and begin with a "
        f"condition whose rule is `{rule}`",
    )


def _missing(cron: str, found: Days, tick: Tick) -> tuple[str, str] | None:
    """Report that some months lack a day, unless the cron fires on the day before as well."""
    if found.either:
        return None
    single = {int(part) for part in cron.split()[2].split(",") if part.isdigit()}
    for day in sorted(single):
        if day < 29 or day - 1 in found.days:
            continue
        without = [month for month in sorted(found.months) if LONGEST[month - 1] < day]
        if 2 in found.months and day == 29:
            without = [2]
        if not without or (len(without) == len(found.months) and day != 29):
            continue
        fields = cron.split()
        kept = listed({one for one in found.days if one < 28} | set(range(28, 32)))
        every = " ".join([*fields[:2], kept, *fields[3:]])
        months = "each month" if found.months == frozenset(range(1, 13)) else "each of its months"
        also = ", and its other days," if any(one < 28 for one in found.days) else ""
        if day < 31:
            what = f"the last day of a month without day {day}"
        else:
            what = f"the last day of {months}"
        return (
            f"{ticks(cron)} {_left_out(day, without, found)}",
            f"{tick.first}for {what}{also} write {ticks(every)}, and begin with a condition whose "
            f"rule is `{days_question(tick, found.days, found.months)}`",
        )
    return None


def _left_out(day: int, without: Sequence[int], found: Days) -> str:
    """Say which months a cron skips."""
    if day == 29 and len(found.months) == 1:
        return "fires in leap years only: in the others February has no day 29"
    if day == 29:
        return "leaves February out but in leap years: in the others it has no day 29"
    names = [MONTHS[month - 1] for month in without]
    listed = names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
    have = "has" if len(names) == 1 else "have"
    return f"leaves {len(names)} of {len(found.months)} months out: {listed} {have} no day {day}"
