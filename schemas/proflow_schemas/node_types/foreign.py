"""The names of settings in other products, and the settings here that they correspond to.

They come from designs that people export or write by hand: Flowable and Camunda (`assignee`,
`candidateGroups`, `dueDate`, `conditionExpression`), DingTalk-style designers (`multiMode`, `sla_hours`),
Airflow and Argo (`schedule`, `loop_over`), n8n and Dify (`parameters`, `iterator`).

A name is listed only if it has a single possible meaning. It becomes a suggestion, which a person has to
confirm. Names are in lower case and without punctuation: `slahours` for `sla_hours` and `SlaHours`.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from proflow_schemas.durations import DurationError, parse_duration
from proflow_schemas.language import Message, Text, Texts

TEXTS = Texts(
    "foreign",
    {
        "rule": Text("{where:raw}: `data.when`", "{where:raw}：`data.when`"),
        "approvers": Text(
            "`approverType` `{kind:raw}` with `approverIds`",
            "`approverIds`，并将 `approverType` 设为 `{kind:raw}`",
        ),
        "such-as": Text(
            "`{name:raw}`, such as `{example:raw}`",
            "`{name:raw}`（例如 `{example:raw}`）",
        ),
        "reminders": Text(
            '`reminders`, such as `"reminders": {example:raw}`',
            '`reminders`（例如 `"reminders": {example:raw}`）',
        ),
        "cron": Text(
            '`trigger`, such as `"trigger": {{"cron": "0 9 * * *"}}`',
            '`trigger`（例如 `"trigger": {{"cron": "0 9 * * *"}}`）',
        ),
        "event": Text(
            '`trigger`, such as `"trigger": {{"event": "order/created"}}`',
            '`trigger`（例如 `"trigger": {{"event": "order/created"}}`）',
        ),
        "behind": Text("a rule, which belongs on an edge behind the node", "节点之后连线上的规则"),
        "before": Text(
            "a rule, which belongs on the edge that leads to the node",
            "通向该节点的连线上的规则",
        ),
        "retry": Text(
            '`retry`, such as `"retry": {{"maxAttempts": 3}}`',
            '`retry`（例如 `"retry": {{"maxAttempts": 3}}`）',
        ),
    },
)

Written = Callable[[str, Any], dict[str, Any] | None]
"""Converts a key and its value to the keys and values here; None if the value cannot be converted."""


@dataclass(frozen=True)
class Meaning:
    """What a key of another product means here.

    Attributes:
        say: Completes the message "did you mean …?".
        written: Converts the key with its value; None if that is not possible.
        name: The key here, if it is a single one.
    """

    say: str
    written: Written | None = None
    name: str | None = None


def same_value(name: str) -> Meaning:
    """Return the meaning of a key that is another name of a setting; its value stays the same."""
    return Meaning(f"`{name}`", lambda _, value: {name: value}, name)


def called(name: str, *spellings: str) -> dict[str, Meaning]:
    """Return the meanings of other names of a setting; the value stays the same.

    Args:
        name: The key here.
        spellings: The names in other products.
    """
    return dict.fromkeys(spellings, same_value(name))


def approvers(kind: str, *spellings: str) -> dict[str, Meaning]:
    """Return the meanings of keys that hold the ids of approvers.

    Args:
        kind: The kind of approver: `user`, `role`, `department`.
        spellings: The keys in other products.
    """

    def written(_: str, value: Any) -> dict[str, Any] | None:
        ids = _ids(value)
        return None if ids is None else {"approverType": kind, "approverIds": ids}

    found = Meaning(TEXTS("approvers", kind=kind), written)
    return dict.fromkeys(spellings, found)


def _ids(value: Any) -> list[Any] | None:
    """Return the ids of a value; a text with commas is a list, as forms save it. None: no ids."""
    ids = re.split(r"\s*[,，;；]\s*", value.strip()) if isinstance(value, str) else value
    ids = ids if isinstance(ids, list) else [ids]
    sound = ids and all(type(one) in (str, int) and one != "" for one in ids)
    return ids if sound else None


def span_of(value: Any, unit: str) -> str | int | float | None:
    """Convert a value to a duration.

    Args:
        value: A number, or a text with digits or a duration.
        unit: The unit that the key names, such as `hours`; empty if it names none.

    Returns:
        The duration as designs write it; None if the value is not a duration.
    """
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
    """Return the meaning of a key that holds a duration.

    Args:
        name: The key here.
        unit: The unit that the foreign key names; empty if it names none.
    """

    def written(_: str, value: Any) -> dict[str, Any] | None:
        found = span_of(value, unit)
        return None if found is None else {name: found}

    return Meaning(TEXTS("such-as", name=name, example=_example(unit)), written)


def _example(unit: str) -> str:
    if unit.startswith(("mill", "ms")):
        return "30s"
    return {"m": "15m", "d": "3d", "s": "30s"}.get(unit[:1], "24h")


def reminding(unit: str = "") -> Meaning:
    """Return the meaning of a key that holds reminders, or the time until the first one.

    Args:
        unit: The unit that the foreign key names; empty if it names none.
    """

    def written(_: str, value: Any) -> dict[str, Any] | None:
        if isinstance(value, dict):
            return {"reminders": value}
        found = span_of(value, unit)
        return None if found is None else {"reminders": {"after": found}}

    example = json.dumps({"after": _example(unit)})
    return Meaning(TEXTS("reminders", example=example), written)


def same_field(_: str, value: Any) -> dict[str, Any] | None:
    """Convert a comparison such as `async.data.id == event.data.id` to `match`; None for others."""
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


_CRON = Meaning(TEXTS("cron"), _cron)
_EVENT = Meaning(TEXTS("event"), _event)
STARTS = {
    **dict.fromkeys(("cron", "cronexpression", "crontab", "schedule", "scheduleinterval"), _CRON),
    **dict.fromkeys(("event", "eventname", "eventtype", "on", "topic"), _EVENT),
    **called("trigger", "triggers", "triggerby"),
    **called("input", "inputschema", "jsonschema", "schema", "parametersschema"),
}
"""Keys that say what starts a run, on a start node or at the top level."""
_RULE = Meaning(TEXTS("rule", where=TEXTS("behind")))
GUARD = Meaning(TEXTS("rule", where=TEXTS("before")))


def without_key(say: str) -> str:
    """Return the words for a rule without the key that it belongs into."""
    return say.arguments["where"] if isinstance(say, Message) else say.partition(":")[0]


ASKS = (
    *("condition", "conditions", "conditionexpression", "conditionlist", "expression", "when"),
    *("rule", "rules", "expr", "if"),
)
_CHOICES = ("branches", "cases")
RULES = dict.fromkeys((*ASKS, *_CHOICES), _RULE)
"""Keys that hold rules, on a node that chooses by rules."""
GUARDS = dict.fromkeys((*ASKS, "runif", "skipif", "unless"), GUARD) | dict.fromkeys(_CHOICES, _RULE)
"""Keys that hold rules, on any other node."""
_ATTEMPTS = Meaning(TEXTS("retry"), _attempts)
TRIES = (
    called("retries", "maxretries", "retrycount", "retrytimes", "numretries", "retrylimit")
    | called("retry", "retrypolicy", "retryconfig", "retryoptions", "retrystrategy")
    | dict.fromkeys(("maxattempts", "attempts", "maximumattempts", "tries"), _ATTEMPTS)
)
GIVEN = called(
    "input", "params", "parameters", "args", "arguments", "payload", "inputdata", "variables"
)
