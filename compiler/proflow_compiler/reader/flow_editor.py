"""Reads the shape of ProFlow's FlowEditor: `{flattenNodes: {…}, flattenEdges: {…}}`, maps by id."""

from typing import Any

from proflow_compiler.diagnostics.problems import Problems
from proflow_compiler.reader.drawing import Drawing, collection, items, settings_of

GRAPH_KEYS = ("flattenNodes", "flattenEdges")


def read(value: dict[str, Any], pointer: str, problems: Problems) -> Drawing | None:
    """Read an object of this shape; return None if it has another shape."""
    if "flattenNodes" not in value:
        return None
    settings, pointers = settings_of(value, pointer, problems, graph_keys=GRAPH_KEYS)
    return Drawing(
        pointer,
        items(value["flattenNodes"], f"{pointer}/flattenNodes", "flattenNodes", problems),
        items(value.get("flattenEdges"), f"{pointer}/flattenEdges", "flattenEdges", problems),
        settings,
        pointers,
        nodes_pointer=f"{pointer}/flattenNodes",
        drawn_nodes=collection(value["flattenNodes"], f"{pointer}/flattenNodes"),
        drawn_edges=collection(value.get("flattenEdges"), f"{pointer}/flattenEdges"),
    )
