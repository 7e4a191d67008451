"""Both designs, level by level: a design has one for itself and one for each container."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from proflow_schemas.definition import AnyOp, CallOp, Definition, PartOp, walk
from proflow_schemas.expressions import ExpressionError, parse, value_references
from proflow_schemas.node_types.delay import Delay
from proflow_schemas.node_types.end import End
from proflow_schemas.node_types.foreach import Foreach
from proflow_schemas.node_types.loop import Loop
from proflow_schemas.node_types.set import Set

from proflow_compiler.design import Design, Node
from proflow_compiler.diff.arrivals import Arrivals, Reading, Vocabulary, arrivals
from proflow_compiler.diff.pasts import Pasts
from proflow_compiler.graph import Graph, build_graph


@dataclass(frozen=True)
class Side:
    """One of both designs, with its definition."""

    design: Design
    definition: Definition

    @cached_property
    def graph(self) -> Graph:
        return build_graph(self.design)

    @cached_property
    def reading(self) -> Reading:
        return Reading.of(self.graph)

    @cached_property
    def levels(self) -> Mapping[str | None, Graph]:
        """The graphs by their container."""
        return {level.container: level for level in self.graph.levels()}

    @cached_property
    def level_of(self) -> Mapping[str, Graph]:
        """The level that each node stands in, those that are not drawn included."""
        return {name: level for level in self.levels.values() for name in level.nodes}

    def chain(self, node: str) -> list[str]:
        """The containers a node stands in, the outermost first."""
        found: list[str] = []
        parent = self.design.nodes[node].parent
        while parent is not None:
            found.append(parent)
            parent = self.design.nodes[parent].parent
        return found[::-1]

    @cached_property
    def read(self) -> frozenset[str]:
        """The nodes that are read where something is computed in every pass, outside of steps."""
        found: set[str] = set()
        for text in self._computed():
            try:
                references = parse(text).references
            except ExpressionError:
                continue
            found.update(one.path[1] for one in references if _is_step(one.path))
        for node in self.design.nodes.values():
            value = _template(node)
            found.update(one.path[1] for one in value_references(value) if _is_step(one.path))
        return frozenset(found)

    def _computed(self) -> Iterator[str]:
        for edge in self.design.edges:
            if edge.when is not None:
                yield edge.when
        for node in self.design.nodes.values():
            match node.config:
                case Set(values=values):
                    yield from values.values()
                case Foreach(items=items):
                    yield items
                case Loop(condition=str(condition)):
                    yield condition

    @cached_property
    def functions(self) -> Mapping[str, frozenset[tuple[str, ...]]]:
        """Of a long program, the functions that each node's steps run in; else nothing."""
        definition = self.definition
        found: dict[str, frozenset[tuple[str, ...]]] = {}
        pending: list[tuple[tuple[str, ...], Sequence[AnyOp]]] = []
        if definition.parts:
            pending.append(((), definition.steps))
        seen: set[tuple[tuple[str, ...], str]] = set()
        while pending:
            chain, block = pending.pop()
            for op in walk(list(block)):
                if isinstance(op, PartOp):
                    part = definition.parts[op.part]
                    inside = f"{op.id} {op.part} {part.reads} {part.keeps}"
                    pending.append(((*chain, inside), part.steps))
                elif isinstance(op, CallOp):
                    if (chain, op.function) not in seen:
                        seen.add((chain, op.function))
                        pending.append((chain, definition.functions[op.function]))
                else:
                    found[op.node] = found.get(op.node, frozenset()) | {chain}
        return found


def _is_step(path: tuple[str, ...]) -> bool:
    return path[0] == "steps" and len(path) > 1


def _template(node: Node) -> object:
    match node.config:
        case Delay(until=until):
            return until
        case End(output=output):
            return output
    return None


class Levels:
    """What is known of the levels of both designs, each found out once."""

    def __init__(self, old: Side, new: Side) -> None:
        self.old, self.new = old, new
        self.vocabulary = Vocabulary()
        self._pasts: dict[tuple[bool, str | None], Pasts] = {}
        self._arrivals: dict[tuple[bool, str | None], Arrivals] = {}

    def pasts(self, container: str | None, *, old: bool = True) -> Pasts:
        key = (old, container)
        if key not in self._pasts:
            side = self.old if old else self.new
            self._pasts[key] = Pasts(side.levels[container])
        return self._pasts[key]

    def arrivals(self, container: str | None, *, old: bool) -> Arrivals:
        key = (old, container)
        if key not in self._arrivals:
            side, other = (self.old, self.new) if old else (self.new, self.old)
            self._arrivals[key] = arrivals(
                side.levels[container],
                self.vocabulary,
                side.reading,
                others=other.design.nodes.keys(),
                old=old,
            )
        return self._arrivals[key]
