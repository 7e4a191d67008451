"""What other products call settings of nodes, and how they are said here.

Taken from what people export or write by hand: Flowable and Camunda (`assignee`, `candidateGroups`,
`dueDate`, `conditionExpression`), DingTalk-style designers (`multiMode`, `sla_hours`), Airflow and
Argo (`schedule`, `loop_over`), n8n and Dify (`parameters`, `iterator`). A word stands in a record only
if it can mean one thing; what it would do in a run is for a person to confirm. Keys are folded: lower
case, without marks (`sla_hours`, `SlaHours` → `slahours`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Written = Callable[[str, Any], dict[str, Any] | None]
"""The key and its value → the keys that say it here; None if the value cannot be carried over."""


@dataclass(frozen=True)
class Meaning:
    """What a foreign key means: `say` completes "did you mean …?"; `written` carries it over."""

    say: str
    written: Written | None = None


def called(name: str, *spellings: str) -> dict[str, Meaning]:
    """Another name of one setting, whose value may stay as it is."""
    return dict.fromkeys(spellings, Meaning(f"`{name}`", lambda _, value: {name: value}))


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
RULES = dict.fromkeys(
    (
        *("condition", "conditions", "conditionexpression", "conditionlist", "expression", "when"),
        *("rule", "rules", "branches", "cases", "expr", "if"),
    ),
    Meaning("a rule, which stands on an edge behind the node: `data.when`"),
)
"""Rules that stand on a node."""
TRIES = called("retries", "maxretries", "retrycount", "retrytimes", "numretries", "retrylimit")
GIVEN = called(
    "input", "params", "parameters", "args", "arguments", "payload", "inputdata", "variables"
)
