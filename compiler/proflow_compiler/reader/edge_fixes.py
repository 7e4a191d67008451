"""Makes the fixes of edges that cannot be read."""

from collections.abc import Mapping, Sequence
from typing import Any

from proflow_schemas.language import Text, Texts

from proflow_compiler.design import Edge
from proflow_compiler.diagnostics import Edit, Fix
from proflow_compiler.diagnostics import spelling_fixes as words
from proflow_compiler.reader.drawing import Item

TEXTS = Texts(
    "edge-fixes",
    {
        "remove-dead": Text("remove the edge, which no run takes", "移除这条不会执行的连线"),
        "remove": Text("remove the edge", "移除这条连线"),
        "ruled": Text(
            "let the rule choose the edge: remove `default`",
            "由规则决定是否执行：移除 `default`",
        ),
        "move": Text("move `{name:raw}` into `data`", "将 `{name:raw}` 移入 `data`"),
        "remove-second": Text("remove the second of the two", "移除重复的连线"),
        "own-rule": Text(
            "let the edge to `{target}` be chosen by its own rule",
            "让通向 `{target}` 的连线按自己的规则执行",
        ),
        "no-default": Text(
            "never go on to `{target}` by default: remove this edge",
            "不再默认走向 `{target}`：移除这条连线",
        ),
    },
)


def removed(item: Item, *, never_taken: bool = False) -> Fix:
    """Remove an edge; the title of the fix may say that no run takes it."""
    title = TEXTS("remove-dead") if never_taken else TEXTS("remove")
    return Fix(title, False, (Edit("remove", item.pointer),))


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
    return by_name or (removed(item, never_taken=True),)


def ruled(item: Item) -> Fix:
    """Remove `default` from an edge that has a rule as well."""
    edit = Edit("remove", f"{item.pointer}/data/default")
    return Fix(TEXTS("ruled"), False, (edit,))


def moved_into_data(name: str, value: Mapping[str, Any], item: Item) -> tuple[Fix, ...]:
    """Move a key from the edge itself into its `data`, unless `data` has that key too."""
    data = value.get("data")
    if data is not None and (not isinstance(data, dict) or name in data):
        return ()
    edits = [Edit("add", f"{item.pointer}/data", {})] if data is None else []
    edits.append(Edit("move", f"{item.pointer}/data/{name}", source=item.at(name)))
    return (Fix(TEXTS("move", name=name), True, tuple(edits)),)


def without_copy(edge: Edge, first: Edge) -> tuple[Fix, ...]:
    """Remove the copy of an edge; safe if it says nothing more than the first."""
    alike = (edge.loop, edge.priority) == (first.loop, first.priority)
    return (Fix(TEXTS("remove-second"), alike, (Edit("remove", edge.pointer),)),)


def own_outcome(edge: Edge) -> tuple[Fix, ...]:
    """Remove the handle of an edge, so that its rule makes it an outcome of its own."""
    title = TEXTS("own-rule", target=edge.target)
    return (Fix(title, False, (Edit("remove", f"{edge.pointer}/sourceHandle"),)),)


def one_default(edge: Edge, edges: Sequence[Edge]) -> tuple[Fix, ...]:
    """Remove a second default, if another edge leads to the same node."""
    if not any(other.target == edge.target and other is not edge for other in edges):
        return ()
    title = TEXTS("no-default", target=edge.target)
    return (Fix(title, False, (Edit("remove", edge.pointer),)),)
