"""What the types of nodes do when they run."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from proflow_schemas.configs import Config, Duration, Retry
from proflow_schemas.durations import MAX_WAIT, parse_duration
from proflow_schemas.expressions import ExpressionError, compile, render_value
from proflow_schemas.node_types.approval import Approval
from proflow_schemas.node_types.delay import Delay
from proflow_schemas.node_types.emit import Emit
from proflow_schemas.node_types.end import End
from proflow_schemas.node_types.foreach import Foreach
from proflow_schemas.node_types.join import Join
from proflow_schemas.node_types.loop import Loop
from proflow_schemas.node_types.parallel import Parallel
from proflow_schemas.node_types.set import Set
from proflow_schemas.node_types.start import Start
from proflow_schemas.node_types.subprocess import Subprocess
from proflow_schemas.node_types.wait import Wait
from proflow_schemas.times import TimeError, read_time

from reference.containers import EachItem, EachRound
from reference.outside import Answer, Execution, Outside

if TYPE_CHECKING:
    from reference.semantics import Level

TRIGGERS = ("notify", "cc", "emit", "http", "task")
"""What may make somebody send the event that the wait after it is for."""
MAX_DEPTH = 8
"""How deep subprocesses may be nested."""


def start_node(level: "Level", name: str) -> None:
    """Start a node that no rules choose the outcome of."""
    config = level.graph.nodes[name].node.config
    match config:
        case Start() | Parallel() | Join():
            level.finish(name, "default")
        case End():
            _end(level, name, config)
        case Set():
            _set(level, name, config)
        case Foreach():
            EachItem(level, name).start()
        case Loop():
            EachRound(level, name).start()
        case _ if level.game.ending:
            pass  # the run is over: what could still fail it is what takes no step
        case _:
            _Step(level, name).start(config)


def _end(level: "Level", name: str, end: End) -> None:
    """Of the run or of an item; a terminating one is always of the run."""
    output = _rendered(level, name, end.output)
    if end.fail:
        detail = "" if output is None else f": {output}"
        level.fail(name, f"the run failed at `{name}` with `{end.status}`{detail}")
    level.ends.append((end.status == "completed", name, end, output))
    if end.terminate:
        happened = level.happened(name)
        happened.status, happened.outcome = "completed", None
        level.game.stop(name, "completed", end.status, output)
    level.finish(name, "default")


def _set(level: "Level", name: str, config: Set) -> None:
    try:
        output = {key: compile(one).evaluate(level.scope) for key, one in config.values.items()}
    except ExpressionError as error:
        level.fail(name, error.message)
    level.steps[name] = {"output": output}
    level.finish(name, "default")


def _rendered(level: "Level", name: str, value: Any) -> Any:
    try:
        return render_value(value, level.scope)
    except ExpressionError as error:
        level.fail(name, error.message)


class _Step:
    """One execution of a node that is more than a computation."""

    def __init__(self, level: "Level", name: str) -> None:
        self.level, self.name, self.game = level, name, level.game
        self.outside = level.game.outside
        self.step = level.game.step(name, level.items)
        self.execution: Execution | None = None
        outputs = self.outside.outputs
        self.told: Any = outputs.get(self.step, outputs.get(name))
        """What a handler gives, or an answer says."""

    def start(self, config: Config) -> None:
        happened = self.level.happened(self.name)
        match config:
            case Approval():
                self.wait(self.answer(), config.timeout, config.timeout_action)
            case Wait():
                self.wait(self.answer() or self.heard(config), config.timeout, "route")
            case Delay(duration=duration, until=until):
                seconds = self.seconds(duration, until)
                self.execution, happened.status = self.game.begin(self.step), "waiting"
                self.later(seconds, "default")
            case Subprocess():
                self.call(config)
            case _:
                self.execution = self.game.begin(self.step)
                self.work(config)

    def later(self, seconds: float, outcome: str) -> None:
        self.level.later(self.name, seconds, lambda: self.over(outcome))

    def over(self, outcome: str) -> None:
        assert self.execution is not None
        self.execution.ended = self.game.now
        node = self.level.graph.nodes[self.name]
        found = {"output": None if outcome == "timeout" else self.told}
        if node.node.type == "approval":
            found |= {"decidedBy": "somebody", "comment": None}
        self.level.steps[self.name] = found
        self.level.finish(self.name, outcome)

    def seconds(self, duration: Duration | None, until: str | int | None) -> float:
        """How long a delay takes from now."""
        if duration is not None:
            return parse_duration(duration).total_seconds()
        zone = self.level.graph.design.settings.timezone or self.outside.timezone
        try:
            time = read_time(_rendered(self.level, self.name, until), zone)
        except TimeError as error:
            self.level.fail(self.name, str(error))
        return max(0, (time - self.outside.began).total_seconds() - self.game.now)

    # --- waiting

    def answer(self) -> Answer | None:
        return self.outside.answers.get(self.step)

    def heard(self, config: Wait) -> Answer | None:
        """The first event that a wait is for; of this tenant, and matching."""
        keys = ["tenant_id", *([config.match.removeprefix("data.")] if config.match else [])]
        for sent in sorted(self.outside.sent, key=lambda sent: sent.at):
            matching = all(sent.data.get(key) == self.outside.data.get(key) for key in keys)
            if sent.event == config.event and sent.at > self.game.now and matching:
                self.told = sent.data
                return Answer("received", sent.at - self.game.now)
        return None

    def wait(self, answer: Answer | None, timeout: Duration | None, action: str) -> None:
        self.level.happened(self.name).status = "waiting"
        self.execution = self.game.begin(self.step)
        limit = None
        if timeout is not None and action != "remind":
            limit = parse_duration(timeout).total_seconds()
        if answer is not None and (limit is None or answer.after < limit):
            self.later(answer.after, answer.outcome)
        elif limit is not None:
            taken = {"approve": "approved", "reject": "rejected"}.get(action, "timeout")
            self.later(limit, taken)

    # --- working

    def work(self, config: Config) -> None:
        """Do what a handler does; it may fail some times."""
        try:
            render_value(config.model_dump(), self.level.scope)
        except ExpressionError as error:
            self.give_up(error.message)
            return
        failures = self.outside.failures.get(self.step, 0)
        if not failures or isinstance(config, Emit):
            self.over("default")
            return
        policy = self.policy(config)
        tried = min(failures + 1, policy.max_attempts)
        pause = 0.0
        for number, gap in enumerate(self.gaps(policy, tried), start=2):
            pause += gap
            self.level.later(self.name, pause, partial(self.attempt, number))
        if failures < policy.max_attempts:
            self.later(pause, "default")
        else:
            self.level.later(self.name, pause, lambda: self.give_up("boom"))

    def attempt(self, number: int) -> None:
        """Begin another attempt, which may not come if the node is cancelled before."""
        self.level.happened(self.name).attempts = number

    def give_up(self, message: str) -> None:
        assert self.execution is not None
        self.execution.ended = self.game.now
        self.level.wrong(self.name, message)

    def policy(self, config: Config) -> Retry:
        """The node's own policy, else the design's; each says attempts or retries."""
        for holder in (config, self.level.graph.design.settings):
            retry: Retry | None = getattr(holder, "retry", None)
            retries: int | None = getattr(holder, "retries", None)
            if retry is not None:
                return retry
            if retries is not None:
                return Retry(max_attempts=retries + 1)
        return Retry()

    def gaps(self, policy: Retry, tried: int) -> list[float]:
        """Attempts are `initialInterval` apart, growing by `multiplier` up to `maxInterval`."""
        if policy.initial_interval is None:
            return [self.outside.pause(failed) for failed in range(1, tried)]
        first = parse_duration(policy.initial_interval).total_seconds()
        most = parse_duration(policy.max_interval or MAX_WAIT.total_seconds()).total_seconds()
        return [min(first * policy.multiplier**failed, most) for failed in range(tried - 1)]

    # --- calling

    def call(self, config: Subprocess) -> None:
        """Play another design, which starts now."""
        from reference.semantics import play

        self.execution = self.game.begin(self.step)
        try:
            given = render_value(config.input, self.level.scope)
        except ExpressionError as error:
            self.give_up(error.message)
            return
        trigger = self.outside.data
        depth = trigger.get("_proflow", {}).get("depth", 0) + 1
        child = self.outside.children.get(config.workflow)
        if not isinstance(given, dict | None) or depth > MAX_DEPTH or child is None:
            self.give_up("the other workflow cannot be started")
            return
        data = {**(given or {}), "tenant_id": trigger["tenant_id"], "_proflow": {"depth": depth}}
        sent = tuple(replace(one, at=one.at - self.game.now) for one in self.outside.sent)
        run = play(child, Outside(data=data, sent=sent, children=self.outside.children))
        limit = None if config.timeout is None else parse_duration(config.timeout).total_seconds()
        ends = run.status != "waiting"
        called = self.level.call(self.name, self.step)

        def too_long() -> None:
            called.over("cancelled", self.game.now)
            self.give_up("it took too long")

        def over() -> None:
            called.over(run.status, self.game.now)
            if run.status == "failed":
                self.give_up("it failed")
            else:
                self.answered(run.result, run.output)

        if limit is not None and (not ends or limit < run.ended):
            self.level.later(self.name, limit, too_long)
        elif ends:
            self.level.later(self.name, run.ended, over)

    def answered(self, result: str | None, output: Any) -> None:
        assert self.execution is not None
        self.execution.ended = self.game.now
        self.level.steps[self.name] = {"output": {"result": result, "output": output}}
        self.level.finish(self.name, "default")
