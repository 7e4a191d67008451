"""Lists the differences between two designs, except canvas positions and file order."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from proflow_schemas.durations import DurationError, parse_duration
from proflow_schemas.language import Text, Texts
from pydantic import BaseModel

from proflow_compiler.design import Design, Edge, Node
from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.graph import Graph, build_graph

TEXTS = Texts(
    "diff-changes",
    {
        "inside": Text(
            "{type:raw} `{node}` in `{parent}`", "{type:raw} `{node}`（在 `{parent}` 中）"
        ),
        "drawn": Text("{ends:raw}{when:raw}", "{ends:raw}{when:raw}"),
        "gone": Text("{node:raw} is gone", "{node:raw} 已移除"),
        "label": Text("label: {old} → {new}", "名称：{old} → {new}"),
        "new": Text("{node:raw} is new", "新增 {node:raw}"),
        "type": Text("type: {old:raw} → {new:raw}", "类型：{old:raw} → {new:raw}"),
        "outside": Text("the outside", "容器外"),
        "moved": Text("moved from {old:raw} to {new:raw}", "从 {old:raw} 移到 {new:raw}"),
        "edge-gone": Text("edge {edge:raw} is gone", "连线 {edge:raw} 已移除"),
        "edge-new": Text("edge {edge:raw} is new", "新增连线 {edge:raw}"),
        "when": Text(" when {when}", "，条件 {when}"),
        "order": Text("its rules are tried in another order", "规则的判断顺序已改变"),
    },
)

Kind = Literal[
    "setting-changed",
    "node-added",
    "node-removed",
    "node-changed",
    "edge-added",
    "edge-removed",
    "edge-changed",
    "label-changed",
]

_DURATIONS = frozenset(
    (
        *("timeout", "duration", "after", "every", "initialInterval", "maxInterval"),
        *("period", "start", "finish"),
    )
)
"""Keys whose values are durations, so that `24h` and `1d` are equal."""
_COSMETIC = ("id", "name", "description")
"""Settings that are compared separately: the id, and texts that are only shown."""
_WIDEST = 80


@dataclass(frozen=True)
class Change:
    """One difference: of a `node`, of an `edge` (`a → b`), or else of a setting."""

    kind: Kind
    detail: str
    node: str | None = None
    edge: str | None = None

    @property
    def cosmetic(self) -> bool:
        """True if the change does not affect runs."""
        return self.kind == "label-changed"


def changes(old: Design, new: Design) -> list[Change]:
    """Return all differences: of the settings, of nodes in file order, of edges."""
    return [*_settings(old, new), *_nodes(old, new), *_edges(old, new), *_orders(old, new)]


def _settings(old: Design, new: Design) -> Iterator[Change]:
    if old.id != new.id:
        yield Change("setting-changed", f"`id`: {shown(old.id)} → {shown(new.id)}")
    before, after = plain(old.settings), plain(new.settings)
    for key in _COSMETIC:
        before.pop(key, None)
        after.pop(key, None)
    for detail in _differences(before, after):
        yield Change("setting-changed", detail)
    for key, was, now in (
        ("name", old.name, new.name),
        ("description", old.settings.description, new.settings.description),
    ):
        if was != now:
            yield Change("label-changed", f"`{key}`: {shown(was)} → {shown(now)}")


def _nodes(old: Design, new: Design) -> Iterator[Change]:
    for name, node in old.nodes.items():
        if name not in new.nodes:
            yield Change("node-removed", TEXTS("gone", node=_described(node)), node=name)
            continue
        other = new.nodes[name]
        yield from (Change("node-changed", detail, node=name) for detail in _changed(node, other))
        if node.label != other.label:
            detail = TEXTS("label", old=node.label, new=other.label)
            yield Change("label-changed", detail, node=name)
    for name, node in new.nodes.items():
        if name not in old.nodes:
            yield Change("node-added", TEXTS("new", node=_described(node)), node=name)


def _described(node: Node) -> str:
    if node.parent is None:
        return f"{node.type} {ticks(node.id)}"
    return TEXTS("inside", type=node.type, node=node.id, parent=node.parent)


def _changed(old: Node, new: Node) -> Iterator[str]:
    if old.type != new.type:
        yield TEXTS("type", old=old.type, new=new.type)
        return
    if old.parent != new.parent:
        places = [
            TEXTS("outside") if one.parent is None else ticks(one.parent) for one in (old, new)
        ]
        yield TEXTS("moved", old=places[0], new=places[1])
    yield from _differences(plain(old.config), plain(new.config))


def _edges(old: Design, new: Design) -> Iterator[Change]:
    before, after = _by_ends(old), _by_ends(new)
    for key, edges in before.items():
        others = after.get(key, [])
        for edge, other in zip(edges, others, strict=False):
            for detail in _differences(_meaning(edge), _meaning(other)):
                yield Change("edge-changed", detail, edge=_ends(edge))
            if edge.label != other.label:
                detail = TEXTS("label", old=edge.label, new=other.label)
                yield Change("label-changed", detail, edge=_ends(edge))
        for edge in edges[len(others) :]:
            yield Change("edge-removed", TEXTS("edge-gone", edge=_drawn(edge)), edge=_ends(edge))
    for key, edges in after.items():
        for edge in edges[len(before.get(key, [])) :]:
            yield Change("edge-added", TEXTS("edge-new", edge=_drawn(edge)), edge=_ends(edge))


def _by_ends(design: Design) -> Mapping[tuple[str, str, str | None], list[Edge]]:
    found: dict[tuple[str, str, str | None], list[Edge]] = {}
    for edge in design.edges:
        found.setdefault((edge.source, edge.target, edge.handle), []).append(edge)
    return found


def _meaning(edge: Edge) -> dict[str, Any]:
    found = {"when": edge.when, "default": edge.default or None, "loop": edge.loop}
    return {key: value for key, value in found.items() if value is not None}


def _ends(edge: Edge) -> str:
    return f"{edge.source} → {edge.target}"


def _drawn(edge: Edge) -> str:
    by = "" if edge.handle is None else f" ({edge.handle})"
    when = "" if edge.when is None else TEXTS("when", when=edge.when)
    ends = f"{ticks(edge.source)} → {ticks(edge.target)}{by}"
    return TEXTS("drawn", ends=ends, when=when)


def _orders(old: Design, new: Design) -> Iterator[Change]:
    """Yield nodes with the same rules in another order."""
    before, after = _rules(build_graph(old)), _rules(build_graph(new))
    for name, rules in before.items():
        others = after.get(name, [])
        if rules != others and sorted(rules) == sorted(others):
            yield Change("node-changed", TEXTS("order"), node=name)


def _rules(graph: Graph) -> dict[str, list[str]]:
    return {
        at.node.id: [exit_.when for exit_ in level.exits[name] if exit_.when is not None]
        for level in graph.levels()
        for name, at in level.nodes.items()
        if at.ruled and not at.every
    }


def plain(model: BaseModel) -> dict[str, Any]:
    """Return a config as JSON, without unset fields; durations in seconds."""
    found = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {key: _canonical(key, value) for key, value in found.items()}


def _canonical(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _canonical(name, one) for name, one in value.items()}
    if key in _DURATIONS and isinstance(value, str | int | float):
        try:
            return f"{parse_duration(value).total_seconds():g}s"
        except DurationError:
            return value
    return value


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for key in dict.fromkeys([*old, *new]):
        if old.get(key) != new.get(key):
            yield f"`{key}`: {shown(old.get(key))} → {shown(new.get(key))}"


def shown(value: Any) -> str:
    """Return a value on one line, cut if it is long; `–` for None."""
    if value is None:
        return "–"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
