"""Designs drawn by hand in tests: a few words per node and edge."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from proflow_compiler.design import Design, Edge, Node
from proflow_compiler.graph import Graph, build_graph
from proflow_schemas.node_types import CANONICAL, NODE_TYPES
from proflow_schemas.settings import Settings

Drawn = tuple[str, str] | tuple[str, str, str]
"""Source, target, handle; a handle `when …` is a rule instead, `default` the default."""
NEEDED: dict[str, dict[str, Any]] = {
    "task": {"handler": "work"},
    "notify": {"to": "x"},
    "cc": {"to": "x"},
    "delay": {"duration": "1h"},
    "subprocess": {"workflow": "other"},
    "foreach": {"items": "event.data.lines"},
}
"""What a config has to have."""


def design(
    nodes: Mapping[str, str],
    edges: Sequence[Drawn],
    configs: Mapping[str, Mapping[str, Any]] | None = None,
    settings: Mapping[str, Any] | None = None,
    id: str = "drawn",
    parents: Mapping[str, str] | None = None,
    back: Mapping[int, int] | None = None,
) -> Design:
    """Node id → type, and edges; `configs` are of some nodes. Tasks run the handler `work`.

    `parents` are the containers of some nodes, `back` the bounds of those edges that lead back.
    """
    found: dict[str, Node] = {}
    for index, (name, spelling) in enumerate(nodes.items()):
        kind = CANONICAL[spelling]
        given = dict((configs or {}).get(name, {}))
        if kind in ("wait", "emit"):
            given.setdefault("event", f"{name}/event")
        for key, value in NEEDED.get(kind, {}).items():
            given.setdefault(key, value)
        config = NODE_TYPES[kind].config.model_validate(given)
        pointer, parent = f"/nodes/{index}", (parents or {}).get(name)
        found[name] = Node(name, kind, name, config, pointer, pointer, parent=parent)
    drawn = []
    for index, (source, target, *rest) in enumerate(edges):
        handle = rest[0] if rest else None
        when = handle.removeprefix("when ") if handle and handle.startswith("when ") else None
        ruled = when is not None or handle == "default"
        drawn.append(
            Edge(
                index,
                f"{source} → {target}",
                source,
                target,
                f"/edges/{index}",
                handle=None if ruled else handle,
                when=when,
                default=handle == "default",
                loop=(back or {}).get(index),
            )
        )
    parsed = Settings.model_validate(settings or {})
    return Design(id, id, found, tuple(drawn), parsed)


def graph(
    nodes: Mapping[str, str],
    edges: Sequence[Drawn],
    configs: Mapping[str, Mapping[str, Any]] | None = None,
    parents: Mapping[str, str] | None = None,
    back: Mapping[int, int] | None = None,
) -> Graph:
    return build_graph(design(nodes, edges, configs, parents=parents, back=back))


def chain(*names: str) -> list[Drawn]:
    return list(pairwise(names))
