"""The scopes of expressions in a running workflow: which names and steps they may read, with types.

Inside a container, expressions can read the nodes of its level and of the levels around it. From
outside, only the container itself can be read. An inner name hides an outer one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, cached_property
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


class _Steps(Mapping[str, Mapping[str, Any]]):
    """The fields of steps, computed when they are read: expressions read few steps of a design.

    Attributes:
        levels: The steps of each level in scope by their ids, the innermost level first.
    """

    def __init__(
        self,
        levels: Sequence[Mapping[str, Node]],
        fields: Callable[[str, Node], Mapping[str, Any]],
    ) -> None:
        self.levels = levels
        self._fields = fields
        self._found: dict[str, Mapping[str, Any]] = {}

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        if name not in self._found:
            for level in self.levels:
                if name in level:
                    self._found[name] = self._fields(name, level[name])
                    break
        return self._found[name]

    def __contains__(self, name: object) -> bool:
        return any(name in level for level in self.levels)

    def __iter__(self) -> Iterator[str]:
        return (name for level in reversed(self.levels) for name in level)

    def __len__(self) -> int:
        return sum(map(len, self.levels))


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
            steps=_Steps([self._nodes.get(None, {})], self._fields),
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
        assert isinstance(outer, _Steps)
        return TypeScope(
            event_data=around.event_data,
            steps=_Steps([self._nodes.get(container, {}), *outer.levels], self._fields),
            names={**around.names, **names},
            tenant=around.tenant,
            elsewhere=around.elsewhere,
        )

    @cached_property
    def _elsewhere(self) -> Mapping[str, str | None]:
        nodes = self._graph.design.nodes
        return {name: node.parent for name, node in nodes.items() if node.kind.readable}

    @cached_property
    def _nodes(self) -> Mapping[str | None, Mapping[str, Node]]:
        """For each container (None: the outermost level), its nodes that may be read."""
        found: dict[str | None, dict[str, Node]] = {}
        for name, node in self._graph.design.nodes.items():
            if node.kind.readable:
                found.setdefault(node.parent, {})[name] = node
        return found

    def _fields(self, name: str, node: Node) -> Mapping[str, Any]:
        return {one: self._schema(name, node, one) for one in node.kind.readable}

    def _schema(self, name: str, node: Node, field: str) -> Any:
        match field, node.config:
            case "outcome", _:
                if not node.kind.rules:
                    return _one_of(node.kind.outcomes)
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


@cache
def _one_of(outcomes: tuple[str, ...]) -> Shape:
    """Return the shape of an outcome; shared, since most steps have one of a few lists of them."""
    return Shape.of({"enum": list(outcomes)})


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
