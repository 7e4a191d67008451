"""The scopes of expressions in a running workflow: which names and steps they may read, with types.

Inside a container, expressions can read the nodes of its level and of the levels around it. From
outside, only the container itself can be read. An inner name hides an outer one.
"""

from collections import ChainMap
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from proflow_schemas.expressions import ExpressionError, TypeScope, parse
from proflow_schemas.expressions.scope import shape_of
from proflow_schemas.expressions.shapes import Shape
from proflow_schemas.handlers import Handlers, Signature
from proflow_schemas.node_types.foreach import Foreach
from proflow_schemas.node_types.start import Start

from proflow_compiler.design import Node
from proflow_compiler.graph import Exit, Graph

_ERROR: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "message": {"type": "string"}},
    "additionalProperties": False,
}


class Scopes:
    """The scopes of a design: one for each container, and one for the outermost level."""

    def __init__(
        self, graph: Graph, exits: Mapping[str, tuple[Exit, ...]], handlers: Handlers
    ) -> None:
        self._graph = graph
        self._exits = exits
        self._handlers = handlers
        self._found: dict[str | None, TypeScope] = {}

    @cached_property
    def input(self) -> Any:
        """The JSON schema of `event.data`; None if the design has none."""
        for name in self._graph.starts:
            config = self._graph.nodes[name].node.config
            if isinstance(config, Start) and config.input is not None:
                return config.input
        return self._graph.design.settings.input

    def of(self, container: str | None) -> TypeScope:
        """Return what is in scope in a container (None: on the outermost level)."""
        chain: list[str | None] = []
        level = container
        while level not in self._found and level is not None:
            chain.append(level)
            level = self._graph.design.nodes[level].parent
        if level not in self._found:
            self._found[None] = self._outermost()
        for inner in reversed(chain):
            assert inner is not None
            around = self._found[self._graph.design.nodes[inner].parent]
            self._found[inner] = self._inside(inner, around)
        return self._found[container]

    def _outermost(self) -> TypeScope:
        return TypeScope(
            event_data=self.input,
            steps=self._steps.get(None, {}),
            tenant=self._graph.design.settings.scope == "tenant",
            elsewhere=self._elsewhere,
        )

    def _inside(self, container: str, around: TypeScope) -> TypeScope:
        names: dict[str, Any] = {"iteration": "integer"}
        config = self._graph.design.nodes[container].config
        if isinstance(config, Foreach):
            item = _item(config.items, around)
            names = {"item": item, "index": "integer"}
            if config.alias is not None:
                names[config.alias] = item
        outer = around.steps
        return TypeScope(
            event_data=around.event_data,
            steps=ChainMap(
                self._steps.get(container, {}),
                *(outer.maps if isinstance(outer, ChainMap) else [dict(outer)]),
            ),
            names={**around.names, **names},
            tenant=around.tenant,
            elsewhere=around.elsewhere,
        )

    @cached_property
    def _elsewhere(self) -> Mapping[str, str | None]:
        nodes = self._graph.design.nodes
        return {name: node.parent for name, node in nodes.items() if node.kind.readable}

    @cached_property
    def _steps(self) -> Mapping[str | None, dict[str, Mapping[str, Any]]]:
        found: dict[str | None, dict[str, Mapping[str, Any]]] = {}
        for name, node in self._graph.design.nodes.items():
            if node.kind.readable:
                fields = {one: self._schema(name, node, one) for one in node.kind.readable}
                found.setdefault(node.parent, {})[name] = fields
        return found

    def _schema(self, name: str, node: Node, field: str) -> Any:
        match field, node.config:
            case "outcome", _:
                if not node.kind.rules:
                    return {"enum": list(node.kind.outcomes)}
                one = {"enum": [exit_.outcome for exit_ in self._exits.get(name, ())]}
                return {"type": "array", "items": one} if node.kind.every else one
            case "error", _:
                drawn = any(exit_.outcome == "error" for exit_ in self._exits.get(name, ()))
                return _ERROR if drawn else False
            case "output", config:
                if node.kind.output is not None:
                    return node.kind.output(config)
                handler = node.kind.handler_of(config)
                signature = self._handlers.get(handler or "")
                return signature.output if isinstance(signature, Signature) else None
            case _:
                return None


def _item(items: str, scope: TypeScope) -> Shape | None:
    """Return the shape of a list's items; None unless it is a path to a list of known type."""
    try:
        syntax = parse(items)
    except ExpressionError:
        return None
    if not syntax.is_reference:
        return None
    found = shape_of(syntax.references[0].path, scope)
    return found.item() if found is not None and found.kinds() == {"array"} else None
