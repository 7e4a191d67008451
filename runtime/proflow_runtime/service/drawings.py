"""What a canvas needs to draw a design: nodes with places, edges with outcomes, diagnostics."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from proflow_compiler.design import Design
from proflow_compiler.diagnostics.rendering import check_report
from proflow_compiler.drawing.figure import Figure, figure
from proflow_compiler.drawing.layout import MAX_WIDTH, Layout, layout, text_width
from proflow_compiler.graph import outcome_of
from proflow_compiler.pipeline import compile_reading
from proflow_compiler.reader import Reading
from proflow_schemas.handlers import Handlers
from proflow_schemas.node_types import BUILT_IN_TYPES, NodeTypes
from proflow_schemas.published import model_schema

NARROWEST = 160.0
"""Of a node, in pixels."""
AROUND_TEXT = 64.0
"""The room of a node's icon and of its borders, in pixels."""


@dataclass(frozen=True)
class Drawing:
    """`picture` is None where the text holds no design, or several."""

    picture: dict[str, Any] | None
    diagnostics: list[dict[str, Any]]


def drawing(reading: Reading, *, handlers: Handlers | None, timezone: str | None) -> Drawing:
    """The picture of a design that was read, and what is wrong with it.

    An unsound design has a picture too. A diagnostic's `node` is the `id` of one in the picture, its
    `edge` the `key` of one, and its `path` the nodes of a walk that shows what is wrong.
    """
    found = compile_reading(reading, handlers=handlers, stored=True, timezone=timezone)
    diagnostics = [
        one for file in check_report(found.reports)["files"] for one in file["diagnostics"]
    ]
    drawn = picture(reading.designs[0]) if len(reading.designs) == 1 else None
    return Drawing(drawn, diagnostics)


def picture(design: Design) -> dict[str, Any]:
    """Nodes and edges in file order, in pixels.

    `x`, `y` are a node's upper left corner, inside a container counted from the container's, as
    React Flow has them. An edge's `leaving` says how a run shows that it went along: its source
    completed with the outcome `by` (or with any: `always`), and, of one that is `ruled`, its target
    moved. Ways back that are settings of an approval are edges with `drawn` false.
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
