"""Renders a comparison as text and as JSON."""

from collections.abc import Iterator
from typing import Any

from proflow_schemas.definition import Definition
from proflow_schemas.language import Language, Text, Texts, in_language

from proflow_compiler.diagnostics.excerpt import visible
from proflow_compiler.diff.changes import Change
from proflow_compiler.diff.comparison import Comparison

_MARKS = {"added": "+", "removed": "-", "changed": "~"}
_GREEN, _RED, _DIM = "32", "31", "2"

TEXTS = Texts(
    "diff",
    {
        "nothing": Text("nothing that means something has changed", "没有影响运行的变化"),
        "changes": Text("changes", "变化"),
        "in-flight": Text("runs in flight", "进行中的运行"),
        "path": Text("path: {path:raw}", "路径：{path:raw}"),
        "notes": Text("{notes:semicolons}", "{notes:semicolons}"),
        "change": Text("{mark:raw} {detail:raw}", "{mark:raw} {detail:raw}"),
        "change-at": Text(
            "{mark:raw} `{location:raw}`: {detail:raw}", "{mark:raw} `{location:raw}`：{detail:raw}"
        ),
        "safe-no-wait": Text("safe: no run ever waits", "安全：运行不会停下等待"),
        "safe": Text("safe: a run survives wherever it is", "安全：运行在任何位置都能继续"),
        "unsafe": Text(
            "unsafe: {lost} of {count} positions do not survive",
            "不安全：{count} 个位置中有 {lost} 个无法继续",
        ),
    },
)


def comparison_json(comparison: Comparison, old: str, new: str) -> dict[str, Any]:
    """Return `{"ok", "old", "new", "changes", "positions"}`.

    Args:
        comparison: The comparison.
        old: The path of the old design, as it was given.
        new: The path of the new one.
    """
    return {
        "ok": comparison.ok,
        "old": _described(comparison.old, old),
        "new": _described(comparison.new, new),
        "changes": [_change(one) for one in comparison.changes],
        "positions": [
            {
                "node": one.node,
                "survives": one.survives,
                "reason": one.reason,
                "path": list(one.path),
                "notes": list(one.notes),
            }
            for one in comparison.positions
        ],
    }


def _described(definition: Definition, path: str) -> dict[str, Any]:
    return {
        "path": path,
        "workflow": definition.id,
        "version": definition.version,
        "digest": definition.digest,
    }


def _change(change: Change) -> dict[str, Any]:
    location = {"node": change.node, "edge": change.edge}
    return {
        "kind": change.kind,
        **{key: value for key, value in location.items() if value is not None},
        "detail": change.detail,
    }


def comparison_text(
    comparison: Comparison, *, color: bool = False, language: Language = "en"
) -> str:
    """Return a text with the changes, and whether a run survives at each position.

    Args:
        comparison: The comparison.
        color: Use terminal colours.
        language: The language of the text.
    """

    def said(text: str) -> str:
        return in_language(text, language)

    def paint(text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if color else text

    lines = [visible(said(line)) for line in _changes(comparison)]
    if comparison.positions:
        lines += ["", said(TEXTS("in-flight"))]
    width = max((len(visible(one.node)) for one in comparison.positions), default=0)
    for one in comparison.positions:
        mark = paint("✔", _GREEN) if one.survives else paint("✘", _RED)
        notes = said(TEXTS("notes", notes=one.notes)) if one.notes else ""
        remark = said(one.reason) if one.reason is not None else notes
        name = visible(one.node)
        lines.append(f"{mark} {name:<{width}}  {visible(remark)}".rstrip())
        if not one.survives and len(one.path) > 1:
            path = " → ".join(visible(node) for node in one.path)
            shown = said(TEXTS("path", path=path))
            lines.append(paint(f"  {'':<{width}}  {shown}", _DIM))
    return "\n".join([*lines, "", said(_verdict(comparison))]) + "\n"


def _changes(comparison: Comparison) -> Iterator[str]:
    if not comparison.changes:
        yield TEXTS("nothing")
        return
    yield TEXTS("changes")
    for change in comparison.changes:
        mark = " " if change.cosmetic else _MARKS[change.kind.rpartition("-")[2]]
        location = change.node if change.edge is None else change.edge
        self_explanatory = change.kind.endswith(("added", "removed")) or location is None
        yield (
            TEXTS("change", mark=mark, detail=change.detail)
            if self_explanatory
            else TEXTS("change-at", mark=mark, location=location, detail=change.detail)
        )


def _verdict(comparison: Comparison) -> str:
    lost = sum(not one.survives for one in comparison.positions)
    if not comparison.positions:
        return TEXTS("safe-no-wait")
    if not lost:
        return TEXTS("safe")
    return TEXTS("unsafe", lost=lost, count=len(comparison.positions))
