"""Finds the graph inside of API responses, and decodes table columns that hold JSON as strings."""

from typing import Any

from proflow_compiler.reader.decode import decoded_text

PATHS = (
    *(("data",), ("graph",), ("design",), ("diagram",), ("workflow", "graph"), ("workflow",)),
    *(("config",), ("definition",), ("flow",), ("flowData",), ("flow_data",), ("graphData",)),
    *(("graph_data",), ("content",), ("process",), ("canvas",), ("schema",), ("template",)),
)
"""The paths at which a wrapper may hold a graph, the most usual first."""
_GRAPH_KEYS = ("nodes", "elements", "flattenNodes", "cells")
_TEXTS = ("nodes", "edges", "elements", "flattenNodes", "flattenEdges")
_MARKS = ('"nodes"', '"elements"', '"flattenNodes"', '"cells"', '"source"', '"id"')
_MAX_DEPTH = 3
_EMPTY = 8
"""Strings up to this length may be an empty list or object."""


def inside(value: dict[str, Any], pointer: str) -> tuple[Any, str, list[str]] | None:
    """Find the graph in a wrapper.

    Args:
        value: An object that holds no nodes itself.
        pointer: Where it is.

    Returns:
        The graph, its pointer, and the pointers of the strings that were read as JSON on the path
        to it; None if the object is not a wrapper.
    """
    plausible: tuple[Any, str, list[str]] | None = None
    for path in PATHS:
        found: Any = value
        texts: list[str] = []
        for depth, key in enumerate(path, start=1):
            held = found.get(key) if isinstance(found, dict) else None
            found = opened(held)
            if found is not held:
                texts.append(f"{pointer}/{'/'.join(path[:depth])}")
        if isinstance(found, dict) or (path == ("data",) and isinstance(found, list)):
            candidate = found, f"{pointer}/{'/'.join(path)}", texts
            if _holds_graph(found, _MAX_DEPTH):
                return candidate
            if plausible is None and path in PATHS[:6]:
                plausible = candidate
    return plausible


def _holds_graph(value: Any, depth: int) -> bool:
    if not isinstance(value, dict):
        return isinstance(value, list)
    if any(key in value for key in _GRAPH_KEYS):
        return True
    if depth == 0:
        return False
    below = (opened(value.get(path[0])) for path in PATHS)
    return any(isinstance(one, dict) and _holds_graph(one, depth - 1) for one in below)


def opened(value: Any) -> Any:
    """Decode a string that holds an object or a list as JSON; return any other value unchanged."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    if len(value) > _EMPTY and not any(key in value for key in _MARKS):
        return value
    found = decoded_text(value)
    return value if found is None else found


def with_columns_opened(value: Any, pointer: str) -> tuple[Any, list[str]]:
    """Decode the nodes and edges of an object if they are strings that hold JSON.

    Returns:
        The object, and the pointers of these strings.
    """
    texts: list[str] = []
    if isinstance(value, dict):
        columns = {key: opened(value[key]) for key in _TEXTS if isinstance(value.get(key), str)}
        columns = {key: one for key, one in columns.items() if not isinstance(one, str)}
        if columns:
            value = {key: columns.get(key, one) for key, one in value.items()}
            texts = [f"{pointer}/{key}" for key in columns]
    return value, texts
