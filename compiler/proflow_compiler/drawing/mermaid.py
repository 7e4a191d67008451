"""A figure as a Mermaid flowchart."""

from proflow_compiler.drawing.figure import COLOURS, Arrow, Figure, Form, Shape

_BRACKETS: dict[Form, tuple[str, str]] = {
    "terminal": ("([", "])"),
    "person": ("[/", "/]"),
    "decision": ("{", "}"),
    "bar": ("[[", "]]"),
    "event": ("(", ")"),
    "work": ("[", "]"),
}
_HARMLESS = frozenset(" _,=/()")


def mermaid(figure: Figure) -> str:
    """The text of a flowchart; ids of nodes are numbered, texts are encoded."""
    ids = {shape.id: f"n{number}" for number, shape in enumerate(figure.shapes)}
    lines = ["flowchart LR"]
    lines += [f"  {ids[shape.id]}{_node(shape)}" for shape in figure.shapes]
    lines += [
        f"  {ids[arrow.source]} {_link(arrow)} {ids[arrow.target]}" for arrow in figure.arrows
    ]
    used = {shape.status for shape in figure.shapes if shape.status is not None}
    for status, (fill, border, text) in COLOURS.items():
        if status in used:
            lines.append(f"  classDef {status} fill:{fill},stroke:{border},color:{text}")
    lines += [f"  class {ids[shape.id]} {shape.status}" for shape in figure.shapes if shape.status]
    return "\n".join(lines) + "\n"


def _node(shape: Shape) -> str:
    before, after = _BRACKETS[shape.form]
    caption = f"<br/>{_encoded(shape.caption)}" if shape.caption else ""
    return f'{before}"{_encoded(shape.label)}{caption}"{after}'


def _link(arrow: Arrow) -> str:
    line = {None: "-->", True: "==>", False: "-.->"}[arrow.taken]
    return f'{line}|"{_encoded(arrow.label)}"|' if arrow.label else line


def _encoded(text: str) -> str:
    """Letters, digits and harmless marks as they are, everything else as `#number;`."""
    return "".join(
        character if character.isalnum() or character in _HARMLESS else f"#{ord(character)};"
        for character in text
    )
