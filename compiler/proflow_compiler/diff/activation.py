"""Describes under which condition each node of a design starts, in terms comparable across designs.

A *term* is what an edge depends on: the outcome of a step, or that a condition took a rule. Rules
are identified by their text and that of the rules tried before. Terms are numbered across both
designs, so that comparing terms, even nested ones, is comparing numbers.
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
    """Numbers the terms of both designs."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._terms: list[tuple[Any, ...]] = []
        self._steps: list[frozenset[str]] = []

    def number(self, *term: Any, after: Iterable[int] = ()) -> int:
        """Return the number of a term; `after` are the numbers of the terms that it contains."""
        known = self._numbers.get(term)
        if known is not None:
            return known
        own = {term[1]} if term[0] in ("step", "set") else set()
        self._steps.append(frozenset(own.union(*(self._steps[one] for one in after))))
        self._terms.append(term)
        self._numbers[term] = len(self._terms) - 1
        return len(self._terms) - 1

    def at(self, terms: Terms) -> int:
        """Return the number of the term that stands for a whole set of terms."""
        return self.number("at", terms, after=terms)

    def term(self, number: int) -> tuple[Any, ...]:
        """Return the term with this number: its tag, then its content."""
        return self._terms[number]

    def any_of(self, terms: Terms) -> Terms:
        """Replace each "one of these edges" by the terms that the edges depend on."""
        found: set[int] = set()
        for number in terms:
            match self._terms[number]:
                case ("needs", 1, edges_in):
                    found.update(*(self._terms[edge][1] for edge in edges_in))
                case _:
                    found.add(number)
        return frozenset(found)

    def steps(self, number: int) -> frozenset[str]:
        """Return the steps that a term depends on."""
        return self._steps[number]


@dataclass(frozen=True)
class Activations:
    """The activation conditions of one level of a design.

    Attributes:
        into: Node → the terms that it depends on.
        by: (node, outcome) → the terms that edges of that outcome depend on.
        over: The terms that end an item, if the level is inside a container.
        conditions: Term of a rule → the node that has the rule.
    """

    into: Mapping[str, Terms]
    by: Mapping[tuple[str, str], Terms]
    over: Terms
    conditions: Mapping[int, str] = field(repr=False)


@dataclass(frozen=True)
class Reading:
    """What the value of an expression depends on in one design, besides its text."""

    initiator: str | None
    version: str | None

    @classmethod
    def of(cls, graph: Graph) -> "Reading":
        """Return the reading of a design."""
        settings = graph.design.settings
        start = graph.nodes[graph.starts[0]].node.config
        assert isinstance(start, Start)
        version = None if settings.version is None else str(settings.version)
        return cls(start.initiator, version)

    def key(self, expression: str) -> tuple[Any, ...]:
        """Return a key: expressions with equal keys have equal values if the steps they read do."""
        roots = {reference.path[0] for reference in parse(expression).references}
        return (
            expression,
            self.initiator if "initiator" in roots else None,
            self.version if "workflow" in roots else None,
        )


def is_total(values: Mapping[str, str]) -> bool:
    """Return True if the values can be computed in any state of a run, as they read nothing."""
    for expression in values.values():
        if parse(expression).references:
            return False
        try:
            compile(expression).evaluate({})
        except ExpressionError:
            return False
    return True


def activations(
    graph: Graph, vocabulary: Vocabulary, reading: Reading, *, others: Collection[str], old: bool
) -> Activations:
    """Compute the activation conditions of one level.

    Steps that the new design no longer has are skipped over if they have a single exit. A new `set`
    node counts as a step of its own unless it cannot fail.

    Args:
        graph: The level.
        vocabulary: The terms of both designs.
        reading: The reading of this design.
        others: The nodes of the other design.
        old: True if this is the old design.
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
            edges_in = tuple(sorted(vocabulary.at(one) for one in edges))
            into[name] = frozenset((vocabulary.number("needs", needs, edges_in, after=edges_in),))
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
    return Activations(into, by, frozenset(over), conditions)


def _is_passed(at: GraphNode, graph: Graph, others: Collection[str], old: bool) -> bool:
    """Return True if a node is skipped over: edges out of it depend on what it depends on."""
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
    """Return the terms with which an item ends at a node."""
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
