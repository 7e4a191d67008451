"""Renames the ends of edges that other canvases call `sourceNodeId`, `sourcePortId`, `from`, …."""

from dataclasses import replace
from typing import Any

from proflow_compiler.reader.drawing import Item

_SOURCES = ("sourceNodeId", "sourceNodeID", "source_node_id", "sourceId", "source_id", "from")
_TARGETS = ("targetNodeId", "targetNodeID", "target_node_id", "targetId", "target_id", "to")
_HANDLES = ("sourcePortId", "sourcePortID", "source_port_id", "sourcePort", "fromPort", "outlet")
_UNUSED = ("targetPortId", "targetPortID", "target_port_id", "targetPort", "toPort", "inlet")


def with_ends(item: Item) -> Item:
    """Return an edge with its ends under React Flow's keys: `source`, `target`, `sourceHandle`."""
    value = item.value
    if not isinstance(value, dict) or "source" in value or "target" in value:
        return item
    source = next((key for key in _SOURCES if key in value), "")
    target = next((key for key in _TARGETS if key in value), "")
    if not source or not target:
        return item
    renamed: dict[str, str] = {source: "source", target: "target"}
    handle = next((key for key in _HANDLES if key in value), "")
    if handle and "sourceHandle" not in value:
        renamed[handle] = "sourceHandle"
    named: dict[str, Any] = {
        renamed[key] if key in renamed else str(key): one
        for key, one in value.items()
        if key not in _UNUSED
    }
    return replace(item, value=named, names={ours: key for key, ours in renamed.items()})
