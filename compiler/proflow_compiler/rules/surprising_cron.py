"""PF408: a cron expression that fires on other days than it seems to."""

from collections.abc import Iterator, Sequence

from proflow_schemas.configs import CronTrigger
from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Level
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
    texts={
        "left-out": Text("`{cron}` {problem:raw}", "`{cron}` {problem:raw}"),
        "either": Text(
            "`{cron}` fires on day {days:raw} and also on every {weekdays:list}: one of the "
            "two is enough",
            "`{cron}` 在 {days:raw} 日触发，{weekdays:list}也会触发：满足其一即可",
        ),
        "use-star": Text(
            "use `*` for one of them; where both must fit, {first:raw}write `{every}`, and "
            "begin with a condition whose rule is `{rule:raw}`",
            "将其中一个改为 `*`；如果要同时满足，{first:raw}填写 `{every}`，并在开头加一个条"
            "件节点，规则为 `{rule:raw}`",
        ),
        "each-month": Text("each month", "每个月"),
        "each-of-months": Text("each of its months", "其中每个月"),
        "other-days": Text(", and its other days,", "以及其他指定日期"),
        "last-without": Text(
            "the last day of a month without day {day}",
            "没有 {day} 日的月份的最后一天",
        ),
        "last-of": Text("the last day of {months:raw}", "{months:raw}的最后一天"),
        "write-rule": Text(
            "{first:raw}for {what:raw}{also:raw} write `{every}`, and begin with a "
            "condition whose rule is `{rule:raw}`",
            "{first:raw}要在{what:raw}{also:raw}触发，填写 `{every}`，并在开头加一个条件节点"
            "，规则为 `{rule:raw}`",
        ),
        "leap-only": Text(
            "fires in leap years only: in the others February has no day 29",
            "只在闰年触发：其他年份二月没有 29 日",
        ),
        "leap-february": Text(
            "leaves February out but in leap years: in the others it has no day 29",
            "只有闰年的二月会触发：其他年份二月没有 29 日",
        ),
        "one-out": Text(
            "leaves 1 of {count} months out: {month:raw} has no day {day}",
            "在 {count} 个月中漏掉 1 个月：{month:raw}没有 {day} 日",
        ),
        "several-out": Text(
            "leaves {count} of {total} months out: {months:and} have no day {day}",
            "在 {total} 个月中漏掉 {count} 个月：{months:and}没有 {day} 日",
        ),
    },
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
        RULE.text("either", cron=cron, days=shown, weekdays=weekdays),
        RULE.text("use-star", first=tick.first, every=every, rule=rule),
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
        months = (
            RULE.text("each-month")
            if found.months == frozenset(range(1, 13))
            else RULE.text("each-of-months")
        )
        also = RULE.text("other-days") if any(one < 28 for one in found.days) else ""
        if day < 31:
            what = RULE.text("last-without", day=day)
        else:
            what = RULE.text("last-of", months=months)
        return (
            RULE.text("left-out", cron=cron, problem=_left_out(day, without, found)),
            RULE.text(
                "write-rule",
                first=tick.first,
                what=what,
                also=also,
                every=every,
                rule=days_question(tick, found.days, found.months),
            ),
        )
    return None


def _left_out(day: int, without: Sequence[int], found: Days) -> str:
    """Say which months a cron skips."""
    if day == 29 and len(found.months) == 1:
        return RULE.text("leap-only")
    if day == 29:
        return RULE.text("leap-february")
    names = [MONTHS[month - 1] for month in without]
    if len(names) == 1:
        return RULE.text("one-out", count=len(found.months), month=names[0], day=day)
    return RULE.text(
        "several-out", count=len(names), total=len(found.months), months=names, day=day
    )
