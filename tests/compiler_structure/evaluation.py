"""Runs a structured program by the meaning of its statements, with a clock and without tokens."""

from collections import Counter
from typing import Literal

from compiler_structure.token_game import Path, Told, Trace, World
from proflow_compiler.graph import Graph
from proflow_compiler.structuring.program import (
    Again,
    Block,
    Branch,
    Call,
    Container,
    Dependency,
    Fork,
    Leave,
    Program,
    Region,
    Repeat,
    Step,
    Stop,
    Task,
)
from proflow_schemas.node_types.end import End

End_ = Literal["arrived", "ended"] | Again
"""How a block is over."""


def execute(graph: Graph, program: Program, world: World) -> Trace:
    """The structured program, run by the meaning of its statements."""
    found = _Evaluation(graph, program, world)
    found.block(program.main, 0, ())
    return found.trace


class _Evaluation:
    def __init__(self, graph: Graph, program: Program, world: World) -> None:
        self.program, self.world, self.trace = program, world, Trace()
        self.graph_of = {name: level for level in graph.levels() for name in level.nodes}
        self.outcomes: dict[tuple[str, Path], set[str]] = {}
        self.entered: dict[tuple[str, Path], tuple[int, Told]] = {}
        """Functions that only the first goes on with: since when, and what was told of that."""

    def block(self, block: Block, at: int, path: Path) -> tuple[int, End_]:
        """When the block is over, and how."""
        for index, statement in enumerate(block):
            end: End_ = "arrived"
            match statement:
                case Step(node, trigger):
                    at, end = self.step(node, trigger, at, path)
                case Container(node, inner):
                    at = self.container(node, inner, at, path)
                    if not self.leads_on(node):
                        end = "ended"
                case Stop():
                    self.trace.stop(at)
                    return at, "ended"
                case Call(function, once):
                    assert index == len(block) - 1, "a call is the last statement of its block"
                    if once:
                        return self.first(function, at, path)
                    return self.block(self.program.functions[function], at, path)
                case Again():
                    return at, statement
                case Leave(node, exit_):
                    self.outcomes.setdefault((node, path), set()).add(exit_)
                case Branch(node, cases):
                    taken = [
                        case.block
                        for case in cases
                        if self.outcomes[node, path].intersection(case.outcomes)
                    ]
                    assert len(taken) <= 1
                    for chosen in taken:
                        at, end = self.block(chosen, at, path)
                case Fork(_, arms, full):
                    ends = [self.block(arm.block, at, path) for arm in arms]
                    at, end = _together(ends, full=full)
                case Region():
                    at, end = self.region(statement, at, path)
                case Repeat(node, inner):
                    at, end = self.repeat(node, inner, at, path)
            if end != "arrived":
                return at, end
        return at, "arrived"

    def first(self, function: str, at: int, path: Path) -> tuple[int, End_]:
        """Go on with a function, unless another one did before; arms are run one after the other."""
        since, told = self.entered.get((function, path), (None, None))
        if since is not None and since <= at:
            return at, "ended"
        if told is not None:
            self.trace.take_back(told)
        mark = self.trace.mark
        found = self.block(self.program.functions[function], at, path)
        self.entered[function, path] = at, self.trace.told_since(mark)
        return found

    def leads_on(self, node: str) -> bool:
        graph = self.graph_of[node]
        return bool(graph.exits[node]) or graph.container is not None

    def step(self, node: str, trigger: str | None, at: int, path: Path) -> tuple[int, End_]:
        end = at
        for one in (trigger, node):
            if one is not None:
                execution = self.trace.begin(one, path, at)
                end = max(end, at + self.world.duration(execution))
                self.outcomes[one, path] = set(self.world.outcomes(execution))
        config = self.graph_of[node].nodes[node].node.config
        if isinstance(config, End):
            if config.terminate or config.fail:
                self.trace.stop(end)
            return end, "ended"
        return end, "arrived"

    def container(self, node: str, inner: Block, at: int, path: Path) -> int:
        execution = self.trace.begin(node, path, at)
        self.outcomes[node, path] = set(self.world.outcomes(execution))
        count = self.world.items(execution)
        if self.graph_of[node].nodes[node].node.type == "loop":
            for _ in range(count):
                at, _ = self.block(inner, at, path)
            return at
        return max((self.block(inner, at, (*path, one))[0] for one in range(count)), default=at)

    def repeat(self, node: str, inner: Block, at: int, path: Path) -> tuple[int, End_]:
        returns: Counter[str] = Counter()
        while True:
            for left in [key for key in self.outcomes if key == (f"{node}?exit", path)]:
                del self.outcomes[left]
            mark, entered = self.trace.mark, dict(self.entered)
            at, end = self.block(inner, at, path)
            if isinstance(end, Again) and end.at_once:
                self.trace.cut(mark, at)
                self.entered = entered
            if not isinstance(end, Again) or end.to != node:
                return at, end
            returns[end.node] += 1
            if returns[end.node] > end.limit:
                self.trace.stop(at)
                return at, "ended"

    def region(self, region: Region, at: int, path: Path) -> tuple[int, End_]:
        settled: dict[str, tuple[int, bool]] = {}
        ends: list[tuple[int, End_]] = []
        leaves = False
        for task in region.tasks:
            start = self.due(task, settled, at, path)
            if start is None:
                over = max(self.edge(one, settled, at, path)[0] for one in task.after)
                settled[task.name] = over, False
                continue
            over, end = self.block(task.block, start, path)
            settled[task.name] = over, end == "arrived"
            ends.append((over, end))
            leaves = leaves or (task.leaves and end == "arrived")
        last = max((end for end, _ in settled.values()), default=at)
        back = _way_back(ends, last)
        return back or (last, "arrived" if leaves else "ended")

    def due(
        self, task: Task, settled: dict[str, tuple[int, bool]], at: int, path: Path
    ) -> int | None:
        """When a task may start, if it may."""
        if not task.after:
            return at
        edges = [self.edge(one, settled, at, path) for one in task.after]
        taken = sorted(time for time, arrived in edges if arrived)
        if task.needs is not None and len(taken) >= task.needs:
            return taken[task.needs - 1]
        enough = len(edges) if task.full else 1
        return max(time for time, _ in edges) if len(taken) >= enough else None

    def edge(
        self, one: Dependency, settled: dict[str, tuple[int, bool]], at: int, path: Path
    ) -> tuple[int, bool]:
        time, arrived = settled.get(one.source, (at, True))
        found = self.outcomes.get((one.source, path), set())
        return time, arrived and (not one.outcomes or bool(found.intersection(one.outcomes)))


def _together(ends: list[tuple[int, End_]], *, full: bool) -> tuple[int, End_]:
    over = max(time for time, _ in ends)
    if (back := _way_back(ends, over)) is not None:
        return back
    arrived = [end == "arrived" for _, end in ends]
    return over, "arrived" if (all(arrived) if full else any(arrived)) else "ended"


def _way_back(ends: list[tuple[int, End_]], over: int) -> tuple[int, Again] | None:
    """The way back that ends the iteration, and when: the first return does at once."""
    again = [(time, end) for time, end in ends if isinstance(end, Again)]
    at_once = [one for one in again if one[1].at_once]
    if at_once:
        return min(at_once, key=lambda one: one[0])
    assert len(again) <= 1
    return (over, again[0][1]) if again else None
