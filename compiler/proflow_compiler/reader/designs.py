"""A JSON value → its designs: finds the shape, reads nodes, edges and settings."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from proflow_schemas.settings import Settings

from proflow_compiler.design import Design
from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.problems import Problems, kind_of
from proflow_compiler.reader import (
    flow_editor,
    formats,
    names,
    react_flow,
    react_flow_v9,
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
    drawing = _find(value, "", problems)
    designs: list[Design] = []
    if drawing is not None:
        design = _design(drawing, names.stem(path), problems)
        if design is not None:
            designs.append(design)
    return designs, problems.found


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
        for shape in SHAPES:
            drawing = shape(value, pointer, problems)
            if drawing is not None:
                return _with_outer(drawing, outer, outer_pointers)
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
        if not problems.found:
            problems.add("PF003", "the design has no nodes", drawing.nodes_pointer)
        return None
    settings = _settings(drawing, problems)
    read = read_nodes(drawing, problems)
    edges = read_edges(drawing, read, problems)
    if any(found.level is Level.ERROR for found in problems.found[before:]) or settings is None:
        return None
    if not read.nodes:
        problems.add("PF003", "the design has no nodes that run", drawing.nodes_pointer)
        return None
    written = settings.id or stem
    design_id = names.safe_id(written)
    return Design(
        id=design_id,
        name=settings.name or written,
        nodes=read.nodes,
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
