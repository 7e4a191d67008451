"""Writes fixes: what is to change in a design, as edits of the file it was drawn in.

    end = plain_end(design, near=node)
    fix(f"end the run after {ticks(node.id)}", *add_edges(design, [Line(node.id, end)]))

Edits may be given in any order: `fix` puts them so that none moves what another points at.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from proflow_schemas.node_types.end import End

from proflow_compiler.design import Design, Edge, Node
from proflow_compiler.diagnostics import Edit, Fix
from proflow_compiler.diagnostics.source import escape, parts

_APART = 120.0
"""How far from its neighbour a new node is drawn."""


@dataclass(frozen=True)
class Line:
    """An edge to be drawn; `data` is its rule."""

    source: str
    target: str
    handle: str | None = None
    data: Mapping[str, Any] | None = None


class Ration:
    """Lets fixes be made for the first diagnostics of a rule: no more would be proven anyway."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self) -> bool:
        """Whether fixes are made for one more."""
        self._left -= 1
        return self._left >= 0


def fix(title: str, *edits: Edit, safe: bool = False, alternative: bool = False) -> Fix:
    """A fix whose pointers all lead into the file as it is: later members of a list go first."""
    once = {(edit.op, edit.pointer, repr(edit.value)): edit for edit in edits}.values()
    removed = [edit for edit in once if edit.op == "remove"]
    appended = [edit for edit in once if edit.pointer.endswith("/-")]
    others = [edit for edit in once if edit not in removed and edit not in appended]
    removed.sort(key=lambda edit: _place(edit.pointer), reverse=True)
    return Fix(title, safe, (*others, *removed, *appended), alternative)


def _place(pointer: str) -> list[tuple[int, str]]:
    return [(int(part) if part.isdecimal() else -1, part) for part in parts(pointer)]


def set_key(node: Node, key: str, value: Any) -> Edit:
    """Give a key of a node's config another value, or add it."""
    if key in node.config_pointers:
        return Edit("replace", node.config_pointers[key], value)
    if node.config_pointer == node.pointer:
        return Edit("add", f"{node.pointer}/data", {key: value})
    return Edit("add", f"{node.config_pointer}/{escape(key)}", value)


def remove_key(node: Node, key: str) -> Edit:
    """Remove a key that a node's config has."""
    return Edit("remove", node.config_pointers[key])


def set_edge_key(edge: Edge, key: str, value: Any) -> Edit:
    """Give a key of an edge's data (`when`, `loop`, `default`, …) another value, or add it."""
    if edge.data_pointer is None:
        return Edit("add", f"{edge.pointer}/data", {key: value})
    return Edit("add", f"{edge.data_pointer}/{escape(key)}", value)


def remove_setting(design: Design, key: str) -> Edit:
    """Remove a setting that the design has."""
    return Edit("remove", design.setting_pointers[key])


def lead_to(edges: Iterable[Edge], target: str) -> list[Edit]:
    """Let drawn edges lead to another node."""
    return [Edit("replace", f"{edge.pointer}/target", target) for edge in edges]


def leave_by(edge: Edge, outcome: str) -> Edit:
    """Let a drawn edge leave by another outcome."""
    return Edit("add", f"{edge.pointer}/sourceHandle", outcome)


def remove_edges(edges: Iterable[Edge]) -> list[Edit]:
    """Remove edges; those that the dialect adds stand nowhere."""
    return [Edit("remove", edge.pointer) for edge in edges if edge.drawn]


def remove_nodes(design: Design, names: Collection[str]) -> list[Edit]:
    """Remove nodes, what stands in them, and all edges that are tied to these."""
    gone = set(names)
    size = -1
    while size < len(gone):
        size = len(gone)
        gone |= {name for name, node in design.nodes.items() if node.parent in gone}
    nodes = [design.nodes[name] for name in gone]
    tied = (edge for edge in design.edges if edge.source in gone or edge.target in gone)
    return [*(Edit("remove", node.pointer) for node in nodes if node.drawn), *remove_edges(tied)]


def add_edges(design: Design, lines: Iterable[Line]) -> list[Edit]:
    """Draw edges, with ids if others have them."""
    place = design.drawn_edges
    taken = {edge.key for edge in design.edges} | design.nodes.keys()
    made: dict[str, dict[str, Any]] = {}
    for line in lines:
        key = _free(f"{line.source}-{line.target}", taken | made.keys())
        made[key] = {
            **({"id": key} if place.named else {}),
            "source": line.source,
            "target": line.target,
            **({"sourceHandle": line.handle} if line.handle is not None else {}),
            **({"data": dict(line.data)} if line.data is not None else {}),
        }
    if place.missing:
        return [Edit("add", place.pointer, list(made.values()))]
    return [
        Edit("add", f"{place.pointer}/{escape(key) if place.keyed else '-'}", value)
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
    """Draw a node below or above another one, in what that stands in; `free_id` gives its id.

    With `behind` it stands between these and the node that it is near.
    """
    place = design.drawn_nodes
    value: dict[str, Any] = {"id": node_id} if place.named or not place.keyed else {}
    value["type"] = type
    if near.parent is not None:
        value["parentId"] = near.parent
    if near.position is not None:
        x, y = _beside(near.position, behind, above=above)
        value["position"] = {"x": _number(x), "y": _number(y)}
    if data is not None:
        value["data"] = dict(data)
    return Edit("add", f"{place.pointer}/{escape(node_id) if place.keyed else '-'}", value)


def _beside(
    place: tuple[float, float], behind: Collection[Node], *, above: bool
) -> tuple[float, float]:
    others = [node.position for node in behind if node.position is not None]
    if not others:
        return place[0], place[1] - _APART if above else place[1] + _APART
    x, y = (sum(axis) / len(others) for axis in zip(*others, strict=True))
    return float(round((place[0] + x) / 2)), float(round((place[1] + y) / 2))


def free_id(design: Design, wanted: str) -> str:
    """An id that no node or edge has."""
    return _free(wanted, design.nodes.keys() | {edge.key for edge in design.edges})


def plain_end(design: Design, near: Node) -> str | None:
    """The nearest `end` that does nothing but complete the run, if there is one."""
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


def _free(wanted: str, taken: Collection[str]) -> str:
    name, count = wanted, 1
    while name in taken:
        count += 1
        name = f"{wanted}-{count}"
    return name


def _number(value: float) -> int | float:
    return int(value) if value.is_integer() else value
