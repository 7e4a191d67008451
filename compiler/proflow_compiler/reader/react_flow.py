"""Reads the shape of React Flow v11 and v12 (`toObject()`), ProFlow's FlowView, and the guide.

The shape is `{nodes: […], edges: […]}`, where either may also be a map by id. All other keys are
settings or belong to the host.
"""

from typing import Any

from proflow_compiler.diagnostics.problems import Problems
from proflow_compiler.reader.drawing import Drawing, collection, items, settings_of

GRAPH_KEYS = ("nodes", "edges", "viewport")


def read(value: dict[str, Any], pointer: str, problems: Problems) -> Drawing | None:
    """Read an object of this shape; return None if it has another shape."""
    if "nodes" not in value:
        return None
    settings, pointers = settings_of(value, pointer, problems, graph_keys=GRAPH_KEYS)
    return Drawing(
        pointer,
        items(value["nodes"], f"{pointer}/nodes", "nodes", problems),
        items(value.get("edges"), f"{pointer}/edges", "edges", problems),
        settings,
        pointers,
        nodes_pointer=f"{pointer}/nodes",
        drawn_nodes=collection(value["nodes"], f"{pointer}/nodes"),
        drawn_edges=collection(value.get("edges"), f"{pointer}/edges"),
    )
