"""A figure in the language of Graphviz."""

from proflow_compiler.drawing.figure import Arrow, Figure, Form, Shape

_SHAPES: dict[Form, str] = {
    "terminal": "oval",
    "person": "house",
    "decision": "diamond",
    "bar": "component",
    "event": "hexagon",
    "work": "box",
}
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "&": "&amp;"})


def dot(figure: Figure) -> str:
    """The text of a digraph; ids of nodes are numbered, texts are quoted strings."""
    ids = {shape.id: f"n{number}" for number, shape in enumerate(figure.shapes)}
    lines = [
        "digraph {",
        f"  label={_quoted(figure.title)}",
        "  rankdir=LR",
        '  node [fontname="sans-serif" style="filled"]',
        '  edge [fontname="sans-serif"]',
        *(f"  {ids[shape.id]} [{_node(shape)}]" for shape in figure.shapes),
        *(f"  {ids[arrow.source]} -> {ids[arrow.target]}{_edge(arrow)}" for arrow in figure.arrows),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _node(shape: Shape) -> str:
    fill, border, text = shape.colours
    lines = [shape.label, *([shape.caption] if shape.caption else [])]
    label = '"' + "\\n".join(line.translate(_ESCAPES) for line in lines) + '"'
    return (
        f"label={label} shape={_SHAPES[shape.form]}"
        f' fillcolor="{fill}" color="{border}" fontcolor="{text}"'
    )


def _edge(arrow: Arrow) -> str:
    attributes = [f"label={_quoted(arrow.label)}"] if arrow.label else []
    if arrow.taken is not None:
        attributes.append("penwidth=2" if arrow.taken else "style=dashed")
    return f" [{' '.join(attributes)}]" if attributes else ""


def _quoted(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'
