"""What a run does, by the rules of the language alone: every edge ends up taken or skipped.

A node runs once all its edges in are settled and one was taken; it is skipped if none was. Time
passes only in nodes. A world says how long a node takes and which outcome it has.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from proflow_compiler.graph import Graph
from proflow_compiler.program import Block, Branch, Call, Fork, Program, Step, Stop


class World(NamedTuple):
    duration: Callable[[str], float]
    outcome: Callable[[str], str]


@dataclass
class Trace:
    """When each node began, as far as the run came; and when it was stopped, if it was."""

    started: dict[str, list[float]]
    stopped: float | None = None

    def begin(self, node: str, at: float) -> None:
        self.started.setdefault(node, []).append(at)

    def stop(self, at: float) -> None:
        self.stopped = at if self.stopped is None else min(self.stopped, at)

    def seen(self) -> dict[str, list[float]]:
        """What began before the stop."""
        if self.stopped is None:
            return self.started
        kept = {n: [t for t in ts if t < self.stopped] for n, ts in self.started.items()}
        return {node: times for node, times in kept.items() if times}


def outcomes_of(graph: Graph, node: str) -> list[str]:
    """All the outcomes a node may take."""
    return [exit_.outcome for exit_ in graph.exits[node]] + list(graph.undrawn(node))


def play(graph: Graph, world: World) -> Trace:
    """The token game."""
    trace = Trace({})
    open_edges = {node: len(edges) for node, edges in graph.into.items()}
    taken: dict[str, float] = {}
    latest: dict[str, float] = {}
    queue: list[tuple[float, int, str, bool]] = []
    order = {name: index for index, name in enumerate(graph.topological)}
    start = graph.starts[0]
    heapq.heappush(queue, (0.0, order[start], start, True))

    def settle(node: str, at: float, runs: bool) -> None:
        heapq.heappush(queue, (at, order[node], node, runs))

    while queue:
        at, _, node, runs = heapq.heappop(queue)
        end = at
        chosen = ""
        if runs:
            trace.begin(node, at)
            end = at + world.duration(node)
            chosen = world.outcome(node)
            if chosen in graph.undrawn(node):
                trace.stop(end)
        for exit_ in graph.exits[node]:
            for edge in exit_.edges:
                target = edge.target
                open_edges[target] -= 1
                latest[target] = max(latest.get(target, 0.0), end)
                if runs and exit_.outcome == chosen:
                    taken[target] = end
                if open_edges[target] == 0:
                    settle(target, latest[target], target in taken)
    return trace


def execute(graph: Graph, program: Program, world: World) -> Trace:
    """The structured program, run by the meaning of its statements."""
    trace = Trace({})

    def run(block: Block, at: float) -> tuple[float, bool]:
        """When the block is over, and whether it arrives."""
        for index, statement in enumerate(block):
            match statement:
                case Step(node):
                    trace.begin(node, at)
                    at += world.duration(node)
                    if not outcomes_of(graph, node):
                        return at, False
                case Stop():
                    trace.stop(at)
                    return at, False
                case Call(function):
                    assert index == len(block) - 1, "a call is the last statement of its block"
                    return run(program.functions[function], at)
                case Branch(node, cases):
                    outcome = world.outcome(node)
                    taken = [case.block for case in cases if outcome in case.outcomes]
                    assert len(taken) <= 1
                    for chosen in taken:
                        at, arrived = run(chosen, at)
                        if not arrived:
                            return at, False
                case Fork(_, arms):
                    ends = [run(arm.block, at) for arm in arms]
                    at = max(end for end, _ in ends)
                    if not any(arrived for _, arrived in ends):
                        return at, False
        return at, True

    run(program.main, 0.0)
    return trace
