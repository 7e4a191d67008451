"""Every way through a design: one run per combination of outcomes.

Approvals are answered each way and left unanswered where that has a consequence, waits likewise;
conditions are steered, not computed, so two conditions on the same data count as independent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from proflow_schemas.definition import Definition

from proflow_runtime import steering
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.simulation.outside import Outside
from proflow_runtime.simulation.playing import MakeFunctions, simulate
from proflow_runtime.simulation.report import report

MAX_RUNS = 256

Prefix: TypeAlias = tuple[tuple[str, str], ...]
"""The first decisions of a run, in the order they are made: node and outcome."""


@dataclass
class Exploration:
    """All runs, each with the `decisions` that made it, and what none of them reached."""

    runs: list[dict[str, Any]] = field(default_factory=list)
    complete: bool = True
    """Whether there were no more than `MAX_RUNS` combinations."""
    uncovered_nodes: list[str] = field(default_factory=list)
    uncovered_edges: list[dict[str, str | None]] = field(default_factory=list)


class Decisions:
    """The decisions of one run: those given, then the first choice of each."""

    def __init__(self, given: Prefix) -> None:
        self._given = dict(given)
        self.made: dict[str, str] = {}
        self.choices: dict[str, list[str]] = {}

    def decide(self, node: str, outcomes: Sequence[str]) -> str:
        """The outcome of a node, the same whenever it is asked for."""
        if node not in self.made:
            self.choices[node] = list(outcomes)
            self.made[node] = self._given.get(node, outcomes[0])
        return self.made[node]

    def alternatives(self) -> Iterator[Prefix]:
        """What else could have been decided, as the decisions up to there: each once over all
        runs, because what was given is not decided otherwise."""
        made = tuple(self.made.items())
        for index in range(len(self._given), len(made)):
            node, outcome = made[index]
            for other in self.choices[node]:
                if other != outcome:
                    yield (*made[:index], (node, other))

    @property
    def place(self) -> tuple[int, ...]:
        """Where the run stands among all: by the place of each outcome among its node's."""
        return tuple(self.choices[node].index(outcome) for node, outcome in self.made.items())


async def explore(
    definition: Definition,
    outside: Outside,
    *,
    functions: MakeFunctions | None = None,
    registry: Registry | None = None,
) -> Exploration:
    """Run a design once per combination of outcomes, at most `MAX_RUNS` times."""
    found = Exploration()
    outside = replace(outside, answers=())
    open_: list[Prefix] = [()]
    tried: set[tuple[str, str]] = set()
    runs: list[tuple[tuple[int, ...], dict[str, Any]]] = []
    while open_:
        if len(runs) == MAX_RUNS:
            found.complete = False
            break
        # What no run has decided yet comes first, so that few runs cover much.
        new = (index for index, prefix in enumerate(open_) if prefix and prefix[-1] not in tried)
        decisions = Decisions(open_.pop(next(new, 0)))
        with steering.steering(decisions.decide):
            simulated = await simulate(
                definition, outside, functions=functions, registry=registry, decide=decisions.decide
            )
        runs.append((decisions.place, {"decisions": dict(decisions.made), **report(simulated)}))
        tried.update(decisions.made.items())
        open_ += decisions.alternatives()
    found.runs = [run for _, run in sorted(runs, key=lambda item: item[0])]
    _cover(definition, found)
    return found


def _cover(definition: Definition, found: Exploration) -> None:
    reached: set[str] = set()
    taken: set[tuple[str, str | None]] = set()
    for run in found.runs:
        for name, node in run["nodes"].items():
            if node["status"] in ("completed", "failed", "waiting", "running"):
                reached.add(name)
                if node["status"] == "completed":
                    taken |= {(name, node["outcome"]), (name, None)}
        taken |= set(run["decisions"].items())
    canvas = definition.canvas
    found.uncovered_nodes = [
        node.id for node in canvas.nodes if node.type != "choice" and node.id not in reached
    ]
    choices = {node.id for node in canvas.nodes if node.type == "choice"}
    single = {node.id for node in canvas.nodes} - {
        edge.source for edge in canvas.edges if edge.outcome is not None
    }
    found.uncovered_edges = [
        {"source": edge.source, "target": edge.target, "outcome": edge.outcome}
        for edge in canvas.edges
        if edge.target not in choices
        and (edge.source, edge.outcome) not in taken
        and not (edge.source in single and edge.source in reached)
    ]
