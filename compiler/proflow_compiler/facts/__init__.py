"""Internal: the facts about a design that several rules need, computed on demand and only once."""

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
    inexact_problem,
    parse,
    problems,
    template,
)
from proflow_schemas.handlers import Handlers
from proflow_schemas.language import Text, Texts
from proflow_schemas.readiness import Lacks

from proflow_compiler.design import Edge, Node
from proflow_compiler.diagnostics.design_edits import Ration
from proflow_compiler.facts.calls import Calls
from proflow_compiler.facts.coverage import Coverage, coverage
from proflow_compiler.facts.scopes import Scopes
from proflow_compiler.facts.sites import Site, pointed, sites
from proflow_compiler.graph import Exit, Graph, GraphNode
from proflow_compiler.soundness.graph_facts import GraphFacts

TEXTS = Texts(
    "facts",
    {
        "not-known": Text(
            "`{path:raw}` is not known here: Inngest evaluates this before the run",
            "这里不能使用 `{path:raw}`：Inngest 在运行开始前计算它",
        ),
        "read-only": Text("read only {names:and}", "只能读取 {names:and}"),
    },
)

_MOST_PROBLEMS = 200
"""After this many problems, no more expressions are checked, as each problem is expensive."""
_MOST_FIXED = 20
"""The most diagnostics of one rule for which fixes are searched."""


@dataclass(frozen=True)
class SiteProblem:
    """A problem of an expression.

    Attributes:
        site: Where the expression is.
        problem: What is wrong, with offsets into the expression.
        start: The offset into the site's text at which the problem begins.
        end: The offset at which it ends.
    """

    site: Site
    problem: ExpressionProblem
    start: int
    end: int

    @property
    def span(self) -> tuple[int, int] | None:
        """The offsets into the value at the site's pointer; None if they do not apply to it."""
        return (self.start, self.end) if self.site.spanned else None


@dataclass(frozen=True)
class Read:
    """A place where an expression reads a step, or asks whether it is there."""

    site: Site
    reference: Reference

    @property
    def open(self) -> bool:
        """True if the expression fails when the step is missing."""
        return not self.reference.guarded and not self.reference.presence

    @property
    def step(self) -> str:
        """The id of the step."""
        return self.reference.path[1]

    @property
    def span(self) -> tuple[int, int] | None:
        """The offsets into the value at the site's pointer; None if they do not apply to it."""
        return (self.reference.start, self.reference.end) if self.site.spanned else None


@dataclass(frozen=True)
class Facts:
    """The graph of a design and the facts that follow from it.

    Attributes:
        graph: The graph of the outermost level.
        handlers: The handlers that the host registers, with their inputs and outputs; None if they
            are not known.
        calls: The calls between the designs that are checked together with this one.
        stored: True if the design is to be stored, and run by a function that runs all stored
            designs.
        fixing: True if fixes are wanted.
        timezone: The time zone of designs that name none; None if it is not known.
        lacks: What the host lacks of what the design needs; None if the host is not asked.
    """

    graph: Graph
    handlers: Handlers | None = None
    calls: Calls = field(default_factory=Calls)
    stored: bool = False
    fixing: bool = True
    timezone: str | None = None
    lacks: Lacks | None = None
    _covered: dict[str, Coverage | None] = field(default_factory=dict, repr=False)
    _seen: dict[Any, list[ExpressionProblem]] = field(default_factory=dict, repr=False)

    def ration(self) -> Ration:
        """Return a budget for expensive fixes: how many diagnostics of a rule get them."""
        return Ration(_MOST_FIXED if self.fixing else 0)

    @cached_property
    def levels(self) -> tuple[GraphFacts, ...]:
        """The facts of the drawing, and of all containers that runs can reach, outer ones first."""
        found = [GraphFacts(self.graph)]
        for level in found:
            inner = level.graph.inner
            found += (GraphFacts(inner[name]) for name in level.reached if name in inner)
        return tuple(found)

    @cached_property
    def level_of(self) -> Mapping[str, GraphFacts]:
        """The level of each node that runs can reach."""
        return {name: level for level in self.levels for name in level.reached}

    @cached_property
    def reached(self) -> Mapping[str, GraphNode]:
        """The nodes that runs can reach, outer levels first, in the order of their graphs."""
        return {name: at for level in self.levels for name, at in level.reached.items()}

    @cached_property
    def drawn(self) -> Mapping[str, Node]:
        """The drawn nodes that runs can reach."""
        return {name: at.node for name, at in self.reached.items() if at.drawn}

    def exits(self, name: str) -> tuple[Exit, ...]:
        """Return the exits of a node on any level; none if there is no such node."""
        return self._exits.get(name, ())

    @cached_property
    def _exits(self) -> Mapping[str, tuple[Exit, ...]]:
        return {name: exits for graph in self.graph.levels() for name, exits in graph.exits.items()}

    def first_drawn(self, exit_: Exit) -> Edge:
        """Return the first drawn edge of an outcome, or of the choice that it leads to."""
        for edge in (*exit_.edges, *(back_edge.edge for back_edge in exit_.back)):
            if edge.edge is not None:
                return edge.edge
        return self.first_drawn(self.exits(exit_.edges[0].target)[0])

    def ancestor_on(self, name: str, level: GraphFacts) -> str | None:
        """Return the node `name` if it is on this level, or the container here that holds it.

        None if the node is on no level below this one, or if no run reaches it.
        """
        holder: str | None = name
        while holder is not None and holder not in level.graph.nodes:
            own = self.level_of.get(holder)
            holder = None if own is None else own.graph.container
        return holder

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """Every expression and template of the design, in file order."""
        return tuple(sites(self.graph))

    @cached_property
    def scopes(self) -> Scopes:
        """What expressions of a running workflow may read, for each container."""
        return Scopes(self.graph, self._exits, self.handlers or {})

    def coverage(self, name: str) -> Coverage | None:
        """Return which cases the rules of a node cover, or None if one of them cannot be parsed."""
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
        """Return the values that a path can have, or None if the design does not limit them."""
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

    def problem_of_match(self, match: str) -> ExpressionProblem | None:
        """Return what is wrong with a path such as `data.order_id`, as one into the trigger."""
        return next(iter(problems(f"event.{match}", self._event_scope)), None)

    @property
    def problems(self) -> tuple[SiteProblem, ...]:
        """The problems of single expressions: syntax, types, unknown names."""
        return self._examined[0]

    @cached_property
    def _broken_rules(self) -> frozenset[str]:
        return frozenset(one.site.text for one in self.problems if one.site.expect == "bool")

    @property
    def reads(self) -> tuple[Read, ...]:
        """The reads of steps in all expressions without problems."""
        return self._examined[1]

    @cached_property
    def _examined(self) -> tuple[tuple[SiteProblem, ...], tuple[Read, ...]]:
        """The problems and the reads, found together so that expressions are parsed only once."""
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
                if error.kind == "inexact":
                    broken = inexact_problem(site.text, start)
                found.append(SiteProblem(site, broken, broken.start, broken.end))
                continue
            found += wrong
            if not wrong and site.scope == "run":
                reads += (Read(site, one) for one in references if _is_read(one))
        return tuple(found), tuple(reads)

    def _examine(self, site: Site) -> tuple[Sequence[Reference], list[SiteProblem]]:
        """Return what a site reads, and its problems.

        Raises:
            ExpressionError: The text cannot be parsed.
        """
        if site.conditions:
            scope = self.scopes.of(site.container)
            wrong = [
                SiteProblem(site._replace(pointer=pointed(pointer, *path)), one, 0, 0)
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
        """Return True if an expression could be written at a site without problems."""
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
            yield ExpressionProblem(
                "unknown-reference",
                TEXTS("not-known", path=one.path[0]),
                one.start,
                one.end,
                TEXTS("read-only", names=names),
            )
        if not foreign:
            if (
                site.scope == "cancel"
            ):  # the rule refused-condition checks what Inngest accepts there
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
