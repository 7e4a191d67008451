"""PF403: a cron expression that Inngest does not accept, or an unknown time zone."""

import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial

from cronsim import CronSim, CronSimError
from proflow_schemas.configs import CronTrigger
from proflow_schemas.language import Text
from proflow_schemas.times import closest_timezone, is_timezone

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics import spelling_fixes as words
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
    texts={
        "minute": Text("minute", "分钟"),
        "hour": Text("hour", "小时"),
        "day-of-the-month": Text("day of the month", "日期"),
        "month": Text("month", "月份"),
        "weekday": Text("weekday", "星期"),
        "field-count": Text(
            "`{cron}` has {count:no fields|one field|# fields}, not five",
            "`{cron}` 有 {count} 个字段，应为五个",
        ),
        "no-zone": Text("there is no time zone `{name}`", "时区 `{name}` 不存在"),
        "zone-example": Text(
            "write a name of the tz database, such as `Asia/Shanghai`",
            "填写 tz 数据库中的时区名，例如 `Asia/Shanghai`",
        ),
        "begins-with-zone": Text("`{cron}` begins with a time zone", "`{cron}` 以时区开头"),
        "zone-apart": Text("put the zone into `timezone`", "将时区写入 `timezone`"),
        "write-fields": Text(
            "write `minute hour day month weekday`, such as `{written}`",
            "按 `分 时 日 月 周` 的格式填写，例如 `{written}`",
        ),
        "not-taken": Text("Inngest does not take `{cron}`", "Inngest 不支持 `{cron}`"),
        "no-call": Text("leave `cron(…)` out", "去掉 `cron(…)`"),
        "has-years": Text(
            "`{cron}` has six fields: Inngest has no years",
            "`{cron}` 有六个字段：Inngest 不支持年份",
        ),
        "drop-last": Text("leave the last field out", "去掉最后一个字段"),
        "has-seconds": Text(
            "`{cron}` has six fields: Inngest has no seconds",
            "`{cron}` 有六个字段：Inngest 不支持秒",
        ),
        "drop-first": Text("leave the first field out", "去掉第一个字段"),
        "has-both": Text(
            "`{cron}` has seven fields: Inngest has no seconds and no years",
            "`{cron}` 有七个字段：Inngest 不支持秒和年份",
        ),
        "drop-both": Text(
            "leave the first field and the last one out",
            "去掉第一个和最后一个字段",
        ),
        "write-five": Text(
            "write `minute hour day month weekday`, such as `0 9 * * *`",
            "按 `分 时 日 月 周` 的格式填写，例如 `0 9 * * *`",
        ),
        "field-not-taken": Text(
            "Inngest does not take `{field}` as {name:raw}",
            "Inngest 的{name}字段不支持 `{field}`",
        ),
        "weekday-not-taken": Text(
            "Inngest does not take `{field}` as weekday",
            "Inngest 的星期字段不支持 `{field}`",
        ),
        "sunday": Text("Sunday is `0`", "星期日写作 `0`"),
        "no-cron": Text(
            "`{cron}` is no cron expression: {said:raw}",
            "`{cron}` 不是有效的 cron 表达式",
        ),
        "never": Text("`{cron}` never comes", "`{cron}` 永远不会触发"),
        "no-such-day": Text(
            "`{cron}` never comes: there is no day {day} in {months:or}",
            "`{cron}` 永远不会触发：{months:or}没有 {day} 日",
        ),
        "lower-day": Text("write a day up to {most}", "日期最大为 {most}"),
        "write-star": Text("write `*`", "改为 `*`"),
        "with-rule": Text(
            "{first:raw}write `{every}`, and begin with a condition whose rule is `{rule:raw}`",
            "{first:raw}填写 `{every}`，并在开头加一个条件节点，规则为 `{rule:raw}`",
        ),
        "list-days": Text("list the days, or use `*`", "列出具体日期，或使用 `*`"),
    },
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
        RULE.text("no-zone", name=name),
        pointer,
        node=node,
        fixes=words.name(pointer, near),
        help=meant(near) or RULE.text("zone-example"),
    )


def _is_sound(cron: str, tick: Tick) -> bool:
    return _problem(cron, tick) is None


def _problem(cron: str, tick: Tick) -> tuple[str, str | None] | None:
    """Return the problem of a cron expression and the help, or None if Inngest accepts it."""
    help: str
    fields = cron.split()
    if cron.startswith(("TZ=", "CRON_TZ=")):
        return RULE.text("begins-with-zone", cron=cron), RULE.text("zone-apart")
    if cron.strip().startswith("@"):
        written = DESCRIPTORS.get(cron.strip().lower(), "*/15 * * * *")
        help = RULE.text("write-fields", written=written)
        return RULE.text("not-taken", cron=cron), help
    if fields_of_call(cron) is not None:
        return RULE.text("not-taken", cron=cron), RULE.text("no-call")
    if len(fields) == 6 and has_years(fields):
        return RULE.text("has-years", cron=cron), RULE.text("drop-last")
    if len(fields) == 6:
        return (
            RULE.text("has-seconds", cron=cron),
            RULE.text("drop-first"),
        )
    if len(fields) == 7:
        return (
            RULE.text("has-both", cron=cron),
            RULE.text("drop-both"),
        )
    if len(fields) != 5:
        help = RULE.text("write-five")
        return RULE.text("field-count", cron=cron, count=len(fields)), help
    for name, field in zip(_FIELDS, fields, strict=True):
        if _FOREIGN.search(field):
            help = _instead(fields, name, field, tick)
            return RULE.text(
                "field-not-taken", field=field, name=RULE.text(name.replace(" ", "-"))
            ), help
    if any("7" in re.split(r"[-/]", part)[:2] for part in fields[4].split(",")):
        return RULE.text("weekday-not-taken", field=fields[4]), RULE.text("sunday")
    if (never := _missing_day(cron)) is not None:
        return never
    try:
        ticking = CronSim(cron, datetime(2024, 1, 1))
    except CronSimError as error:
        said = str(error)[:1].lower() + str(error)[1:]
        return RULE.text("no-cron", cron=cron, said=said), None
    if next(ticking, None) is None:
        return RULE.text("never", cron=cron), None
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
    most = max(LONGEST[month - 1] for month in found.months)
    return (
        RULE.text("no-such-day", cron=cron, day=day, months=names),
        RULE.text("lower-day", most=most),
    )


def _instead(fields: list[str], name: str, field: str, tick: Tick) -> str:
    """Return the help for a field with `L`, `W`, `#` or `?`, which other schedulers know."""
    days = field.upper()
    if "?" in field:
        return RULE.text("write-star")
    if name == "day of the month" and days in ("L", "LW"):
        rule = last_day_question(tick)
        every = " ".join([*fields[:2], "28-31", *fields[3:]])
        return RULE.text("with-rule", first=tick.first, every=every, rule=rule)
    number = re.fullmatch(r"([0-6]|[A-Z]{3})(?:#([1-5])|L)", days)
    if name == "weekday" and number is not None:
        every = " ".join([*fields[:4], number[1].lower()])
        if number[2] is not None:
            last = 7 * int(number[2])
            rule = date_question(tick, last - 6, last)
        else:
            rule = last_weekday_question(tick)
        return RULE.text("with-rule", first=tick.first, every=every, rule=rule)
    return RULE.text("list-days")
