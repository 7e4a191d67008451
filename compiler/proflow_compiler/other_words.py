"""What other approval products and schedulers call what a design says, and how it is said here.

Taken from what people export or write by hand: Flowable and Camunda (`assignee`, `candidateGroups`,
`dueDate`, `conditionExpression`), DingTalk-style designers (`multiMode`, `sla_hours`), Airflow and
Argo (`schedule`, `loop_over`), n8n and Dify (`parameters`, `iterator`). A word stands here only if
it can mean one thing; what it would do in a run is for a person to confirm.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from proflow_compiler.problems import shown

Written = Callable[[str, Any], dict[str, Any] | None]
"""The key and its value → the keys that say it here; None if the value cannot be carried over."""


@dataclass(frozen=True)
class Meaning:
    """What a foreign key means: `say` completes "did you mean …?"; `written` carries it over."""

    say: str
    written: Written | None = None


def fold(key: str) -> str:
    """A key without the marks by which spellings differ: `sla_hours`, `SlaHours` → `slahours`."""
    return _folded(key[:80])


@lru_cache(maxsize=4096)
def _folded(key: str) -> str:
    return re.sub(r"[_\-\s]", "", key).lower()


def meaning(kind: str, key: str) -> Meaning | None:
    """What a key means on a node of a type."""
    folded = fold(key)
    found = _OF_TYPE.get(kind, {}).get(folded)
    if found is None and kind in _TIMED and (unit := _DURATION.fullmatch(folded)) is not None:
        return _timeout(unit[1])
    return found


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
    return dict.fromkeys(spellings, Meaning(f"`{name}`", _as(name)))


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
_DURATION = re.compile(
    r"(?:sla|due|duein|timeout|timelimit|deadline|expires?|expirein|expiration|limit)"
    r"(|hours?|hrs?|h|minutes?|mins?|m|days?|d|seconds?|secs?|s)"
)
_UNITS = {"h": "h", "m": "m", "d": "d", "s": "s"}


def _timeout(unit: str) -> Meaning:
    letter = _UNITS.get(unit[:1])

    def written(_: str, value: Any) -> dict[str, Any] | None:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int | str) or not value:
            return None
        if isinstance(value, int):
            return None if letter is None else {"timeout": f"{value}{letter}"}
        return {"timeout": value} if letter is None else None

    example = f", such as `48{letter}`" if letter else ", such as `24h`"
    return Meaning(f"`timeout`{example}", written)


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
_RULES = dict.fromkeys(
    (
        *("condition", "conditions", "conditionexpression", "conditionlist", "expression", "when"),
        *("rule", "rules", "branches", "cases", "expr", "if"),
    ),
    _RULE,
)
_TRIES = _called("retries", "maxretries", "retrycount", "retrytimes", "numretries", "retrylimit")
_GIVEN = _called(
    "input", "params", "parameters", "args", "arguments", "payload", "inputdata", "variables"
)

_OF_TYPE: Mapping[str, Mapping[str, Meaning]] = {
    "start": _STARTS | _called("initiator", "applicant", "starter", "initiatorid", "submitter"),
    "end": _called("status", "result", "endstatus", "finalstatus", "endtype")
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
        **_called("timeout", "duedate", "duration"),
        **dict.fromkeys(
            ("remind", "reminder", "remindafter", "reminderhours", "remindhours", "escalateafter"),
            Meaning('`reminders`, such as `"reminders": {"after": "24h"}`'),
        ),
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
        **_RULES,
    },
    "task": _called(
        "handler",
        *("function", "func", "fn", "functionname", "method", "operation", "handlername"),
        *("implementation", "delegate", "callable", "activity", "servicename", "classname"),
    )
    | _GIVEN
    | _TRIES
    | _RULES,
    "http": _called("url", "uri", "endpoint", "address", "requesturl")
    | _called("method", "verb", "httpmethod", "requestmethod")
    | _called("body", "payload", "json", "requestbody", "postdata")
    | _called("headers", "header", "requestheaders")
    | _TRIES
    | _RULES,
    "ai": _called("model", "modelname", "modelid", "llm")
    | _called("system", "systemprompt", "systemmessage", "instructions")
    | _called("prompt", "userprompt", "question", "query", "prompttemplate", "usermessage")
    | _called("outputSchema", "responseschema", "jsonschema", "responseformat")
    | _TRIES
    | _RULES,
    "set": _called("values", "variables", "assignments", "assign", "fields", "expressions")
    | _RULES,
    "condition": _RULES,
    "inclusive": _RULES,
    "parallel": _RULES,
    "join": _called("mode", "jointype", "joinmode", "waitfor", "waitmode", "threshold"),
    "delay": _called("duration", "delay", "wait", "waittime", "delaytime", "sleep", "interval")
    | _called("until", "date", "datetime", "waituntil", "timedate", "dateuntil", "at")
    | dict.fromkeys(("seconds", "minutes", "hours", "days"), Meaning("`duration`, such as `15m`"))
    | _RULES,
    "wait": _called("event", "eventname", "eventtype", "signal", "signalname", "messagename")
    | _called("match", "correlationkey", "matchkey", "correlation", "matchon")
    | _RULES,
    "emit": _called("event", "eventname", "eventtype", "signal", "topic")
    | _called("data", "payload", "body", "eventdata")
    | _RULES,
    "subprocess": _called(
        "workflow",
        *("processid", "processkey", "processdefinitionkey", "calledelement", "workflowid"),
        *("workflowname", "flowid", "subflow", "subprocessid", "definitionkey"),
    )
    | _GIVEN
    | _RULES,
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
        | _called("content", "message", "body", "template", "msg", "messagecontent")
        | _called("channel", "notifytype", "messagetype", "sendtype", "notifychannel")
        | _called("subject", "messagetitle", "emailsubject")
        | _RULES,
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
    "timeout": Meaning('`timeouts`, such as `"timeouts": {"finish": "7d"}`'),
    "executiontimeout": Meaning('`timeouts`, such as `"timeouts": {"finish": "7d"}`'),
    **_TRIES,
    **_called("concurrency", "maxconcurrency", "maxactiveruns", "parallelism", "concurrencylimit"),
    **_called("idempotency", "idempotencykey", "dedupekey", "deduplicationkey"),
    **_called("cancelOn", "cancel", "cancelevent", "cancelevents", "abortson"),
    **_called("onFailure", "onerror", "errorhandler", "failurehandler", "onfail"),
    **_called("throttle", "ratelimit"),
    **_called("description", "desc"),
}


def title(written: Mapping[str, Any]) -> str:
    """What a fix changes, for its title."""
    if "approverType" in written:
        ids = ", ".join(f"`{shown(one)}`" for one in written["approverIds"][:5])
        return f"ask the {written['approverType']} {ids}"
    if list(written) == ["timeout"]:
        return f"time out after `{shown(written['timeout'])}`"
    texts = [
        f"`{key}: {shown(json.dumps(one, ensure_ascii=False))}`" for key, one in written.items()
    ]
    return f"let it count: write {' and '.join(texts)}"
