"""Reads the type of a node, which canvases keep under several keys and spell in several ways."""

from typing import Any

from proflow_schemas.node_types import NodeTypes

from proflow_compiler.diagnostics import spelling_fixes as words
from proflow_compiler.diagnostics.message_text import kind_of, shown
from proflow_compiler.diagnostics.problems import Problems
from proflow_compiler.reader import places
from proflow_compiler.reader.foreign_types import type_meant

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
            message = f"`type` must be a text, not {kind_of(kind)}"
            problems.add("PF101", message, f"{node_pointer}/type", node=node_id)
            return
        problems.add(
            "PF102",
            f"node `{shown(node_id)}` has no type",
            node_pointer,
            node=node_id,
            help="add `type`: " + ", ".join(f"`{name}`" for name in types.all),
        )
    else:
        near = type_meant(spelling, types)
        problems.add(
            "PF102",
            f"there is no node type `{shown(spelling)}`",
            pointer,
            node=node_id,
            help=f"did you mean `{near}`?"
            if near is not None
            else "known are " + ", ".join(f"`{name}`" for name in types.all),
            fixes=words.word(pointer, spelling, near),
        )
