"""What other products call types of nodes, and the words of their settings."""

import re
from collections.abc import Mapping

from proflow_schemas.node_types import BUILT_IN_TYPES, NODE_TYPES, NodeTypes

from proflow_compiler.diagnostics.problems import closest
from proflow_compiler.reader.other_words import fold

_TYPE_OF = {spelling: kind.name for kind in NODE_TYPES.values() for spelling in kind.elsewhere}
_LEAST_ALIKE = 0.8
"""Below it two names of types are other words: `form` is no `fork`, `trigger` no `timer`."""


def type_meant(spelling: str, types: NodeTypes = BUILT_IN_TYPES) -> str | None:
    """The type that an unknown one seems to be meant for; None if it may be anything."""
    folded = fold(spelling)
    for name in (folded, re.sub(r"(?:node|block|component|shape)$", "", folded)):
        if name in _TYPE_OF:
            return _TYPE_OF[name]
        for known in types.spellings:
            if fold(known) == name or (len(name) > 2 and sorted(fold(known)) == sorted(name)):
                return known
    return closest(spelling, types.spellings, cutoff=_LEAST_ALIKE)


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
