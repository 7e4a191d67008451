"""Every way through a design: one run per combination of outcomes.

Approvals are answered each way and left unanswered where that has a consequence, waits likewise;
what has a way on for its failure fails once. Conditions are steered, not computed, so two conditions
on the same data count as independent. A way back is taken once.
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
"""Up to which execution of a node its decisions are varied."""

Prefix: TypeAlias = tuple[tuple[str, str], ...]
"""The first decisions of a run, in the order they are made: step and outcome."""


@dataclass
class Exploration:
    """All runs, each with the `decisions` that made it, and what none of them reached."""

    runs: list[dict[str, Any]] = field(default_factory=list)
    complete: bool = True
    """Whether there were no more than `MAX_RUNS` combinations."""
    uncovered_nodes: list[str] = field(default_factory=list)
    uncovered_edges: list[dict[str, str | None]] = field(default_factory=list)


class Decisions:
    """The decisions of one run: those given, then the first choice of each.

    They are kept by the step ids of the design's own nodes, of conditions as if they were steps;
    its subprocesses take the first choice always. A way back is taken at most once, and what a
    node decides after its second execution has no alternatives.
    """

    def __init__(self, definition: Definition, given: Prefix) -> None:
        self._workflow = definition.id
        self._back = {(edge.source, edge.outcome) for edge in definition.canvas.edges if edge.back}
        self._given = dict(given)
        self.made: dict[str, str] = {}
        self.choices: dict[str, list[str]] = {}

    def decide(self, workflow: str, step: str, outcomes: Sequence[str]) -> str:
        """The outcome of a step, the same whenever it is asked for."""
        if workflow != self._workflow:
            return outcomes[0]
        if step not in self.made:
            self.choices[step] = self._open(step, outcomes)
            given = self._given.get(step)
            self.made[step] = self.choices[step][0] if given is None else given
        return self.made[step]

    def _open(self, step: str, outcomes: Sequence[str]) -> list[str]:
        """Those that are no way back, or one that was not taken; the former first."""
        node = node_of(step)
        taken = {outcome for at, outcome in self.made.items() if node_of(at) == node}
        fresh = [one for one in outcomes if not (self._leads_back(node, one) and one in taken)]
        return sorted(fresh or outcomes, key=lambda one: self._leads_back(node, one))

    def _leads_back(self, node: str, outcome: str) -> bool:
        return any((node, one) in self._back for one in (outcome, *outcome.split(", ")))

    def alternatives(self) -> Iterator[Prefix]:
        """What else could have been decided, as the decisions up to there: each once over all
        runs, because what was given is not decided otherwise."""
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
    def place(self) -> tuple[int, ...]:
        """Where the run stands among all: by the place of each outcome among its step's."""
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

    The data of the event has every field that is read, made up where it is not given.
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
        # What no run has decided yet comes first, so that few runs cover much.
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
        runs.append((decisions.place, {"decisions": dict(decisions.made), **report(simulated)}))
        ran |= simulated.ran
        tried.update((node_of(step), outcome) for step, outcome in decisions.made.items())
        open_ += decisions.alternatives()
    found.runs = [run for _, run in sorted(runs, key=lambda item: item[0])]
    _cover(definition, found, ran, tried)
    return found


def _cover(
    definition: Definition, found: Exploration, ran: set[str], decided: set[tuple[str, str]]
) -> None:
    """Note what was not reached, by the nodes that `ran` in any round of any run."""
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

    # Nodes that run nothing are reached, in a round that is past, if what leads to them was taken.
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
