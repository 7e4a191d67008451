"""Renders a figure as SVG, built as an element tree so that all texts are escaped."""

from collections.abc import Sequence
from itertools import pairwise
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from proflow_compiler.drawing.figure import ERROR, SHOWN, TAKEN, Arrow, Figure, Shape
from proflow_compiler.drawing.layout import (
    FONT,
    HEIGHT,
    LABEL,
    MAX_WIDTH,
    MIN_WIDTH,
    Layout,
    Point,
    layout,
    text_width,
)

_TITLE = 32.0
_INK = "#8c8c8c"
_LINE = 13.0
"""The distance between the labels of two arrows, one above the other."""
_INSET = 4.0
"""The distance between the two outlines of an end that stops the run."""


def svg(figure: Figure) -> str:
    """Return the text of an SVG picture with a white background."""
    widths = {shape.id: _width(shape) for shape in figure.shapes}
    placed = layout(figure, widths)
    width, height = max(placed.width, 160), placed.height + _TITLE
    root = Element(
        "svg",
        xmlns="http://www.w3.org/2000/svg",
        role="img",
        viewBox=f"0 0 {_number(width)} {_number(height)}",
        width=_number(width),
        height=_number(height),
    )
    root.set("font-family", "sans-serif")
    root.set("font-size", _number(FONT))
    SubElement(root, "title").text = figure.title
    _heads(SubElement(root, "defs"))
    SubElement(root, "rect", width="100%", height="100%", fill="#ffffff")
    title = SubElement(root, "text", x="24", y="24", fill="#1f1f1f")
    title.set("font-weight", "bold")
    title.text = figure.title
    ground = SubElement(root, "g", transform=f"translate(0 {_number(_TITLE)})")
    # Containers first, the outer ones below the inner ones.
    boxes = [shape for shape in figure.shapes if shape.holds]
    for shape in sorted(boxes, key=lambda one: -placed.sizes[one.id][0]):
        _draw_container(ground, shape, placed)
    for arrow, line in zip(figure.arrows, placed.lines, strict=True):
        _draw_arrow(ground, arrow, line)
    _draw_labels(ground, figure, placed)
    for shape in figure.shapes:
        if not shape.holds:
            _draw_shape(ground, shape, placed, widths[shape.id])
    indent(root)
    return tostring(root, encoding="unicode") + "\n"


def _heads(parent: Element) -> None:
    for name, colour in (("head", _INK), ("taken", TAKEN), ("error", ERROR), ("shown", SHOWN)):
        marker = SubElement(
            parent,
            "marker",
            id=name,
            viewBox="0 0 8 8",
            refX="7",
            refY="4",
            markerWidth="10",
            markerHeight="10",
            markerUnits="userSpaceOnUse",
            orient="auto-start-reverse",
        )
        SubElement(marker, "path", d="M0 0 8 4 0 8z", fill=colour)


def _draw_shape(parent: Element, shape: Shape, placed: Layout, width: float) -> None:
    fill, border, ink = shape.colours
    x, y = placed.centres[shape.id]
    group = SubElement(parent, "g")
    SubElement(group, "title").text = shape.tooltip
    left, top = x - width / 2, y - HEIGHT / 2
    if shape.form == "decision":
        right, bottom = x + width / 2, y + HEIGHT / 2
        outline = SubElement(
            group,
            "polygon",
            points=" ".join(
                f"{_number(px)},{_number(py)}"
                for px, py in (
                    (left, y),
                    (left + 16, top),
                    (right - 16, top),
                    (right, y),
                    (right - 16, bottom),
                    (left + 16, bottom),
                )
            ),
        )
    else:
        outline = _box(group, shape, (left, top), width, HEIGHT)
    outline.set("fill", fill)
    outline.set("stroke", border)
    outline.set("stroke-width", _stroke(shape.shown, shape.form == "person"))
    if shape.status == "skipped":
        outline.set("stroke-dasharray", "4 3")
    if shape.form == "stop":
        inner = _box(
            group, shape, (left + _INSET, top + _INSET), width - 2 * _INSET, HEIGHT - 2 * _INSET
        )
        inner.set("fill", "none")
        inner.set("stroke", border)
    _draw_text(group, shape.label, (x, y + (-3 if shape.caption else 4.5)), ink, width - 20)
    if shape.caption:
        caption = _draw_text(group, shape.caption, (x, y + 15), ink, width - 20)
        caption.set("font-size", "11")


def _box(parent: Element, shape: Shape, corner: Point, width: float, height: float) -> Element:
    radius = {"terminal": height / 2, "stop": height / 2, "bar": 0.0, "event": height / 3}
    return SubElement(
        parent,
        "rect",
        x=_number(corner[0]),
        y=_number(corner[1]),
        width=_number(width),
        height=_number(height),
        rx=_number(radius.get(shape.form, 6.0)),
    )


def _draw_container(parent: Element, shape: Shape, placed: Layout) -> None:
    """Draw a box around the nodes in a container, with its title in the upper left corner."""
    fill, border, ink = shape.colours
    (x, y), (width, height) = placed.centres[shape.id], placed.sizes[shape.id]
    left, top = x - width / 2, y - height / 2
    group = SubElement(parent, "g")
    SubElement(group, "title").text = shape.tooltip
    outline = SubElement(
        group,
        "rect",
        x=_number(left),
        y=_number(top),
        width=_number(width),
        height=_number(height),
        rx="8",
        fill=fill if shape.status is not None else "#f5f5f5",
        stroke=border,
    )
    outline.set("stroke-width", _stroke(shape.shown, False))
    if shape.status == "skipped":
        outline.set("stroke-dasharray", "4 3")
    title = f"{shape.label} · {shape.caption}" if shape.caption else shape.label
    text = _draw_text(group, title, (left + 12, top + 19), ink, width - 24)
    text.set("text-anchor", "start")
    text.set("font-weight", "bold")


def _stroke(shown: bool, strong: bool) -> str:
    return "3" if shown else "2" if strong else "1.2"


def _draw_arrow(parent: Element, arrow: Arrow, line: Sequence[Point]) -> None:
    first, *rest = line
    path = SubElement(
        parent,
        "path",
        d=f"M{_point(first)}" + "".join(f" L{_point(point)}" for point in rest),
        fill="none",
        stroke=arrow.colour or _INK,
    )
    path.set("stroke-width", _stroke(arrow.shown, arrow.taken is True))
    heads = {SHOWN: "shown", TAKEN: "taken", ERROR: "error"}
    path.set("marker-end", f"url(#{heads.get(arrow.colour or '', 'head')})")
    if arrow.back or (arrow.taken is False and not arrow.shown):
        path.set("stroke-dasharray", "7 4" if arrow.back else "4 3")


def _draw_labels(parent: Element, figure: Figure, placed: Layout) -> None:
    """Draw the labels of arrows above all lines; a label that would cover another moves up."""
    taken: dict[int, list[tuple[float, float, float]]] = {}
    for arrow, line in zip(figure.arrows, placed.lines, strict=True):
        if not arrow.label:
            continue
        (x, y), (to_x, to_y) = _longest(line)
        room = max(abs(to_x - x) + 8, 96)
        half = min(text_width(arrow.label, LABEL), room) / 2
        middle = (x + to_x) / 2
        at = (middle, _free_height(taken, middle - half, middle + half, (y + to_y) / 2 - 4))
        label = _draw_text(parent, arrow.label, at, "#595959", room)
        label.set("font-size", _number(LABEL))
        label.set("paint-order", "stroke")
        label.set("stroke", "#ffffff")
        label.set("stroke-width", "3")


def _free_height(
    taken: dict[int, list[tuple[float, float, float]]], left: float, right: float, y: float
) -> float:
    """Return the lowest `y`, at or above the given one, where a label covers no other; reserve it.

    `taken`: row → the labels in it: (left border, right border, y).
    """
    while True:
        row = int(y // _LINE)
        near = (one for at in (row - 1, row, row + 1) for one in taken.get(at, ()))
        if not any(
            abs(other - y) < _LINE and left < end and begin < right for begin, end, other in near
        ):
            taken.setdefault(row, []).append((left, right, y))
            return y
        y -= _LINE


def _longest(line: Sequence[Point]) -> tuple[Point, Point]:
    """Return the longest horizontal segment of a line, or any segment if all are vertical."""
    segments = list(pairwise(line)) or [(line[0], line[0])]
    return max(segments, key=lambda segment: abs(segment[1][0] - segment[0][0]))


def _draw_text(parent: Element, text: str, at: Point, ink: str, room: float) -> Element:
    element = SubElement(parent, "text", x=_number(at[0]), y=_number(at[1]), fill=ink)
    element.set("text-anchor", "middle")
    element.text = _fitting(text, room)
    return element


def _fitting(text: str, room: float) -> str:
    if text_width(text) <= room:
        return text
    kept = ""
    for character in text:
        if text_width(kept + character) > room - FONT:
            break
        kept += character
    return kept.rstrip() + "…"


def _width(shape: Shape) -> float:
    longest = max(text_width(shape.label), text_width(shape.caption or ""))
    if shape.holds:
        longest = text_width(f"{shape.label} · {shape.caption or ''}") * 1.1
    return min(MAX_WIDTH, max(MIN_WIDTH, longest + 36))


def _point(point: Point) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
