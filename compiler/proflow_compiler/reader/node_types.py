"""Reads the type of a node, which canvases keep under several keys and spell in several ways."""

from typing import Any

from proflow_schemas.language import Text, Texts
from proflow_schemas.node_types import NodeTypes

from proflow_compiler.diagnostics import spelling_fixes as words
from proflow_compiler.diagnostics.problems import Problems
from proflow_compiler.reader import places
from proflow_compiler.reader.foreign_types import type_meant

TEXTS = Texts(
    "node-types",
    {
        "type-text": Text(
            "`type` must be a text, not {kind:kind}",
            "`type` 必须是文本，不能是{kind:kind}",
        ),
        "no-type": Text("node `{node_id}` has no type", "节点 `{node_id}` 没有类型"),
        "add-type": Text("add `type`: {types:names}", "添加 `type`：{types:names}"),
        "unknown": Text("there is no node type `{spelling}`", "节点类型 `{spelling}` 不存在"),
        "did-you-mean": Text("did you mean `{near:raw}`?", "是否想写 `{near:raw}`？"),
        "known": Text("known are {types:names}", "可用类型：{types:names}"),
    },
)

NOTES = frozenset(
    {"note", "comment", "sticky", "stickynote", "sticky-note", "sticky_note", "annotation"}
)
"""Types of nodes that are notes and do not run."""
GROUPS = frozenset({"group", "groupnode", "frame"})
"""Types of nodes that only surround others and do not run."""


def spelling_of(
    value: dict[str, Any], data: dict[str, Any], pointer: str, types: NodeTypes
) -> tuple[str | None, str]:
    """Find the type of a node as the file spells it.

    Args:
        value: The node.
        data: Its `data`.
        pointer: Where the node is.
        types: The node types that exist.

    Returns:
        The first spelling that is known, otherwise the most plausible one, or None if there is
        none; and its pointer, or that of the node.
    """
    written: list[tuple[str, str]] = []
    for one, place in places.texts({**value, "data": data}, places.TYPES):
        at = pointer + place
        if one in types.spellings or one.lower() in NOTES:
            return one, at
        written.append((one, at))
    if not written:
        return None, pointer
    groups = [found for found in written if found[0].lower() in GROUPS]
    near = [found for found in written if type_meant(found[0], types) is not None]
    inner = [found for found in written if found[1].endswith("/data/type")]
    return (groups or near or inner or written)[0]


def refuse_type(
    value: dict[str, Any],
    node_pointer: str,
    node_id: str,
    spelling: str | None,
    pointer: str,
    types: NodeTypes,
    problems: Problems,
) -> None:
    """Report that the type of a node is missing or unknown.

    Args:
        value: The node.
        node_pointer: Where it is.
        node_id: Its id.
        spelling: The type as the file spells it; None if it is missing.
        pointer: Where the type is.
        types: The node types that exist.
        problems: Collects the problems.
    """
    if spelling is None:
        kind = value.get("type")
        if kind is not None and not isinstance(kind, str):
            message = TEXTS("type-text", kind=kind)
            problems.add("PF101", message, f"{node_pointer}/type", node=node_id)
            return
        problems.add(
            "PF102",
            TEXTS("no-type", node_id=node_id),
            node_pointer,
            node=node_id,
            help=TEXTS("add-type", types=types.all),
        )
    else:
        near = type_meant(spelling, types)
        problems.add(
            "PF102",
            TEXTS("unknown", spelling=spelling),
            pointer,
            node=node_id,
            help=TEXTS("did-you-mean", near=near)
            if near is not None
            else TEXTS("known", types=types.all),
            fixes=words.word(pointer, spelling, near),
        )
