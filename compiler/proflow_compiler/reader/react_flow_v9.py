"""Reads the shape of React Flow v9: one list, `elements`, of nodes and edges.

Members with a `source` or a `target` are edges.
"""

from typing import Any

from proflow_compiler.diagnostics.problems import Problems
from proflow_compiler.reader.drawing import Drawing, collection, items, settings_of


def read(value: dict[str, Any], pointer: str, problems: Problems) -> Drawing | None:
    """Read an object of this shape; return None if it has another shape."""
    if not isinstance(value.get("elements"), list) or "nodes" in value:
        return None
    settings, pointers = settings_of(value, pointer, problems, graph_keys=("elements",))
    drawn = items(value["elements"], f"{pointer}/elements", "elements", problems)
    edges = [
        item
        for item in drawn
        if isinstance(item.value, dict) and ("source" in item.value or "target" in item.value)
    ]
    lines = {item.pointer for item in edges}
    return Drawing(
        pointer,
        tuple(item for item in drawn if item.pointer not in lines),
        tuple(edges),
        settings,
        pointers,
        nodes_pointer=f"{pointer}/elements",
        drawn_nodes=collection(value["elements"], f"{pointer}/elements"),
        drawn_edges=collection([item.value for item in edges], f"{pointer}/elements"),
    )
