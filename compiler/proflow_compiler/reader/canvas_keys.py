"""Lists the keys that canvases and hosts write themselves: positions, styles, table columns, ….

These keys have no influence on runs, so no warning is given that they are not read.
"""

import re

HOST_KEYS = frozenset(
    {"label", "title", "name", "type", "id", "meta", "status", "icon", "color", "style", "class"}
    | {"description", "selected", "handles", "inputs", "outputs", "logo", "tags", "actions"}
)
"""Keys of hosts on nodes, in their `data`, and at the top level; never taken for misspellings."""
_PORTS = frozenset({"inputs", "outputs"})
_DRAWN = frozenset(
    # Of React Flow 9, 11 and 12, Vue Flow and Svelte Flow, on nodes and edges alike.
    {"id", "type", "data", "label", "hidden", "selected", "selectable", "deletable", "focusable"}
    | {"style", "className", "class", "zIndex", "z", "ariaLabel", "ariaRole", "domAttributes"}
    | {
        "isHidden",
        "events",
        "template",
        "interactionWidth",
        "isParent",
        "internals",
        "select",
        "selectType",
    }
)
NODE_KEYS = (
    HOST_KEYS
    | _DRAWN
    | {"config", "position", "positionAbsolute", "computedPosition", "computed", "x", "y"}
    | {"width", "height", "initialWidth", "initialHeight", "measured", "dimensions", "origin"}
    | {"dragging", "draggable", "resizing", "connectable", "dragHandle", "extent", "expandParent"}
    | {"parentId", "parentNode", "sourcePosition", "targetPosition", "handleBounds", "initialized"}
    | {"group", "state", "ports", "size", "angle", "shape", "view", "nodeType", "nodeMeta"}
)
"""Keys on a node itself."""
EDGE_KEYS = (
    HOST_KEYS
    | _DRAWN
    | {"source", "target", "sourceHandle", "targetHandle", "animated", "updatable", "reconnectable"}
    | {"labelStyle", "labelShowBg", "labelBgStyle", "labelBgPadding", "labelBgBorderRadius"}
    | {"markerStart", "markerEnd", "arrowHeadType", "pathOptions", "curvature", "sourceNode"}
    | {"targetNode", "sourceX", "sourceY", "targetX", "targetY", "text", "lineType", "edgeType"}
    | {"points", "pointsList", "startPoint", "endPoint", "router", "connector", "shape"}
)
"""Keys on an edge itself."""
DATA_KEYS = (
    HOST_KEYS
    | {"describe", "subtitle", "subTitle", "remark", "remarks", "comment", "note", "notes", "help"}
    | {"titleSlot", "content", "config", "key", "uuid", "group", "category", "kind", "state"}
    | {"collapsed", "expanded", "collapsible", "draggable", "deletable", "editable", "readonly"}
    | {"readOnly", "disabled", "hidden", "visible", "width", "height", "x", "y", "position"}
    | {"layoutDirection", "direction", "layout", "shape", "size", "variant", "theme", "avatar"}
    | {"image", "img", "text", "displayName", "nodeName", "nodeType", "nodeId", "parentId", "order"}
    | {"index", "sort", "level", "path", "valid", "isValid", "errors", "error", "warnings", "emoji"}
    | {"text", "placeholder", "version", "createdAt", "updatedAt", "tooltip", "badge", "ports"}
    | {"validation", "isNew", "isEdit", "isStart", "isEnd", "isRoot", "preNodes", "nextNodes"}
)
"""Keys in the `data` of a node or an edge."""
DESIGN_KEYS = (
    HOST_KEYS
    | {"nodes", "edges", "elements", "flattenNodes", "flattenEdges", "viewport", "position", "zoom"}
    | {"code", "uuid", "key", "slug", "category", "owner", "author", "icon", "sort", "remark"}
    | {"remarks", "comment", "active", "enabled", "published", "draft", "state", "deleted", "total"}
    | {"message", "msg", "success", "page", "pageSize", "locale", "language", "layout", "theme"}
    | {
        "settings",
        "canvas",
        "ui",
        "graph",
        "data",
        "config",
        "options",
        "extra",
        "metadata",
        "user",
    }
    | {"tenant", "organization", "workspace", "project", "schemaVersion", "format", "form", "forms"}
)
"""Keys at the top level, including columns of tables and fields of API responses."""

_OF_THE_SCREEN = re.compile(
    r"[_$@].*|x-.*|aria.*|data-.*"
    r"|.*(?:[cC]olou?r|[sS]tyles?|[cC]lass(?:Name)?|[iI]cons?|[wW]idth|[hH]eight|[pP]ositions?"
    r"|[dD]irection|[oO]ffset|[bB]ackground|[bB]order|[fF]ont(?:Size)?|[pP]adding|[mM]argin"
    r"|Labels?|_labels?|Titles?|_titles?|Names?|_names?|Text|_text|Descriptions?|_descriptions?"
    r"|Handles?|Anchors?|Ports?|Ui|UI|_ui)",
    re.DOTALL,
)
_OF_A_ROW = re.compile(
    r"(?:created|updated|deleted|modified|published|is|has|last|gmt|create|update)(?:_|[A-Z]).*"
    r"|.*(?:_at|_by|_id|_ids|_uuid|_no|At|By|Id|Ids|Uuid|Count|Time|Date|_time|_date|_count)",
    re.DOTALL,
)


def is_of_the_screen(key: str) -> bool:
    """Return True if a key seems to be about display: `headerColor`, `roleName`."""
    return _OF_THE_SCREEN.fullmatch(key) is not None


def is_of_a_row(key: str) -> bool:
    """Return True if a key at the top level seems to be a column of a table: `created_by`."""
    return is_of_the_screen(key) or _OF_A_ROW.fullmatch(key) is not None


def is_of_host(key: str, value: object) -> bool:
    """Return True if a key is a host's own; `inputs` and `outputs` only if they list ports."""
    return key in HOST_KEYS and (key not in _PORTS or isinstance(value, list))
