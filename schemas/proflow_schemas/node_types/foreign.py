"""What other products call settings of nodes, and how they are said here.

Taken from what people export or write by hand: Flowable and Camunda (`assignee`, `candidateGroups`,
`dueDate`, `conditionExpression`), DingTalk-style designers (`multiMode`, `sla_hours`), Airflow and
Argo (`schedule`, `loop_over`), n8n and Dify (`parameters`, `iterator`). A word stands in a record only
if it can mean one thing; what it would do in a run is for a person to confirm. Keys are folded: lower
case, without marks (`sla_hours`, `SlaHours` → `slahours`).
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from proflow_schemas.durations import DurationError, parse_duration

Written = Callable[[str, Any], dict[str, Any] | None]
"""The key and its value → the keys that say it here; None if the value cannot be carried over."""


@dataclass(frozen=True)
class Meaning:
    """What a foreign key means: `say` completes "did you mean …?"; `written` carries it over.

    `name` is the key that is meant, if it is a single one.
    """

    say: str
    written: Written | None = None
    name: str | None = None


def same_value(name: str) -> Meaning:
    """Another name of one setting, whose value may stay as it is."""
    return Meaning(f"`{name}`", lambda _, value: {name: value}, name)


def called(name: str, *spellings: str) -> dict[str, Meaning]:
    """Other names of one setting, whose value may stay as it is."""
    return dict.fromkeys(spellings, same_value(name))


def asked(kind: str, *spellings: str) -> dict[str, Meaning]:
    """Who is asked: a kind of approver, by ids."""

    def written(_: str, value: Any) -> dict[str, Any] | None:
        ids = _ids(value)
        return None if ids is None else {"approverType": kind, "approverIds": ids}

    found = Meaning(f"`approverType` `{kind}` with `approverIds`", written)
    return dict.fromkeys(spellings, found)


def _ids(value: Any) -> list[Any] | None:
    """One id or a list of them; texts with commas are lists, as forms save them."""
    ids = re.split(r"\s*[,，;；]\s*", value.strip()) if isinstance(value, str) else value
    ids = ids if isinstance(ids, list) else [ids]
    sound = ids and all(type(one) in (str, int) and one != "" for one in ids)
    return ids if sound else None


def span_of(value: Any, unit: str) -> str | int | float | None:
    """A duration in the unit that a key names, or as it is; None if it is none."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str) or not value:
        return None
    letter = "ms" if unit.startswith(("mill", "ms")) else unit[:1]
    if isinstance(value, str):
        text: str | int | float = value
    elif not letter or (isinstance(value, float) and not value.is_integer()):
        return None
    elif letter == "ms" and value % 1000 == 0:
        text = f"{int(value) // 1000}s"
    else:
        text = f"{int(value)}{letter}"
    try:
        return text if parse_duration(text) else None
    except DurationError:
        return None


def lasting(name: str, unit: str = "") -> Meaning:
    """A setting that takes a duration, by a key that may name a unit."""

    def written(_: str, value: Any) -> dict[str, Any] | None:
        found = span_of(value, unit)
        return None if found is None else {name: found}

    return Meaning(f"`{name}`, such as `{_example(unit)}`", written)


def _example(unit: str) -> str:
    if unit.startswith(("mill", "ms")):
        return "30s"
    return {"m": "15m", "d": "3d", "s": "30s"}.get(unit[:1], "24h")


def reminding(unit: str = "") -> Meaning:
    """Reminders, by a key that may name a unit."""

    def written(_: str, value: Any) -> dict[str, Any] | None:
        if isinstance(value, dict):
            return {"reminders": value}
        found = span_of(value, unit)
        return None if found is None else {"reminders": {"after": found}}

    example = json.dumps({"after": _example(unit)})
    return Meaning(f'`reminders`, such as `"reminders": {example}`', written)


def same_field(_: str, value: Any) -> dict[str, Any] | None:
    """`async.data.id == event.data.id` → `match`."""
    sides = [one.strip() for one in value.split("==")] if isinstance(value, str) else []
    paths = {one.partition(".")[2] for one in sides if _PATH.fullmatch(one)}
    roots = {one.partition(".")[0] for one in sides}
    return {"match": paths.pop()} if roots == {"async", "event"} and len(paths) == 1 else None


_PATH = re.compile(r"(?:async|event)(?:\.[A-Za-z_][A-Za-z0-9_]*)+")


def _attempts(_: str, value: Any) -> dict[str, Any] | None:
    return {"retry": {"maxAttempts": value}}


def _cron(_: str, value: Any) -> dict[str, Any] | None:
    return {"trigger": {"cron": value}} if isinstance(value, str) and " " in value else None


def _event(_: str, value: Any) -> dict[str, Any] | None:
    return {"trigger": {"event": value}} if isinstance(value, str) and value else None


_CRON = Meaning('`trigger`, such as `"trigger": {"cron": "0 9 * * *"}`', _cron)
_EVENT = Meaning('`trigger`, such as `"trigger": {"event": "order/created"}`', _event)
STARTS = {
    **dict.fromkeys(("cron", "cronexpression", "crontab", "schedule", "scheduleinterval"), _CRON),
    **dict.fromkeys(("event", "eventname", "eventtype", "on", "topic"), _EVENT),
    **called("trigger", "triggers", "triggerby"),
    **called("input", "inputschema", "jsonschema", "schema", "parametersschema"),
}
"""What starts a run: on a start node, or at the top level."""
_RULE = Meaning("a rule, which stands on an edge behind the node: `data.when`")
GUARD = Meaning("a rule, which stands on the edge that leads to the node: `data.when`")
ASKS = (
    *("condition", "conditions", "conditionexpression", "conditionlist", "expression", "when"),
    *("rule", "rules", "expr", "if"),
)
_CHOICES = ("branches", "cases")
RULES = dict.fromkeys((*ASKS, *_CHOICES), _RULE)
"""Rules that stand on a node that chooses."""
GUARDS = dict.fromkeys((*ASKS, "runif", "skipif", "unless"), GUARD) | dict.fromkeys(_CHOICES, _RULE)
"""Rules that stand on a node that works."""
_ATTEMPTS = Meaning('`retry`, such as `"retry": {"maxAttempts": 3}`', _attempts)
TRIES = (
    called("retries", "maxretries", "retrycount", "retrytimes", "numretries", "retrylimit")
    | called("retry", "retrypolicy", "retryconfig", "retryoptions", "retrystrategy")
    | dict.fromkeys(("maxattempts", "attempts", "maximumattempts", "tries"), _ATTEMPTS)
)
GIVEN = called(
    "input", "params", "parameters", "args", "arguments", "payload", "inputdata", "variables"
)
