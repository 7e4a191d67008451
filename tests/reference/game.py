"""The clock of a run, and what is known of its nodes, whatever level they stand on."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

from proflow_compiler.graph import Graph
from proflow_schemas.step_ids import step_id

from reference.outside import Called, Execution, Happened, Outside, Run

Key = tuple[str, tuple[int, ...]]
"""A node, and the items of the containers around it that this is about."""

URGENT = ("failed", "running", "waiting", "completed", "cancelled", "skipped", "pending")
"""Which state a node inside a foreach shows if its items differ: the first of these."""


class Stopped(Exception):
    """A terminating end or a failure: nothing new starts."""


@dataclass(frozen=True)
class Stop:
    """What ends a run. Of two in one instant a failure counts, then the smallest node."""

    node: str
    status: str
    result: str | None
    output: Any
    error: str | None

    @property
    def rank(self) -> tuple[bool, str]:
        return self.status != "failed", self.node


class Abandoned(Exception):
    """An item has failed, and its container knows."""


class Living(Protocol):
    """What a thing that happens later happens to."""

    @property
    def alive(self) -> bool: ...

    def look(self) -> None: ...


class Game:
    """Runs what happens in the order of its times."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        self.now = 0.0
        self.run = Run()
        self.coming: list[tuple[float, int, Living, Callable[[], None]]] = []
        """What happens later; a heap."""
        self.states: dict[Key, Happened] = {}
        self.executed: Counter[Key] = Counter()
        self.event: dict[str, Any] = {}
        self.ending: list[Stop] = []
        """The stops of the instant in which the run ends."""
        self.calls: list[tuple[Living, Called]] = []
        """The runs of other workflows that are open, and what each is called in."""
        self.count = 0

    def later(self, seconds: float, level: Living, what: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.coming, (self.now + seconds, self.count, level, what))

    def play(self, graph: Graph) -> bool:
        """Let everything happen; whether the run came to no stop."""
        while self.coming:
            at, _, level, what = heapq.heappop(self.coming)
            if self.ending and at > self.now:
                continue  # nothing new starts; what else happens in this instant may stop it, too
            if not level.alive:
                continue
            self.now = at
            try:
                what()
                level.look()
            except (Abandoned, Stopped):
                pass
            self.cancel(left=True)
        if self.ending:
            found = min(self.ending, key=lambda one: one.rank)
            self.run.status, self.run.result = found.status, found.result
            self.run.output, self.run.error = found.output, found.error
        return not self.ending

    def call(self, living: Living, step: str) -> Called:
        """Another workflow begins to run, as long as the run is not over and `living` is."""
        called = Called(step, self.now)
        self.run.calls.append(called)
        self.calls.append((living, called))
        return called

    def cancel(self, *, left: bool) -> None:
        """What the run has called ends with it, or with the item or iteration that was left."""
        for living, called in self.calls:
            if called.ended is None and not (left and living.alive):
                called.over("cancelled", self.now)
        self.calls = [one for one in self.calls if one[1].ended is None]

    def stop(
        self,
        node: str,
        status: str,
        result: str | None = None,
        output: Any = None,
        error: str | None = None,
    ) -> NoReturn:
        self.run.stops.add(self.now)
        self.ending.append(Stop(node, status, result, output, error))
        raise Stopped

    def step(self, node: str, items: tuple[int, ...]) -> str:
        """The id of a node's next execution."""
        self.executed[node, items] += 1
        return step_id(node, items=items, execution=self.executed[node, items])

    def begin(self, step: str) -> Execution:
        self.run.executions.append(Execution(step, self.now))
        return self.run.executions[-1]

    def forget(self, graph: Graph, nodes: Iterable[str], items: tuple[int, ...]) -> None:
        """Another round of these nodes, and of all in them."""
        for name in nodes:
            self.states.pop((name, items), None)
            if name in graph.inner:
                within = {one for level in graph.inner[name].levels() for one in level.nodes}
                for key in list(self.states):
                    if key[0] in within and key[1][: len(items)] == items:
                        del self.states[key]

    def conclude(self, graph: Graph) -> None:
        """Tell the states of all drawn nodes; what is open is cancelled if the run is over."""
        over = self.run.status in ("completed", "failed")
        if over:
            self.cancel(left=False)
        told: dict[str, list[Happened]] = {}
        for (name, _), happened in self.states.items():
            if over and happened.status in ("waiting", "running"):
                happened.status = "cancelled"
            told.setdefault(name, []).append(happened)
        nodes = self.run.nodes
        for level in graph.levels():
            around = nodes[level.container].status if level.container is not None else ""
            settled = over or around in ("completed", "failed", "skipped", "cancelled")
            for name, at in level.nodes.items():
                if at.drawn:
                    missing = Happened("skipped" if settled else "pending")
                    nodes[name] = together(told.get(name, [missing]))


def together(states: list[Happened]) -> Happened:
    """One state for all items."""
    shown = min(states, key=lambda one: URGENT.index(one.status))
    same = all(one.outcome == shown.outcome for one in states if one.status == shown.status)
    return Happened(
        shown.status,
        shown.outcome if same else None,
        min((one.started for one in states if one.started is not None), default=None),
        max(one.attempts for one in states),
        shown.error,
    )
