"""PF402: a malformed duration or time, or a duration that Inngest does not accept."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal, get_args

from proflow_schemas.configs import Config, Duration, Retry, hints, is_duration
from proflow_schemas.durations import MAX_WAIT, DurationError, parse_duration
from proflow_schemas.language import Text
from proflow_schemas.node_types.delay import Delay
from proflow_schemas.times import TimeError, read_time

from proflow_compiler.design import Node
from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics import spelling_fixes as words
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import listed, pointed
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF402",
    name="bad-duration",
    level=Level.ERROR,
    fixable=True,
    summary="""a duration that cannot be read; one that Inngest waits for though it is no whole
number of seconds, less than a second or more than 366 days; and a time that cannot be read, or is
before the year 2000""",
    why="""
Inngest sleeps and waits for whole seconds, for at least one and at most 366 days. Rounding silently
would do something else than was drawn. A time before the year 2000 is a number of another unit, or a field
that was never filled in: numbers are seconds or milliseconds since 1970, by their size. The pauses between attempts may be fractions of a second.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "pause", "type": "delay", "data": {"duration": "2 years"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "pause"},
    {"source": "pause", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "pause", "type": "delay", "data": {"duration": "90d"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "pause"},
    {"source": "pause", "target": "done"}
  ]
}
""",
    fix="Write `90s`, `15m`, `24h`, `3d`, ISO 8601 (`PT15M`), or a number of seconds.",
    texts={
        "wrong": Text("`{value}` {problem:raw}", "`{value}` {problem:raw}"),
        "write-time": Text(
            'write a time such as `2026-01-31T09:00:00+08:00`, or `"${{…}}"` to compute it',
            '填写时间，例如 `2026-01-31T09:00:00+08:00`，或用 `"${{…}}"` 计算',
        ),
        "write-duration": Text(
            "write `90s`, `15m`, `24h`, `3d`, ISO 8601, or seconds",
            "填写 `90s`、`15m`、`24h`、`3d`、ISO 8601 格式或秒数",
        ),
        "date-is-text": Text("a date is a text: `{day}`", "日期要写成文本：`{day}`"),
        "no-time": Text("is no time at all", "时长为零"),
        "too-short": Text(
            "is less than the second that Inngest waits at least",
            "不足 1 秒，Inngest 至少等待 1 秒",
        ),
        "fraction": Text("is no whole number of seconds", "不是整数秒"),
        "too-long": Text(
            "is more than the 366 days that Inngest waits at most",
            "超过 366 天，Inngest 最多等待 366 天",
        ),
    },
)

_WHEN = RULE.text("write-time")
_HOW = RULE.text("write-duration")

Kind = Literal["wait", "period", "pause"]


@dataclass(frozen=True)
class _Written:
    """A duration of the design.

    Attributes:
        value: The duration as written.
        pointer: The JSON pointer of it.
        kind: `wait`: Inngest waits for so long. `period`: Inngest counts runs in it. `pause`: the
            runtime uses it, so that it may have fractions of a second.
        node: The id of its node, if it belongs to one.
    """

    value: Duration | None
    pointer: str
    kind: Kind
    node: str | None = None


def check(facts: Facts) -> Iterator[Diagnostic]:
    for written in _durations(facts):
        if written.value is not None:
            yield from _judged(written.value, written)
    zoned = (facts.graph.design.settings.timezone or facts.timezone) is not None
    for name, node in facts.graph.design.nodes.items():
        match node.config:
            case Delay(until=str() | int() as until) if not _is_computed(until):
                try:
                    read_time(until)
                except TimeError as error:
                    at = node.pointer_to("until")
                    day = _day(until)
                    yield RULE.diagnostic(
                        str(error),
                        at,
                        node=name,
                        help=_WHEN if day is None else RULE.text("date-is-text", day=day),
                        fixes=() if day is None or not zoned else (words.written(at, day),),
                    )
            case _:
                pass


def _judged(value: Duration, written: _Written) -> Iterator[Diagnostic]:
    try:
        duration = parse_duration(value)
    except DurationError as error:
        yield RULE.diagnostic(str(error), written.pointer, node=written.node, help=_HOW)
        return
    if written.kind == "pause":
        problem = None if duration > timedelta() else RULE.text("no-time")
    elif duration < timedelta(seconds=1):
        problem = RULE.text("too-short")
    elif duration.microseconds:
        problem = RULE.text("fraction")
    elif written.kind == "wait" and duration > MAX_WAIT:
        problem = RULE.text("too-long")
    else:
        problem = None
    if problem is not None:
        yield RULE.diagnostic(
            RULE.text("wrong", value=str(value), problem=problem),
            written.pointer,
            node=written.node,
        )


def _day(until: str | int) -> str | None:
    """Return the date that a number such as 20270131 means, as ISO text; None for other values."""
    try:
        day = datetime.strptime(str(until), "%Y%m%d") if isinstance(until, int) else None
    except ValueError:
        return None
    return None if day is None or not 2000 <= day.year < 2100 else day.date().isoformat()


def _is_computed(until: str | int) -> bool:
    return isinstance(until, str) and "${" in until


def _durations(facts: Facts) -> Iterator[_Written]:
    settings, place = facts.graph.design.settings, facts.graph.design.pointer_to
    yield from _retries(settings.retry, place("retry"))
    if settings.throttle is not None:
        yield _Written(settings.throttle.period, pointed(place("throttle"), "period"), "period")
    if settings.timeouts is not None:
        at = place("timeouts")
        yield _Written(settings.timeouts.start, pointed(at, "start"), "wait")
        yield _Written(settings.timeouts.finish, pointed(at, "finish"), "wait")
    for cancel, pointer in listed(settings.cancel_on, place("cancelOn")):
        yield _Written(cancel.timeout, pointed(pointer, "timeout"), "wait")
    for name, node in facts.graph.design.nodes.items():
        yield from _of_node(name, node)


def _of_node(name: str, node: Node) -> Iterator[_Written]:
    """Yield the durations of a node; Inngest waits for those of waiting nodes, the runtime for others."""
    kind: Kind = "wait" if node.kind.kind == "waits" else "pause"
    for key, alias, lasts in _fields(type(node.config)):
        value = getattr(node.config, key)
        if value is None:
            continue
        if lasts:
            yield _Written(value, node.pointer_to(alias), kind, name)
        elif isinstance(value, Config):
            pointer = node.pointer_to(alias)
            for inner, below, inner_lasts in _fields(type(value)):
                if inner_lasts:
                    yield _Written(getattr(value, inner), pointed(pointer, below), "pause", name)


@cache
def _fields(config: type[Config]) -> tuple[tuple[str, str, bool], ...]:
    """Return the attribute and the key of each field of a config that is, or may hold, a duration.

    The last value says whether it is one.
    """
    return tuple(
        (name, field.alias or name, lasts)
        for name, field in config.model_fields.items()
        if (lasts := is_duration(config, name)) or _holds_config(hints(config)[name])
    )


def _holds_config(hint: Any) -> bool:
    is_config = isinstance(hint, type) and issubclass(hint, Config)
    return is_config or any(map(_holds_config, get_args(hint)))


def _retries(retry: Retry | None, pointer: str) -> Iterator[_Written]:
    if retry is not None:
        yield _Written(retry.initial_interval, pointed(pointer, "initialInterval"), "pause")
        yield _Written(retry.max_interval, pointed(pointer, "maxInterval"), "pause")
