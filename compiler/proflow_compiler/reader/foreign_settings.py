"""Translates the keys that other approval products and schedulers use for settings.

The keys of node configs are part of the records of the node types. This module adds those of edges,
of designs, and of objects below settings.
"""

import json
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from proflow_schemas.language import Text, Texts
from proflow_schemas.node_types import NodeType
from proflow_schemas.node_types.foreign import (
    STARTS,
    TRIES,
    Meaning,
    called,
    lasting,
    reminding,
    same_value,
    span_of,
)
from proflow_schemas.times import closest_timezone, is_timezone

from proflow_compiler.diagnostics.message_text import shown

TEXTS = Texts(
    "foreign-settings",
    {
        "zone": Text(
            "`timezone` beside the `nodes`: all times of a design that name no zone are read in it",
            "与 `nodes` 同级的 `timezone`，设计中未指定时区的时间都按它计算",
        ),
        "when": Text(
            '`data.when`, such as `"data": {{"when": "event.data.amount > 100"}}`',
            '`data.when`（例如 `"data": {{"when": "event.data.amount > 100"}}`）',
        ),
        "edge-condition": Text(
            '`data.condition`, such as `{{"field": "amount", "operator": ">", "value": 100}}`',
            '`data.condition`（例如 `{{"field": "amount", "operator": ">", "value": 100}}`）',
        ),
        "edge-loop": Text(
            '`data.loop`, such as `"data": {{"loop": {{"max": 3}}}}`',
            '`data.loop`（例如 `"data": {{"loop": {{"max": 3}}}}`）',
        ),
        "handle": Text(
            "`sourceHandle`, which names the outcome that the edge leaves by",
            "`sourceHandle`，它指定连线从哪个出口离开",
        ),
        "timeouts": Text(
            '`timeouts`, such as `"timeouts": {{"finish": "7d"}}`',
            '`timeouts`（例如 `"timeouts": {{"finish": "7d"}}`）',
        ),
        "ask": Text("ask the {type:raw} {ids:raw}", "由 {type:raw} {ids:raw} 审批"),
        "time-out": Text("time out after `{after}`", "`{after}` 后超时"),
        "read-times": Text(
            "read all times that name no zone as `{zone}`",
            "未指定时区的时间一律按 `{zone}` 计算",
        ),
        "let-count": Text("let it count: write {texts:raw}", "使其生效：写成 {texts:raw}"),
    },
)


def fold(key: str) -> str:
    """Normalise the spelling of a key: `sla_hours`, `SlaHours` → `slahours`."""
    return _folded(key[:80])


@lru_cache(maxsize=4096)
def _folded(key: str) -> str:
    return re.sub(r"[_\-\s]", "", key).lower()


def meaning(kind: NodeType, key: str) -> Meaning | None:
    """Return what a key of another product means on a node of a type; None if it is unknown."""
    folded, settings = fold(key), kind.config.model_fields
    found = kind.meanings.get(folded)
    if found is not None:
        return found
    if "timeout" in settings and (unit := _DURATION.fullmatch(folded)) is not None:
        return lasting("timeout", unit[1])
    if "duration" in settings and (unit := _PAUSE.fullmatch(folded)) is not None:
        return lasting("duration", unit[1])
    if "reminders" in settings and (unit := _REMINDER.fullmatch(folded)) is not None:
        return reminding(unit[1])
    return ZONE if folded in ZONES else None


def of_object(known: Collection[str], key: str) -> Meaning | None:
    """Return what a key means in an object below a setting; None if it is unknown.

    Args:
        known: The keys that the object may have.
        key: The key.
    """
    folded = fold(key)
    for name, spellings in _BELOW.items():
        if name in known and folded in spellings:
            return same_value(name)
        unit = re.fullmatch(rf"{fold(name)}{_UNIT}", folded)
        if name in SPANS and name in known and unit is not None and unit[1]:
            return lasting(name, unit[1])
    return None


def of_edge(key: str) -> Meaning | None:
    """Return what a key means on an edge or in its `data`; None if it is unknown."""
    return _OF_EDGE.get(fold(key))


def of_design(key: str) -> Meaning | None:
    """Return what a key means at the top level; None if it is unknown."""
    return _OF_DESIGN.get(fold(key))


_UNIT = r"(?:in)?(|milliseconds?|millis|ms|hours?|hrs?|h|minutes?|mins?|m|days?|d|seconds?|secs?|s)"
_DURATION = re.compile(r"(?:sla|due|timeout|timelimit|deadline|expires?|expiration|limit)" + _UNIT)
_PAUSE = re.compile(r"(?:duration|delay|wait|sleep|interval|pause|)(?:time)?" + _UNIT)
_REMINDER = re.compile(r"(?:remind(?:er)?s?|urge)(?:after|interval|time)?" + _UNIT)


def _finishing(_: str, value: Any) -> dict[str, Any] | None:
    found = value if isinstance(value, int) and value is not True else span_of(value, "")
    return None if not found else {"timeouts": {"finish": found}}


def zone_of(value: Any) -> str | None:
    """Return the time zone that a value names, or the closest one; None if none is close."""
    if not isinstance(value, str) or not value.strip():
        return None
    return value if is_timezone(value) else closest_timezone(value)


def _zoned(_: str, value: Any) -> dict[str, Any] | None:
    found = zone_of(value)
    return None if found is None else {"timezone": found}


ZONES = frozenset(
    {"timezone", "tz", "tzid", "tzname", "zone", "zoneid", "timezoneid", "timezonename", "时区"}
)
"""The keys, normalised, under which time zones are given."""
ZONE = Meaning(TEXTS("zone"), _zoned)
"""The meaning of a time zone on a node, where none is read."""


def worded(meaning: Meaning, written: Mapping[str, Any], value: Any) -> str:
    """Describe what a key with a value means, for a help.

    Args:
        meaning: What the key means.
        written: The keys and values to write instead.
        value: The value of the key.
    """
    if len(written) != 1 or value in written.values():
        return meaning.say
    ((name, one),) = written.items()
    text = json.dumps({name: one}, ensure_ascii=False)[1:-1]
    return f"`{shown(text)}`" if len(text) <= _SHORT else meaning.say


_SHORT = 60
"""The longest setting that a help shows with its value."""


def _text_rule(_: str, value: Any) -> dict[str, Any] | None:
    return {"when": value} if isinstance(value, str) and value.strip() else None


_OF_EDGE: Mapping[str, Meaning] = {
    **dict.fromkeys(
        (
            *("conditionexpression", "expression", "expr", "rule", "guard", "if", "filter"),
            *("formula", "predicate", "conditiontext", "conditionexpr"),
        ),
        Meaning(TEXTS("when"), _text_rule),
    ),
    **dict.fromkeys(
        ("conditions", "rules", "conditionlist", "conditiongroup"),
        Meaning(TEXTS("edge-condition")),
    ),
    **called("default", "isdefault", "otherwise", "defaultflow", "iselse", "defaultedge"),
    **called("priority", "prioritylevel", "precedence", "conditionorder"),
    **dict.fromkeys(
        ("maxloops", "loopcount", "maxiterations", "isback", "isloop", "back", "maxreturns"),
        Meaning(TEXTS("edge-loop")),
    ),
    **dict.fromkeys(
        (
            *("outcome", "branch", "sourceport", "sourceportid", "sourceanchor", "sourceanchorid"),
            *("fromport", "fromhandle", "outputname", "exit", "sourcehandleid", "port", "action"),
        ),
        Meaning(TEXTS("handle")),
    ),
}

_OF_DESIGN: Mapping[str, Meaning] = {
    **STARTS,
    **dict.fromkeys(
        ("timeout", "executiontimeout", "runtimeout", "maxduration", "deadline"),
        Meaning(TEXTS("timeouts"), _finishing),
    ),
    **dict.fromkeys(ZONES, Meaning("`timezone`", _zoned, "timezone")),
    **TRIES,
    **called("concurrency", "maxconcurrency", "maxactiveruns", "parallelism", "concurrencylimit"),
    **called("idempotency", "idempotencykey", "dedupekey", "deduplicationkey"),
    **called("cancelOn", "cancel", "cancelevent", "cancelevents", "abortson"),
    **called("onFailure", "onerror", "errorhandler", "failurehandler", "onfail"),
    **called("throttle", "ratelimit"),
    **called("description", "desc"),
}


SPANS = frozenset(
    {"after", "every", "initialInterval", "maxInterval", "start", "finish", "period", "timeout"}
    | {"duration"}
)
"""The keys whose values are durations."""
_BELOW: Mapping[str, frozenset[str]] = {
    "timezone": ZONES,
    "cron": frozenset({"expression", "cronexpression", "schedule", "crontab"}),
    "event": frozenset({"name", "eventname", "eventtype", "type"}),
    "if": frozenset({"condition", "when", "filter", "expression", "expr", "rule"}),
    "maxAttempts": frozenset({"attempts", "maximumattempts", "max", "limit", "times", "tries"}),
    "initialInterval": frozenset({"interval", "delay", "initialdelay", "backoff", "wait"}),
    "maxInterval": frozenset({"maximuminterval", "maxdelay", "maxbackoff"}),
    "multiplier": frozenset({"factor", "backoffcoefficient", "backoffrate", "backofffactor"}),
    "after": frozenset({"delay", "first", "initial", "wait"}),
    "every": frozenset({"interval", "repeat", "period"}),
    "limit": frozenset({"max", "count", "maxconcurrency", "maximum"}),
    "period": frozenset({"per", "interval", "window"}),
    "finish": frozenset({"timeout", "end", "run", "execution"}),
    "start": frozenset({"begin", "queue", "pending"}),
}
"""The keys of objects below settings, with other products' keys for them, normalised."""


def title(written: Mapping[str, Any]) -> str:
    """Write the title of a fix that writes these settings."""
    if "approverType" in written:
        ids = ", ".join(f"`{shown(one)}`" for one in written["approverIds"][:5])
        return TEXTS("ask", type=written["approverType"], ids=ids)
    if list(written) == ["timeout"]:
        return TEXTS("time-out", after=written["timeout"])
    if list(written) == ["timezone"]:
        return TEXTS("read-times", zone=written["timezone"])
    texts = [
        f"`{key}: {shown(json.dumps(one, ensure_ascii=False))}`" for key, one in written.items()
    ]
    return TEXTS("let-count", texts=" and ".join(texts))
