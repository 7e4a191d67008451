"""Holds what is known about the levels of both designs: the outermost, and one per container."""

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
from proflow_compiler.diff.activation import Activations, Reading, Vocabulary, activations
from proflow_compiler.diff.pasts import Pasts
from proflow_compiler.graph import Graph, build_graph


@dataclass(frozen=True)
class Side:
    """One of the two designs, with its definition."""

    design: Design
    definition: Definition

    @cached_property
    def graph(self) -> Graph:
        """The graph of the outermost level."""
        return build_graph(self.design)

    @cached_property
    def reading(self) -> Reading:
        """What the values of expressions depend on besides their text."""
        return Reading.of(self.graph)

    @cached_property
    def levels(self) -> Mapping[str | None, Graph]:
        """Container (None: outermost) → the graph inside."""
        return {level.container: level for level in self.graph.levels()}

    @cached_property
    def level_of(self) -> Mapping[str, Graph]:
        """Node, drawn or not → the level that it is in."""
        return {name: level for level in self.levels.values() for name in level.nodes}

    def chain(self, node: str) -> list[str]:
        """Return the containers around a node, the outermost first."""
        found: list[str] = []
        parent = self.design.nodes[node].parent
        while parent is not None:
            found.append(parent)
            parent = self.design.nodes[parent].parent
        return found[::-1]

    @cached_property
    def read(self) -> frozenset[str]:
        """The nodes that are read by expressions which every replay computes, outside of steps."""
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
        """Node → the functions that its steps run in, if the program is split into parts."""
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
    """Computes what is asked about the levels of both designs, once."""

    def __init__(self, old: Side, new: Side) -> None:
        self.old, self.new = old, new
        self.vocabulary = Vocabulary()
        self._pasts: dict[tuple[bool, str | None], Pasts] = {}
        self._activations: dict[tuple[bool, str | None], Activations] = {}

    def pasts(self, container: str | None, *, old: bool = True) -> Pasts:
        """Return the pasts of a level of the old or the new design."""
        key = (old, container)
        if key not in self._pasts:
            side = self.old if old else self.new
            self._pasts[key] = Pasts(side.levels[container])
        return self._pasts[key]

    def activations(self, container: str | None, *, old: bool) -> Activations:
        """Return the activation conditions of a level of the old or the new design."""
        key = (old, container)
        if key not in self._activations:
            side, other = (self.old, self.new) if old else (self.new, self.old)
            self._activations[key] = activations(
                side.levels[container],
                self.vocabulary,
                side.reading,
                others=other.design.nodes.keys(),
                old=old,
            )
        return self._activations[key]
