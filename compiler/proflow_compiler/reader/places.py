"""Where drawings keep what is read of them, the most usual place first.

The reader and the page's editor, which is told by the service, look at the same places.
"""

from collections.abc import Iterator, Mapping
from typing import Any

SHAPES = (("flattenNodes", "flattenEdges"), ("nodes", "edges"))
"""The keys of the nodes and edges: of ProFlow's FlowEditor, and of React Flow."""
TYPES = (("type",), ("nodeType",), ("data", "type"), ("data", "nodeType"), ("data", "name"))
"""The paths of a node's type; what is under the last may be a name of another kind."""
LABELS = (
    *(("label",), ("data", "label"), ("data", "title"), ("data", "meta", "title")),
    *(("nodeMeta", "title"), ("data", "nodeMeta", "title")),
)
"""The paths of a node's label."""
CONFIGS = (("config",), ("data", "config"), ("data", "content"))
"""The paths of a node's config; without any, its keys are among those of `data`."""
PARENTS = ("parentId", "parentNode")
"""The keys of the container that a node is in: of React Flow 12 and 11."""


def texts(
    value: Mapping[str, Any], paths: tuple[tuple[str, ...], ...]
) -> Iterator[tuple[str, str]]:
    """Yield the texts at the paths of a node that are not blank, with their pointers in the node."""
    for path in paths:
        found: Any = value
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        if isinstance(found, str) and found.strip():
            yield found, "/" + "/".join(path)
