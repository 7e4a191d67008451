"""Internal: what several rules need to know of a design, each found out once and only if asked for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from proflow_schemas.expressions import (
    ExpressionError,
    ExpressionProblem,
    Reference,
    TypeScope,
    condition_problems,
    foreign_problems,
    parse,
    problems,
    template,
)
from proflow_schemas.handlers import Handlers

from proflow_compiler.design import Edge, Node
from proflow_compiler.diagnostics.design_edits import Ration
from proflow_compiler.facts.calls import Calls
from proflow_compiler.facts.coverage import Coverage, coverage
from proflow_compiler.facts.scopes import Scopes
from proflow_compiler.facts.sites import Site, pointed, sites
from proflow_compiler.graph import Exit, Graph, GraphNode
from proflow_compiler.soundness.graph_facts import GraphFacts

_MOST_PROBLEMS = 200
"""Of so many broken expressions no more are looked at: each costs a search for what was meant."""
_MOST_FIXED = 20
"""Diagnostics of one rule for which fixes are looked for."""


@dataclass(frozen=True)
class SiteProblem:
    """What is wrong with an expression; `start` and `end` are offsets into the site's text."""

    site: Site
    problem: ExpressionProblem
    start: int
    end: int

    @property
    def span(self) -> tuple[int, int] | None:
        return (self.start, self.end) if self.site.spanned else None


@dataclass(frozen=True)
class Read:
    """An expression that reads a step, or asks for it."""

    site: Site
    reference: Reference

    @property
    def open(self) -> bool:
        """Whether it fails if the step is not there."""
        return not self.reference.guarded and not self.reference.presence

    @property
    def step(self) -> str:
        return self.reference.path[1]

    @property
    def span(self) -> tuple[int, int] | None:
        return (self.reference.start, self.reference.end) if self.site.spanned else None


@dataclass(frozen=True)
class Facts:
    """A design's graph and what follows from it.

    `handlers` are those that the host registers, with what each takes and returns; None if they are
    not known. `calls` are those of the designs that were given together
    with this one. `stored`: the design is to be stored, and run beside others by one function.
    `fixing`: somebody wants to know fixes. `timezone` is that of a design that names none; None if
    it is not known.
    """

    graph: Graph
    handlers: Handlers | None = None
    calls: Calls = field(default_factory=Calls)
    stored: bool = False
    fixing: bool = True
    timezone: str | None = None
    _covered: dict[str, Coverage | None] = field(default_factory=dict, repr=False)
    _seen: dict[Any, list[ExpressionProblem]] = field(default_factory=dict, repr=False)

    def ration(self) -> Ration:
        """Of how many diagnostics a rule makes fixes, if these take a while to find."""
        return Ration(_MOST_FIXED if self.fixing else 0)

    @cached_property
    def levels(self) -> tuple[GraphFacts, ...]:
        """The drawing, and what the containers that runs come to hold, the outer ones first."""
        found = [GraphFacts(self.graph)]
        for level in found:
            inner = level.graph.inner
            found += (GraphFacts(inner[name]) for name in level.reached if name in inner)
        return tuple(found)

    @cached_property
    def level_of(self) -> Mapping[str, GraphFacts]:
        """The level of each node that runs come to."""
        return {name: level for level in self.levels for name in level.reached}

    @cached_property
    def reached(self) -> Mapping[str, GraphNode]:
        """The nodes that runs come to, in file order, those within containers behind them."""
        return {name: at for level in self.levels for name, at in level.reached.items()}

    @cached_property
    def drawn(self) -> Mapping[str, Node]:
        """The nodes that runs come to and somebody drew."""
        return {name: at.node for name, at in self.reached.items() if at.drawn}

    def exits(self, name: str) -> tuple[Exit, ...]:
        """The outcomes by which a node, on whatever level, is left."""
        return self._exits.get(name, ())

    @cached_property
    def _exits(self) -> Mapping[str, tuple[Exit, ...]]:
        return {name: exits for graph in self.graph.levels() for name, exits in graph.exits.items()}

    def first_drawn(self, exit_: Exit) -> Edge:
        """The first edge that somebody drew of an outcome, beyond the choice it may lead to."""
        for edge in (*exit_.edges, *(way.edge for way in exit_.back)):
            if edge.edge is not None:
                return edge.edge
        return self.first_drawn(self.exits(exit_.edges[0].target)[0])

    def lifted(self, name: str, level: GraphFacts) -> str | None:
        """The node of this level that is `name`, or the container that holds it."""
        holder: str | None = name
        while holder is not None and holder not in level.graph.nodes:
            own = self.level_of.get(holder)
            holder = None if own is None else own.graph.container
        return holder

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        return tuple(sites(self.graph))

    @cached_property
    def scopes(self) -> Scopes:
        """What the expressions of a running workflow may read, by the container they stand in."""
        return Scopes(self.graph, self._exits, self.handlers or {})

    def coverage(self, name: str) -> Coverage | None:
        """What the rules of a node cover; None if one of them cannot be read."""
        if name not in self._covered:
            self._covered[name] = self._coverage(name)
        return self._covered[name]

    def _coverage(self, name: str) -> Coverage | None:
        if any(exit_.when in self._broken_rules for exit_ in self.exits(name)):
            return None
        try:
            rules = [
                parse(exit_.when).tree
                for exit_ in self.exits(name)
                if exit_.when is not None and not exit_.default
            ]
        except ExpressionError:
            return None
        return coverage(rules, self._values)

    def _values(self, path: tuple[str, ...]) -> Sequence[Any] | None:
        """The values that a path can have, as far as the design says."""
        match path:
            case ("steps", step, "outcome"):
                node = self.graph.design.nodes.get(step)
                several = node is not None and node.kind.every
                return [exit_.outcome for exit_ in self.exits(step) if not several] or None
            case ("event", "data", *fields):
                shape = self.scopes.of(None).data
                for one in fields:
                    shape = shape.field(one)
                return shape.values()
            case _:
                return None

    @cached_property
    def _event_scope(self) -> TypeScope:
        return TypeScope(event_data=self.scopes.input, initiator=False, tenant=False)

    @cached_property
    def _cancel_scope(self) -> TypeScope:
        return replace(self._event_scope, names={"async": None})

    @property
    def problems(self) -> tuple[SiteProblem, ...]:
        """What is wrong with the expressions themselves."""
        return self._examined[0]

    @cached_property
    def _broken_rules(self) -> frozenset[str]:
        return frozenset(one.site.text for one in self.problems if one.site.expect == "bool")

    @property
    def reads(self) -> tuple[Read, ...]:
        """What sound expressions read of steps that can be read there."""
        return self._examined[1]

    @cached_property
    def _examined(self) -> tuple[tuple[SiteProblem, ...], tuple[Read, ...]]:
        """Problems and reads in one go: of thousands of expressions each is parsed only once."""
        found: list[SiteProblem] = []
        reads: list[Read] = []
        for site in self.sites:
            if len(found) >= _MOST_PROBLEMS:
                break
            try:
                references, wrong = self._examine(site)
            except ExpressionError as error:
                start = min(error.offset or 0, len(site.text))
                end = min(start + 1, len(site.text))
                broken = ExpressionProblem("syntax", error.message, start, end, error.help)
                found.append(SiteProblem(site, broken, start, end))
                continue
            found += wrong
            if not wrong and site.scope == "run":
                reads += (Read(site, one) for one in references if _is_read(one))
        return tuple(found), tuple(reads)

    def _examine(self, site: Site) -> tuple[Sequence[Reference], list[SiteProblem]]:
        """What a site reads and what is wrong with it; raises if a template cannot be read."""
        if site.conditions:
            scope = self.scopes.of(site.container)
            wrong = [
                SiteProblem(replace(site, pointer=pointed(pointer, *path)), one, 0, 0)
                for condition, pointer in site.conditions
                for path, one in condition_problems(condition, scope)
            ]
            return () if wrong else parse(site.text).references, wrong
        if site.form == "expression":
            found = self._checked(site.text, site)
            return (
                () if found else parse(site.text).references,
                [SiteProblem(site, one, one.start, one.end) for one in found],
            )
        parsed = template(site.text)
        return parsed.references, [
            SiteProblem(site, one, one.start + offset, one.end + offset)
            for text, offset in parsed.expressions
            for one in self._checked(text, site)
        ]

    def is_sound(self, text: str, site: Site) -> bool:
        """Whether an expression could stand in a place instead."""
        try:
            return not self._checked(text, site)
        except ExpressionError:
            return False

    def _checked(self, text: str, site: Site) -> list[ExpressionProblem]:
        key = (text, site.scope, site.expect, site.container)
        if key not in self._seen:
            self._seen[key] = list(self._judged(text, site))
        return self._seen[key]

    def _judged(self, text: str, site: Site) -> Iterator[ExpressionProblem]:
        if site.scope == "run":
            yield from problems(text, self.scopes.of(site.container), expect=site.expect)
            return
        names = ("event",) if site.scope == "trigger" else ("event", "async")
        foreign = [one for one in _references(text) if one.path[0] not in names]
        for one in foreign:
            known = " and ".join(f"`{name}`" for name in names)
            yield ExpressionProblem(
                "unknown-reference",
                f"`{one.path[0]}` is not known here: Inngest evaluates this before the run",
                one.start,
                one.end,
                f"read only {known}",
            )
        if not foreign:
            if site.scope == "cancel":  # what Inngest takes there, refused-condition says
                yield from problems(text, self._cancel_scope, expect=site.expect)
                return
            found = problems(text, self._event_scope, expect=site.expect)
            yield from found or foreign_problems(text)


def _is_read(reference: Reference) -> bool:
    return reference.path[0] == "steps" and len(reference.path) > 1


def _references(text: str) -> tuple[Reference, ...]:
    try:
        return parse(text).references
    except ExpressionError:
        return ()
