"""How the nodes of a design are come to, in terms that two designs have in common.

A *term* is what an edge depends on: the outcome of a step, or that a condition took a rule, where
rules count by their text and those tried before. Terms are numbers: equal terms of two designs are
the same number, so that terms within terms cost nothing to compare.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from proflow_schemas.expressions import ExpressionError, compile, parse
from proflow_schemas.node_types.set import Set
from proflow_schemas.node_types.start import Start

from proflow_compiler.graph import Graph, GraphNode

Terms = frozenset[int]


class Vocabulary:
    """The terms of both designs: numbers and what they stand for."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._terms: list[tuple[Any, ...]] = []
        self._steps: list[frozenset[str]] = []

    def number(self, *term: Any, after: Iterable[int] = ()) -> int:
        """The number of a term; `after` are the terms that it is made of."""
        known = self._numbers.get(term)
        if known is not None:
            return known
        own = {term[1]} if term[0] in ("step", "set") else set()
        self._steps.append(frozenset(own.union(*(self._steps[one] for one in after))))
        self._terms.append(term)
        self._numbers[term] = len(self._terms) - 1
        return len(self._terms) - 1

    def at(self, terms: Terms) -> int:
        return self.number("at", terms, after=terms)

    def term(self, number: int) -> tuple[Any, ...]:
        return self._terms[number]

    def any_of(self, terms: Terms) -> Terms:
        """With what stands for one edge of several replaced by what these edges depend on."""
        found: set[int] = set()
        for number in terms:
            match self._terms[number]:
                case ("needs", 1, ways):
                    found.update(*(self._terms[way][1] for way in ways))
                case _:
                    found.add(number)
        return frozenset(found)

    def steps(self, number: int) -> frozenset[str]:
        """The steps that a term depends on."""
        return self._steps[number]


@dataclass(frozen=True)
class Arrivals:
    """Of one level of a design: the terms that each node depends on, and those of each outcome."""

    into: Mapping[str, Terms]
    by: Mapping[tuple[str, str], Terms]
    over: Terms
    """What ends an item, if the level is a container's."""
    conditions: Mapping[int, str] = field(repr=False)
    """Term of a rule → the node whose rule it is."""


@dataclass(frozen=True)
class Reading:
    """What expressions mean in one design, beyond their text."""

    initiator: str | None
    version: str | None

    @classmethod
    def of(cls, graph: Graph) -> "Reading":
        settings = graph.design.settings
        start = graph.nodes[graph.starts[0]].node.config
        assert isinstance(start, Start)
        version = None if settings.version is None else str(settings.version)
        return cls(start.initiator, version)

    def key(self, expression: str) -> tuple[Any, ...]:
        """Equal keys: equal values, if the steps they read have equal values."""
        roots = {reference.path[0] for reference in parse(expression).references}
        return (
            expression,
            self.initiator if "initiator" in roots else None,
            self.version if "workflow" in roots else None,
        )


def is_total(values: Mapping[str, str]) -> bool:
    """Whether values can be computed whatever the run has come to: they read nothing."""
    for expression in values.values():
        if parse(expression).references:
            return False
        try:
            compile(expression).evaluate({})
        except ExpressionError:
            return False
    return True


def arrivals(
    graph: Graph, vocabulary: Vocabulary, reading: Reading, *, others: Collection[str], old: bool
) -> Arrivals:
    """Of one level; `others` are the nodes of the other design, `old` says which of both this is.

    Steps that are gone from the new design are looked through, if there is one way on from them.
    Values that are new stand for themselves, unless nothing can go wrong with them.
    """
    into: dict[str, Terms] = {}
    by: dict[tuple[str, str], Terms] = {}
    conditions: dict[int, str] = {}
    over: set[int] = set()
    on_edge: dict[int, Terms] = {}

    def ruled(name: str, at: GraphNode, here: int) -> None:
        keys = [reading.key(one.when) for one in graph.exits[name] if one.when is not None]
        seen = 0
        for exit_ in graph.exits[name]:
            if exit_.when is None:
                tag, rules = ("none" if at.every else "else"), tuple(keys)
            elif at.every:
                tag, rules = "some", (keys[seen],)
            else:
                tag, rules = "first", tuple(keys[: seen + 1])
            seen += exit_.when is not None
            term = vocabulary.number(tag, here, rules, after=(here,))
            conditions.setdefault(term, at.node.id)
            by[name, exit_.outcome] = frozenset((term,))

    for name in graph.topological:
        if name not in graph.reachable:
            continue
        at = graph.nodes[name]
        edges = [on_edge[one.index] for one in graph.into[name] if one.index in on_edge]
        needs = "all" if graph.full(name) else graph.needs(name)
        if needs is not None:
            ways = tuple(sorted(vocabulary.at(one) for one in edges))
            into[name] = frozenset((vocabulary.number("needs", needs, ways, after=ways),))
        else:
            into[name] = frozenset().union(*edges)
        if at.ruled:
            ruled(name, at, vocabulary.at(into[name]))
        elif at.entry or at.node.type == "start":
            start = frozenset((vocabulary.number("start"),))
            by.update({(name, one.outcome): start for one in graph.exits[name]})
        elif _is_passed(at, graph, others, old):
            by.update({(name, one.outcome): into[name] for one in graph.exits[name]})
        else:
            tag = "set" if at.node.kind.kind == "computes" else "step"
            for outcome in {*at.node.kind.outcomes, *(one.outcome for one in graph.exits[name])}:
                by[name, outcome] = frozenset((vocabulary.number(tag, name, outcome),))
        for exit_ in graph.exits[name]:
            on_edge.update({edge.index: by[name, exit_.outcome] for edge in exit_.edges})
        over |= _ending(name, at, graph, into[name], by, vocabulary)
    return Arrivals(into, by, frozenset(over), conditions)


def _is_passed(at: GraphNode, graph: Graph, others: Collection[str], old: bool) -> bool:
    node = at.node
    if isinstance(node.config, Set):
        return old or node.id in others or is_total(node.config.values)
    if node.kind.passes:
        return True
    exits = graph.exits[at.id]
    return old and node.id not in others and len(exits) == 1 and not exits[0].back


def _ending(
    name: str,
    at: GraphNode,
    graph: Graph,
    into: Terms,
    by: Mapping[tuple[str, str], Terms],
    vocabulary: Vocabulary,
) -> Terms:
    """The terms with which an item is over at a node."""
    if at.ruled or at.entry or graph.container is None:
        return frozenset()
    if at.node.kind.kind == "end":
        config = at.node.config.model_dump_json(by_alias=True)
        here = vocabulary.at(into)
        return frozenset((vocabulary.number("end", config, here, after=(here,)),))
    drawn = {exit_.outcome for exit_ in graph.exits[name]}
    left = set(at.node.kind.outcomes) - drawn - {"error", *graph.undrawn(name)}
    found: Terms = frozenset()
    for outcome in left:
        found |= by.get((name, outcome), into)
    return found
