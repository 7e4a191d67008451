"""What several rules need to know of a design, each found out once and only if asked for."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from proflow_schemas.expressions import (
    ExpressionError,
    ExpressionProblem,
    Reference,
    TypeScope,
    parse,
    problems,
    template,
)
from proflow_schemas.nodes import Ai, Set, Start

from proflow_compiler.checks.certainty import Certainty
from proflow_compiler.checks.concurrency import Concurrency
from proflow_compiler.checks.coverage import Coverage, coverage
from proflow_compiler.checks.sites import Site, sites
from proflow_compiler.design import Edge, Node
from proflow_compiler.graph import Exit, Graph, GraphNode

_MOST_PROBLEMS = 200
"""Of so many broken expressions no more are looked at: each costs a search for what was meant."""


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
    """An expression that reads a step."""

    site: Site
    reference: Reference

    @property
    def step(self) -> str:
        return self.reference.path[1]

    @property
    def span(self) -> tuple[int, int] | None:
        return (self.reference.start, self.reference.end) if self.site.spanned else None


@dataclass(frozen=True)
class Facts:
    """A design's graph and what follows from it; `handlers` are the names the host registers."""

    graph: Graph
    handlers: Collection[str] | None = None
    _covered: dict[str, Coverage | None] = field(default_factory=dict, repr=False)
    _seen: dict[Any, list[ExpressionProblem]] = field(default_factory=dict, repr=False)

    @cached_property
    def ordered(self) -> bool:
        """Whether every path begins at one start and none goes round: what most proofs need."""
        return len(self.graph.starts) == 1 and self.graph.acyclic

    @cached_property
    def reached(self) -> Mapping[str, GraphNode]:
        """The nodes that runs come to, in file order; without a start nobody knows, so all."""
        graph = self.graph
        if not graph.starts:
            return graph.nodes
        return {name: at for name, at in graph.nodes.items() if name in graph.reachable}

    @cached_property
    def drawn(self) -> Mapping[str, Node]:
        """The nodes that runs come to, without the choices."""
        return {name: at.node for name, at in self.reached.items() if at.choice_of is None}

    def first_drawn(self, exit_: Exit) -> Edge:
        """The first edge that somebody drew of an outcome, beyond the choice it may lead to."""
        first = exit_.edges[0]
        if first.edge is not None:
            return first.edge
        return self.first_drawn(self.graph.exits[first.target][0])

    @cached_property
    def certainty(self) -> Certainty:
        return Certainty(self.graph)

    @cached_property
    def concurrency(self) -> Concurrency:
        return Concurrency(self.graph, self.certainty)

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        return tuple(sites(self.graph))

    @cached_property
    def scope(self) -> TypeScope:
        """What the expressions of a running workflow may read."""
        tenant = self.graph.design.settings.scope == "tenant"
        return TypeScope(event_data=self._input, steps=self._steps, tenant=tenant)

    @cached_property
    def _input(self) -> Any:
        for name in self.graph.starts:
            config = self.graph.nodes[name].node.config
            if isinstance(config, Start) and config.input is not None:
                return config.input
        return self.graph.design.settings.input

    @cached_property
    def _steps(self) -> dict[str, dict[str, Any]]:
        readable: dict[str, dict[str, Any]] = {}
        for name, at in self.graph.nodes.items():
            if at.choice_of is None and at.node.kind.readable:
                fields = {one: self._shape(name, at.node, one) for one in at.node.kind.readable}
                readable[name] = fields
        return readable

    def _shape(self, name: str, node: Node, field_name: str) -> Any:
        match field_name, node.config:
            case "outcome", _:
                if node.kind.rules:
                    return {"enum": [exit_.outcome for exit_ in self.graph.exits[name]]}
                return {"enum": list(node.kind.outcomes)}
            case "output", Set(values=values):
                fields: dict[str, Any] = {key: {} for key in values}
                return {"type": "object", "properties": fields, "additionalProperties": False}
            case "output", Ai(output_schema=schema):
                return schema
            case _:
                return None

    def coverage(self, name: str) -> Coverage | None:
        """What the rules of a node cover; None if one of them cannot be read."""
        if name not in self._covered:
            self._covered[name] = self._coverage(name)
        return self._covered[name]

    def _coverage(self, name: str) -> Coverage | None:
        try:
            rules = [
                parse(exit_.when).tree
                for exit_ in self.graph.exits[name]
                if exit_.when is not None and not exit_.default
            ]
        except ExpressionError:
            return None
        return coverage(rules, self._values)

    def _values(self, path: tuple[str, ...]) -> Sequence[Any] | None:
        """The values that a path can have, as far as the design says."""
        match path:
            case ("steps", step, "outcome") if step in self.graph.nodes:
                return [exit_.outcome for exit_ in self.graph.exits[step]] or None
            case ("event", "data", *fields):
                shape = self.scope.data
                for one in fields:
                    shape = shape.field(one)
                return shape.values()
            case _:
                return None

    @cached_property
    def _event_scope(self) -> TypeScope:
        return TypeScope(event_data=self._input, initiator=False, tenant=False)

    @cached_property
    def _cancel_scope(self) -> TypeScope:
        return TypeScope(event_data=self._input, initiator=False, tenant=False, names=("async",))

    @cached_property
    def problems(self) -> tuple[SiteProblem, ...]:
        """What is wrong with the expressions themselves."""
        found: list[SiteProblem] = []
        for site in self.sites:
            found += self._site_problems(site)
            if len(found) >= _MOST_PROBLEMS:
                break
        return tuple(found)

    def _site_problems(self, site: Site) -> Iterator[SiteProblem]:
        if site.form == "expression":
            for problem in self._checked(site.text, site):
                yield SiteProblem(site, problem, problem.start, problem.end)
            return
        try:
            parsed = template(site.text)
        except ExpressionError as error:
            start = min(error.offset or 0, len(site.text))
            end = min(start + 1, len(site.text))
            broken = ExpressionProblem("syntax", error.message, start, end, error.help)
            yield SiteProblem(site, broken, start, end)
            return
        for text, offset in parsed.expressions:
            for problem in self._checked(text, site):
                yield SiteProblem(site, problem, problem.start + offset, problem.end + offset)

    def _checked(self, text: str, site: Site) -> list[ExpressionProblem]:
        key = (text, site.scope, site.expect)
        if key not in self._seen:
            self._seen[key] = list(self._judged(text, site))
        return self._seen[key]

    def _judged(self, text: str, site: Site) -> Iterator[ExpressionProblem]:
        if site.scope == "run":
            yield from problems(text, self.scope, expect=site.expect)
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
            scope = self._event_scope if site.scope == "trigger" else self._cancel_scope
            yield from problems(text, scope, expect=site.expect)

    @cached_property
    def reads(self) -> tuple[Read, ...]:
        """What sound expressions read of steps that exist, guarded reads left out."""
        broken = {(found.site.pointer, found.site.text) for found in self.problems}
        reads: list[Read] = []
        for site in self.sites:
            if site.scope != "run" or (site.pointer, site.text) in broken:
                continue
            try:
                found = (
                    parse(site.text).references
                    if site.form == "expression"
                    else template(site.text).references
                )
            except ExpressionError:
                continue  # reported as a problem, unless there were too many of them
            reads += [
                Read(site, one)
                for one in found
                if len(one.path) > 1
                and one.path[0] == "steps"
                and not one.guarded
                and not one.presence
                and one.path[1] in self._steps
            ]
        return tuple(reads)


def _references(text: str) -> tuple[Reference, ...]:
    try:
        return parse(text).references
    except ExpressionError:
        return ()
