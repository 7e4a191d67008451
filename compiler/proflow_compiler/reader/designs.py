"""A JSON value → its designs: finds the shape, reads nodes, edges and settings."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from proflow_schemas.settings import Settings

from proflow_compiler.design import Design, Node
from proflow_compiler.diagnostics import Diagnostic, Level, Related, has_errors
from proflow_compiler.problems import Problems, did_you_mean, kind_of, shown
from proflow_compiler.reader import (
    flow_editor,
    formats,
    names,
    react_flow,
    react_flow_v9,
    riveredge,
    wrappers,
)
from proflow_compiler.reader.drawing import SETTINGS, Drawing
from proflow_compiler.reader.edges import read_edges
from proflow_compiler.reader.nodes import as_id, read_nodes
from proflow_compiler.validate import Place, validate

Shape = Callable[[dict[str, Any], str, Problems], Drawing | None]
SHAPES: tuple[Shape, ...] = (react_flow_v9.read, flow_editor.read, react_flow.read)
_MAX_WRAPPERS = 4


def read_designs(
    value: Any, path: str, select: str | None
) -> tuple[list[Design], list[Diagnostic]]:
    """The sound designs of a JSON value, and every problem of it."""
    problems = Problems()
    stem = names.stem(path)
    rows, pointer = _rows(value)
    if rows is not None:
        return _read_rows(rows, pointer, stem, select, problems), problems.found
    if select is not None:
        problems.add(
            "PF006",
            f"`#{shown(select)}` selects a row, but the file holds no list of rows",
            help="leave it out",
        )
        return [], problems.found
    drawing = _find(value, "", problems)
    design = _design(drawing, stem, problems) if drawing is not None else None
    return [design] if design is not None else [], problems.found


def _rows(value: Any) -> tuple[list[Any] | None, str]:
    """An exported array of rows, on its own or as the `data` or `items` of an answer."""
    pointer = ""
    for _ in range(_MAX_WRAPPERS):
        if riveredge.is_array(value):
            return value, pointer
        if not isinstance(value, dict) or "nodes" in value:
            break
        key = next((key for key in ("data", "items", "rows") if key in value), None)
        if key is None:
            break
        value, pointer = value[key], f"{pointer}/{key}"
    return None, ""


def _read_rows(
    values: list[Any], pointer: str, stem: str, select: str | None, problems: Problems
) -> list[Design]:
    """The designs of an array of rows, named by code and tenant."""
    rows: list[tuple[riveredge.Row, str]] = []
    taken: dict[str, riveredge.Row] = {}
    for index, value in enumerate(values):
        at = f"{pointer}/{index}"
        row = riveredge.row(value, at, problems)
        if row is None:
            continue
        if value.get("deleted_at") is not None:
            problems.add(
                "PF107",
                f"the row `{shown(row.code or index)}` is left out: it is deleted",
                at,
                level=Level.INFO,
            )
            continue
        written = row.code or f"{stem}-{index}"
        name = names.safe_id(written if row.tenant_id is None else f"{written}-t{row.tenant_id}")
        if name in taken:
            problems.add(
                "PF110",
                f"two rows are the design `{shown(name)}`",
                f"{at}/code" if row.code is not None else at,
                related=(Related(taken[name].pointer, "the other one"),),
            )
            continue
        taken[name] = row
        rows.append((row, name))
    if select is not None:
        rows = _selected(rows, select, problems)
    designs = []
    for row, name in rows:
        drawing = riveredge.read_row(row, problems)
        design = _design(drawing, stem, problems) if drawing is not None else None
        if design is not None:
            designs.append(replace(design, id=name))
    return designs


def _selected(
    rows: list[tuple[riveredge.Row, str]], select: str, problems: Problems
) -> list[tuple[riveredge.Row, str]]:
    """The rows of a code, or the one of an id (`leave-t7`), with the problems of no others."""
    found = [(row, name) for row, name in rows if select in (row.code, name)]
    pointers = [row.pointer for row, _ in found]
    problems.found[:] = [
        one
        for one in problems.found
        if any(f"{one.pointer}/".startswith(f"{pointer}/") for pointer in pointers)
    ]
    if not found:
        known = [row.code or name for row, name in rows]
        problems.add(
            "PF006",
            f"no row has the code `{shown(select)}`",
            help=did_you_mean(select, known)
            or "there are " + ", ".join(f"`{shown(code)}`" for code in known[:20]),
        )
    return found


def _find(value: Any, pointer: str, problems: Problems) -> Drawing | None:
    outer: dict[str, Any] = {}
    outer_pointers: dict[str, str] = {}
    for _ in range(_MAX_WRAPPERS):
        foreign = formats.of_value(value)
        if foreign is not None:
            problems.add(
                "PF003",
                f"this is {foreign}, not a ProFlow design",
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
        value, pointer = wrapped
    _unknown(value, pointer, problems)
    return None


def _with_outer(drawing: Drawing, outer: Mapping[str, Any], pointers: Mapping[str, str]) -> Drawing:
    """What stands beside the graph in its wrapper is its setting too."""
    return replace(
        drawing,
        settings={**outer, **drawing.settings},
        setting_pointers={**pointers, **drawing.setting_pointers},
    )


def _in_dialect(drawing: Drawing, problems: Problems) -> Drawing:
    """A graph that was taken out of a row is still read as that product reads it."""
    mark = riveredge.in_dialect(drawing)
    if mark is None:
        return drawing
    key = mark.rpartition("/")[2]
    problems.add(
        "PF111",
        f"`{key}` is a field of RiverEdge's approval processes, so the design is read as one",
        mark,
        level=Level.INFO,
        on_key=True,
    )
    return replace(drawing, dialect=riveredge.DIALECT)


def _unknown(value: Any, pointer: str, problems: Problems) -> None:
    if value == {}:
        message = "an empty object holds no design"
    elif value == []:
        message = "an empty list holds no design"
    elif isinstance(value, dict):
        message = "there are no `nodes` and `edges`"
    else:
        message = f"a design is an object, not {kind_of(value)}"
    problems.add("PF003", message, pointer, help=formats.HELP)


def _design(drawing: Drawing, stem: str, problems: Problems) -> Design | None:
    before = len(problems.found)
    if not drawing.nodes:
        if not has_errors(problems.found[before:]):
            problems.add("PF003", "the design has no nodes", drawing.nodes_pointer)
        return None
    settings = _settings(drawing, problems)
    read = read_nodes(drawing, problems)
    edges = read_edges(drawing, read, problems)
    if has_errors(problems.found[before:]) or settings is None:
        return None
    if not read.nodes:
        problems.add("PF003", "the design has no nodes that run", drawing.nodes_pointer)
        return None
    nodes: Mapping[str, Node] = read.nodes
    if drawing.dialect == riveredge.DIALECT:
        nodes, edges = riveredge.as_followed(drawing, read.nodes, edges, problems)
        if has_errors(problems.found[before:]):
            return None
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
    )


def _settings(drawing: Drawing, problems: Problems) -> Settings | None:
    given = {key: value for key, value in drawing.settings.items() if value is not None}
    if "id" in given and (as_text := as_id(given["id"])) is not None:
        given["id"] = as_text
    return validate(
        Settings, given, Place(drawing.pointer, dict(drawing.setting_pointers)), problems
    )
