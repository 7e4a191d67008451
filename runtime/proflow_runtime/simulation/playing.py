"""Simulates a run on the local engine: starts it, answers it, makes steps fail, and records it."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import inngest
from proflow_schemas.definition import (
    ApprovalOp,
    CronTrigger,
    Definition,
    EventTrigger,
    PartOp,
    WaitOp,
    blocks,
    walk,
)
from proflow_schemas.errors import ProFlowError
from proflow_schemas.step_ids import Step, parse

from proflow_runtime import status
from proflow_runtime.context import test_controls
from proflow_runtime.flow.parts import Handed, function_id
from proflow_runtime.handlers import interception
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
from proflow_runtime.protocol.conditions import correlation_id, matched_value
from proflow_runtime.simulation.functions import MakeFunctions, interpreted_functions
from proflow_runtime.simulation.outside import Answer, Failure, Output, Outside
from proflow_runtime.simulation.plausible import plausible_outputs
from proflow_runtime.simulation.stand_ins import any_channel, completed, tasks_of
from proflow_runtime.simulation.turns import Turns
from proflow_runtime.status.step_attempts import StepAttempt
from proflow_runtime.values import JSON, checked

Decide = Callable[[str, str, Sequence[str]], str]
"""Takes a workflow's id, a step's id and its possible outcomes; returns one of them."""

ANSWER_AFTER = timedelta(minutes=1)
"""When an answer comes that `decide` has chosen, after the beginning of the wait."""


class SimulationError(ProFlowError, ValueError):
    """The run could not start; the message says why."""


@dataclass(slots=True)
class Attempt:
    """One call of a handler, real or simulated; `step` is the idempotency key of the task."""

    node: str
    step: str
    number: int
    at: datetime
    output: JSON = None
    error: dict[str, str] | None = None


@dataclass
class Simulated:
    """The result of a simulation.

    Attributes:
        definition: The compiled design.
        run: The engine's record of the run.
        engine: The engine.
        run_id: The run's own id.
        states: The recorded node states, if any.
        log: The calls of handlers and the other steps of the run, in order.
        simulated: The nodes whose handler was simulated, in the order of their first attempt.
        unused: Messages about the inputs that were not used.
        ran: The nodes that have run, in any iteration.
        attempts: The attempts at the steps of the run, in order.
    """

    definition: Definition
    run: RunRecord
    engine: LocalEngine
    run_id: str
    states: status.RecordedRun | None
    log: list[Attempt | StepRecord]
    simulated: list[str]
    unused: list[str] = field(default_factory=list)
    ran: frozenset[str] = frozenset()
    attempts: Sequence[StepAttempt] = ()


class Serving:
    """Maps runs of the engine to workflows; here, every workflow and every part has its function."""

    def function_id(self, run: RunRecord) -> str:
        """Return the function that would run the same workflow or part if each had its own."""
        return run.function_id

    def run_id(self, run: RunRecord) -> str:
        """Return the id of a run as the workflow sees it."""
        return run.id

    def run(self, engine: LocalEngine, run_id: str) -> RunRecord:
        """Return the engine's record of the whole run with this id."""
        return engine.runs[run_id]

    def cron_id(self, definition: Definition) -> str:
        """Return the function that the first cron of a workflow starts, without the app's id."""
        return definition.id if definition.scope == "system" else f"{definition.id}-fan-out"


async def simulate(
    definition: Definition,
    outside: Outside,
    *,
    children: Sequence[Definition] = (),
    functions: MakeFunctions | None = None,
    registry: Registry | None = None,
    trace: bool = False,
    decide: Decide | None = None,
    serving: Serving | None = None,
    client: inngest.Inngest | None = None,
) -> Simulated:
    """Run a design once in virtual time.

    Built-in handlers and those that the registry lacks are simulated. So nothing leaves this machine,
    apart from what the registry's own handlers send.

    Args:
        definition: The compiled design.
        outside: The inputs of the simulation.
        children: The workflows that it may run as subprocesses.
        functions: Makes the Inngest functions of all; by default those of the interpreter.
        registry: The handlers.
        trace: Whether to keep all requests and responses.
        decide: Chooses the answer of each step that waits, in place of `outside.answers`; `timeout`
            means no answer.
        serving: Maps runs to workflows, if not every workflow has its own function.
        client: The client of the functions, by default a new one. Consecutive simulations can share
            one (`simulated_client`).

    Raises:
        SimulationError: If the run could not start.
    """
    definitions = [definition, *children]
    play = _Play(definitions, outside, registry or Registry(), decide, serving or Serving())
    client = client or simulated_client()
    recorder = status.InMemoryRecorder()
    with ExitStack() as stack:
        stack.enter_context(any_channel(definitions))
        made = (functions or interpreted_functions(*definitions))(client, play.registry)
        clock = VirtualClock(outside.at or datetime.now(UTC).replace(microsecond=0))
        engine = LocalEngine(client, made, clock=clock, trace=trace)
        stack.enter_context(interception.intercepting(play.work))
        stack.enter_context(status.recording(recorder))
        stack.enter_context(status.recording(play.record))
        async with engine:
            play.engine = engine
            engine.subscribe(play.observe)
            for sending in outside.sends:
                event = inngest.Event(name=sending.event, data=sending.data)
                engine.at(clock.now() + sending.after, _sender(engine, event))
            await play.start()
            await engine.run_until_idle(ignore_timeouts=play.is_technical)
    run = play.main_run()
    run_id = play.serving.run_id(run)
    return Simulated(
        definition,
        run,
        engine,
        run_id,
        recorder.runs.get(run_id),
        play.log_of(run),
        play.simulated,
        play.unused(),
        frozenset(play.ran.get(run_id, ())),
        play.attempts.get(run_id, ()),
    )


def simulated_client() -> inngest.Inngest:
    """Create a client for simulated functions; its events stay on this machine."""
    logger = logging.getLogger("proflow.simulation")
    return inngest.Inngest(app_id="proflow", is_production=False, logger=logger)


class _Workflow:
    """What the simulation needs to know of one of the designs."""

    def __init__(self, definition: Definition, registry: Registry) -> None:
        self.id = definition.id
        self.tasks = {op.node: op for op in tasks_of([definition])}
        self.waits = {
            op.node: op
            for block in blocks(definition)
            for op in walk(block)
            if isinstance(op, ApprovalOp | WaitOp)
        }
        self.real = {
            node
            for node, op in self.tasks.items()
            if op.handler in registry and not op.handler.startswith("proflow:")
        }
        self.plausible = plausible_outputs(definition)
        self.parts = {
            op.id for block in blocks(definition) for op in walk(block) if isinstance(op, PartOp)
        }
        """The ids of the steps that run parts."""


class _Play:
    """The environment of the simulated runs: answers waits, and takes the place of handlers."""

    engine: LocalEngine

    def __init__(
        self,
        definitions: Sequence[Definition],
        outside: Outside,
        registry: Registry,
        decide: Decide | None,
        serving: Serving,
    ) -> None:
        self.decide, self.serving = decide, serving
        self.definition = definitions[0]
        self.outside = outside
        self.log: list[tuple[str, Attempt | StepRecord]] = []
        self.simulated: list[str] = []
        self.ran: dict[str, set[str]] = {}
        self.attempts: dict[str, list[StepAttempt]] = {}
        workflows = [_Workflow(one, registry) for one in definitions]
        self.own = workflows[0]
        self.workflows = {
            f"proflow-{function}": workflow
            for one, workflow in zip(definitions, workflows, strict=True)
            for function in (one.id, *(function_id(one.id, part) for part in one.parts))
        }
        """The workflows by the ids of their functions, including those of parts."""
        self.registry = completed(definitions, registry, outside.data.get("tenant_id"))
        self.answers = Turns(outside.answers)
        self.outputs = Turns(outside.outputs)
        self.failures: dict[tuple[str | None, str, str | None], list[Failure]] = {}
        """The failures by workflow, node and step; the step is None for all other steps of the node."""
        for failure in outside.failures:
            target = (failure.workflow, failure.node, failure.step)
            self.failures.setdefault(target, []).append(failure)

    @property
    def function_id(self) -> str:
        return f"proflow-{self.definition.id}"

    async def start(self) -> None:
        """Let the design's first trigger happen."""
        trigger = self.definition.triggers[0]
        data = self.outside.data
        if isinstance(trigger, EventTrigger):
            await self.engine.send(inngest.Event(name=trigger.event, data=data))
        else:
            await self.engine.fire_cron(self.serving.cron_id(self.definition))

    def record(self, snapshot: status.Snapshot) -> None:
        """Note what has begun to run, and the attempts at steps.

        A later iteration of a loop takes the state of a node back.
        """
        self.attempts.setdefault(snapshot.run_id, []).extend(snapshot.step_attempts)
        ran = self.ran.setdefault(snapshot.run_id, set())
        items = ((node, state) for (node, _), state in snapshot.items.items())
        for node, state in (*snapshot.nodes.items(), *items):
            if state.status != "pending" or state.round > 1:
                ran.add(node)

    def main_run(self) -> RunRecord:
        for run in self.engine.runs.values():
            if self.serving.function_id(run) == self.function_id:
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
        """Return the log of a run and its parts.

        A step that calls a handler has one entry per attempt. The steps that run parts are left out.
        """
        own_id = self.serving.run_id(run)
        log = [entry for run_id, entry in self.log if run_id == own_id]
        worked = {entry.step for entry in log if isinstance(entry, Attempt)}
        settled = {id(entry) for entry in log}
        log += [
            step
            for one in self.engine.runs.values()
            if self._whole(one).id == run.id
            for step in one.steps
            if id(step) not in settled and step.status not in ("planned", "retrying")
        ]
        return [
            entry
            for entry in log
            if isinstance(entry, Attempt)
            or (
                entry.id is not None
                and f"{own_id}:{entry.id}" not in worked
                and entry.id not in self.own.parts
            )
        ]

    def _whole(self, run: RunRecord) -> RunRecord:
        """Return the run that the run of a part belongs to; for any other, the run itself."""
        workflow = self._workflow(run)
        if workflow is None or self.serving.function_id(run) == f"proflow-{workflow.id}":
            return run
        return self._run(Handed.of(inngest.Event(**run.event)).run_id)

    def _workflow(self, run: RunRecord) -> _Workflow | None:
        return self.workflows.get(self.serving.function_id(run))

    def _run(self, run_id: str) -> RunRecord:
        return self.serving.run(self.engine, run_id)

    # --- handlers

    async def work(self, task: Task, handler: Handler) -> JSON:
        """Execute a task in place of its handler, and record the attempt."""
        attempt = Attempt(task.node_id, task.idempotency_key, task.attempt, self.engine.clock.now())
        self.log.append((task.run_id, attempt))
        try:
            attempt.output = checked(await self._worked(task, handler))
        except BaseException as error:
            attempt.error = {"name": type(error).__name__, "message": str(error)}
            raise
        return attempt.output

    async def _worked(self, task: Task, handler: Handler) -> JSON:
        workflow = self._workflow(self._run(task.run_id))
        op = None if workflow is None else workflow.tasks.get(task.node_id)
        if workflow is None or op is None:
            return await handler(task)
        step = task.idempotency_key.removeprefix(f"{task.run_id}:")
        name, run = self._input_target(workflow, task.run_id)
        if message := self._failure(task, step, name):
            raise SimulatedError(message)
        if (given := self.outputs.of(task.node_id, step, name, run)) is not None:
            self._mark(workflow, task.node_id)
            return given.value
        if op.catch and test_controls.must_fail(workflow.id, step):
            raise inngest.NonRetriableError("simulated")
        if task.node_id in workflow.real:
            return await handler(task)
        self._mark(workflow, task.node_id)
        return workflow.plausible[task.node_id]

    def _input_target(self, workflow: _Workflow, run_id: str) -> tuple[str | None, str | None]:
        """Return the workflow and the run by which inputs refer to this run."""
        return (None, None) if workflow is self.own else (workflow.id, run_id)

    def _failure(self, task: Task, step: str, workflow: str | None) -> str | None:
        """Return the message with which this attempt is to fail, or None."""
        of_node = self.failures.get((workflow, task.node_id, None), [])
        left = task.attempt
        for failure in self.failures.get((workflow, task.node_id, step), of_node):
            if failure.times is None or left <= failure.times:
                return failure.message
            left -= failure.times
        return None

    def _mark(self, workflow: _Workflow, node: str) -> None:
        if workflow is self.own and node not in self.simulated:
            self.simulated.append(node)

    # --- answers

    def observe(self, observation: Observation) -> None:
        """Record what the engine does, and answer a node when its wait is armed."""
        if isinstance(observation, StepSettled | AttemptFailed):
            whole = self._whole(observation.run)
            self.log.append((self.serving.run_id(whole), observation.step))
        if not isinstance(observation, StepArmed) or observation.wait.op != "WaitForEvent":
            return
        run, wait = self._whole(observation.run), observation.wait
        workflow, step = self._workflow(run), parse(wait.step_id)
        if workflow is None or step is None or step.node not in workflow.waits:
            return
        answer = self._next_answer(workflow, step, run)
        if answer is None:
            return
        event = self._answer(run, wait, step, workflow, answer)
        self.engine.at(wait.armed_at + answer.after, _sender(self.engine, event))

    def _next_answer(self, workflow: _Workflow, step: Step, run: RunRecord) -> Answer | None:
        if self.decide is not None:
            outcomes = outcomes_of(workflow.waits[step.node])
            outcome = self.decide(workflow.id, step.whole, outcomes)
            return None if outcome == "timeout" else Answer(step.node, outcome, ANSWER_AFTER)
        return self.answers.of(
            step.node, step.whole, *self._input_target(workflow, self.serving.run_id(run))
        )

    def _answer(
        self, run: RunRecord, wait: ArmedWait, step: Step, workflow: _Workflow, answer: Answer
    ) -> inngest.Event:
        op = workflow.waits[step.node]
        data: dict[str, Any] = {}
        if isinstance(op, ApprovalOp):
            data = (
                {"approved": True} if answer.outcome == "approved" else {"outcome": answer.outcome}
            )
            if answer.outcome == "rejected":
                data = {"approved": False}
        elif given := self.outputs.of(
            step.node, step.whole, *self._input_target(workflow, self.serving.run_id(run))
        ):
            data = dict(given.value) if isinstance(given.value, dict) else {}
        trigger = run.event["data"]
        if op.match is not None:
            _put(data, op.match.split(".")[1:], matched_value(op.match, trigger))
        elif isinstance(op, ApprovalOp):
            data["approval_id"] = correlation_id(
                self.serving.run_id(run), step.node, items=step.items, execution=step.execution
            )
        if "tenant_id" in trigger:
            data["tenant_id"] = trigger["tenant_id"]
        return inngest.Event(name=wait.name, data=data)

    def is_technical(self, wait: ArmedWait) -> bool:
        """Return True if a wait has no timeout in the design, only Inngest's 366 days."""
        if wait.op == "InvokeFunction":
            return wait.timeout is None
        workflow, step = self._workflow(self.engine.runs[wait.run_id]), parse(wait.step_id)
        op = workflow.waits.get(step.node) if workflow and step else None
        if wait.op != "WaitForEvent" or op is None:
            return False
        return op.timeout is None or (isinstance(op, ApprovalOp) and op.timeout_action == "remind")

    def unused(self) -> list[str]:
        """Return messages about answers that nobody waited for, and inputs for nodes that did not run."""
        worked: set[tuple[str | None, str, str | None]] = set()
        for run_id, entry in self.log:
            workflow = self._workflow(self._run(run_id))
            if isinstance(entry, Attempt) and workflow is not None:
                name, _ = self._input_target(workflow, run_id)
                step = entry.step.partition(":")[2]
                worked |= {(name, entry.node, None), (name, entry.node, step)}
        return [
            *(
                f"the answer `{answer.outcome}` to `{_shown(answer)}` was not needed"
                for answer in self.answers.unused()
            ),
            *(
                f"the output of `{_shown(output)}` was not needed"
                for output in self.outputs.unused()
            ),
            *(
                f"`{_shown(failures[0])}` did not run, and so did not fail"
                for target, failures in self.failures.items()
                if target not in worked
            ),
        ]


def _shown(given: Answer | Output | Failure) -> str:
    """Return the node or step as arguments name it."""
    name = given.step or given.node
    return name if given.workflow is None else f"{given.workflow}/{name}"


def outcomes_of(op: ApprovalOp | WaitOp) -> list[str]:
    """Return the possible outcomes of an approval or a wait; `timeout` only if it has one."""
    fires = op.timeout is not None
    if isinstance(op, WaitOp):
        return ["received", *(["timeout"] if fires else [])]
    fires = fires and op.timeout_action != "remind"
    return ["approved", "rejected", "returned", *(["timeout"] if fires else [])]


class SimulatedError(ProFlowError, RuntimeError):
    """The failure of an attempt that `--fail` requests."""


def _sender(engine: LocalEngine, event: inngest.Event) -> Callable[[], Awaitable[object]]:
    return lambda: engine.send(event)


def _put(data: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        inner = data.get(part)
        if not isinstance(inner, dict):
            inner = data[part] = {}
        data = inner
    data[path[-1]] = value
