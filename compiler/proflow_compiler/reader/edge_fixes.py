"""How edges that cannot be read are mended."""

from collections.abc import Mapping, Sequence
from typing import Any

from proflow_compiler.design import Edge
from proflow_compiler.diagnostics import Edit, Fix
from proflow_compiler.diagnostics import edits_of_words as words
from proflow_compiler.diagnostics.problems import shown
from proflow_compiler.reader.drawing import Item


def removed(item: Item, why: str = "") -> Fix:
    """Remove an edge."""
    return Fix(f"remove the edge{why}", False, (Edit("remove", item.pointer),))


def tied_elsewhere(end: str, near: str | None, item: Item) -> tuple[Fix, ...]:
    """Tie a dangling edge to what is called nearly so, or remove it."""
    return (*words.name(item.at(end), near), removed(item))


def another_handle(given: str, near: str | None, item: Item) -> tuple[Fix, ...]:
    """Leave by the outcome that was meant, or remove the edge."""
    by_name = words.word(item.at("sourceHandle"), given, near)
    return by_name or (removed(item, ", which no run takes"),)


def ruled(item: Item) -> Fix:
    """Let a rule choose an edge that is said to be the default as well."""
    edit = Edit("remove", f"{item.pointer}/data/default")
    return Fix("let the rule choose the edge: remove `default`", False, (edit,))


def moved_into_data(name: str, value: Mapping[str, Any], item: Item) -> tuple[Fix, ...]:
    """Move a key that stands on the edge itself into its `data`, unless it is there too."""
    data = value.get("data")
    if data is not None and (not isinstance(data, dict) or name in data):
        return ()
    edits = [Edit("add", f"{item.pointer}/data", {})] if data is None else []
    edits.append(Edit("move", f"{item.pointer}/data/{name}", source=item.at(name)))
    return (Fix(f"move `{name}` into `data`", True, tuple(edits)),)


def without_copy(edge: Edge, first: Edge) -> tuple[Fix, ...]:
    """Remove an edge that is drawn twice; safe if it says nothing that the first does not."""
    alike = (edge.loop, edge.priority) == (first.loop, first.priority)
    return (Fix("remove the second of the two", alike, (Edit("remove", edge.pointer),)),)


def own_outcome(edge: Edge) -> tuple[Fix, ...]:
    """Let an edge with a rule of its own be an outcome of its own."""
    title = f"let the edge to `{shown(edge.target)}` be chosen by its own rule"
    return (Fix(title, False, (Edit("remove", f"{edge.pointer}/sourceHandle"),)),)


def one_default(edge: Edge, edges: Sequence[Edge]) -> tuple[Fix, ...]:
    """Remove a second default, if something else leads where it does."""
    if not any(other.target == edge.target and other is not edge for other in edges):
        return ()
    title = f"never go on to `{shown(edge.target)}` by default: remove this edge"
    return (Fix(title, False, (Edit("remove", edge.pointer),)),)
