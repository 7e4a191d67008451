"""What a run of a design does: a token game with a clock.

Every edge ends up taken or skipped. A node whose edges in are all settled runs once if one of them
was taken, else it is skipped, and skipping travels on. Nothing here knows of blocks, programs or
steps; times are seconds since the run began.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proflow_compiler.graph import Graph, GraphEdge
from proflow_schemas.durations import parse_duration
from proflow_schemas.expressions import ExpressionError, compile, render_value
from proflow_schemas.nodes import Approval, Delay, End, Join, Notify, Retry, Wait

MAX_ATTEMPTS = 5


@dataclass(frozen=True)
class Answer:
    """The outcome somebody decides on, `after` seconds from when the node starts waiting."""

    outcome: str
    after: float


@dataclass(frozen=True)
class Outside:
    """What the world does to a run: the event it starts with, answers, and how handlers behave."""

    data: Mapping[str, Any]
    answers: Mapping[str, Answer] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)
    """How many attempts of a node fail before one works."""
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Happened:
    """A node's part in a run."""

    status: str
    outcome: str | None = None
    started: float | None = None
    attempts: int = 0


@dataclass
class Run:
    status: str = "running"
    result: str | None = None
    nodes: dict[str, Happened] = field(default_factory=dict)
    ended: float = 0


@dataclass(frozen=True)
class Ended:
    """An end that was reached; an undrawn outcome's, if it has a status and no node."""

    node: str
    status: str
    terminate: bool = False
    fail: bool = False


class Stopped(Exception):
    """A terminating end or a failure: nothing new starts."""


def play(graph: Graph, outside: Outside) -> Run:
    """The run of a sound, acyclic design."""
    return _Game(graph, outside).play()


class _Game:
    def __init__(self, graph: Graph, outside: Outside) -> None:
        self.graph, self.outside = graph, outside
        self.now = 0.0
        self.run = Run()
        self.settled: dict[int, bool] = {}
        """Edge → whether it was taken."""
        self.over: list[tuple[float, int, str, str]] = []
        """When the nodes that take time are over, with their outcomes; a heap."""
        self.ends: list[Ended] = []
        self.steps: dict[str, Any] = {}

    def play(self) -> Run:
        nodes = self.run.nodes
        try:
            self.start(self.graph.starts[0])
            while self.over:
                self.now, _, node, outcome = heapq.heappop(self.over)
                self.finish(node, outcome)
        except Stopped:
            for happened in nodes.values():
                if happened.status == "waiting":
                    happened.status = "cancelled"
            missing = "skipped"
        else:
            waiting = any(happened.status == "waiting" for happened in nodes.values())
            missing = "pending" if waiting else "skipped"
            self.run.status = "waiting" if waiting else "completed"
            if not waiting:
                self.conclude()
        self.run.ended = self.now
        for name in self.graph.nodes:
            nodes.setdefault(name, Happened(missing))
        return self.run

    def conclude(self) -> None:
        """A status other than `completed` wins; ties go to the smallest node id."""
        end = min(self.ends, key=lambda end: (end.status == "completed", end.node))
        self.run.result = end.status

    def stop(self, status: str, result: str | None = None) -> None:
        self.run.status, self.run.result = status, result
        raise Stopped

    def settle(self, edge: GraphEdge, taken: bool) -> None:
        """Work through the edges that settle in this instant, one after the other."""
        pending = [(edge, taken)]
        while pending:
            edge, taken = pending.pop(0)
            self.settled[edge.index] = taken
            target = edge.target
            if target in self.run.nodes:
                continue
            into = self.graph.into[target]
            arrived = sum(self.settled.get(other.index, False) for other in into)
            whole = all(other.index in self.settled for other in into)
            if arrived >= self.needed(target) or (whole and arrived):
                self.start(target)
            elif whole:
                self.run.nodes[target] = Happened("skipped")
                pending += [(out, False) for out in self.graph.out(target)]

    def needed(self, node: str) -> int:
        """How many edges in must be taken for a node to go on before all are settled."""
        at = self.graph.nodes[node]
        if at.choice_of is None and isinstance(at.node.config, Join):
            mode = at.node.config.mode
            if mode == "any":
                return 1
            if isinstance(mode, int):
                return mode
        return len(self.graph.into[node]) + 1

    def start(self, name: str) -> None:
        """Start a node; it is over at once, or at a known time, or never."""
        at = self.graph.nodes[name]
        happened = self.run.nodes[name] = Happened("completed", started=self.now, attempts=1)
        if at.ruled:
            self.finish(name, self.choose(name))
            return
        config = at.node.config
        match config:
            case End():
                self.end(Ended(name, config.status, config.terminate, config.fail))
            case Approval():
                self.wait(name, config.timeout, config.timeout_action)
            case Wait():
                self.wait(name, config.timeout, "route")
            case Delay(duration=duration) if duration is not None:
                happened.status = "waiting"
                self.later(parse_duration(duration).total_seconds(), name, "default")
            case _ if (failures := self.outside.failures.get(name)) and (
                not isinstance(config, Notify)
            ):
                self.fail_and_retry(name, getattr(config, "retry", None), failures)
            case _:
                self.finish(name, "default")

    def wait(self, name: str, timeout: str | int | float | None, action: str) -> None:
        self.run.nodes[name].status = "waiting"
        answer = self.outside.answers.get(name)
        limit = None
        if timeout is not None and action != "remind":
            limit = parse_duration(timeout).total_seconds()
        if answer is not None and (limit is None or answer.after < limit):
            self.later(answer.after, name, answer.outcome)
        elif limit is not None:
            taken = {"approve": "approved", "reject": "rejected"}.get(action, "timeout")
            self.later(limit, name, taken)

    def fail_and_retry(self, name: str, retry: Retry | None, failures: int) -> None:
        """Attempts are `initialInterval` apart, growing by `multiplier` up to `maxInterval`."""
        attempts = retry.max_attempts if retry else MAX_ATTEMPTS
        first = parse_duration(retry.initial_interval or 0).total_seconds() if retry else 0.0
        most = (
            parse_duration(retry.max_interval).total_seconds()
            if retry and retry.max_interval is not None
            else float("inf")
        )
        gaps = [
            min(first * (retry.multiplier if retry else 2) ** failed, most)
            for failed in range(min(failures, attempts - 1))
        ]
        happened = self.run.nodes[name]
        happened.attempts = min(failures + 1, attempts)
        happened.status = "waiting"
        self.later(sum(gaps), name, "default" if failures < attempts else "failure")

    def later(self, seconds: float, name: str, outcome: str) -> None:
        heapq.heappush(self.over, (self.now + seconds, len(self.settled), name, outcome))

    def finish(self, name: str, outcome: str) -> None:
        """A node took an outcome: its edges are taken, those of its other outcomes skipped."""
        at = self.graph.nodes[name]
        happened = self.run.nodes[name]
        if outcome == "failure":
            happened.status = "failed"
            self.stop("failed")
        happened.status, happened.outcome = "completed", outcome
        if at.choice_of is None:
            self.steps[name] = {"outcome": outcome, "output": self.outside.outputs.get(name)}
        if outcome in self.graph.undrawn(name):
            self.stop("completed", outcome)
        exits = self.graph.exits[name]
        for taken in (False, True):
            for exit_ in exits:
                if (exit_.outcome == outcome) == taken:
                    for edge in exit_.edges:
                        self.settle(edge, taken)

    def choose(self, name: str) -> str:
        """The first outcome whose rule holds, else the default; neither fails the run."""
        scope = {"event": {"data": dict(self.outside.data)}, "steps": self.steps}
        try:
            for exit_ in self.graph.exits[name]:
                if exit_.when is not None and compile(exit_.when).test(scope):
                    return exit_.outcome
        except ExpressionError:
            return "failure"
        return next((one.outcome for one in self.graph.exits[name] if one.default), "failure")

    def end(self, end: Ended) -> None:
        self.ends.append(end)
        if end.terminate or end.fail:
            self.stop("failed" if end.fail else "completed", end.status)
        self.render(end)

    def render(self, end: Ended) -> None:
        """An output that cannot be rendered fails the run."""
        config = self.graph.nodes[end.node].node.config
        scope = {"event": {"data": dict(self.outside.data)}, "steps": self.steps}
        try:
            render_value(getattr(config, "output", None), scope)
        except ExpressionError:
            self.run.nodes[end.node].status = "failed"
            self.stop("failed")
