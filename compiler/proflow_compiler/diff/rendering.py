"""Renders a comparison as text and as JSON."""

from collections.abc import Iterator
from typing import Any

from proflow_schemas.definition import Definition

from proflow_compiler.diagnostics.excerpt import visible
from proflow_compiler.diff.changes import Change
from proflow_compiler.diff.comparison import Comparison

_MARKS = {"added": "+", "removed": "-", "changed": "~"}
_GREEN, _RED, _DIM = "32", "31", "2"


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


def comparison_text(comparison: Comparison, *, color: bool = False) -> str:
    """Return a text with the changes, and whether a run survives at each position."""

    def paint(text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if color else text

    lines = [visible(line) for line in _changes(comparison)]
    if comparison.positions:
        lines += ["", "runs in flight"]
    width = max((len(visible(one.node)) for one in comparison.positions), default=0)
    for one in comparison.positions:
        mark = paint("✔", _GREEN) if one.survives else paint("✘", _RED)
        remarks = [one.reason] if one.reason is not None else ["; ".join(one.notes)]
        name = visible(one.node)
        lines.append(f"{mark} {name:<{width}}  {visible(remarks[0] or '')}".rstrip())
        if not one.survives and len(one.path) > 1:
            path = " → ".join(visible(node) for node in one.path)
            lines.append(paint(f"  {'':<{width}}  path: {path}", _DIM))
    return "\n".join([*lines, "", _verdict(comparison)]) + "\n"


def _changes(comparison: Comparison) -> Iterator[str]:
    if not comparison.changes:
        yield "nothing that means something has changed"
        return
    yield "changes"
    for change in comparison.changes:
        mark = " " if change.cosmetic else _MARKS[change.kind.rpartition("-")[2]]
        location = change.node if change.edge is None else change.edge
        self_explanatory = change.kind.endswith(("added", "removed")) or location is None
        yield (
            f"{mark} {change.detail}"
            if self_explanatory
            else f"{mark} `{location}`: {change.detail}"
        )


def _verdict(comparison: Comparison) -> str:
    lost = sum(not one.survives for one in comparison.positions)
    if not comparison.positions:
        return "safe: no run ever waits"
    if not lost:
        return "safe: a run survives wherever it is"
    return f"unsafe: {lost} of {len(comparison.positions)} positions do not survive"
