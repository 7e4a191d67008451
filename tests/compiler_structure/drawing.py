"""Designs drawn by hand in tests: a few words per node and edge."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from proflow_compiler.design import Design, Edge, Node
from proflow_compiler.graph import Graph, build_graph
from proflow_schemas.nodes import CANONICAL, NODE_TYPES
from proflow_schemas.settings import Settings

Drawn = tuple[str, str] | tuple[str, str, str]
"""Source, target, handle; a handle `when …` is a rule instead, `default` the default."""


def design(
    nodes: Mapping[str, str],
    edges: Sequence[Drawn],
    configs: Mapping[str, Mapping[str, Any]] | None = None,
    settings: Mapping[str, Any] | None = None,
    id: str = "drawn",
) -> Design:
    """Node id → type, and edges; `configs` are of some nodes. Tasks run the handler `work`."""
    found: dict[str, Node] = {}
    for index, (name, spelling) in enumerate(nodes.items()):
        kind = CANONICAL[spelling]
        given = dict((configs or {}).get(name, {}))
        if kind == "task":
            given.setdefault("handler", "work")
        if kind in ("notify", "cc"):
            given.setdefault("to", "x")
        if kind == "delay":
            given.setdefault("duration", "1h")
        if kind in ("wait", "emit"):
            given.setdefault("event", f"{name}/event")
        config = NODE_TYPES[kind].config.model_validate(given)
        pointer = f"/nodes/{index}"
        found[name] = Node(name, kind, name, config, pointer, pointer)
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
            )
        )
    parsed = Settings.model_validate(settings or {})
    return Design(id, id, found, tuple(drawn), parsed)


def graph(
    nodes: Mapping[str, str],
    edges: Sequence[Drawn],
    configs: Mapping[str, Mapping[str, Any]] | None = None,
) -> Graph:
    return build_graph(design(nodes, edges, configs))


def chain(*names: str) -> list[Drawn]:
    return list(pairwise(names))
