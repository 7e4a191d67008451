"""What other approval products and schedulers call what a design says, and how it is said here.

Taken from what people export or write by hand: Flowable and Camunda (`assignee`, `candidateGroups`,
`dueDate`, `conditionExpression`), DingTalk-style designers (`multiMode`, `sla_hours`), Airflow and
Argo (`schedule`, `loop_over`), n8n and Dify (`parameters`, `iterator`). A word stands here only if
it can mean one thing; what it would do in a run is for a person to confirm.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from proflow_schemas.durations import DurationError, parse_duration
from proflow_schemas.times import closest_timezone, is_timezone

from proflow_compiler.problems import shown

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

    def worded(self, written: Mapping[str, Any], value: Any) -> str:
        """What is meant by the key with this value."""
        if len(written) != 1 or value in written.values():
            return self.say
        ((name, one),) = written.items()
        text = json.dumps({name: one}, ensure_ascii=False)[1:-1]
        return f"`{shown(text)}`" if len(text) <= _SHORT else self.say


_SHORT = 60
"""The longest setting that a help spells out."""


def fold(key: str) -> str:
    """A key without the marks by which spellings differ: `sla_hours`, `SlaHours` → `slahours`."""
    return re.sub(r"[_\-\s]", "", key[:80]).lower()


def meaning(kind: str, key: str) -> Meaning | None:
    """What a key means on a node of a type."""
    folded = fold(key)
    found = _OF_TYPE.get(kind, {}).get(folded)
    if found is None and kind in _TIMED and (unit := _DURATION.fullmatch(folded)) is not None:
        return _lasting("timeout", unit[1])
    if found is None and kind == "delay" and (unit := _PAUSE.fullmatch(folded)) is not None:
        return _lasting("duration", unit[1])
    if found is None and kind == "approval" and (unit := _REMINDER.fullmatch(folded)) is not None:
        return _reminding(unit[1])
    return found or (ZONE if folded in ZONES else None)


def of_object(known: Collection[str], key: str) -> Meaning | None:
    """What a key means in an object below a setting, which has the known keys."""
    folded = fold(key)
    for name, spellings in _BELOW.items():
        if name in known and folded in spellings:
            return Meaning(f"`{name}`", _as(name), name)
        unit = re.fullmatch(rf"{fold(name)}{_UNIT}", folded)
        if name in SPANS and name in known and unit is not None and unit[1]:
            return _lasting(name, unit[1])
    return None


def of_edge(key: str) -> Meaning | None:
    """What a key means on an edge, or in its data."""
    return _OF_EDGE.get(fold(key))


def of_design(key: str) -> Meaning | None:
    """What a key means at the top level."""
    return _OF_DESIGN.get(fold(key))


def _as(name: str) -> Written:
    return lambda _, value: {name: value}


def _called(name: str, *spellings: str) -> dict[str, Meaning]:
    """Another name of one setting, whose value may stay as it is."""
    return dict.fromkeys(spellings, Meaning(f"`{name}`", _as(name), name))


def _ids(value: Any) -> list[Any] | None:
    """One id or a list of them; texts with commas are lists, as forms save them."""
    ids = re.split(r"\s*[,，;；]\s*", value.strip()) if isinstance(value, str) else value
    ids = ids if isinstance(ids, list) else [ids]
    sound = ids and all(type(one) in (str, int) and one != "" for one in ids)
    return ids if sound else None


def _asking(kind: str) -> Written:
    def written(_: str, value: Any) -> dict[str, Any] | None:
        ids = _ids(value)
        return None if ids is None else {"approverType": kind, "approverIds": ids}

    return written


def _asked(kind: str, *spellings: str) -> dict[str, Meaning]:
    found = Meaning(f"`approverType` `{kind}` with `approverIds`", _asking(kind))
    return dict.fromkeys(spellings, found)


_TIMED = frozenset({"approval", "task", "http", "wait", "subprocess"})
_UNIT = r"(?:in)?(|milliseconds?|millis|ms|hours?|hrs?|h|minutes?|mins?|m|days?|d|seconds?|secs?|s)"
_DURATION = re.compile(r"(?:sla|due|timeout|timelimit|deadline|expires?|expiration|limit)" + _UNIT)
_PAUSE = re.compile(r"(?:duration|delay|wait|sleep|interval|pause|)(?:time)?" + _UNIT)
_REMINDER = re.compile(r"(?:remind(?:er)?s?|urge)(?:after|interval|time)?" + _UNIT)


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


def _lasting(name: str, unit: str) -> Meaning:
    def written(_: str, value: Any) -> dict[str, Any] | None:
        found = span_of(value, unit)
        return None if found is None else {name: found}

    return Meaning(f"`{name}`, such as `{_example(unit)}`", written)


def _example(unit: str) -> str:
    if unit.startswith(("mill", "ms")):
        return "30s"
    return {"m": "15m", "d": "3d", "s": "30s"}.get(unit[:1], "24h")


def _reminding(unit: str) -> Meaning:
    def written(_: str, value: Any) -> dict[str, Any] | None:
        if isinstance(value, dict):
            return {"reminders": value}
        found = span_of(value, unit)
        return None if found is None else {"reminders": {"after": found}}

    example = json.dumps({"after": _example(unit)})
    return Meaning(f'`reminders`, such as `"reminders": {example}`', written)


def _finishing(_: str, value: Any) -> dict[str, Any] | None:
    found = value if isinstance(value, int) and value is not True else span_of(value, "")
    return None if not found else {"timeouts": {"finish": found}}


def zone_of(value: Any) -> str | None:
    """The time zone that a value names, or nearly does."""
    if not isinstance(value, str) or not value.strip():
        return None
    return value if is_timezone(value) else closest_timezone(value)


def _zoned(_: str, value: Any) -> dict[str, Any] | None:
    found = zone_of(value)
    return None if found is None else {"timezone": found}


ZONES = frozenset(
    {"timezone", "tz", "tzid", "tzname", "zone", "zoneid", "timezoneid", "timezonename", "时区"}
)
"""What a time zone stands under."""
ZONE = Meaning(
    "`timezone` beside the `nodes`: all times of a design that name no zone are read in it", _zoned
)
"""A time zone on a node, where none is read."""


def _same_field(_: str, value: Any) -> dict[str, Any] | None:
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


def _text_rule(_: str, value: Any) -> dict[str, Any] | None:
    return {"when": value} if isinstance(value, str) and value.strip() else None


_CRON = Meaning('`trigger`, such as `"trigger": {"cron": "0 9 * * *"}`', _cron)
_EVENT = Meaning('`trigger`, such as `"trigger": {"event": "order/created"}`', _event)
_STARTS = {
    **dict.fromkeys(("cron", "cronexpression", "crontab", "schedule", "scheduleinterval"), _CRON),
    **dict.fromkeys(("event", "eventname", "eventtype", "on", "topic"), _EVENT),
    **_called("trigger", "triggers", "triggerby"),
    **_called("input", "inputschema", "jsonschema", "schema", "parametersschema"),
}
_RULE = Meaning("a rule, which stands on an edge behind the node: `data.when`")
_GUARD = Meaning("a rule, which stands on the edge that leads to the node: `data.when`")
_ASKS = (
    *("condition", "conditions", "conditionexpression", "conditionlist", "expression", "when"),
    *("rule", "rules", "expr", "if"),
)
_CHOICES = ("branches", "cases")
_RULES = dict.fromkeys((*_ASKS, *_CHOICES), _RULE)
_GUARDS = dict.fromkeys((*_ASKS, "runif", "skipif", "unless"), _GUARD) | dict.fromkeys(
    _CHOICES, _RULE
)
_ATTEMPTS = Meaning('`retry`, such as `"retry": {"maxAttempts": 3}`', _attempts)
_TRIES = (
    _called("retries", "maxretries", "retrycount", "retrytimes", "numretries", "retrylimit")
    | _called("retry", "retrypolicy", "retryconfig", "retryoptions", "retrystrategy")
    | dict.fromkeys(("maxattempts", "attempts", "maximumattempts", "tries"), _ATTEMPTS)
)
_GIVEN = _called(
    "input", "params", "parameters", "args", "arguments", "payload", "inputdata", "variables"
)

_OF_TYPE: Mapping[str, Mapping[str, Meaning]] = {
    "start": _STARTS | _called("initiator", "applicant", "starter", "initiatorid", "submitter"),
    "end": _called("status", "result", "endstatus", "finalstatus", "endtype", "outcome")
    | _called("terminate", "terminateall", "terminates", "isterminate")
    | _called("output", "returnvalue", "response", "outputdata"),
    "approval": {
        **_asked(
            "role",
            *(
                "approverrole",
                "approverroles",
                "approverroleid",
                "approverroleids",
                "role",
                "roles",
            ),
            *("roleid", "roleids", "rolecode", "rolecodes", "assigneerole", "candidaterole"),
            *(
                "candidateroles",
                "candidategroup",
                "candidategroups",
                "approvergroup",
                "assignedrole",
            ),
        ),
        **_asked(
            "user",
            *("approver", "approvers", "approveruser", "approverusers", "approveruserid"),
            *(
                "approveruserids",
                "assignee",
                "assignees",
                "assigneeid",
                "assigneeids",
                "assignedto",
            ),
            *("candidateuser", "candidateusers", "user", "users", "userid", "userids", "reviewer"),
            *("reviewers", "auditor", "auditors", "assignto"),
        ),
        **_asked(
            "department",
            *("department", "departments", "departmentid", "departmentids", "dept", "depts"),
            *("deptid", "deptids", "approverdepartment", "approverdept"),
        ),
        **_called(
            "approvalMode",
            *("multimode", "multiinstance", "multiinstancetype", "signtype", "signmode"),
            *("countersign", "approvemode", "approvemethod", "approvalmethod", "approvalpolicy"),
            *("examinemode", "mode", "strategy", "approvalstrategy", "votemode"),
        ),
        **_called("timeoutAction", "ontimeout", "timeoutstrategy", "timeouthandler", "timeouttype"),
        **dict.fromkeys(("duedate", "duration"), _lasting("timeout", "")),
        "escalateafter": _reminding(""),
        **_called(
            "rejectTo", "rejectnode", "rejecttonode", "backto", "backnode", "returnto", "rollbackto"
        ),
        **_called(
            "emptyApproverPolicy",
            *("emptystrategy", "emptyapprover", "noapproveraction", "nohandleraction", "ifempty"),
        ),
        **_called("allowTransfer", "allowdelegate", "delegable", "transferable", "cantransfer"),
        **_called("allowAddSign", "canaddsign", "addsign", "allowaddsigner"),
        **_called("allowReturn", "canreturn", "allowback", "allowrollback", "canback"),
        **_called("allowWithdraw", "revocable", "allowrevoke", "allowcancel", "canwithdraw"),
        **_called(
            "commentRequired", "requirecomment", "commentrequire", "opinionrequired", "needcomment"
        ),
        **_called("passRatio", "passrate", "passpercent", "ratio", "votepassrate", "percentage"),
        **_called("fallbackApproverIds", "fallbackapprover", "defaultapprover", "backupapprovers"),
        **_called("selfApproval", "autoapproveself", "allowselfapproval", "skipself"),
        **_GUARDS,
    },
    "task": _called(
        "handler",
        *("function", "func", "fn", "functionname", "method", "operation", "handlername"),
        *("implementation", "delegate", "callable", "activity", "servicename", "classname"),
    )
    | _GIVEN
    | _TRIES
    | _GUARDS,
    "http": _called("url", "uri", "endpoint", "address", "requesturl")
    | _called("method", "verb", "httpmethod", "requestmethod")
    | _called("body", "payload", "json", "requestbody", "postdata")
    | _called("headers", "header", "requestheaders")
    | dict.fromkeys(
        ("query", "queryparams", "params", "parameters", "querystring", "searchparams"),
        Meaning("a part of `url`: `https://…?page=${event.data.page}`"),
    )
    | dict.fromkeys(
        ("auth", "authorization", "token", "bearertoken", "apikey", "authentication"),
        Meaning('`headers`, such as `"headers": {"Authorization": "…"}`'),
    )
    | _TRIES
    | _GUARDS,
    "ai": _called("model", "modelname", "modelid", "llm")
    | _called("system", "systemprompt", "systemmessage", "instructions")
    | _called("prompt", "userprompt", "question", "query", "prompttemplate", "usermessage")
    | _called("outputSchema", "responseschema", "jsonschema", "responseformat")
    | _called("temperature", "temp")
    | _TRIES
    | _GUARDS,
    "set": _called(
        "values", "variables", "assignments", "assign", "fields", "expressions", "mapping", "output"
    )
    | dict.fromkeys(
        ("expression", "expr", "value", "formula"),
        Meaning('`values`, such as `"values": {"total": "event.data.amount * 2"}`', None, "values"),
    )
    | dict.fromkeys(("condition", "conditions", "when", "if", "rule", "rules"), _GUARD),
    "condition": _RULES,
    "inclusive": _RULES,
    "parallel": _RULES,
    "join": _called("mode", "jointype", "joinmode", "waitfor", "waitmode", "threshold"),
    "delay": _called("duration", "delay", "wait", "waittime", "delaytime", "sleep", "interval")
    | _called("until", "date", "datetime", "waituntil", "timedate", "dateuntil", "at")
    | _GUARDS,
    "wait": _called("event", "eventname", "eventtype", "signal", "signalname", "messagename")
    | _called("match", "correlationkey", "matchkey", "correlation", "matchon")
    | dict.fromkeys(
        (*_ASKS, "filter", "ifexp", "matchexpression", "predicate"),
        Meaning("`match`, the path of a field that both events have: `data.order_id`", _same_field),
    ),
    "emit": _called("event", "eventname", "eventtype", "signal", "topic")
    | _called("data", "payload", "body", "eventdata")
    | _GUARDS,
    "subprocess": _called(
        "workflow",
        *("processid", "processkey", "processdefinitionkey", "calledelement", "workflowid"),
        *("workflowname", "flowid", "subflow", "subprocessid", "definitionkey"),
    )
    | _GIVEN
    | _GUARDS,
    "foreach": _called("items", "collection", "list", "array", "loopover", "iterator", "source")
    | _called("as", "itemvariable", "elementvariable", "itemname", "variable", "itemvar")
    | _called("maxConcurrency", "parallelism", "concurrency", "batchsize", "parallelnums"),
    "loop": _called("while", "condition", "loopcondition", "whilecondition")
    | _called("maxIterations", "max", "maxloops", "maxcount", "loopcount", "limit", "times"),
    **dict.fromkeys(
        ("notify", "cc"),
        _called(
            "to",
            *("recipient", "recipients", "receiver", "receivers", "users", "userids", "user"),
            *("userid", "ccusers", "ccuserids", "touser", "tousers", "copyusers"),
        )
        | _called("content", "message", "body", "msg", "messagecontent", "text", "messagetext")
        | dict.fromkeys(
            ("template", "templateid", "templatecode", "templatekey", "templatename"),
            Meaning("`content`, which holds the text itself: `${…}` puts values into it"),
        )
        | _called("channel", "notifytype", "messagetype", "sendtype", "notifychannel")
        | _called("subject", "messagetitle", "emailsubject")
        | _GUARDS,
    ),
}

_OF_EDGE: Mapping[str, Meaning] = {
    **dict.fromkeys(
        (
            *("conditionexpression", "expression", "expr", "rule", "guard", "if", "filter"),
            *("formula", "predicate", "conditiontext", "conditionexpr"),
        ),
        Meaning('`data.when`, such as `"data": {"when": "event.data.amount > 100"}`', _text_rule),
    ),
    **dict.fromkeys(
        ("conditions", "rules", "conditionlist", "conditiongroup"),
        Meaning('`data.condition`, such as `{"field": "amount", "operator": ">", "value": 100}`'),
    ),
    **_called("default", "isdefault", "otherwise", "defaultflow", "iselse", "defaultedge"),
    **_called("priority", "prioritylevel", "precedence", "conditionorder"),
    **dict.fromkeys(
        ("maxloops", "loopcount", "maxiterations", "isback", "isloop", "back", "maxreturns"),
        Meaning('`data.loop`, such as `"data": {"loop": {"max": 3}}`'),
    ),
    **dict.fromkeys(
        (
            *("outcome", "branch", "sourceport", "sourceportid", "sourceanchor", "sourceanchorid"),
            *("fromport", "fromhandle", "outputname", "exit", "sourcehandleid", "port", "action"),
        ),
        Meaning("`sourceHandle`, which names the outcome that the edge leaves by"),
    ),
}

_OF_DESIGN: Mapping[str, Meaning] = {
    **_STARTS,
    **dict.fromkeys(
        ("timeout", "executiontimeout", "runtimeout", "maxduration", "deadline"),
        Meaning('`timeouts`, such as `"timeouts": {"finish": "7d"}`', _finishing),
    ),
    **dict.fromkeys(ZONES, Meaning("`timezone`", _zoned, "timezone")),
    **_TRIES,
    **_called("concurrency", "maxconcurrency", "maxactiveruns", "parallelism", "concurrencylimit"),
    **_called("idempotency", "idempotencykey", "dedupekey", "deduplicationkey"),
    **_called("cancelOn", "cancel", "cancelevent", "cancelevents", "abortson"),
    **_called("onFailure", "onerror", "errorhandler", "failurehandler", "onfail"),
    **_called("throttle", "ratelimit"),
    **_called("description", "desc"),
}


SPANS = frozenset(
    {"after", "every", "initialInterval", "maxInterval", "start", "finish", "period", "timeout"}
    | {"duration"}
)
"""Keys that take durations."""
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
"""Keys of objects below settings → what other products call them."""


def title(written: Mapping[str, Any]) -> str:
    """What a fix changes, for its title."""
    if "approverType" in written:
        ids = ", ".join(f"`{shown(one)}`" for one in written["approverIds"][:5])
        return f"ask the {written['approverType']} {ids}"
    if list(written) == ["timeout"]:
        return f"time out after `{shown(written['timeout'])}`"
    if list(written) == ["timezone"]:
        return f"read all times that name no zone as `{shown(written['timezone'])}`"
    texts = [
        f"`{key}: {shown(json.dumps(one, ensure_ascii=False))}`" for key, one in written.items()
    ]
    return f"let it count: write {' and '.join(texts)}"
