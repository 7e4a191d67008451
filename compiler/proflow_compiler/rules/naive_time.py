"""PF323: a time or a cron without a time zone, in a design without one."""

from collections.abc import Iterator
from typing import NamedTuple

from proflow_schemas.configs import CronTrigger
from proflow_schemas.language import Text
from proflow_schemas.node_types.delay import Delay
from proflow_schemas.times import TimeError, is_naive, read_time

from proflow_compiler.diagnostics import Diagnostic, Edit, Fix, Level, Related
from proflow_compiler.diagnostics.design_edits import fix
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import pointed, triggers
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF323",
    name="naive-time",
    level=Level.WARNING,
    fixable=True,
    summary="a cron or a time that names no time zone, in a design without `timezone`",
    why="""
Such a time is local time in the design's `timezone`. Without one it is read in the time zone that
the tenant has set, else in the default of the service, else in UTC: a cron for 18:00 may fire at two
in the morning in Beijing, and the same design does different things on two installations. The
service does not report it for a tenant whose time zone it knows, nor does `proflow check` with
`--timezone`. Where a time zone stands under a key that nothing reads, that key is reported instead.
""",
    incorrect="""
{
  "trigger": {"cron": "0 18 * * *"},
  "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"}],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
    correct="""
{
  "timezone": "Asia/Shanghai",
  "trigger": {"cron": "0 18 * * *"},
  "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"}],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
    fix="""
Give the design a `timezone`, by its name in the tz database, or the cron one of its own. A time may
carry an offset instead: `2026-01-31T18:00:00+08:00`.
""",
    texts={
        "no-zone": Text(
            "`{text}` names no time zone, and neither does the design",
            "`{text}` 没有指定时区，设计也没有设置时区",
        ),
        "where": Text("local time, but where?", "这是哪里的时间？"),
        "add-zone": Text(
            "add `timezone` to the design, such as `Asia/Shanghai`",
            "为设计设置 `timezone`，例如 `Asia/Shanghai`",
        ),
        "so-does": Text("so does `{text}`", "`{text}` 也没有指定时区"),
        "read-as": Text(
            "read all times that name no zone as `{name}`: add `timezone`",
            "未指定时区的时间一律按 `{name}` 计算：添加 `timezone`",
        ),
    },
)

_OFFERED = ("Asia/Shanghai", "UTC")


class _Naive(NamedTuple):
    text: str
    pointer: str
    node: str | None


def check(facts: Facts) -> Iterator[Diagnostic]:
    design = facts.graph.design
    if design.settings.timezone is not None or facts.timezone is not None:
        return
    if design.unread_zones:
        return  # unread-key reports where the zone belongs
    found = list(_naive(facts))
    if not found:
        return
    first, *others = found
    yield RULE.diagnostic(
        RULE.text("no-zone", text=first.text),
        first.pointer,
        node=first.node,
        label=RULE.text("where"),
        help=RULE.text("add-zone"),
        related=tuple(
            Related(one.pointer, RULE.text("so-does", text=one.text)) for one in others[:9]
        ),
        fixes=_fixes(design.pointer),
    )


def _naive(facts: Facts) -> Iterator[_Naive]:
    """Yield all times and crons that need the time zone, in file order."""
    for trigger, pointer, node in triggers(facts.graph):
        if not isinstance(trigger, CronTrigger) or trigger.timezone is not None:
            continue
        if _needs_zone(trigger.cron):
            yield _Naive(trigger.cron, pointed(pointer, "cron"), node)
    for name, drawn in facts.graph.design.nodes.items():
        config = drawn.config
        if (
            isinstance(config, Delay)
            and isinstance(config.until, str)
            and is_naive(config.until)
            and _is_time(config.until)
        ):
            yield _Naive(config.until, drawn.pointer_to("until"), name)


def _is_time(text: str) -> bool:
    """Return True if a text may be a time (bad-duration reports malformed ones)."""
    if "${" in text:
        return True
    try:
        read_time(text)
    except TimeError:
        return False
    return True


def _needs_zone(cron: str) -> bool:
    """Return True if a cron names an hour or a day (bad-cron reports malformed ones)."""
    fields = cron.split()
    return len(fields) == 5 and any(field != "*" for field in fields[1:])


def _fixes(pointer: str) -> Iterator[Fix]:
    for name in _OFFERED:
        yield fix(
            RULE.text("read-as", name=name),
            Edit("add", pointed(pointer, "timezone"), name),
            alternative=name != _OFFERED[0],
        )
