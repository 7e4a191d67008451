"""Drives a design's functions on the local engine: starts the run, answers, fails, records."""

import importlib.util
import logging
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import inngest
from proflow_schemas.definition import (
    ApprovalOp,
    CronTrigger,
    Definition,
    EventTrigger,
    TaskOp,
    WaitOp,
    walk,
)
from proflow_schemas.step_ids import node_of

from proflow_runtime import status
from proflow_runtime.functions import functions_of
from proflow_runtime.handlers import channels, interception
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.handlers.task import Handler, Task
from proflow_runtime.local import (
    ArmedWait,
    AttemptFailed,
    LocalEngine,
    Observation,
    RunRecord,
    StepArmed,
    StepRecord,
    StepSettled,
    VirtualClock,
)
from proflow_runtime.matching import correlation_id, matched_value
from proflow_runtime.simulation.outside import Answer, Outside
from proflow_runtime.simulation.plausible import plausible_outputs
from proflow_runtime.values import JSON

CLIENT_MODULE = "proflow_simulated_client"
HANDLERS_MODULE = "proflow_simulated_handlers"
"""The modules that generated code imports in a simulation, as if they were the host's."""

MakeFunctions = Callable[[inngest.Inngest, Registry], list[inngest.Function[Any]]]


Decide = Callable[[str, Sequence[str]], str]

ANSWER_AFTER = timedelta(minutes=1)
"""How long those take who are told what to decide."""


class SimulationError(ValueError):
    """The run could not even start; the message says why."""


@dataclass(slots=True)
class Attempt:
    """One call of a handler, real or simulated; `step` is the Inngest step it was made in."""

    node: str
    step: str
    number: int
    at: datetime
    output: JSON = None
    error: dict[str, str] | None = None


@dataclass
class Simulated:
    """What a simulation has seen: the run of the design, and all that went with it."""

    definition: Definition
    run: RunRecord
    engine: LocalEngine
    states: status.RecordedRun | None
    log: list[Attempt | StepRecord]
    """What happened in the run, in order: calls of handlers, and what only the engine saw."""
    simulated: list[str]
    """Nodes whose handler was simulated, in order of their first attempt."""
    unused: list[str] = field(default_factory=list)
    """What was meant to happen outside and did not."""


def interpreted_functions(definition: Definition) -> MakeFunctions:
    """The functions of the generic interpreter."""
    return lambda client, registry: functions_of(definition, client, registry)


def generated_functions(source: str) -> MakeFunctions:
    """The functions of a generated module, compiled for `CLIENT_MODULE` and `HANDLERS_MODULE`."""

    def make(client: inngest.Inngest, registry: Registry) -> list[inngest.Function[Any]]:
        handlers = ModuleType(HANDLERS_MODULE)
        vars(handlers).update({name: registry[name] for name in registry.names()})
        vars(handlers)["tenants"] = registry.tenants
        host = ModuleType(CLIENT_MODULE)
        vars(host)["client"] = client
        with tempfile.TemporaryDirectory() as folder, _modules(handlers, host):
            path = Path(folder) / "proflow_simulated_workflow.py"
            path.write_text(source, encoding="utf-8")
            spec = importlib.util.spec_from_file_location(path.stem, path)
            if spec is None or spec.loader is None:
                raise ImportError(f"cannot import {path}")
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        return list(module.FUNCTIONS)

    return make


@contextmanager
def _modules(*modules: ModuleType) -> Iterator[None]:
    for module in modules:
        sys.modules[module.__name__] = module
    try:
        yield
    finally:
        for module in modules:
            del sys.modules[module.__name__]


async def simulate(
    definition: Definition,
    outside: Outside,
    *,
    functions: MakeFunctions | None = None,
    registry: Registry | None = None,
    trace: bool = False,
    decide: Decide | None = None,
) -> Simulated:
    """One run of a design in virtual time.

    `decide` says how a node that waits is answered, in place of `outside.answers`: it gets the node
    and its possible outcomes; `timeout` is to leave it.

    Handlers that `registry` lacks are simulated, and so are the built-in ones: nothing leaves the
    machine but what the registry's own handlers send. Raises `SimulationError`.
    """
    play = _Play(definition, outside, registry or Registry(), decide)
    client = inngest.Inngest(
        app_id="proflow", is_production=False, logger=logging.getLogger("proflow.simulation")
    )
    recorder = status.InMemoryRecorder()
    with ExitStack() as stack:
        stack.enter_context(_any_channel(definition))
        made = (functions or interpreted_functions(definition))(client, play.registry)
        clock = VirtualClock(outside.at or datetime.now(UTC).replace(microsecond=0))
        engine = LocalEngine(client, made, clock=clock, trace=trace)
        stack.enter_context(interception.intercepting(play.work))
        stack.enter_context(status.recording(recorder))
        async with engine:
            play.engine = engine
            engine.subscribe(play.observe)
            for sending in outside.sends:
                event = inngest.Event(name=sending.event, data=sending.data)
                engine.at(clock.now() + sending.after, _sender(engine, event))
            await play.start()
            await engine.run_until_idle(ignore_timeouts=play.is_technical)
    run = play.main_run()
    return Simulated(
        definition,
        run,
        engine,
        recorder.runs.get(run.id),
        play.log_of(run),
        play.simulated,
        play.unused(),
    )


class _Play:
    """What stands outside of the run, on the engine's side and on the handlers' side."""

    engine: LocalEngine

    def __init__(
        self,
        definition: Definition,
        outside: Outside,
        registry: Registry,
        decide: Decide | None,
    ) -> None:
        self.decide = decide
        self.definition = definition
        self.outside = outside
        self.log: list[tuple[str, Attempt | StepRecord]] = []
        self.simulated: list[str] = []
        ops = [
            op for block in (definition.steps, *definition.functions.values()) for op in walk(block)
        ]
        self.tasks = {op.node: op for op in ops if isinstance(op, TaskOp)}
        self.waits = {op.node: op for op in ops if isinstance(op, ApprovalOp | WaitOp)}
        self.real = {
            node
            for node, op in self.tasks.items()
            if op.handler in registry and not op.handler.startswith("proflow:")
        }
        self.registry = _completed(definition, outside, registry)
        self.plausible = plausible_outputs(definition)
        self.answers: dict[str, list[Answer]] = {}
        for answer in outside.answers:
            self.answers.setdefault(answer.node, []).append(answer)
        self.failures: dict[str, list[list[Any]]] = {}
        for failure in outside.failures:
            self.failures.setdefault(failure.node, []).append([failure.message, failure.times])

    @property
    def function_id(self) -> str:
        return f"proflow-{self.definition.id}"

    async def start(self) -> None:
        """Let the design's first trigger happen."""
        trigger = self.definition.triggers[0]
        data = self.outside.data
        if isinstance(trigger, EventTrigger):
            await self.engine.send(inngest.Event(name=trigger.event, data=data))
        elif self.definition.scope == "system":
            await self.engine.fire_cron(self.definition.id)
        else:
            await self.engine.fire_cron(f"{self.definition.id}-fan-out")

    def main_run(self) -> RunRecord:
        for run in self.engine.runs.values():
            if run.function_id == self.function_id:
                return run
        trigger = self.definition.triggers[0]
        if isinstance(trigger, EventTrigger) and trigger.condition is not None:
            why = f"the trigger's condition `{trigger.condition}` does not hold for this event"
        elif isinstance(trigger, CronTrigger):
            failed = [run for run in self.engine.runs.values() if run.error]
            message = failed[0].error["message"] if failed and failed[0].error else None
            why = message or "the cron has no tenant to run for"
        else:
            why = "the event was refused"
        raise SimulationError(f"no run started: {why}")

    def log_of(self, run: RunRecord) -> list[Attempt | StepRecord]:
        """The log of one run; a step that a handler worked for stands in it once per attempt."""
        log = [entry for run_id, entry in self.log if run_id == run.id]
        worked = {entry.step for entry in log if isinstance(entry, Attempt)}
        settled = {id(entry) for entry in log}
        log += [
            step
            for step in run.steps
            if id(step) not in settled and step.status not in ("planned", "retrying")
        ]
        return [
            entry
            for entry in log
            if isinstance(entry, Attempt)
            or (entry.id is not None and f"{run.id}:{entry.id}" not in worked)
        ]

    # --- handlers

    async def work(self, task: Task, handler: Handler) -> JSON:
        """Stands between a step and its handler."""
        attempt = Attempt(task.node_id, task.idempotency_key, task.attempt, self.engine.clock.now())
        self.log.append((task.run_id, attempt))
        try:
            attempt.output = await self._worked(task, handler)
        except BaseException as error:
            attempt.error = {"name": type(error).__name__, "message": str(error)}
            raise
        return attempt.output

    async def _worked(self, task: Task, handler: Handler) -> JSON:
        for failure in self.failures.get(task.node_id, ()):
            message, left = failure
            if left is None:
                raise SimulatedError(message)
            if left > 0:
                failure[1] = left - 1
                raise SimulatedError(message)
        if task.node_id in self.outside.outputs:
            self._mark(task.node_id)
            return self.outside.outputs[task.node_id]
        if task.node_id in self.real or task.node_id not in self.tasks:
            return await handler(task)
        self._mark(task.node_id)
        return self.plausible[task.node_id]

    def _mark(self, node: str) -> None:
        if node not in self.simulated:
            self.simulated.append(node)

    # --- answers

    def observe(self, observation: Observation) -> None:
        """Keeps the log, and answers a node when its wait is armed."""
        if isinstance(observation, StepSettled | AttemptFailed):
            self.log.append((observation.run.id, observation.step))
        if not isinstance(observation, StepArmed) or observation.wait.op != "WaitForEvent":
            return
        run, wait = observation.run, observation.wait
        node = node_of(wait.step_id)
        if run.function_id != self.function_id or node not in self.waits:
            return
        answer = self._next_answer(node)
        if answer is None:
            return
        event = self._answer(run, wait, answer)
        self.engine.at(wait.armed_at + answer.after, _sender(self.engine, event))

    def _next_answer(self, node: str) -> Answer | None:
        if self.decide is not None:
            outcome = self.decide(node, outcomes_of(self.waits[node]))
            return None if outcome == "timeout" else Answer(node, outcome, ANSWER_AFTER)
        left = self.answers.get(node)
        return left.pop(0) if left else None

    def _answer(self, run: RunRecord, wait: ArmedWait, answer: Answer) -> inngest.Event:
        op = self.waits[answer.node]
        data: dict[str, Any] = {}
        if isinstance(op, ApprovalOp):
            data = (
                {"approved": True} if answer.outcome == "approved" else {"outcome": answer.outcome}
            )
            if answer.outcome == "rejected":
                data = {"approved": False}
        elif isinstance(given := self.outside.outputs.get(answer.node), dict):
            data = dict(given)
        trigger = run.event["data"]
        if op.match is not None:
            _put(data, op.match.split(".")[1:], matched_value(op.match, trigger))
        elif isinstance(op, ApprovalOp):
            data["approval_id"] = correlation_id(run.id, answer.node)
        if "tenant_id" in trigger:
            data["tenant_id"] = trigger["tenant_id"]
        return inngest.Event(name=wait.name, data=data)

    def is_technical(self, wait: ArmedWait) -> bool:
        """Whether a wait has no timeout in the design: Inngest's 366 days are none."""
        op = self.waits.get(node_of(wait.step_id))
        if wait.op != "WaitForEvent" or op is None:
            return False
        return op.timeout is None or (isinstance(op, ApprovalOp) and op.timeout_action == "remind")

    def unused(self) -> list[str]:
        """Answers nobody waited for, and failures that did not happen."""
        left = [
            f"the answer `{answer.outcome}` to `{node}` was not needed"
            for node, answers in self.answers.items()
            for answer in answers
        ]
        worked = {entry.node for _, entry in self.log if isinstance(entry, Attempt)}
        return left + [
            f"`{node}` did not run, and so did not fail"
            for node in self.failures
            if node not in worked
        ]


def outcomes_of(op: ApprovalOp | WaitOp) -> list[str]:
    """What may become of an approval or a wait; `timeout` only where it has one that fires."""
    fires = op.timeout is not None
    if isinstance(op, WaitOp):
        return ["received", *(["timeout"] if fires else [])]
    fires = fires and op.timeout_action != "remind"
    return ["approved", "rejected", "returned", *(["timeout"] if fires else [])]


class SimulatedError(RuntimeError):
    """The failure of an attempt, asked for by `--fail`."""


def _completed(definition: Definition, outside: Outside, registry: Registry) -> Registry:
    """The registry, with a stand-in for every handler of the design that it lacks."""
    named = {
        op.handler
        for block in (definition.steps, *definition.functions.values())
        for op in walk(block)
        if isinstance(op, TaskOp)
    }
    if definition.on_failure is not None:
        named.add(definition.on_failure)
    handlers = {
        name: registry.get(name, _stand_in)
        for name in named | set(registry.names())
        if not name.startswith("proflow:")
    }
    given = outside.data.get("tenant_id")

    async def tenants() -> list[int]:
        return [1 if given is None else given]

    has_own = registry.has_tenants and given is None
    return Registry(handlers, tenants=registry.tenants if has_own else tenants)


async def _stand_in(task: Task) -> JSON:
    return {"simulated": True}


@contextmanager
def _any_channel(definition: Definition) -> Iterator[None]:
    """Every channel that the design names is registered meanwhile, with a stand-in."""
    names = {
        op.input["channel"]
        for block in (definition.steps, *definition.functions.values())
        for op in walk(block)
        if isinstance(op, TaskOp) and isinstance(op.input, dict) and "channel" in op.input
    }
    with channels.standing_in({name: _stand_in for name in names if isinstance(name, str)}):
        yield


def _sender(engine: LocalEngine, event: inngest.Event) -> Callable[[], Awaitable[object]]:
    return lambda: engine.send(event)


def _put(data: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        inner = data.get(part)
        if not isinstance(inner, dict):
            inner = data[part] = {}
        data = inner
    data[path[-1]] = value
