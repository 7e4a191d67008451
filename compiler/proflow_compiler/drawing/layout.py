"""Where the nodes and edges of a figure go: as drawn on the canvas, or in layers."""

from dataclasses import dataclass
from typing import Any

import graphlay

from proflow_compiler.drawing.figure import Figure, Shape

HEIGHT = 48.0
MIN_WIDTH, MAX_WIDTH = 72.0, 260.0
Point = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """Centres of the nodes by id, and for each arrow, in order, its line; `y` grows downwards."""

    centres: dict[str, Point]
    lines: tuple[tuple[Point, ...], ...]
    width: float
    height: float


def layout(figure: Figure, widths: dict[str, float]) -> Layout:
    """The positions of the canvas if all nodes have one and none overlap, else layers."""
    centres = _drawn(figure, widths)
    if centres is not None:
        lines = [_straight(figure, widths, centres, *ends) for ends in _ends(figure)]
    else:
        centres, lines = _layered(figure, widths)
    return _shifted(figure, widths, centres, lines)


def _ends(figure: Figure) -> list[tuple[str, str]]:
    return [(arrow.source, arrow.target) for arrow in figure.arrows]


def _drawn(figure: Figure, widths: dict[str, float]) -> dict[str, Point] | None:
    """React Flow's positions are those of the upper left corners."""
    centres: dict[str, Point] = {}
    for shape in figure.shapes:
        if shape.position is None or max(map(abs, shape.position)) > 1e6:
            return None
        x, y = shape.position
        centres[shape.id] = (x + widths[shape.id] / 2, y + HEIGHT / 2)
    return None if _overlap(figure.shapes, widths, centres) else centres


def _overlap(
    shapes: tuple[Shape, ...], widths: dict[str, float], centres: dict[str, Point]
) -> bool:
    """Whether two nodes touch, compared with those of the same and the next row only."""
    rows: dict[int, list[tuple[float, float, float]]] = {}
    for shape in shapes:
        x, y = centres[shape.id]
        half = widths[shape.id] / 2
        row = int(y // HEIGHT)
        for near in (row - 1, row, row + 1):
            for left, right, other in rows.get(near, ()):
                if abs(other - y) < HEIGHT and x - half < right and left < x + half:
                    return True
        rows.setdefault(row, []).append((x - half, x + half, y))
    return False


def _straight(
    figure: Figure,
    widths: dict[str, float],
    centres: dict[str, Point],
    source: str,
    target: str,
) -> tuple[Point, ...]:
    """From the border of one node to the border of the other."""
    (x, y), (to_x, to_y) = centres[source], centres[target]
    right, left = x + widths[source] / 2, to_x - widths[target] / 2
    if right + 8 <= left:
        middle = (right + left) / 2
        return ((right, y), (middle, y), (middle, to_y), (left, to_y))
    side = 1 if to_y >= y else -1
    return ((x, y + side * HEIGHT / 2), (to_x, to_y - side * HEIGHT / 2))


def _layered(
    figure: Figure, widths: dict[str, float]
) -> tuple[dict[str, Point], list[tuple[Point, ...]]]:
    graph = graphlay.Graph()
    for shape in figure.shapes:
        graph.node(shape.id, width=widths[shape.id], height=HEIGHT)
    for arrow in figure.arrows:
        graph.edge(arrow.source, arrow.target)
    found = graphlay.layout(graph)
    centres = {str(name): (float(x), float(y)) for name, (x, y) in found.positions().items()}
    return centres, [_points(edge) for edge in found.edges]


def _points(edge: dict[str, Any]) -> tuple[Point, ...]:
    return tuple((float(point["x"]), float(point["y"])) for point in edge["points"])


def _shifted(
    figure: Figure,
    widths: dict[str, float],
    centres: dict[str, Point],
    lines: list[tuple[Point, ...]],
) -> Layout:
    """The same with a margin of 24 on all sides, beginning at zero."""
    half = HEIGHT / 2
    xs = [x + side * widths[name] / 2 for name, (x, _) in centres.items() for side in (-1, 1)]
    ys = [y + side * half for _, y in centres.values() for side in (-1, 1)]
    xs += [x for line in lines for x, _ in line]
    ys += [y for line in lines for _, y in line]
    left, top = min(xs) - 24, min(ys) - 24
    return Layout(
        {name: (x - left, y - top) for name, (x, y) in centres.items()},
        tuple(tuple((x - left, y - top) for x, y in line) for line in lines),
        max(xs) - left + 24,
        max(ys) - top + 24,
    )
