"""Translates the names of node types, and the values of settings, that other products use."""

import re
from collections.abc import Mapping

from proflow_schemas.node_types import BUILT_IN_TYPES, NODE_TYPES, NodeTypes

from proflow_compiler.diagnostics.similar_words import closest
from proflow_compiler.reader.foreign_settings import fold

_TYPE_OF = {spelling: kind.name for kind in NODE_TYPES.values() for spelling in kind.elsewhere}
_MIN_SIMILARITY = 0.8
"""The least similarity of a misspelt type: `form` does not mean `fork`, nor `trigger` `timer`."""


def type_meant(spelling: str, types: NodeTypes = BUILT_IN_TYPES) -> str | None:
    """Return the node type that an unknown one seems to be meant for; None if none is likely.

    Args:
        spelling: The unknown type.
        types: The node types that exist.
    """
    folded = fold(spelling)
    for name in (folded, re.sub(r"(?:node|block|component|shape)$", "", folded)):
        if name in _TYPE_OF:
            return _TYPE_OF[name]
        for known in types.spellings:
            if fold(known) == name or (len(name) > 2 and sorted(fold(known)) == sorted(name)):
                return known
    return closest(spelling, types.spellings, cutoff=_MIN_SIMILARITY)


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
    """Return the value of a setting that another product's value means: `supervisor` → `manager`.

    Args:
        key: The setting.
        word: The other product's value.
    """
    return _MEANT.get(key, {}).get(fold(word))
