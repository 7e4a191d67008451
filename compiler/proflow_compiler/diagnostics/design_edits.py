"""Makes fixes: turns changes of nodes, edges and settings of a design into edits of its file.

    end = plain_end(design, near=node)
    fix(f"end the run after {ticks(node.id)}", *add_edges(design, [Line(node.id, end)]))

The pointers of all edits refer to the file as it is. `fix` orders the edits so that none changes
what the pointer of a later one refers to.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from proflow_schemas.node_types.end import End

from proflow_compiler.design import Design, Edge, Node
from proflow_compiler.diagnostics import Edit, Fix
from proflow_compiler.diagnostics.source import escape, parts

_DISTANCE = 120.0
"""The distance between a new node and its neighbour on the canvas."""


@dataclass(frozen=True)
class Line:
    """An edge to draw.

    Attributes:
        source: The id of the node that it leaves.
        target: The id of the node that it leads to.
        handle: Its `sourceHandle`.
        data: Its `data`, which holds its rule.
    """

    source: str
    target: str
    handle: str | None = None
    data: Mapping[str, Any] | None = None


class Ration:
    """Limits for how many diagnostics a rule makes fixes: more would not be tried anyway."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self) -> bool:
        """Return True if fixes may be made for one more diagnostic."""
        self._left -= 1
        return self._left >= 0


def fix(title: str, *edits: Edit, safe: bool = False, alternative: bool = False) -> Fix:
    """Make a fix from edits whose pointers all refer to the file as it is.

    Args:
        title: What the fix does.
        edits: Its edits, in any order; of equal ones, one is kept.
        safe: True if no run behaves differently, or if nothing else can have been meant.
        alternative: True if it is a second choice, only offered after another fix that works.
    """
    once = {(edit.op, edit.pointer, repr(edit.value)): edit for edit in edits}.values()
    removed = [edit for edit in once if edit.op == "remove"]
    appended = [edit for edit in once if edit.pointer.endswith("/-")]
    others = [edit for edit in once if edit not in removed and edit not in appended]
    # Removing a member of a list moves those after it, so later members are removed first.
    removed.sort(key=lambda edit: _sort_key(edit.pointer), reverse=True)
    return Fix(title, safe, (*others, *removed, *appended), alternative)


def _sort_key(pointer: str) -> list[tuple[int, str]]:
    return [(int(part) if part.isdecimal() else -1, part) for part in parts(pointer)]


def set_key(node: Node, key: str, value: Any) -> Edit:
    """Set a key of a node's config, whether it is there or not."""
    if key in node.config_pointers:
        return Edit("replace", node.config_pointers[key], value)
    if node.config_pointer == node.pointer:
        return Edit("add", f"{node.pointer}/data", {key: value})
    return Edit("add", f"{node.config_pointer}/{escape(key)}", value)


def remove_key(node: Node, key: str) -> Edit:
    """Remove a key that a node's config has."""
    return Edit("remove", node.config_pointers[key])


def set_edge_key(edge: Edge, key: str, value: Any) -> Edit:
    """Set a key of an edge's `data` (`when`, `loop`, `default`, …), whether it is there or not."""
    if edge.data_pointer is None:
        return Edit("add", f"{edge.pointer}/data", {key: value})
    return Edit("add", f"{edge.data_pointer}/{escape(key)}", value)


def remove_setting(design: Design, key: str) -> Edit:
    """Remove a setting that the design has."""
    return Edit("remove", design.setting_pointers[key])


def lead_to(edges: Iterable[Edge], target: str) -> list[Edit]:
    """Let edges of the file lead to another node."""
    return [Edit("replace", f"{edge.pointer}/target", target) for edge in edges]


def leave_by(edge: Edge, outcome: str) -> Edit:
    """Let an edge of the file leave its node by another outcome."""
    return Edit("add", f"{edge.pointer}/sourceHandle", outcome)


def remove_edges(edges: Iterable[Edge]) -> list[Edit]:
    """Remove edges; skip those that follow from the dialect and are not in the file."""
    return [Edit("remove", edge.pointer) for edge in edges if edge.drawn]


def remove_nodes(design: Design, names: Collection[str]) -> list[Edit]:
    """Remove nodes, all nodes inside of them, and all edges of these."""
    gone = set(names)
    size = -1
    while size < len(gone):
        size = len(gone)
        gone |= {name for name, node in design.nodes.items() if node.parent in gone}
    nodes = [design.nodes[name] for name in gone]
    tied = (edge for edge in design.edges if edge.source in gone or edge.target in gone)
    return [*(Edit("remove", node.pointer) for node in nodes if node.drawn), *remove_edges(tied)]


def add_edges(design: Design, lines: Iterable[Line]) -> list[Edit]:
    """Draw edges. They get ids if other edges of the file have ids."""
    collection = design.drawn_edges
    made: dict[str, dict[str, Any]] = {}
    for line in lines:
        key = _free(f"{line.source}-{line.target}", design.keys, made)
        made[key] = {
            **({"id": key} if collection.named else {}),
            "source": line.source,
            "target": line.target,
            **({"sourceHandle": line.handle} if line.handle is not None else {}),
            **({"data": dict(line.data)} if line.data is not None else {}),
        }
    if collection.missing:
        return [Edit("add", collection.pointer, list(made.values()))]
    return [
        Edit("add", f"{collection.pointer}/{escape(key) if collection.keyed else '-'}", value)
        for key, value in made.items()
    ]


def add_node(
    design: Design,
    node_id: str,
    type: str,
    *,
    near: Node,
    above: bool = False,
    behind: Collection[Node] = (),
    data: Mapping[str, Any] | None = None,
) -> Edit:
    """Draw a node near another one, in the same container.

    Args:
        design: The design.
        node_id: The id of the new node, from `free_id`.
        type: Its type.
        near: The node that it is drawn below.
        above: Draw it above instead.
        behind: Draw it between these nodes and `near` instead.
        data: Its `data`.
    """
    collection = design.drawn_nodes
    value: dict[str, Any] = {"id": node_id} if collection.named or not collection.keyed else {}
    value["type"] = type
    if near.parent is not None:
        value["parentId"] = near.parent
    if near.position is not None:
        x, y = _beside(near.position, behind, above=above)
        value["position"] = {"x": _number(x), "y": _number(y)}
    if data is not None:
        value["data"] = dict(data)
    key = escape(node_id) if collection.keyed else "-"
    return Edit("add", f"{collection.pointer}/{key}", value)


def _beside(
    position: tuple[float, float], behind: Collection[Node], *, above: bool
) -> tuple[float, float]:
    others = [node.position for node in behind if node.position is not None]
    if not others:
        return position[0], position[1] - _DISTANCE if above else position[1] + _DISTANCE
    x, y = (sum(axis) / len(others) for axis in zip(*others, strict=True))
    return float(round((position[0] + x) / 2)), float(round((position[1] + y) / 2))


def free_id(design: Design, wanted: str) -> str:
    """Return an id that no node or edge has: the wanted one, or with a number, such as `end-2`."""
    return _free(wanted, design.keys)


def plain_end(design: Design, near: Node) -> str | None:
    """Return the id of the nearest `end` that only completes the run; None if no end does.

    Args:
        design: The design.
        near: A node in the same container, from which the distance on the canvas is measured.
    """
    ends = [
        node
        for node in design.nodes.values()
        if node.config == End() and node.drawn and node.parent == near.parent
    ]
    return min(ends, key=lambda node: _distance(near, node)).id if ends else None


def _distance(one: Node, other: Node) -> float:
    if one.position is None or other.position is None:
        return 0.0
    return sum((a - b) ** 2 for a, b in zip(one.position, other.position, strict=True))


def _free(wanted: str, *taken: Collection[str]) -> str:
    name, count = wanted, 1
    while any(name in one for one in taken):
        count += 1
        name = f"{wanted}-{count}"
    return name


def _number(value: float) -> int | float:
    return int(value) if value.is_integer() else value
