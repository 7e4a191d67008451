"""Runs designs on the local engine and replaces their code in flight, as a deployment does."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import inngest
from proflow_compiler.design import Design
from proflow_compiler.pipeline import compile_reading
from proflow_compiler.reader import read
from proflow_runtime import Registry, functions_of
from proflow_runtime.handlers import channels, interception
from proflow_runtime.handlers.task import Handler, Task
from proflow_runtime.local import (
    ArmedWait,
    AttemptFailed,
    LocalEngine,
    Observation,
    RunRecord,
    StepArmed,
    VirtualClock,
)
from proflow_schemas.definition import ApprovalOp, Definition, TaskOp, WaitOp, blocks, walk
from proflow_schemas.durations import MAX_WAIT
from proflow_schemas.step_ids import node_of

Json = dict[str, Any]
DELAY = 45.0
STOPS = ("rejected", "timeout", "returned", "stopped")
"""Results of runs that nothing followed an outcome of, or that came to a terminating end."""
_APPROVAL = re.compile(r"approval_id == [\"']([^\"']+)")
BEGAN = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass(frozen=True)
class World:
    """What happens outside: the trigger's data, answers, how many attempts fail, outputs.

    Keys are ids of steps or of nodes. The answers of a node are for its executions in turn; their
    delay in seconds comes last. `others` are workflows that it may call.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, tuple[str | float, ...]] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    others: Sequence[Definition] = ()


@dataclass
class Flight:
    """A run and what became of it."""

    run: RunRecord
    moments: list[datetime]
    """When something happened, and the code could be replaced right after it."""
    open: set[str]
    """The nodes that the run was waiting at when the code was replaced."""
    done: Counter[str]
    """The steps that were executed to their end, and how often."""
    waiting: set[str]
    """What the run is left waiting for."""

    @property
    def stopped(self) -> bool:
        """Whether the run was stopped, whatever else was open or could have begun."""
        result = self.run.output.get("result") if isinstance(self.run.output, dict) else None
        return result in STOPS or any(
            step.status in ("cancelled", "planned") for step in self.run.steps
        )


def compiled(drawing: Json) -> tuple[Design, Definition] | None:
    """A drawing with its definition; None if it has an error."""
    found = compile_reading(read(json.dumps(drawing).encode(), "design.json"))
    if found.has_errors():
        return None
    return found.reading.designs[0], found.definitions[0]


async def fly(
    definition: Definition,
    world: World,
    *,
    to: Definition | None = None,
    at: datetime | None = None,
) -> Flight:
    """One run; at a time its code is replaced by that of another definition."""
    with channels.standing_in({"inApp": _unreached}):
        return await _Flying(definition, world).fly(to, at)


class _Flying:
    def __init__(self, definition: Definition, world: World) -> None:
        self.definition, self.world = definition, world
        self.client = inngest.Inngest(app_id="host", is_production=False)
        self.clock = VirtualClock(BEGAN)
        self.engine = LocalEngine(
            self.client, self.functions(definition), clock=self.clock, max_requests=5000
        )
        self.waits = {
            op.node: op
            for block in blocks(definition)
            for op in walk(block)
            if isinstance(op, ApprovalOp | WaitOp)
        }
        self.failures = dict(world.failures)
        self.answered: Counter[str] = Counter()
        self.done = Counter[str]()
        self.moments: dict[datetime, None] = {}
        self.retrying: set[str] = set()

    def functions(self, definition: Definition) -> list[inngest.Function[Any]]:
        named = {
            op.handler
            for block in blocks(definition)
            for op in walk(block)
            if isinstance(op, TaskOp) and not op.handler.startswith("proflow:")
        }
        registry = Registry(dict.fromkeys(named, _unreached))
        return [
            function
            for one in (definition, *self.world.others)
            for function in functions_of(one, self.client, registry)
        ]

    async def fly(self, to: Definition | None, at: datetime | None) -> Flight:
        open_: set[str] = set()
        async with self.engine as engine:
            engine.subscribe(self.observe)
            with interception.intercepting(self.work):
                data = {"tenant_id": 1, **self.world.data}
                await engine.send({"name": f"{self.definition.id}/start", "data": data})
                if to is not None:
                    await engine.run_until_idle(until=at)
                    open_ = self.waiting() | self.retrying
                    # What a host does: the same app serves other code from now on.
                    engine.deploy(self.functions(to))
                await engine.run_until_idle(ignore_timeouts=_is_technical)
            waiting = self.waiting()
        return Flight(self.run, list(self.moments), open_, self.done, waiting)

    @property
    def run(self) -> RunRecord:
        """The run of the design itself."""
        function = f"host-{self.definition.id}"
        return next(run for run in self.engine.runs.values() if run.function_id == function)

    def waiting(self) -> set[str]:
        """The nodes that the run waits at."""
        waits = self.engine.waits
        return {node_of(wait.step_id) for wait in waits if wait.run_id == self.run.id}

    async def work(self, task: Task, handler: Handler) -> Any:
        """Does the work of every handler: fails as often as it is meant to, then succeeds."""
        step = task.idempotency_key.partition(":")[2]
        self.retrying.discard(task.node_id)
        key = step if step in self.failures else task.node_id
        if self.failures.get(key, 0) > 0:
            self.failures[key] -= 1
            self.retrying.add(task.node_id)
            raise RuntimeError("boom")
        self.done[step] += 1
        outputs = self.world.outputs
        return outputs.get(step, outputs.get(task.node_id, {"n": 1, "node": task.node_id}))

    def observe(self, seen: Observation) -> None:
        if isinstance(seen, StepArmed | AttemptFailed):
            self.moments[seen.at] = None
        if not isinstance(seen, StepArmed) or seen.wait.op != "WaitForEvent":
            return
        step = seen.wait.step_id.removesuffix("/wait")
        node = step if step in self.world.answers else node_of(step)
        *outcomes, last = self.world.answers.get(node, ("",))
        after = last if isinstance(last, int | float) else DELAY
        outcomes = outcomes if isinstance(last, int | float) else [*outcomes, last]
        answered = self.answered[node]
        self.answered[node] += 1
        if answered < len(outcomes) and (outcome := outcomes[answered]):
            event = self.answer(seen.wait, str(outcome))
            self.engine.at(seen.at + timedelta(seconds=after), lambda: self.send(event))

    async def send(self, event: Json) -> None:
        await self.engine.send(event)

    def answer(self, wait: ArmedWait, outcome: str) -> Json:
        """The event that an armed wait waits for: made for what is armed, whatever the code says."""
        data: Json = {"tenant_id": 1, **{k: v for k, v in self.world.data.items() if k == "key"}}
        if wait.step_id.endswith("/wait"):
            match = _APPROVAL.search(wait.expression or "")
            assert match is not None
            data |= {"outcome": outcome, "approval_id": match[1]}
        return {"name": wait.name, "data": data}


def _is_technical(wait: ArmedWait) -> bool:
    return wait.timeout == MAX_WAIT


async def _unreached(task: Task) -> Any:
    raise AssertionError(f"nothing intercepted `{task.node_id}`")
