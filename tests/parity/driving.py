"""Runs of definitions on the local engine, in an environment that is said step by step."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import inngest
from parity.environments import children
from parity.playing import Target, source_of
from proflow_compiler.lowering import lower
from proflow_runtime import Registry, status
from proflow_runtime.context.zones import defaulting_to
from proflow_runtime.flow.leaving import is_leaving
from proflow_runtime.handlers import channels, interception
from proflow_runtime.handlers.task import Handler, Task
from proflow_runtime.local import (
    LocalEngine,
    Observation,
    RunRecord,
    StepArmed,
    VirtualClock,
)
from proflow_runtime.simulation import Simulated, generated_functions, interpreted_functions
from proflow_runtime.simulation.report import report
from proflow_runtime.values import JSON
from proflow_schemas.definition import Definition
from proflow_schemas.durations import MAX_WAIT
from reference import Outside

MOST_REQUESTS = 5_000


@dataclass
class Story:
    """A run as a target tells it; times are seconds since it began."""

    status: str
    result: str | None
    output: JSON
    error: str | None
    outcomes: Mapping[str, Any]
    nodes: Mapping[str, tuple[str, Any, float | None, int]]
    """Of each drawn node: status, outcome, start, attempts."""
    steps: dict[str, tuple[float, float | None]]
    """When each step began, and when it was over."""
    calls: Mapping[str, tuple[str, float | None]]
    """Of each run of another workflow that a step has begun: its status, and when it ended."""
    ended: float | None = None
    twice: list[str] = field(default_factory=list)
    """Steps that were done more than once."""


def drive(definition: Definition, target: Target, outside: Outside) -> Story:
    """One run with one target."""
    return asyncio.run(driven(definition, target, outside))


async def driven(definition: Definition, target: Target, outside: Outside) -> Story:
    client = inngest.Inngest(
        app_id="proflow", is_production=False, logger=logging.getLogger("proflow.parity")
    )
    recorder = status.InMemoryRecorder()
    with ExitStack() as stack:
        stack.enter_context(channels.standing_in({"inApp": _never}))
        stack.enter_context(defaulting_to(outside.timezone))
        engine = LocalEngine(
            client,
            _functions(definition, target, client),
            clock=VirtualClock(outside.began),
            max_requests=MOST_REQUESTS,
        )
        world = _World(engine, f"proflow-{definition.id}", outside)
        stack.enter_context(interception.intercepting(world.work))
        stack.enter_context(status.recording(recorder))
        async with engine:
            engine.subscribe(world.observe)
            for sent in outside.sent:
                event = inngest.Event(name=sent.event, data=dict(sent.data))
                engine.at(outside.began + timedelta(seconds=sent.at), _sender(engine, event))
            event = inngest.Event(name=f"{definition.id}/start", data=dict(outside.data))
            await engine.send(event)
            await engine.run_until_idle(ignore_timeouts=lambda wait: wait.timeout == MAX_WAIT)
    (run,) = [one for one in engine.runs.values() if one.function_id == world.function]
    known = recorder.runs.get(run.id)
    told = report(Simulated(definition, run, engine, run.id, known, [], []))
    runs = [one for one in engine.runs.values() if world.is_own(one)]
    called = [one for one in engine.runs.values() if not world.is_own(one)]
    return _story(run, runs, called, told, outside.began, world.first)


def _functions(
    definition: Definition, target: Target, client: inngest.Inngest
) -> list[inngest.Function[Any]]:
    """Those of the definition, and of all that it may call."""
    registry = Registry({"work": _never}, tenants=_no_tenants)
    own = (
        interpreted_functions(definition)
        if target == "interpreter"
        else generated_functions(source_of(definition.to_json()))
    )
    makes = [own, *(interpreted_functions(child) for child in children_of_grown())]
    return [function for make in makes for function in make(client, registry)]


@cache
def children_of_grown() -> Sequence[Definition]:
    found = []
    for graph in children().values():
        definition, problems = lower(graph)
        assert definition is not None, problems
        found.append(definition)
    return found


class _World:
    """Answers waits, and does the work of handlers, as `Outside` says of their steps."""

    def __init__(self, engine: LocalEngine, function: str, outside: Outside) -> None:
        self.engine, self.function, self.outside = engine, function, outside
        self.first: dict[str, datetime] = {}
        """When steps that were tried again were tried first."""

    def is_own(self, run: RunRecord) -> bool:
        """Whether it is the run of the design, or of a part of it."""
        return run.function_id.startswith(self.function)

    async def work(self, task: Task, _: Handler) -> JSON:
        step = task.idempotency_key.removeprefix(f"{task.run_id}:")
        self.first.setdefault(step, self.engine.clock.now())
        if task.attempt <= self.outside.failures.get(step, 0):
            raise RuntimeError("boom")
        outputs = self.outside.outputs
        found: JSON = outputs.get(step, outputs.get(task.node_id))
        return found

    def observe(self, observation: Observation) -> None:
        if not isinstance(observation, StepArmed) or observation.wait.op != "WaitForEvent":
            return
        run, wait = observation.run, observation.wait
        step = wait.step_id.removesuffix("/wait")
        answer = self.outside.answers.get(step)
        if not self.is_own(run) or answer is None:
            return
        lineage = run.event["data"].get("_proflow", {})
        data: dict[str, Any] = {"tenant_id": self.outside.data["tenant_id"]}
        if wait.step_id == step:
            told = self.outside.outputs.get(step, {})
            data |= {"key": self.outside.data.get("key"), **told}
        else:
            data |= {
                "outcome": answer.outcome,
                "approval_id": f"{lineage.get('parent', run.id)}:{step}",
                "decided_by": "somebody",
            }
        event = inngest.Event(name=wait.name, data=data)

        async def send() -> None:
            if not _was_left(run, step):
                await self.engine.send(event)

        self.engine.at(wait.armed_at + timedelta(seconds=answer.after), send)


def _was_left(run: RunRecord, step: str) -> bool:
    """Whether a wait was open as its item or iteration ended: the event would answer the next."""
    named = ((one.id or "", one.output) for one in run.steps)
    memos = (output for id, output in named if is_leaving(id) or id.endswith("/error"))
    return any(memo is not None and step in memo["open"] for memo in memos)


def _sender(engine: LocalEngine, event: inngest.Event) -> Any:
    return lambda: engine.send(event)


async def _no_tenants() -> list[int]:
    return []


async def _never(task: Task) -> JSON:
    raise AssertionError(f"a handler of `{task.node_id}` was called")


def _story(
    run: RunRecord,
    runs: Sequence[RunRecord],
    called: Sequence[RunRecord],
    told: Mapping[str, Any],
    began: datetime,
    tried: Mapping[str, datetime],
) -> Story:
    def since(time: str | datetime | None) -> float | None:
        at = datetime.fromisoformat(time) if isinstance(time, str) else time
        return None if at is None else (at - began).total_seconds()

    steps: dict[str, tuple[float, float | None]] = {}
    twice: list[str] = []
    done: set[str] = set()
    for step, started, ended in (one for each in runs for one in _executions(each)):
        base = step.removesuffix("/wait")
        if (
            step.endswith(("/notify", "/error", "/left", "-left"))
            or "/part-" in step
            or is_leaving(step)
        ):
            continue
        if ended is not None:
            if step in done:
                twice.append(step)
            done.add(step)
        begun = since(tried.get(step, started))
        assert begun is not None
        steps[base] = (begun, since(ended))
    for step, first in tried.items():
        steps.setdefault(step, (since(first) or 0.0, None))  # the run ended before it was retried
    output = run.output if isinstance(run.output, dict) else {}
    return Story(
        status=told["status"],
        result=told["result"],
        output=told["output"],
        error=None if told["error"] is None else told["error"]["message"],
        outcomes=output.get("outcomes", {}),
        nodes={
            name: (one["status"], one["outcome"], since(one["started_at"]), one["attempts"])
            for name, one in told["nodes"].items()
        },
        steps=steps,
        calls={
            _calling(one, runs): (one.status.lower() if one.ended else "open", since(one.ended_at))
            for one in called
        },
        ended=since(told["ended_at"]),
        twice=twice,
    )


def _calling(child: RunRecord, runs: Sequence[RunRecord]) -> str:
    """The step that has begun a run of another workflow."""
    assert child.parent is not None
    by_id = {run.id: run for run in runs}
    steps = by_id[child.parent.run_id].steps
    return next(step.id or "" for step in steps if step.hashed == child.parent.hashed)


def _executions(run: RunRecord) -> Iterator[tuple[str, datetime, datetime | None]]:
    for step in run.steps:
        if step.id is None or step.status == "planned":
            continue
        over = step.status in ("completed", "timed_out", "failed")
        yield step.id, step.started_at, step.at if over else None
