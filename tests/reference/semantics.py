"""What a run of a design does: a token game with a clock.

Every edge ends up taken or skipped. A node whose edges in are all settled runs once if one of them
was taken, else it is skipped, and skipping travels on. Nothing here knows of blocks, programs or
steps; times are seconds since the run began.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from proflow_compiler.graph import Graph, GraphEdge
from proflow_schemas.durations import MAX_WAIT, parse_duration
from proflow_schemas.expressions import ExpressionError, compile, render_value
from proflow_schemas.expressions.doubles import as_doubles, double_paths
from proflow_schemas.nodes import Approval, Config, Delay, End, Join, Retry, Set, Start, Wait

TRIGGERS = ("notify", "cc", "emit", "http", "task")
"""What may make somebody send the event that the wait after it is for."""


@dataclass(frozen=True)
class Answer:
    """The outcome somebody decides on, `after` seconds from when the node starts waiting."""

    outcome: str
    after: float


@dataclass(frozen=True)
class Sent:
    """An event that somebody sends `at` seconds after the run began."""

    event: str
    data: Mapping[str, Any]
    at: float


@dataclass(frozen=True)
class Outside:
    """What the world does to a run: the event it starts with, answers, and how handlers behave."""

    data: Mapping[str, Any]
    answers: Mapping[str, Answer] = field(default_factory=dict)
    sent: Sequence[Sent] = ()
    failures: Mapping[str, int] = field(default_factory=dict)
    """How many attempts of a node fail before one works."""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    began: datetime = datetime(2026, 1, 5, tzinfo=UTC)


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
        self.ends: list[tuple[str, End]] = []
        self.triggers: dict[str, str] = {}
        """Wait → the node it was armed together with."""
        self.held: dict[str, str] = {}
        """Wait → its outcome, while that node is not over."""
        self.steps: dict[str, Any] = {}
        self.outputs = dict(outside.outputs)
        start = graph.nodes[graph.starts[0]].node.config
        schema = start.input if isinstance(start, Start) else None
        self.event = {
            "id": "event",
            "data": as_doubles(dict(outside.data), double_paths(schema or {})),
        }

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
        found = [(end.status == "completed", name, end.status) for name, end in self.ends]
        self.run.result = min(found)[2]

    def stop(self, status: str, result: str | None = None) -> None:
        self.run.status, self.run.result = status, result
        raise Stopped

    @property
    def scope(self) -> dict[str, Any]:
        """What expressions can read."""
        tenant = self.event["data"].get("tenant_id")
        return {"event": self.event, "tenant_id": tenant, "steps": self.steps}

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

    def armed_with(self, name: str) -> str | None:
        """The wait that is armed before this node starts: what triggers the event is drawn directly
        before the wait, which is over when both are."""
        out = self.graph.out(name)
        at = self.graph.nodes[name]
        if len(out) != 1 or at.choice_of is not None or at.node.type not in TRIGGERS:
            return None
        after = self.graph.nodes[out[0].target]
        alone = len(self.graph.into[after.id]) == 1
        return after.id if alone and after.node.type == "wait" and not after.choice_of else None

    def start(self, name: str) -> None:
        """Start a node; it is over at once, or at a known time, or never."""
        if (wait := self.armed_with(name)) is not None:
            self.triggers[wait] = name
            self.start(wait)
        at = self.graph.nodes[name]
        happened = self.run.nodes[name] = Happened("completed", started=self.now, attempts=1)
        if at.ruled:
            self.finish(name, self.choose(name))
            return
        config = at.node.config
        match config:
            case End():
                self.end(name, config)
            case Approval():
                self.wait(name, self.answer(name), config.timeout, config.timeout_action)
            case Wait():
                self.wait(name, self.answer(name) or self.heard(name), config.timeout, "route")
            case Delay(duration=duration, until=until):
                happened.status = "waiting"
                if duration is not None:
                    self.later(parse_duration(duration).total_seconds(), name, "default")
                else:
                    time = datetime.fromisoformat(str(render_value(until, self.scope)))
                    seconds = (time - self.outside.began).total_seconds() - self.now
                    self.later(max(0, seconds), name, "default")
            case Set(values=values):
                self.outputs[name] = {
                    key: compile(value).evaluate(self.scope) for key, value in values.items()
                }
                self.finish(name, "default")
            case _ if failures := self.outside.failures.get(name):
                self.fail_and_retry(name, self.policy(config), failures)
            case _:
                self.finish(name, "default" if self.renders(config) else "failure")

    def answer(self, name: str) -> Answer | None:
        return self.outside.answers.get(name)

    def heard(self, name: str) -> Answer | None:
        """The first event that a wait is for; of this tenant, and matching."""
        config = self.graph.nodes[name].node.config
        assert isinstance(config, Wait)
        for sent in sorted(self.outside.sent, key=lambda sent: sent.at):
            keys = [config.match.removeprefix("data.")] if config.match else []
            if (
                sent.event == config.event
                and sent.at > self.now
                and all(
                    sent.data.get(key) == self.outside.data.get(key) for key in ["tenant_id", *keys]
                )
            ):
                self.outputs[name] = sent.data
                return Answer("received", sent.at - self.now)
        return None

    def wait(
        self, name: str, answer: Answer | None, timeout: str | int | float | None, action: str
    ) -> None:
        self.run.nodes[name].status = "waiting"
        limit = None
        if timeout is not None and action != "remind":
            limit = parse_duration(timeout).total_seconds()
        if answer is not None and (limit is None or answer.after < limit):
            self.later(answer.after, name, answer.outcome)
        elif limit is not None:
            taken = {"approve": "approved", "reject": "rejected"}.get(action, "timeout")
            self.later(limit, name, taken)

    def policy(self, config: Config) -> Retry:
        """The node's own policy, else the design's; each says attempts or retries."""
        for holder in (config, self.graph.design.settings):
            retry: Retry | None = getattr(holder, "retry", None)
            retries: int | None = getattr(holder, "retries", None)
            if retry is not None:
                return retry
            if retries is not None:
                return Retry(max_attempts=retries + 1)
        return Retry()

    def fail_and_retry(self, name: str, policy: Retry, failures: int) -> None:
        """Attempts are `initialInterval` apart, growing by `multiplier` up to `maxInterval`."""
        first = parse_duration(policy.initial_interval or 0).total_seconds()
        most = parse_duration(policy.max_interval or MAX_WAIT.total_seconds()).total_seconds()
        tried = min(failures + 1, policy.max_attempts)
        gaps = [min(first * policy.multiplier**failed, most) for failed in range(tried - 1)]
        happened = self.run.nodes[name]
        happened.attempts, happened.status = tried, "waiting"
        self.later(sum(gaps), name, "default" if failures < policy.max_attempts else "failure")

    def later(self, seconds: float, name: str, outcome: str) -> None:
        heapq.heappush(self.over, (self.now + seconds, len(self.settled), name, outcome))

    def finish(self, name: str, outcome: str) -> None:
        """A node took an outcome: its edges are taken, those of its other outcomes skipped."""
        at = self.graph.nodes[name]
        happened = self.run.nodes[name]
        if outcome == "failure":
            happened.status = "failed"
            self.stop("failed")
        trigger = self.triggers.get(name)
        if trigger is not None and self.run.nodes[trigger].status != "completed":
            self.held[name] = outcome
            return
        happened.status, happened.outcome = "completed", outcome
        if at.choice_of is None:
            self.steps[name] = {"outcome": outcome, "output": self.outputs.get(name)}
            if at.node.type == "approval":
                self.steps[name] |= {"decidedBy": "somebody", "comment": None}
        if outcome in self.graph.undrawn(name):
            self.stop("completed", outcome)
        exits = self.graph.exits[name]
        for taken in (False, True):
            for exit_ in exits:
                if (exit_.outcome == outcome) == taken:
                    for edge in exit_.edges:
                        self.settle(edge, taken)
        for wait in [wait for wait in self.held if self.triggers[wait] == name]:
            self.finish(wait, self.held.pop(wait))

    def choose(self, name: str) -> str:
        """The first outcome whose rule holds, else the default; neither fails the run."""
        try:
            for exit_ in self.graph.exits[name]:
                if exit_.when is not None and compile(exit_.when).test(self.scope):
                    return exit_.outcome
        except ExpressionError:
            return "failure"
        return next((one.outcome for one in self.graph.exits[name] if one.default), "failure")

    def renders(self, config: Config) -> bool:
        """Whether every `${…}` of a config can be evaluated."""
        try:
            render_value(config.model_dump(), self.scope)
        except ExpressionError:
            return False
        return True

    def end(self, name: str, end: End) -> None:
        if not self.renders(end):
            self.finish(name, "failure")
        self.ends.append((name, end))
        if end.fail:
            self.finish(name, "failure")
        if end.terminate:
            self.stop("completed", end.status)
