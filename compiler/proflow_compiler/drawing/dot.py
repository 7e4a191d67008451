"""Renders a figure as Graphviz DOT."""

from collections.abc import Iterator, Mapping

from proflow_compiler.drawing.figure import Arrow, Figure, Form, Shape

_SHAPES: dict[Form, str] = {
    "terminal": "oval",
    "stop": "oval",
    "person": "house",
    "decision": "diamond",
    "bar": "component",
    "event": "hexagon",
    "work": "box",
}
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "&": "&amp;"})


def dot(figure: Figure) -> str:
    """Return the text of a digraph; nodes get numbers as ids, texts are quoted.

    A container is a cluster around an invisible node, where the edges of the container attach.
    """
    ids = {shape.id: f"n{number}" for number, shape in enumerate(figure.shapes)}
    boxes = {shape.id for shape in figure.shapes if shape.holds}
    lines = [
        "digraph {",
        f"  label={_quoted(figure.title)}",
        f"  rankdir=LR{' compound=true' if boxes else ''}",
        '  node [fontname="sans-serif" style="filled"]',
        '  edge [fontname="sans-serif"]',
        *_nodes(figure, ids),
    ]
    for arrow in figure.arrows:
        clusters = [
            f"{end}=cluster_{ids[name]}"
            for end, name in (("ltail", arrow.source), ("lhead", arrow.target))
            if name in boxes
        ]
        lines.append(f"  {ids[arrow.source]} -> {ids[arrow.target]}{_edge(arrow, clusters)}")
    return "\n".join([*lines, "}"]) + "\n"


def _nodes(figure: Figure, ids: Mapping[str, str]) -> Iterator[str]:
    inside: dict[str | None, list[Shape]] = {}
    for shape in reversed(figure.shapes):
        inside.setdefault(shape.parent, []).append(shape)
    stack: list[Shape | None] = list(inside.get(None, ()))
    while stack:
        at = stack.pop()
        if at is None:
            yield "  }"
        elif at.holds:
            fill, border, text = at.colours
            yield f"  subgraph cluster_{ids[at.id]} {{"
            yield (
                f'  label={_words(at)} style="rounded,filled" fillcolor="{fill}"'
                f' color="{border}" fontcolor="{text}"'
            )
            yield f'  {ids[at.id]} [label="" shape=point style=invis]'
            stack += [None, *inside[at.id]]
        else:
            yield f"  {ids[at.id]} [{_node(at)}]"


def _node(shape: Shape) -> str:
    fill, border, text = shape.colours
    shown = " penwidth=3" if shape.shown else ""
    double = " peripheries=2" if shape.form == "stop" else ""
    return (
        f"label={_words(shape)} shape={_SHAPES[shape.form]}"
        f' fillcolor="{fill}" color="{border}" fontcolor="{text}"{double}{shown}'
    )


def _words(shape: Shape) -> str:
    lines = [shape.label, *([shape.caption] if shape.caption else [])]
    return '"' + "\\n".join(line.translate(_ESCAPES) for line in lines) + '"'


def _edge(arrow: Arrow, clusters: list[str]) -> str:
    attributes = [f"label={_quoted(arrow.label)}"] if arrow.label else []
    if arrow.back or (arrow.taken is False and not arrow.shown):
        attributes.append("style=dashed")
    if arrow.taken or arrow.shown:
        attributes.append(f"penwidth={3 if arrow.shown else 2}")
    if arrow.colour is not None:
        attributes.append(f'color="{arrow.colour}"')
    if arrow.back:
        attributes.append("constraint=false")
    attributes += clusters
    return f" [{' '.join(attributes)}]" if attributes else ""


def _quoted(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'
