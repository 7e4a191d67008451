"""Keys that canvases and hosts write beside ours: positions, styles, states of the screen, columns.

They say nothing about what a run does, so that nobody needs to know that they are not read.
"""

import re

HOST_KEYS = frozenset(
    {"label", "title", "name", "type", "id", "meta", "status", "icon", "color", "style", "class"}
    | {"description", "selected", "handles", "inputs", "outputs", "logo", "tags", "actions"}
)
"""Of nodes, of their `data` and of the top level; they are no misspellings."""
_PORTS = frozenset({"inputs", "outputs"})
_DRAWN = frozenset(
    # React Flow 9, 11 and 12, Vue Flow and Svelte Flow, of a node as of an edge
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
"""Of a node itself."""
EDGE_KEYS = (
    HOST_KEYS
    | _DRAWN
    | {"source", "target", "sourceHandle", "targetHandle", "animated", "updatable", "reconnectable"}
    | {"labelStyle", "labelShowBg", "labelBgStyle", "labelBgPadding", "labelBgBorderRadius"}
    | {"markerStart", "markerEnd", "arrowHeadType", "pathOptions", "curvature", "sourceNode"}
    | {"targetNode", "sourceX", "sourceY", "targetX", "targetY", "text", "lineType", "edgeType"}
    | {"points", "pointsList", "startPoint", "endPoint", "router", "connector", "shape"}
)
"""Of an edge itself."""
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
"""Of the `data` of a node or of an edge."""
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
"""Of the top level, where a row's columns and the fields of an answer stand, too."""

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
    """True if a key looks like one of how something is shown: `headerColor`, `roleName`."""
    return _OF_THE_SCREEN.fullmatch(key) is not None


def is_of_a_row(key: str) -> bool:
    """True if a key at the top level looks like a column of a host's table: `created_by`."""
    return is_of_the_screen(key) or _OF_A_ROW.fullmatch(key) is not None


def is_of_host(key: str, value: object) -> bool:
    """Whether a key is a host's own, and no misspelling: `inputs` is, if it lists ports."""
    return key in HOST_KEYS and (key not in _PORTS or isinstance(value, list))
