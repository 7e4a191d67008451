"""A drawn node → a node of a known type with a valid config."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from proflow_schemas.nodes import CANONICAL, NODE_TYPES, Approval, Config, NodeType
from proflow_schemas.published import MAX_ID

from proflow_compiler.design import Node
from proflow_compiler.diagnostics import Level, Related, has_errors
from proflow_compiler.problems import Problems, closest, kind_of, shown
from proflow_compiler.reader import riveredge
from proflow_compiler.reader.drawing import Drawing, Item, misspelt
from proflow_compiler.source import escape
from proflow_compiler.validate import Place, validate

NOTES = frozenset(
    {"note", "comment", "sticky", "stickynote", "sticky-note", "sticky_note", "annotation"}
)
GROUPS = frozenset({"group", "groupnode", "frame"})
LATER = {
    "inclusive": "inclusive",
    "multi-choice": "inclusive",
    "subprocess": "subprocess",
    "callActivity": "subprocess",
    "foreach": "foreach",
    "iteration": "foreach",
    "batch": "foreach",
    "loop": "loop",
}
"""Types of the language that this version does not compile; spelling → canonical name."""

_CONFIG_KEYS: dict[str, dict[str, str]] = {
    name: {entry.alias or key: key for key, entry in kind.config.model_fields.items()}
    for name, kind in NODE_TYPES.items()
}
_NODE_KEYS = ["id", "type", "data", "config", "label"]


@dataclass
class ReadNodes:
    """The nodes that are sound, and what became of the others, so that edges can tell."""

    nodes: dict[str, Node] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    notes: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)

    @property
    def known(self) -> set[str]:
        return self.broken | self.nodes.keys()


@dataclass(frozen=True)
class _Config:
    value: dict[str, Any]
    place: Place
    bare: bool


def read_nodes(drawing: Drawing, problems: Problems) -> ReadNodes:
    """All nodes of a drawing, in file order."""
    read = ReadNodes()
    first: dict[str, str] = {}
    for item in drawing.nodes:
        node_id = _id(item, problems)
        if node_id is None:
            continue
        if node_id in first:
            problems.add(
                "PF103",
                f"two nodes have the id `{shown(node_id)}`",
                _id_pointer(item),
                node=node_id,
                related=(Related(first[node_id], "the other one"),),
                help="give each node an id of its own",
            )
            _read_node(item, node_id, drawing, ReadNodes(), problems)
            read.broken.add(node_id)
            continue
        first[node_id] = _id_pointer(item)
        _read_node(item, node_id, drawing, read, problems)
    for node in [node for node in read.nodes.values() if node.parent is not None]:
        if node.parent not in read.nodes:
            read.nodes[node.id] = replace(node, parent=None)
    return read


def _read_node(
    item: Item, node_id: str, drawing: Drawing, read: ReadNodes, problems: Problems
) -> None:
    value: dict[str, Any] = item.value
    data = value.get("data")
    if data is not None and not isinstance(data, dict):
        problems.add(
            "PF101",
            f"`data` must be an object, not {kind_of(data)}",
            f"{item.pointer}/data",
            node=node_id,
        )
        read.broken.add(node_id)
        return
    data = data or {}
    spelling, pointer = _spelling(value, data, item.pointer)
    if spelling is not None and spelling.lower() in NOTES | GROUPS:
        group = spelling.lower() in GROUPS
        (read.groups if group else read.notes).add(node_id)
        what = "group" if group else "note"
        problems.add(
            "PF107",
            f"the {what} `{shown(node_id)}` is left out: it does not run",
            item.pointer,
            level=Level.INFO,
            node=node_id,
        )
        return
    if spelling is None or spelling not in CANONICAL:
        _unknown_type(item, node_id, spelling, pointer, problems)
        read.broken.add(node_id)
        return
    kind = NODE_TYPES[CANONICAL[spelling]]
    before = len(problems.found)
    for key in value:
        if key not in _NODE_KEYS and (near := misspelt(key, _NODE_KEYS, value)) in (
            "data",
            "config",
        ):
            problems.add(
                "PF101",
                f"unknown key `{key}`",
                f"{item.pointer}/{escape(key)}",
                help=f"did you mean `{near}`?",
                node=node_id,
                on_key=True,
            )
    config = _validated(item, node_id, kind, data, drawing, problems)
    if config is None or has_errors(problems.found[before:]):
        read.broken.add(node_id)
        return
    parsed, place, keys = config
    read.nodes[node_id] = Node(
        id=node_id,
        type=kind.name,
        label=_label(value, data, node_id),
        config=parsed,
        pointer=item.pointer,
        config_pointer=place.pointer,
        config_pointers=keys,
        parent=_parent(value),
        position=_position(value),
    )


def _validated(
    item: Item,
    node_id: str,
    kind: NodeType,
    data: dict[str, Any],
    drawing: Drawing,
    problems: Problems,
) -> tuple[Config, Place, dict[str, str]] | None:
    value: dict[str, Any] = item.value
    found = _config(value, data, kind, item.pointer, node_id, problems)
    if found is None:
        return None
    if drawing.dialect == riveredge.DIALECT:
        renamed, places = riveredge.config(kind.name, found.value, found.place.pointer)
        found = _Config(renamed, replace(found.place, pointers=places), found.bare)
    known = _CONFIG_KEYS[kind.name]
    given = found.value
    if found.bare:
        given = {}
        for key, one in found.value.items():
            if key in known:
                if one is not None and not (key == "status" and one in _DISPLAYED):
                    given[key] = one
            elif (
                key not in _HOST_KEYS
                and (near := misspelt(key, list(known), found.value)) is not None
            ):
                problems.add(
                    "PF101",
                    f"unknown key `{key}`",
                    found.place.of((key,)),
                    help=f"did you mean `{near}`?",
                    node=node_id,
                    on_key=True,
                )
                return None
    misplaced = [
        key
        for key, entry in kind.config.model_fields.items()
        if entry.is_required()
        and (entry.alias or key) in value
        and (entry.alias or key) not in given
    ]
    if misplaced:
        key = kind.config.model_fields[misplaced[0]].alias or misplaced[0]
        problems.add(
            "PF101",
            f"`{key}` stands on the node itself",
            f"{item.pointer}/{key}",
            help=f'move it into `config`: `"config": {{"{key}": …}}`',
            node=node_id,
            on_key=True,
        )
        return None
    parsed = validate(kind.config, given, found.place, problems)
    if parsed is None:
        return None
    if isinstance(parsed, Approval) and parsed.reject_to is not None:
        problems.add(
            "PF109",
            "`rejectTo` is not supported by this version",
            found.place.of(("rejectTo",)),
            node=node_id,
            help="draw an edge from `rejected` to a later node",
        )
    return parsed, found.place, {key: found.place.of((key,)) for key in given}


_DISPLAYED = ("default", "success", "warning", "error")
"""How ProFlow paints a node (`data.status`): no status of an `end`."""
_HOST_KEYS = frozenset(
    {"label", "title", "name", "type", "id", "meta", "status", "icon", "color", "style", "class"}
    | {"description", "selected", "handles", "inputs", "outputs", "logo", "tags", "actions"}
)


def _config(
    value: dict[str, Any],
    data: dict[str, Any],
    kind: NodeType,
    pointer: str,
    node_id: str,
    problems: Problems,
) -> _Config | None:
    """The object that configures a node: `config`, `data.config`, `data.content`, `data`."""
    places = [("config", value, pointer), ("config", data, f"{pointer}/data")]
    own = _CONFIG_KEYS[kind.name]
    if "content" not in own or not any(key in data for key in own if key != "content"):
        places.append(("content", data, f"{pointer}/data"))
    for key, holder, at in places:
        one = holder.get(key)
        if key == "config" and one is not None and not isinstance(one, dict):
            problems.add(
                "PF101",
                f"`config` must be an object, not {kind_of(one)}",
                f"{at}/config",
                node=node_id,
            )
            return None
        if isinstance(one, dict) and one:
            return _Config(one, Place(f"{at}/{key}", {}, node_id), False)
    at = f"{pointer}/data" if "data" in value else pointer
    return _Config(data, Place(at, {}, node_id), True)


def _spelling(value: dict[str, Any], data: dict[str, Any], pointer: str) -> tuple[str | None, str]:
    """The type as written, the first that is known, else the first at all; and where it stands."""
    written: list[tuple[str, str]] = []
    for key, holder, at in (
        ("type", value, f"{pointer}/type"),
        ("type", data, f"{pointer}/data/type"),
        ("name", data, f"{pointer}/data/name"),
    ):
        one = holder.get(key)
        if isinstance(one, str) and one:
            if one in CANONICAL or one in LATER or one.lower() in NOTES:
                return one, at
            written.append((one, at))
    if not written:
        return None, pointer
    groups = [found for found in written if found[0].lower() in GROUPS]
    near = [found for found in written if closest(found[0], [*CANONICAL, *LATER]) is not None]
    inner = [found for found in written if found[1].endswith("/data/type")]
    return (groups or near or inner or written)[0]


def _unknown_type(
    item: Item, node_id: str, spelling: str | None, pointer: str, problems: Problems
) -> None:
    if spelling is None:
        kind = item.value.get("type")
        if kind is not None and not isinstance(kind, str):
            message = f"`type` must be a text, not {kind_of(kind)}"
            problems.add("PF101", message, f"{item.pointer}/type", node=node_id)
            return
        problems.add(
            "PF102",
            f"node `{shown(node_id)}` has no type",
            item.pointer,
            node=node_id,
            help="add `type`: " + ", ".join(f"`{name}`" for name in NODE_TYPES),
        )
    elif spelling in LATER:
        problems.add(
            "PF102",
            f"`{LATER[spelling]}` nodes are not supported by this version",
            pointer,
            node=node_id,
        )
    else:
        near = closest(spelling, [*CANONICAL, *LATER])
        problems.add(
            "PF102",
            f"there is no node type `{shown(spelling)}`",
            pointer,
            node=node_id,
            help=f"did you mean `{near}`?"
            if near is not None
            else "known are " + ", ".join(f"`{name}`" for name in NODE_TYPES),
        )


def _id(item: Item, problems: Problems) -> str | None:
    value = item.value
    if not isinstance(value, dict):
        problems.add("PF101", f"a node must be an object, not {kind_of(value)}", item.pointer)
        return None
    if "id" not in value and item.key is None:
        problems.add("PF101", "a node has no `id`", item.pointer)
        return None
    given = value.get("id", item.key)
    node_id = as_id(given)
    if node_id is None:
        problems.add(
            "PF101",
            f"the id of a node must be a text or a whole number, not {kind_of(given)}",
            f"{item.pointer}/id",
        )
        return None
    if not node_id:
        problems.add("PF101", "the id of a node is empty", _id_pointer(item))
        return None
    if len(node_id) > MAX_ID:
        problems.add(
            "PF101",
            f"the id of a node has {len(node_id)} characters, but at most {MAX_ID} are allowed",
            _id_pointer(item),
        )
        return None
    if "\0" in node_id:
        problems.add("PF101", "the id of a node holds a NUL character", _id_pointer(item))
        return None
    return node_id


def as_id(value: Any) -> str | None:
    """An id as a text; None if it can be none. Numbers are ids in some canvases."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None


def _id_pointer(item: Item) -> str:
    return f"{item.pointer}/id" if "id" in item.value else item.pointer


def _label(value: Mapping[str, Any], data: Mapping[str, Any], node_id: str) -> str:
    meta = data.get("meta")
    for one in (
        value.get("label"),
        data.get("label"),
        data.get("title"),
        meta.get("title") if isinstance(meta, dict) else None,
    ):
        if isinstance(one, str) and one.strip():
            return one
    return node_id


def _parent(value: Mapping[str, Any]) -> str | None:
    for key in ("parentId", "parentNode"):
        parent = as_id(value.get(key))
        if parent:
            return parent
    return None


def _position(value: Mapping[str, Any]) -> tuple[float, float] | None:
    position = value.get("position")
    if not isinstance(position, dict):
        return None
    x, y = position.get("x"), position.get("y")
    if not isinstance(x, int | float) or not isinstance(y, int | float):
        return None
    try:
        return float(x), float(y)
    except OverflowError:
        return None
