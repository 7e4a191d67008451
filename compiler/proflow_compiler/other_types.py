"""What other products call types of nodes, and the words of their settings."""

import re
from collections.abc import Mapping

from proflow_schemas.nodes import CANONICAL

from proflow_compiler.other_words import fold
from proflow_compiler.problems import closest

_TYPES: Mapping[str, tuple[str, ...]] = {
    "start": (
        *(
            "begin",
            "entry",
            "trigger",
            "startevent",
            "initiator",
            "manualtrigger",
            "webhooktrigger",
        ),
        *("schedule", "scheduletrigger", "cron", "crontrigger", "eventtrigger", "开始", "发起"),
        *("applicant", "originator", "root"),
    ),
    "end": (
        *("finish", "stop", "exit", "endevent", "terminate", "terminateevent", "return", "done"),
        *("complete", "结束", "完成"),
    ),
    "approval": (
        *("humantask", "usertask", "manualtask", "manual", "human", "humanintheloop", "humaninput"),
        *("review", "reviewer", "approver", "audit", "auditor", "examine", "verify", "signoff"),
        *("审核", "审批人", "会签", "或签", "办理", "approvertask", "approvaltask"),
    ),
    "condition": (
        *(
            "conditional",
            "gateway",
            "exclusivegateway",
            "xor",
            "xorgateway",
            "if",
            "ifelse",
            "branch",
        ),
        *("branches", "router", "route", "case", "casewhen", "choice", "conditionbranch"),
        *("条件", "判断", "条件分支", "分支", "网关"),
    ),
    "parallel": ("parallelgateway", "andgateway", "split", "concurrent", "并行", "并行分支"),
    "inclusive": ("inclusivegateway", "orgateway", "multichoice", "包容分支"),
    "join": ("sync", "synchronize", "converge", "aggregate", "aggregator", "汇聚", "合并"),
    "task": (
        *("script", "scripttask", "code", "function", "python", "javascript", "step", "job"),
        *("activity", "process", "execute", "operation", "worker", "plugin", "tool", "任务"),
    ),
    "notify": (
        *("email", "mail", "sms", "sendemail", "sendmessage", "notification", "notice", "alert"),
        *("slack", "wechat", "dingtalk", "通知", "消息"),
    ),
    "cc": ("carboncopy", "copyto", "ccuser", "知会"),
    "http": ("request", "httprequest", "api", "apicall", "rest", "restapi", "fetch", "callapi"),
    "ai": (
        *("agent", "aiagent", "llmchain", "openai", "gpt", "chat", "chatmodel", "completion"),
        *("prompt", "chatopenai", "大模型"),
    ),
    "set": (
        *("assign", "assigner", "setvariable", "variable", "variables", "setfields", "mapper"),
        *("calculate", "formula", "variableassigner", "赋值"),
    ),
    "delay": ("sleep", "pause", "timerevent", "intermediatetimer", "waitfor", "延时", "等待"),
    "wait": (
        *("receive", "receivetask", "listener", "signalcatch", "waitforevent", "messagecatch"),
        *("waitforsignal", "catchevent"),
    ),
    "emit": ("sendtask", "publish", "dispatch", "throwevent", "signalthrow", "produce"),
    "subprocess": (
        *("subflow", "subworkflow", "childworkflow", "executeworkflow", "callworkflow", "workflow"),
        *("子流程", "flow"),
    ),
    "foreach": ("each", "map", "iterator", "iterate", "loopoveritems", "splitinbatches", "循环"),
    "loop": ("while", "dowhile", "repeat", "repeatuntil"),
}
_TYPE_OF = {spelling: kind for kind, spellings in _TYPES.items() for spelling in spellings}
_LEAST_ALIKE = 0.8
"""Below it two names of types are other words: `form` is no `fork`, `trigger` no `timer`."""


def type_meant(spelling: str) -> str | None:
    """The type that an unknown one seems to be meant for; None if it may be anything."""
    folded = fold(spelling)
    for name in (folded, re.sub(r"(?:node|block|component|shape)$", "", folded)):
        if name in _TYPE_OF:
            return _TYPE_OF[name]
        for known in CANONICAL:
            if fold(known) == name or (len(name) > 2 and sorted(fold(known)) == sorted(name)):
                return known
    return closest(spelling, CANONICAL, cutoff=_LEAST_ALIKE)


_WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "approverType": {
        "user": ("person", "people", "member", "employee", "specified", "designated", "assignee"),
        "role": ("group", "position", "post", "job"),
        "department": ("dept", "org", "organization"),
        "manager": (
            *("departmenthead", "departmentmanager", "depthead", "deptleader", "departmentleader"),
            *(
                "supervisor",
                "leader",
                "superior",
                "directmanager",
                "linemanager",
                "directsupervisor",
            ),
        ),
        "multiLevelManager": ("multilevel", "managerchain", "multileader", "continuousmanager"),
        "initiator": ("self", "applicant", "starter", "submitter", "originator"),
        "initiatorSelect": ("selfselect", "optional", "startuserselect", "choose"),
        "form": ("formfield", "formuser", "formperson"),
        "expression": ("script", "dynamic", "variable", "formula"),
    },
    "approvalMode": {
        "any": ("orsign", "anyone", "single", "oneof", "first", "preempt", "或签"),
        "all": ("andsign", "countersign", "everyone", "joint", "parallel", "会签"),
        "sequential": ("sequence", "serial", "inorder", "onebyone", "依次"),
        "quorum": ("vote", "ratio", "percentage", "majority", "票签"),
    },
    "timeoutAction": {
        "approve": ("autoapprove", "autopass", "pass", "agree"),
        "reject": ("autoreject", "refuse", "deny"),
        "remind": ("notify", "notification", "urge"),
        "route": ("escalate", "transfer", "next", "goto"),
    },
    "emptyApproverPolicy": {
        "autoPass": ("pass", "skip", "approve", "autoapprove"),
        "autoReject": ("reject",),
        "fallbackUser": ("fallback", "assign", "user", "specified"),
        "escalateAdmin": ("admin", "administrator", "toadmin", "escalate"),
        "block": ("wait", "pause", "stop"),
    },
}
_MEANT: Mapping[str, Mapping[str, str]] = {
    key: {spelling: word for word, spellings in words.items() for spelling in spellings}
    for key, words in _WORDS.items()
}


def word_meant(key: str, word: str) -> str | None:
    """The word of a setting that another product's word means: `supervisor` → `manager`."""
    return _MEANT.get(key, {}).get(fold(word))
