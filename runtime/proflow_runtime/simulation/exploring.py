"""Runs a design once per combination of outcomes, to visit every path.

Approvals get each possible answer, or none if that has a consequence; waits likewise. A step whose
failure is caught also fails. The outcomes of conditions are chosen, not computed, so two conditions on
the same data count as independent. A back edge is taken once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import inngest
from proflow_schemas.definition import CanvasEdge, Definition
from proflow_schemas.node_types import type_of
from proflow_schemas.step_ids import node_of, parse

from proflow_runtime.context import test_controls
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.simulation.functions import MakeFunctions
from proflow_runtime.simulation.outside import Outside
from proflow_runtime.simulation.plausible import plausible_data
from proflow_runtime.simulation.playing import simulate, simulated_client
from proflow_runtime.simulation.report import report

MAX_RUNS = 256
_VARIED = 2
"""The last execution of a node whose decisions are varied."""

Prefix: TypeAlias = tuple[tuple[str, str], ...]
"""The first decisions of a run, in order: step and outcome."""


@dataclass
class Exploration:
    """The result of an exploration.

    Attributes:
        runs: The reports of all runs, each with its `decisions`.
        complete: Whether there were no more than `MAX_RUNS` combinations.
        uncovered_nodes: The nodes that no run has reached.
        uncovered_edges: The edges that no run has taken.
    """

    runs: list[dict[str, Any]] = field(default_factory=list)
    complete: bool = True
    uncovered_nodes: list[str] = field(default_factory=list)
    uncovered_edges: list[dict[str, str | None]] = field(default_factory=list)


class Decisions:
    """The decisions of one run: the given ones, then the first possible outcome of each step.

    The keys are the step ids of the design's own nodes; conditions have ids as if they were steps.
    Subprocesses always take the first outcome. A back edge is taken at most once, and decisions after
    the second execution of a node are not varied.
    """

    def __init__(self, definition: Definition, given: Prefix) -> None:
        self._workflow = definition.id
        self._back = {(edge.source, edge.outcome) for edge in definition.canvas.edges if edge.back}
        self._given = dict(given)
        self.made: dict[str, str] = {}
        self.choices: dict[str, list[str]] = {}

    def decide(self, workflow: str, step: str, outcomes: Sequence[str]) -> str:
        """Return the outcome of a step, which is the same for every call.

        Args:
            workflow: The id of the workflow.
            step: The id of the step.
            outcomes: The possible outcomes.
        """
        if workflow != self._workflow:
            return outcomes[0]
        if step not in self.made:
            self.choices[step] = self._open(step, outcomes)
            given = self._given.get(step)
            self.made[step] = self.choices[step][0] if given is None else given
        return self.made[step]

    def _open(self, step: str, outcomes: Sequence[str]) -> list[str]:
        """Return the outcomes that may be chosen: a back edge only once, and after all others."""
        node = node_of(step)
        taken = {outcome for at, outcome in self.made.items() if node_of(at) == node}
        fresh = [one for one in outcomes if not (self._leads_back(node, one) and one in taken)]
        return sorted(fresh or outcomes, key=lambda one: self._leads_back(node, one))

    def _leads_back(self, node: str, outcome: str) -> bool:
        return any((node, one) in self._back for one in (outcome, *outcome.split(", ")))

    def alternatives(self) -> Iterator[Prefix]:
        """Yield the other decisions that could have been made, with the decisions before them.

        Given decisions are not varied, so that each alternative occurs once over all runs.
        """
        made = tuple(self.made.items())
        for index in range(len(self._given), len(made)):
            step, outcome = made[index]
            named = parse(step)
            if named is not None and named.execution > _VARIED:
                continue
            for other in self.choices[step]:
                if other != outcome:
                    yield (*made[:index], (step, other))

    @property
    def rank(self) -> tuple[int, ...]:
        """The sort key of the run: the index of each outcome among those of its step."""
        return tuple(self.choices[step].index(outcome) for step, outcome in self.made.items())


async def explore(
    definition: Definition,
    outside: Outside,
    *,
    children: Sequence[Definition] = (),
    functions: MakeFunctions | None = None,
    registry: Registry | None = None,
    client: inngest.Inngest | None = None,
) -> Exploration:
    """Run a design once per combination of outcomes, at most `MAX_RUNS` times.

    Args:
        definition: The compiled design.
        outside: The data of the event and the other inputs of the simulation. Fields that the design
            reads and the data lacks are made up; answers are ignored.
        children: The workflows that it may run as subprocesses.
        functions: Makes the Inngest functions; by default those of the interpreter.
        registry: The handlers; missing ones are simulated.
        client: The client of the functions.
    """
    found = Exploration()
    outside = replace(outside, answers=(), data=plausible_data(definition, outside.data))
    client = simulated_client()
    open_: list[Prefix] = [()]
    tried: set[tuple[str, str]] = set()
    ran: set[str] = set()
    runs: list[tuple[tuple[int, ...], dict[str, Any]]] = []
    while open_:
        if len(runs) == MAX_RUNS:
            found.complete = False
            break
        # Outcomes that no run has had yet come first, so that few runs cover much.
        new = (
            index
            for index, prefix in enumerate(open_)
            if prefix and (node_of(prefix[-1][0]), prefix[-1][1]) not in tried
        )
        decisions = Decisions(definition, open_.pop(next(new, 0)))
        with test_controls.choosing_outcomes(decisions.decide):
            simulated = await simulate(
                definition,
                outside,
                children=children,
                functions=functions,
                registry=registry,
                decide=decisions.decide,
                client=client,
            )
        runs.append((decisions.rank, {"decisions": dict(decisions.made), **report(simulated)}))
        ran |= simulated.ran
        tried.update((node_of(step), outcome) for step, outcome in decisions.made.items())
        open_ += decisions.alternatives()
    found.runs = [run for _, run in sorted(runs, key=lambda item: item[0])]
    _cover(definition, found, ran, tried)
    return found


def _cover(
    definition: Definition, found: Exploration, ran: set[str], decided: set[tuple[str, str]]
) -> None:
    """Record what was not reached; `ran` are the nodes that ran in any iteration of any run."""
    canvas = definition.canvas
    reached = set(ran)
    taken = {(node, one) for node, outcome in decided for one in (outcome, *outcome.split(", "))}
    for run in found.runs:
        for name, node in run["nodes"].items():
            if node["status"] in ("completed", "failed", "waiting", "running"):
                reached.add(name)
            outcome = node["outcome"]
            taken |= {(name, one) for one in (outcome if isinstance(outcome, list) else [outcome])}

    def is_taken(edge: CanvasEdge) -> bool:
        return edge.source in reached and (
            edge.outcome is None or (edge.source, edge.outcome) in taken
        )

    # Nodes without work of their own were reached if an edge to them was taken, in any iteration.
    types = {node.id: node.type for node in canvas.nodes}
    silent = [
        edge
        for edge in canvas.edges
        if types[edge.target] == "choice" or type_of(types[edge.target]).silent
    ]
    while more := {edge.target for edge in silent if is_taken(edge)} - reached:
        reached |= more
    found.uncovered_nodes = [
        name for name, kind in types.items() if kind != "choice" and name not in reached
    ]
    found.uncovered_edges = [
        {"source": edge.source, "target": edge.target, "outcome": edge.outcome}
        for edge in canvas.edges
        if types[edge.target] != "choice" and not is_taken(edge)
    ]
