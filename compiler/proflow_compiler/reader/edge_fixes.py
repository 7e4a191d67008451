"""Makes the fixes of edges that cannot be read."""

from collections.abc import Mapping, Sequence
from typing import Any

from proflow_compiler.design import Edge
from proflow_compiler.diagnostics import Edit, Fix
from proflow_compiler.diagnostics import spelling_fixes as words
from proflow_compiler.diagnostics.message_text import shown
from proflow_compiler.reader.drawing import Item


def removed(item: Item, why: str = "") -> Fix:
    """Remove an edge; `why` ends the title of the fix."""
    return Fix(f"remove the edge{why}", False, (Edit("remove", item.pointer),))


def other_end(end: str, near: str | None, item: Item) -> tuple[Fix, ...]:
    """Connect a dangling edge to the node with the closest id, or remove it.

    Args:
        end: The key of the end that dangles: `source` or `target`.
        near: The closest id, if there is one.
        item: The edge.
    """
    return (*words.name(item.at(end), near), removed(item))


def another_handle(given: str, near: str | None, item: Item) -> tuple[Fix, ...]:
    """Let an edge leave by the outcome that was meant, or remove it.

    Args:
        given: Its handle, which names no outcome.
        near: The outcome that was meant, if it is known.
        item: The edge.
    """
    by_name = words.word(item.at("sourceHandle"), given, near)
    return by_name or (removed(item, ", which no run takes"),)


def ruled(item: Item) -> Fix:
    """Remove `default` from an edge that has a rule as well."""
    edit = Edit("remove", f"{item.pointer}/data/default")
    return Fix("let the rule choose the edge: remove `default`", False, (edit,))


def moved_into_data(name: str, value: Mapping[str, Any], item: Item) -> tuple[Fix, ...]:
    """Move a key from the edge itself into its `data`, unless `data` has that key too."""
    data = value.get("data")
    if data is not None and (not isinstance(data, dict) or name in data):
        return ()
    edits = [Edit("add", f"{item.pointer}/data", {})] if data is None else []
    edits.append(Edit("move", f"{item.pointer}/data/{name}", source=item.at(name)))
    return (Fix(f"move `{name}` into `data`", True, tuple(edits)),)


def without_copy(edge: Edge, first: Edge) -> tuple[Fix, ...]:
    """Remove the copy of an edge; safe if it says nothing more than the first."""
    alike = (edge.loop, edge.priority) == (first.loop, first.priority)
    return (Fix("remove the second of the two", alike, (Edit("remove", edge.pointer),)),)


def own_outcome(edge: Edge) -> tuple[Fix, ...]:
    """Remove the handle of an edge, so that its rule makes it an outcome of its own."""
    title = f"let the edge to `{shown(edge.target)}` be chosen by its own rule"
    return (Fix(title, False, (Edit("remove", f"{edge.pointer}/sourceHandle"),)),)


def one_default(edge: Edge, edges: Sequence[Edge]) -> tuple[Fix, ...]:
    """Remove a second default, if another edge leads to the same node."""
    if not any(other.target == edge.target and other is not edge for other in edges):
        return ()
    title = f"never go on to `{shown(edge.target)}` by default: remove this edge"
    return (Fix(title, False, (Edit("remove", edge.pointer),)),)
