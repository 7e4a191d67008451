"""Places the nodes and edges of a figure: as on the canvas, or in layers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import graphlay

from proflow_compiler.diagnostics.excerpt import width_of
from proflow_compiler.drawing.figure import Arrow, Figure, Shape

HEIGHT = 48.0
MIN_WIDTH, MAX_WIDTH = 72.0, 260.0
HEAD, PADDING, MARGIN = 28.0, 18.0, 24.0
"""The height of a container's title, the space around its content, the margin of the picture."""
MIN_GAP, MAX_GAP = 54.0, 170.0
"""The gap between layers depends on the labels of the arrows, within these bounds."""
FONT, LABEL = 13.0, 11.0
"""The font sizes of nodes and of arrow labels."""
Point = tuple[float, float]
Line = tuple[Point, ...]


@dataclass(frozen=True)
class Layout:
    """Where everything is drawn, in pixels; `y` grows downwards.

    Attributes:
        centres: Node id → its centre.
        sizes: Node id → (width, height); a container is large enough for its content.
        lines: For each arrow of the figure, in order, the points of its line.
        width: The width of the picture.
        height: The height of the picture.
    """

    centres: dict[str, Point]
    sizes: dict[str, Point]
    lines: tuple[tuple[Point, ...], ...]
    width: float
    height: float


def layout(figure: Figure, widths: dict[str, float]) -> Layout:
    """Place a figure.

    The positions of the canvas are used if all nodes have one, none overlap, and there are no
    containers. Otherwise each level of containers is laid out in layers.

    Args:
        figure: What to place.
        widths: Node id → its width.
    """
    sizes = {shape.id: (widths[shape.id], HEIGHT) for shape in figure.shapes}
    centres = None if any(shape.holds for shape in figure.shapes) else _drawn(figure, widths)
    found: dict[int, Line] = {}
    if centres is None:
        centres, found = _nested(figure, sizes)
    lines = [
        found[number] if number in found else _straight(sizes, centres, arrow.source, arrow.target)
        for number, arrow in enumerate(figure.arrows)
    ]
    return _shifted(sizes, centres, lines)


def text_width(text: str, size: float = FONT) -> float:
    """Estimate the width of a text in pixels; wide characters are as wide as the font size."""
    wide = sum(width_of(character) > 1 for character in text)
    return size * (wide + 0.56 * (len(text) - wide))


def _drawn(figure: Figure, widths: dict[str, float]) -> dict[str, Point] | None:
    """Return centres from the canvas positions (upper left corners); None if unusable."""
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
    """Return True if two nodes overlap; only nodes in adjacent rows are compared."""
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


def _straight(sizes: dict[str, Point], centres: dict[str, Point], source: str, target: str) -> Line:
    """Return a line from the border of one node to the border of another."""
    (x, y), (to_x, to_y) = centres[source], centres[target]
    right, left = x + sizes[source][0] / 2, to_x - sizes[target][0] / 2
    if right + 8 <= left:
        middle = (right + left) / 2
        return ((right, y), (middle, y), (middle, to_y), (left, to_y))
    side = 1 if to_y >= y else -1
    return ((x, y + side * sizes[source][1] / 2), (to_x, to_y - side * sizes[target][1] / 2))


def _nested(figure: Figure, sizes: dict[str, Point]) -> tuple[dict[str, Point], dict[int, Line]]:
    """Lay out each level, inner levels first, as they determine the sizes of containers."""
    levels: dict[str | None, list[str]] = {None: []}
    for shape in figure.shapes:
        levels.setdefault(shape.parent, []).append(shape.id)
    order: list[str | None] = [None]
    for level in order:
        order += [name for name in levels[level] if name in levels]
    parents = {shape.id: shape.parent for shape in figure.shapes}
    arrows: dict[str | None, dict[int, Arrow]] = {level: {} for level in levels}
    for number, arrow in enumerate(figure.arrows):
        if parents[arrow.source] == parents[arrow.target]:
            arrows[parents[arrow.source]][number] = arrow
    placed: dict[str | None, tuple[dict[str, Point], dict[int, Line]]] = {}
    for level in reversed(order):
        centres, lines = placed[level] = _layered(levels[level], arrows[level], sizes)
        if level is not None:
            width, height = _moved(centres, lines, sizes, (PADDING, PADDING + HEAD))
            sizes[level] = (max(width + PADDING, sizes[level][0]), height + PADDING)
    all_centres: dict[str, Point] = {}
    all_lines: dict[int, Line] = {}
    for level in order:
        centres, lines = placed[level]
        left, top = 0.0, 0.0
        if level is not None:
            left = all_centres[level][0] - sizes[level][0] / 2
            top = all_centres[level][1] - sizes[level][1] / 2
        all_centres |= {name: (x + left, y + top) for name, (x, y) in centres.items()}
        all_lines |= {
            number: tuple((x + left, y + top) for x, y in line) for number, line in lines.items()
        }
    return all_centres, all_lines


def _layered(
    names: Sequence[str], arrows: Mapping[int, Arrow], sizes: Mapping[str, Point]
) -> tuple[dict[str, Point], dict[int, Line]]:
    """Lay out one level in layers; back edges are laid out as if they led forward."""
    graph = graphlay.Graph()
    for name in names:
        width, height = sizes[name]
        graph.node(name, width=width, height=height)
    for arrow in arrows.values():
        ends = (arrow.target, arrow.source) if arrow.back else (arrow.source, arrow.target)
        graph.edge(*ends)
    labels = [text_width(arrow.label, LABEL) for arrow in arrows.values() if arrow.label]
    gap = min(MAX_GAP, max([MIN_GAP, *(width + 28 for width in labels)]))
    found = graphlay.layout(graph, options={"spacing": {"layer_gap": gap}})
    centres = {str(name): (float(x), float(y)) for name, (x, y) in found.positions().items()}
    lines = {}
    for (number, arrow), edge in zip(arrows.items(), found.edges, strict=True):
        line = tuple((float(point["x"]), float(point["y"])) for point in edge["points"])
        lines[number] = line[::-1] if arrow.back else line
    return centres, lines


def _moved(
    centres: dict[str, Point],
    lines: dict[int, Line],
    sizes: Mapping[str, Point],
    to: Point,
) -> Point:
    """Move a level to the upper left corner `to`, and return its lower right corner."""
    left, top, right, bottom = _bounds(centres, lines.values(), sizes)
    move_x, move_y = to[0] - left, to[1] - top
    for name, (x, y) in centres.items():
        centres[name] = (x + move_x, y + move_y)
    for number, line in lines.items():
        lines[number] = tuple((x + move_x, y + move_y) for x, y in line)
    return right + move_x, bottom + move_y


def _bounds(
    centres: Mapping[str, Point], lines: Iterable[Line], sizes: Mapping[str, Point]
) -> tuple[float, float, float, float]:
    points = [point for line in lines for point in line]
    for name, (x, y) in centres.items():
        half, rise = sizes[name][0] / 2, sizes[name][1] / 2
        points += [(x - half, y - rise), (x + half, y + rise)]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def _shifted(sizes: dict[str, Point], centres: dict[str, Point], found: Sequence[Line]) -> Layout:
    """Return the layout with a margin on all sides, starting at zero."""
    lines = dict(enumerate(found))
    width, height = _moved(centres, lines, sizes, (MARGIN, MARGIN))
    return Layout(centres, sizes, tuple(lines.values()), width + MARGIN, height + MARGIN)
