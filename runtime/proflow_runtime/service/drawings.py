"""Describes a design for drawing: nodes with positions, edges with outcomes, and diagnostics."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from proflow_compiler.design import Design
from proflow_compiler.diagnostics.rendering import check_report
from proflow_compiler.drawing.figure import Figure, figure
from proflow_compiler.drawing.layout import MAX_WIDTH, Layout, layout, text_width
from proflow_compiler.graph import DEFAULT_RETURNS, outcome_of
from proflow_compiler.pipeline import compile_reading
from proflow_compiler.reader import Reading, places, riveredge, wrappers
from proflow_schemas.handlers import Handlers
from proflow_schemas.node_types import BUILT_IN_TYPES, NodeTypes
from proflow_schemas.published import model_schema
from proflow_schemas.readiness import Lacks

NARROWEST = 160.0
"""The smallest width of a node, in pixels."""
AROUND_TEXT = 64.0
"""The width of a node's icon and borders, in pixels."""


@dataclass(frozen=True)
class Drawing:
    """A picture with the diagnostics of its design; without one if there is not exactly one design."""

    picture: dict[str, Any] | None
    diagnostics: list[dict[str, Any]]


def drawing(
    reading: Reading,
    *,
    handlers: Handlers | None,
    timezone: str | None,
    lacks: Lacks | None = None,
) -> Drawing:
    """Check and draw a design; a design with errors has a picture, too.

    Args:
        reading: The text that was read.
        handlers: The handlers that designs may call; None if they are not known.
        lacks: What the host lacks of what the design needs; None: the host is not asked.
        timezone: The time zone of designs that name none.

    Returns:
        The picture and the diagnostics. The `node` of a diagnostic is the `id` of a node of the
        picture, its `edge` the `key` of an edge, and its `path` the nodes of a walk through the
        design that shows the problem.
    """
    found = compile_reading(reading, handlers=handlers, stored=True, timezone=timezone, lacks=lacks)
    diagnostics = [
        one for file in check_report(found.reports)["files"] for one in file["diagnostics"]
    ]
    drawn = picture(reading.designs[0]) if len(reading.designs) == 1 else None
    return Drawing(drawn, diagnostics)


def picture(design: Design) -> dict[str, Any]:
    """Lay out a design.

    Args:
        design: The design.

    Returns:
        The nodes and edges in file order, with sizes and positions in pixels. `x` and `y` are the
        upper left corner of a node, relative to its container if it has one, as in React Flow. The
        `leaving` of an edge says when a run has taken it: its source has completed with the outcome
        `by` (or with any outcome, if `always`), and, if `ruled`, its target has changed state after
        that. Back edges that result from the settings of an approval have `drawn` false.
    """
    seen = figure(design)
    widths = {
        shape.id: min(MAX_WIDTH, max(NARROWEST, text_width(shape.label) + AROUND_TEXT))
        for shape in seen.shapes
    }
    placed = layout(seen, widths)
    return {
        "id": design.id,
        "name": design.name,
        "width": placed.width,
        "height": placed.height,
        "nodes": _nodes(design, placed),
        "edges": _edges(design, seen),
    }


def redacted(picture: dict[str, Any] | None, types: NodeTypes) -> dict[str, Any] | None:
    """Remove the settings of steps from a picture, for those who only start and follow runs.

    Args:
        picture: A picture, or None.
        types: The node types; the settings of unknown ones are removed, too.

    Returns:
        The picture, whose nodes have `redacted` true where settings were removed.
    """
    if picture is None:
        return None
    nodes = []
    for node in picture["nodes"]:
        kind = types.all.get(node["type"])
        hidden = kind is None or kind.kind == "step"
        nodes.append({**node, "config": {}, "redacted": True} if hidden else node)
    return {**picture, "nodes": nodes}


def node_types(types: NodeTypes = BUILT_IN_TYPES) -> list[dict[str, Any]]:
    """Every node type: what it is called, its outcomes, the JSON Schema of its config, its texts."""
    return [
        {
            "type": kind.name,
            "aliases": sorted(kind.aliases),
            "outcomes": list(kind.outcomes),
            "rules": kind.rules,
            "container": kind.container,
            "config": model_schema(kind.config),
            "kind": kind.kind,
            "category": kind.category,
            "icon": kind.icon,
            "shape": kind.shape,
            "title": asdict(kind.title),
            "summary": asdict(kind.summary),
            "labels": {key: asdict(words) for key, words in kind.labels.items()},
            "fields": {key: asdict(words) for key, words in kind.fields.items()},
        }
        for kind in types.all.values()
    ]


def drawing_keys() -> dict[str, Any]:
    """Where drawings keep what is read of them, for editors of their JSON."""
    return {
        "graphs": wrappers.PATHS,
        "shapes": [{"nodes": nodes, "edges": edges} for nodes, edges in places.SHAPES],
        "row_marks": riveredge.ROW_MARKS,
        "types": places.TYPES,
        "labels": places.LABELS,
        "configs": places.CONFIGS,
        "parents": places.PARENTS,
        "returns": DEFAULT_RETURNS,
    }


def _nodes(design: Design, placed: Layout) -> list[dict[str, Any]]:
    corners = {
        name: (x - placed.sizes[name][0] / 2, y - placed.sizes[name][1] / 2)
        for name, (x, y) in placed.centres.items()
    }
    nodes = []
    for node in design.nodes.values():
        x, y = corners[node.id]
        left, top = (0.0, 0.0) if node.parent is None else corners[node.parent]
        width, height = placed.sizes[node.id]
        nodes.append(
            {
                "id": node.id,
                "type": node.type,
                "label": node.label or node.id,
                "x": x - left,
                "y": y - top,
                "width": width,
                "height": height,
                "parent": node.parent,
                "config": node.config.model_dump(mode="json", by_alias=True, exclude_unset=True),
                "outcomes": list(node.kind.outcomes),
            }
        )
    return nodes


def _edges(design: Design, seen: Figure) -> list[dict[str, Any]]:
    """Of the figure's arrows the first are the edges, in order."""
    edges = []
    for number, arrow in enumerate(seen.arrows):
        edge = design.edges[number] if number < len(design.edges) else None
        source = design.nodes[arrow.source]
        outcome = arrow.leaving.by if edge is None else outcome_of(source, edge)
        edges.append(
            {
                "id": f"e{number}",
                "key": None if edge is None else edge.key,
                "source": arrow.source,
                "target": arrow.target,
                "handle": None if edge is None else edge.handle,
                "outcome": outcome,
                "label": arrow.label,
                "back": arrow.back,
                "error": arrow.error,
                "drawn": edge is not None,
                "leaving": asdict(arrow.leaving),
            }
        )
    return edges
