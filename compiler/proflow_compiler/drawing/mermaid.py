"""Renders a figure as a Mermaid flowchart."""

from collections.abc import Iterator, Mapping

from proflow_compiler.drawing.figure import COLOURS, ERROR, SHOWN, Arrow, Figure, Form, Shape

_BRACKETS: dict[Form, tuple[str, str]] = {
    "terminal": ("([", "])"),
    "stop": ("(((", ")))"),
    "person": ("[/", "/]"),
    "decision": ("{", "}"),
    "bar": ("[[", "]]"),
    "event": ("(", ")"),
    "work": ("[", "]"),
}
_HARMLESS = frozenset(" _,=/()")


def mermaid(figure: Figure) -> str:
    """Return the text of a flowchart; nodes get numbers as ids, texts are encoded."""
    ids = {shape.id: f"n{number}" for number, shape in enumerate(figure.shapes)}
    lines = ["flowchart LR", *_nodes(figure, ids)]
    lines += [
        f"  {ids[arrow.source]} {_edge(arrow)} {ids[arrow.target]}" for arrow in figure.arrows
    ]
    used = {shape.status for shape in figure.shapes if shape.status is not None}
    for status, (fill, border, text) in COLOURS.items():
        if status in used:
            lines.append(f"  classDef {status} fill:{fill},stroke:{border},color:{text}")
    lines += [f"  class {ids[shape.id]} {shape.status}" for shape in figure.shapes if shape.status]
    shown = [ids[shape.id] for shape in figure.shapes if shape.shown]
    lines += [f"  style {name} stroke:{SHOWN},stroke-width:3px" for name in shown]
    for number, arrow in enumerate(figure.arrows):
        if arrow.shown or arrow.error:
            width = "3px" if arrow.shown else "1px"
            colour = SHOWN if arrow.shown else ERROR
            lines.append(f"  linkStyle {number} stroke:{colour},stroke-width:{width}")
    return "\n".join(lines) + "\n"


def _nodes(figure: Figure, ids: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of the nodes; those of a container are between `subgraph` and `end`."""
    inside: dict[str | None, list[Shape]] = {}
    for shape in reversed(figure.shapes):
        inside.setdefault(shape.parent, []).append(shape)
    stack: list[Shape | None] = list(inside.get(None, ()))
    while stack:
        at = stack.pop()
        if at is None:
            yield "  end"
        elif at.holds:
            yield f"  subgraph {ids[at.id]}[{_words(at)}]"
            stack += [None, *inside[at.id]]
        else:
            yield f"  {ids[at.id]}{_node(at)}"


def _node(shape: Shape) -> str:
    before, after = _BRACKETS[shape.form]
    return f"{before}{_words(shape)}{after}"


def _words(shape: Shape) -> str:
    caption = f"<br/>{_encoded(shape.caption)}" if shape.caption else ""
    return f'"{_encoded(shape.label)}{caption}"'


def _edge(arrow: Arrow) -> str:
    line = {None: "-->", True: "==>", False: "-.->"}[arrow.taken]
    if arrow.back and not arrow.taken:
        line = "-.->"
    return f'{line}|"{_encoded(arrow.label)}"|' if arrow.label else line


def _encoded(text: str) -> str:
    """Encode all characters but letters, digits and harmless punctuation as `#number;`."""
    return "".join(
        character if character.isalnum() or character in _HARMLESS else f"#{ord(character)};"
        for character in text
    )
