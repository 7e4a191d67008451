"""PF403: a cron expression that Inngest does not accept, or an unknown time zone."""

import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial

from cronsim import CronSim, CronSimError
from proflow_schemas.configs import CronTrigger
from proflow_schemas.times import closest_timezone, is_timezone

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics import spelling_fixes as words
from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.diagnostics.similar_words import meant
from proflow_compiler.facts import Facts
from proflow_compiler.facts.cron_fields import (
    LONGEST,
    MONTHS,
    Tick,
    date_question,
    days_of,
    last_day_question,
    last_weekday_question,
)
from proflow_compiler.facts.sites import pointed, triggers
from proflow_compiler.mending.cron_corrections import (
    DESCRIPTORS,
    corrections,
    fields_of_call,
    has_years,
)
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF403",
    name="bad-cron",
    level=Level.ERROR,
    fixable=True,
    summary="a cron expression that is not five fields as Inngest reads them, or an unknown zone",
    why="""
Inngest takes five fields, `minute hour day month weekday`, and nothing finer than a minute. It
knows lists, ranges and steps, months and weekdays also by their English names, and no `L`, `W` or
`#`; Sunday is `0`. It refuses the whole function otherwise. An expression that no day fits, such as
the 30th of February, would never start a run.
""",
    incorrect="""
{
  "trigger": {"cron": "0 0 9 * * *", "timezone": "Asia/Beijing"},
  "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"}],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
    correct="""
{
  "trigger": {"cron": "0 9 * * *", "timezone": "Asia/Shanghai"},
  "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"}],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
    fix="""
Write five fields: `0 9 * * 1-5` is nine o'clock on working days. Put a time zone into `timezone`,
by its name in the tz database, such as `Asia/Shanghai`; the design's own `timezone` is that of all
its crons that name none.
""",
)

_FIELDS = ("minute", "hour", "day of the month", "month", "weekday")
_FOREIGN = re.compile(r"(?i)(?<![a-z])(?:l|w|lw)(?![a-z])|[0-9](?:l|w)|#|\?")


def check(facts: Facts) -> Iterator[Diagnostic]:
    for trigger, pointer, node in triggers(facts.graph):
        if not isinstance(trigger, CronTrigger):
            continue
        tick = Tick.of(facts, trigger)
        found = _problem(trigger.cron, tick)
        if found is not None:
            message, help = found
            at = pointed(pointer, "cron")
            fixes = corrections(trigger, at, pointer, partial(_is_sound, tick=tick))
            yield RULE.diagnostic(message, at, node=node, help=help, fixes=fixes)
        yield from _zone(trigger.timezone, pointed(pointer, "timezone"), node)
    design = facts.graph.design
    yield from _zone(design.settings.timezone, design.pointer_to("timezone"), None)


def _zone(name: str | None, pointer: str, node: str | None) -> Iterator[Diagnostic]:
    """Report an unknown time zone of a cron or of the design."""
    if name is None or is_timezone(name):
        return
    near = closest_timezone(name)
    yield RULE.diagnostic(
        f"there is no time zone {ticks(name)}",
        pointer,
        node=node,
        fixes=words.name(pointer, near),
        help=meant(near) or "write a name of the tz database, such as `Asia/Shanghai`",
    )


def _is_sound(cron: str, tick: Tick) -> bool:
    return _problem(cron, tick) is None


def _problem(cron: str, tick: Tick) -> tuple[str, str | None] | None:
    """Return the problem of a cron expression and the help, or None if Inngest accepts it."""
    fields = cron.split()
    shown = ticks(cron)
    if cron.startswith(("TZ=", "CRON_TZ=")):
        return f"{shown} begins with a time zone", "put the zone into `timezone`"
    if cron.strip().startswith("@"):
        written = DESCRIPTORS.get(cron.strip().lower(), "*/15 * * * *")
        help = "write `minute hour day month weekday`, such as " + ticks(written)
        return f"Inngest does not take {shown}", help
    if fields_of_call(cron) is not None:
        return f"Inngest does not take {shown}", "leave `cron(…)` out"
    if len(fields) == 6 and has_years(fields):
        return f"{shown} has six fields: Inngest has no years", "leave the last field out"
    if len(fields) == 6:
        return (
            f"{shown} has six fields: Inngest has no seconds",
            "leave the first field out",
        )
    if len(fields) == 7:
        return (
            f"{shown} has seven fields: Inngest has no seconds and no years",
            "leave the first field and the last one out",
        )
    if len(fields) != 5:
        help = "write `minute hour day month weekday`, such as `0 9 * * *`"
        count = "one field" if len(fields) == 1 else f"{len(fields) or 'no'} fields"
        return f"{shown} has {count}, not five", help
    for name, field in zip(_FIELDS, fields, strict=True):
        if _FOREIGN.search(field):
            help = _instead(fields, name, field, tick)
            return f"Inngest does not take {ticks(field)} as {name}", help
    if any("7" in re.split(r"[-/]", part)[:2] for part in fields[4].split(",")):
        return f"Inngest does not take {ticks(fields[4])} as weekday", "Sunday is `0`"
    if (never := _missing_day(cron)) is not None:
        return never
    try:
        ticking = CronSim(cron, datetime(2024, 1, 1))
    except CronSimError as error:
        return f"{shown} is no cron expression: {str(error)[:1].lower()}{str(error)[1:]}", None
    if next(ticking, None) is None:
        return f"{shown} never comes", None
    return None


def _missing_day(cron: str) -> tuple[str, str] | None:
    """Return the problem and the help if none of the months has any of the days."""
    found = days_of(cron)
    if found is None or found.either:
        return None
    if any(day <= LONGEST[month - 1] for day in found.days for month in found.months):
        return None
    day = min(found.days)
    names = [MONTHS[month - 1] for month in sorted(found.months)]
    listed = names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]
    most = max(LONGEST[month - 1] for month in found.months)
    return (
        f"{ticks(cron)} never comes: there is no day {day} in {listed}",
        f"write a day up to {most}",
    )


def _instead(fields: list[str], name: str, field: str, tick: Tick) -> str:
    """Return the help for a field with `L`, `W`, `#` or `?`, which other schedulers know."""
    days = field.upper()
    if "?" in field:
        return "write `*`"
    if name == "day of the month" and days in ("L", "LW"):
        rule = last_day_question(tick)
        every = " ".join([*fields[:2], "28-31", *fields[3:]])
        return (
            f"{tick.first}write {ticks(every)}, and begin with a condition whose rule is `{rule}`"
        )
    number = re.fullmatch(r"([0-6]|[A-Z]{3})(?:#([1-5])|L)", days)
    if name == "weekday" and number is not None:
        every = " ".join([*fields[:4], number[1].lower()])
        if number[2] is not None:
            last = 7 * int(number[2])
            rule = date_question(tick, last - 6, last)
        else:
            rule = last_weekday_question(tick)
        return (
            f"{tick.first}write {ticks(every)}, and begin with a condition whose rule is `{rule}`"
        )
    return "list the days, or use `*`"
