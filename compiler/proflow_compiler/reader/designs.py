"""Reads the designs of a JSON value: finds its shape, then reads nodes, edges and settings.

A value may be a graph of any accepted shape, the graph in wrapper objects, a row of an exported
table, or a list of any of these.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from proflow_schemas.language import Text, Texts
from proflow_schemas.node_types import BUILT_IN_TYPES, NodeTypes
from proflow_schemas.node_types.approval import Approval
from proflow_schemas.settings import Settings

from proflow_compiler.design import Design, Edge, Node
from proflow_compiler.diagnostics import Level, Related, has_errors
from proflow_compiler.diagnostics.problems import Problems
from proflow_compiler.diagnostics.similar_words import did_you_mean
from proflow_compiler.reader import (
    flow_editor,
    formats,
    inexact_numbers,
    names,
    react_flow,
    react_flow_v9,
    riveredge,
    unread_keys,
    wrappers,
)
from proflow_compiler.reader.drawing import SETTINGS, Drawing
from proflow_compiler.reader.edges import read_edges
from proflow_compiler.reader.names import as_id
from proflow_compiler.reader.nodes import read_nodes
from proflow_compiler.reader.validate import Location, validate

TEXTS = Texts(
    "designs",
    {
        "no-list": Text(
            "`#{select}` selects a row, but the file holds no list of rows",
            "`#{select}` 用于选择一行，但文件中没有行的列表",
        ),
        "leave-out": Text("leave it out", "去掉它"),
        "same-name": Text(
            "two designs of the file are called `{name:raw}`",
            "文件中有两个设计都名为 `{name:raw}`",
        ),
        "other": Text("the other one", "另一个"),
        "not-object": Text(
            "a design is an object, not {value:kind}",
            "设计必须是对象，不能是{value:kind}",
        ),
        "deleted": Text("the row is left out: it is deleted", "该行已删除，不读取"),
        "no-such": Text(
            "no design of the file is called `{select}`",
            "文件中没有名为 `{select}` 的设计",
        ),
        "there-are": Text("there are {known:names}", "可选：{known:names}"),
        "foreign": Text(
            "this is {foreign:raw}, not a ProFlow design",
            "这是{foreign:raw}，不是 ProFlow 设计",
        ),
        "dialect": Text(
            "`{key:raw}` is a field of RiverEdge's approval processes, so the design is "
            "read as one",
            "`{key:raw}` 是 RiverEdge 审批流程的字段，因此按审批流程读取",
        ),
        "empty-object": Text("an empty object holds no design", "空对象不包含设计"),
        "empty-list": Text("an empty list holds no design", "空列表不包含设计"),
        "no-graph": Text("there are no `nodes` and `edges`", "没有 `nodes` 和 `edges`"),
        "no-nodes": Text("the design has no nodes", "设计没有节点"),
        "none-runs": Text("the design has no nodes that run", "设计没有可执行的节点"),
    },
)

Shape = Callable[[dict[str, Any], str, Problems], Drawing | None]
SHAPES: tuple[Shape, ...] = (react_flow_v9.read, flow_editor.read, react_flow.read)
_MAX_WRAPPERS = 4


def read_designs(
    value: Any,
    path: str,
    select: str | None,
    problems: Problems,
    types: NodeTypes = BUILT_IN_TYPES,
) -> list[Design]:
    """Read the designs of a JSON value.

    Args:
        value: The JSON value of a file.
        path: The path of the file; a design without an id is named after it.
        select: The code of the row to read, if the value is a list of rows.
        problems: Collects the problems.
        types: The node types that designs may use.

    Returns:
        The designs without errors.
    """
    stem = names.stem(path)
    rows, pointer = _rows(value)
    if rows is not None:
        return _read_rows(rows, pointer, stem, select, problems, types)
    if select is not None:
        problems.add(
            "PF006",
            TEXTS("no-list", select=select),
            help=TEXTS("leave-out"),
        )
        return []
    design = _read_one(value, "", stem, problems, types)
    return [design] if design is not None else []


def _read_one(
    value: Any, pointer: str, stem: str, problems: Problems, types: NodeTypes
) -> Design | None:
    own = Problems(budget=problems.budget)
    drawing = _find(value, pointer, own)
    design = None
    if drawing is not None:
        design = _design(replace(drawing, types=types), stem, own)
    problems.found += own.found
    problems.budget = own.budget
    problems.texts += own.texts
    return design


def _is_array(value: Any) -> bool:
    """True if a value is a list of rows or of graphs."""
    return isinstance(value, list) and any(
        riveredge.is_row(one)
        or (isinstance(one, dict) and any(key in one for key in ("nodes", "flattenNodes")))
        for one in value
    )


def _rows(value: Any) -> tuple[list[Any] | None, str]:
    """Find a list of designs: the value, or the `data`, `items` or `rows` of an API response.

    Returns:
        The list and its pointer; None if there is no such list.
    """
    pointer = ""
    for _ in range(_MAX_WRAPPERS):
        if _is_array(value):
            return value, pointer
        if not isinstance(value, dict) or "nodes" in value:
            break
        key = next((key for key in ("data", "items", "rows") if key in value), None)
        if key is None:
            break
        value, pointer = value[key], f"{pointer}/{key}"
    return None, ""


@dataclass(frozen=True)
class _Entry:
    """One member of a list of designs.

    Attributes:
        value: The member.
        pointer: Where it is.
        code: The code or id that selects it.
        name: The id of its design.
    """

    value: Any
    pointer: str
    code: str
    name: str


def _read_rows(
    values: list[Any],
    pointer: str,
    stem: str,
    select: str | None,
    problems: Problems,
    types: NodeTypes,
) -> list[Design]:
    """Read the designs of a list. The ids of rows are made from code and tenant."""
    entries: list[_Entry] = []
    pointers: dict[str, str] = {}
    for index, drawn in enumerate(values):
        value = _with_columns_opened(drawn, f"{pointer}/{index}", problems)
        entry = _entry(value, f"{pointer}/{index}", f"{stem}-{index}", problems)
        if entry is None:
            continue
        if entry.name in pointers:
            at = "code" if "code" in value else "id"
            problems.add(
                "PF110",
                TEXTS("same-name", name=entry.name),
                f"{entry.pointer}/{at}",
                related=(Related(f"{pointers[entry.name]}/{at}", TEXTS("other")),),
            )
            continue
        pointers[entry.name] = entry.pointer
        entries.append(entry)
    if select is not None:
        entries = _selected(entries, select, problems)
    designs: list[Design] = []
    for entry in entries:
        design = _read_one(entry.value, entry.pointer, stem, problems, types)
        if design is not None:
            designs.append(replace(design, id=entry.name))
    return designs


def _entry(value: Any, pointer: str, otherwise: str, problems: Problems) -> _Entry | None:
    if not isinstance(value, dict):
        problems.add("PF101", TEXTS("not-object", value=value), pointer)
        return None
    if not riveredge.is_row(value):
        code = as_id(value.get("id")) or otherwise
        return _Entry(value, pointer, code, names.safe_id(code))
    if value.get("deleted_at") is not None:
        problems.add(
            "PF107",
            TEXTS("deleted"),
            f"{pointer}/deleted_at",
            level=Level.INFO,
        )
        return None
    row = riveredge.row(value, pointer, Problems())
    code = row.code if row is not None and row.code is not None else otherwise
    tenant = row.tenant_id if row is not None else None
    name = names.safe_id(code if tenant is None else f"{code}-t{tenant}")
    return _Entry(value, pointer, code, name)


def _selected(entries: list[_Entry], select: str, problems: Problems) -> list[_Entry]:
    """Select entries by code or by id (`leave-t7`), and drop the problems of all others."""
    found = [entry for entry in entries if select in (entry.code, entry.name)]
    problems.found[:] = [
        one
        for one in problems.found
        if any(f"{one.pointer}/".startswith(f"{entry.pointer}/") for entry in found)
    ]
    if not found:
        known = [entry.code for entry in entries]
        problems.add(
            "PF006",
            TEXTS("no-such", select=select),
            help=did_you_mean(select, known) or TEXTS("there-are", known=known[:20]),
        )
    return found


def _find(value: Any, pointer: str, problems: Problems) -> Drawing | None:
    outer: dict[str, Any] = {}
    outer_pointers: dict[str, str] = {}
    for _ in range(_MAX_WRAPPERS):
        value = _with_columns_opened(value, pointer, problems)
        foreign = formats.of_value(value)
        if foreign is not None:
            problems.add(
                "PF003",
                TEXTS("foreign", foreign=formats.named(foreign)),
                pointer,
                help=formats.HELP,
            )
            return None
        if not isinstance(value, dict):
            break
        if riveredge.is_row(value):
            row = riveredge.row(value, pointer, problems)
            return riveredge.read_row(row, problems) if row is not None else None
        for shape in SHAPES:
            drawing = shape(value, pointer, problems)
            if drawing is not None:
                return _in_dialect(_with_outer(drawing, outer, outer_pointers), problems)
        wrapped = wrappers.inside(value, pointer)
        if wrapped is None:
            break
        for key in SETTINGS:
            if key in value:
                outer[key] = value[key]
                outer_pointers[key] = f"{pointer}/{key}"
        inner, below, texts = wrapped
        names = {below.removeprefix(pointer).split("/")[1], *SETTINGS}
        unread_keys.of_design(value, pointer, names, problems, wrapper=True)
        value, pointer = inner, below
        problems.texts += texts
    _unknown(value, pointer, problems)
    return None


def _with_columns_opened(value: Any, pointer: str, problems: Problems) -> Any:
    """Decode nodes and edges that a table stores as strings."""
    value, texts = wrappers.with_columns_opened(value, pointer)
    problems.texts += texts
    return value


def _with_outer(drawing: Drawing, outer: Mapping[str, Any], pointers: Mapping[str, str]) -> Drawing:
    """Add the settings that wrappers hold beside the graph; its own take precedence."""
    return replace(
        drawing,
        settings={**outer, **drawing.settings},
        setting_pointers={**pointers, **drawing.setting_pointers},
    )


def _in_dialect(drawing: Drawing, problems: Problems) -> Drawing:
    """Choose RiverEdge's dialect for a graph with fields that only RiverEdge writes."""
    mark = riveredge.in_dialect(drawing)
    if mark is None:
        return drawing
    key = mark.rpartition("/")[2]
    problems.add(
        "PF111",
        TEXTS("dialect", key=key),
        mark,
        level=Level.INFO,
        on_key=True,
    )
    return replace(drawing, dialect=riveredge.DIALECT)


def _unknown(value: Any, pointer: str, problems: Problems) -> None:
    if value == {}:
        message = TEXTS("empty-object")
    elif value == []:
        message = TEXTS("empty-list")
    elif isinstance(value, dict):
        message = TEXTS("no-graph")
    else:
        message = TEXTS("not-object", value=value)
    problems.add("PF003", message, pointer, help=formats.HELP)


def _returning(nodes: Mapping[str, Node], edges: Iterable[Edge]) -> Mapping[str, Node]:
    """Allow approvers to return if `returned` is drawn and the config does not forbid it."""
    drawn = {edge.source for edge in edges if edge.handle == "returned"}
    found = dict(nodes)
    for name, node in nodes.items():
        config = node.config
        if name in drawn and isinstance(config, Approval) and config.allow_return is None:
            found[name] = replace(node, config=config.model_copy(update={"allow_return": True}))
    return found


def _design(drawing: Drawing, stem: str, problems: Problems) -> Design | None:
    if not drawing.nodes:
        if not has_errors(problems.found):
            problems.add("PF003", TEXTS("no-nodes"), drawing.nodes_pointer)
        return None
    settings = _settings(drawing, problems)
    read = read_nodes(drawing, problems)
    edges = read_edges(drawing, read, problems)
    if has_errors(problems.found) or settings is None:
        return None
    if not read.nodes:
        problems.add("PF003", TEXTS("none-runs"), drawing.nodes_pointer)
        return None
    nodes: Mapping[str, Node] = read.nodes
    if drawing.dialect == riveredge.DIALECT:
        nodes, edges = riveredge.as_followed(drawing, read.nodes, edges, problems)
        if has_errors(problems.found):
            return None
    nodes = _returning(nodes, edges)
    written = settings.id or stem
    design_id = names.safe_id(written)
    return Design(
        id=design_id,
        name=settings.name or written,
        nodes=nodes,
        edges=edges,
        settings=settings,
        setting_pointers=drawing.setting_pointers,
        tenant_id=drawing.tenant_id,
        pointer=drawing.pointer,
        dialect=drawing.dialect,
        unread_zones=tuple(one for one in problems.zones if one.startswith(f"{drawing.pointer}/")),
        drawn_nodes=drawing.drawn_nodes,
        drawn_edges=drawing.drawn_edges,
        inexact=tuple(inexact_numbers.in_config(_given(drawing), drawing.setting_pointers)),
    )


def _given(drawing: Drawing) -> dict[str, Any]:
    given = {key: value for key, value in drawing.settings.items() if value is not None}
    if "id" in given and (as_text := as_id(given["id"])) is not None:
        given["id"] = as_text
    return given


def _settings(drawing: Drawing, problems: Problems) -> Settings | None:
    given = _given(drawing)
    return validate(
        Settings, given, Location(drawing.pointer, dict(drawing.setting_pointers)), problems
    )
