"""Parallel arms, nested at random: every step executes once, and never waits for a stranger."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import inngest
import pytest
from proflow_runtime import Flow, Result, Retry, Task
from proflow_runtime.context import clock
from proflow_runtime.local import EventReceived, LocalEngine, Observation, RealClock

from .conftest import Register
from .driving import answer, executions, open_ended, requests, start, started

pytestmark = pytest.mark.anyio

Block = list[Any]


@dataclass
class Work:
    name: str
    failures: int


@dataclass
class Nap:
    name: str
    seconds: int


@dataclass
class Ask:
    name: str
    after: int


@dataclass
class Await:
    name: str
    after: int
    companion: Work


@dataclass
class Arms:
    arms: list[Block]


@dataclass
class End:
    name: str


@dataclass
class Expected:
    """When steps begin, in seconds; worked out by hand of the meaning of a program."""

    starts: dict[str, float] = field(default_factory=dict)

    def block(self, block: Block, at: float) -> tuple[float, bool]:
        """When a block that begins at a time is over, and whether it arrived."""
        for op in block:
            match op:
                case Work(name, failures):
                    self.starts[name] = at
                    at += sum(10 * 2**n for n in range(failures))
                case Nap(name, seconds):
                    self.starts[name] = at
                    at += seconds
                case Ask(name, after):
                    self.starts[f"{name}/wait"] = self.starts[f"{name}/notify"] = at
                    at += after
                case Await(name, after, companion):
                    self.starts[name] = at
                    at = max(at + after, self.block([companion], at)[0])
                case Arms(arms):
                    over = [self.block(arm, at) for arm in arms]
                    at = max(end for end, _ in over)
                    if not any(arrived for _, arrived in over):
                        return at, False
                case End():
                    return at, False
        return at, True


@dataclass
class Program:
    main: Block
    asks: dict[str, int]
    awaits: dict[str, int]
    attempts: dict[str, list[datetime]] = field(default_factory=dict)

    async def body(self, flow: Flow) -> Result | None:
        ended = await self._run(flow, self.main)
        return ended or flow.end("end")

    async def _run(self, flow: Flow, block: Block) -> Result | None:
        for op in block:
            match op:
                case Work():
                    await self._work(flow, op)
                case Nap(name, seconds):
                    await flow.sleep(name, timedelta(seconds=seconds))
                case Ask(name):
                    await flow.approve(name)
                case Await(name, _, companion):
                    armed_with = partial(self._work, flow, companion)
                    await flow.wait(name, f"answer/{name}", armed_with=armed_with)
                case Arms(arms):
                    if ended := await flow.parallel(*(partial(self._run, flow, a) for a in arms)):
                        return ended
                case End(name):
                    return flow.end(name)
        return None

    async def _work(self, flow: Flow, op: Work) -> None:
        async def handler(task: Task) -> Any:
            self.attempts.setdefault(op.name, []).append(clock.now())
            if task.attempt <= op.failures:
                raise RuntimeError("not yet")
            return task.node_id

        retry = Retry(5, initial_interval=10)
        assert await flow.run(op.name, handler, retry=retry) == op.name


def program(seed: int) -> Program:
    dice = random.Random(seed)
    count = 0
    made = Program([], {}, {})

    def name() -> str:
        nonlocal count
        count += 1
        return f"n{count}"

    def block(depth: int, nested: bool) -> Block:
        ops: Block = []
        for _ in range(dice.randint(1, 3)):
            kind = dice.choice(["work", "work", "nap", "ask", "await", "arms", "arms"])
            if kind == "arms" and depth < 3:
                arms = [block(depth + 1, True) for _ in range(dice.randint(2, 3))]
                ops.append(Arms(arms))
            elif kind == "nap":
                ops.append(Nap(name(), dice.randint(1, 500)))
            elif kind == "ask":
                ops.append(Ask(name(), dice.randint(0, 500)))
                made.asks[ops[-1].name] = ops[-1].after
            elif kind == "await":
                companion = Work(name(), dice.choice([0, 0, 1]))
                ops.append(Await(name(), dice.randint(1, 500), companion))
                made.awaits[ops[-1].name] = ops[-1].after
            else:
                ops.append(Work(name(), dice.choice([0, 0, 0, 1, 2])))
        if nested and dice.random() < 0.15:
            ops.append(End(name()))
        return ops

    made.main = block(0, False)
    return made


def answering(engine: LocalEngine, program: Program) -> Callable[[Observation], None]:
    """Answers approvals and waits, each so long after the run has begun to wait."""

    def observe(observation: Observation) -> None:
        if (
            isinstance(observation, EventReceived)
            and observation.event["name"] == "approval/requested"
        ):
            data = observation.event["data"]
            reply = {"tenant_id": 1, "approval_id": data["approval_id"], "approved": True}
            later(program.asks[data["node_id"]], data["answer_with"], reply)
        step = getattr(getattr(observation, "step", None), "id", None)
        if type(observation).__name__ == "StepArmed" and step in program.awaits:
            later(program.awaits[step], f"answer/{step}", {"tenant_id": 1})

    def later(seconds: int, name: str, data: dict[str, Any]) -> None:
        async def send() -> None:
            await engine.send({"name": name, "data": data})

        engine.at(engine.clock.now() + timedelta(seconds=seconds), send)

    return observe


@pytest.mark.parametrize("seed", range(100))
async def test_steps_of_nested_arms_execute_once_and_start_when_they_can(
    client: inngest.Inngest, register: Register, seed: int
) -> None:
    made = program(seed)
    expected = Expected()
    over, _ = expected.block(made.main, 0)
    async with LocalEngine(client, [register(made.body)]) as engine:
        engine.subscribe(answering(engine, made))
        run = await start(engine)
        assert run.status == "Completed", run.error
        assert run.started_at is not None
        begun = {
            step: (times[0] - run.started_at).total_seconds()
            for step, times in made.attempts.items()
        }
        assert started(run) | begun == expected.starts
        assert run.ended_at is not None
        assert (run.ended_at - run.started_at).total_seconds() == over
        assert {name: len(times) for name, times in made.attempts.items()} == {
            op.name: op.failures + 1 for op in _works(made.main)
        }
        waits = {step: count for step, count in executions(run).items() if step not in begun}
        assert set(waits.values()) <= {1}


def _works(block: Block) -> list[Work]:
    found: list[Work] = []
    for op in block:
        if isinstance(op, Work):
            found.append(op)
        elif isinstance(op, Await):
            found.append(op.companion)
        elif isinstance(op, Arms):
            for arm in op.arms:
                found += _works(arm)
    return found


@pytest.mark.parametrize("seed", range(8))
async def test_steps_of_nested_arms_execute_once_when_requests_overlap(
    client: inngest.Inngest, register: Register, seed: int
) -> None:
    dice = random.Random(seed)
    calls: dict[tuple[str, str], int] = {}

    async def handler(task: Task) -> None:
        calls[task.run_id, task.node_id] = calls.get((task.run_id, task.node_id), 0) + 1
        await asyncio.sleep(dice.random() * 0.01)

    def arm(flow: Flow, depth: int, name: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            await flow.run(f"{name}-first", handler)
            if depth < 3:
                arms = (arm(flow, depth + 1, f"{name}{letter}") for letter in "ab")
                await flow.parallel(*arms)
            await flow.run(f"{name}-last", handler)

        return run

    async def body(flow: Flow) -> Result:
        await flow.run("before", handler)
        await flow.parallel(arm(flow, 1, "l"), arm(flow, 1, "r"))
        await flow.run("after", handler)
        await flow.run("at-last", handler)
        return flow.end("end")

    async with LocalEngine(client, [register(body)], clock=RealClock()) as engine:
        for _ in range(3):
            await engine.send({"name": "x/start", "data": {"tenant_id": 1}})
        await engine.run_until_idle()
        assert [run.status for run in engine.runs.values()] == ["Completed"] * 3
        assert len(calls) == 3 * (3 + 2 * 2 * (1 + 2 + 4))
        assert set(calls.values()) == {1}


async def test_an_approver_who_answers_inside_the_notification_is_never_lost(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        async def left() -> None:
            await flow.approve("first", timeout=timedelta(minutes=5))

        async def right() -> None:
            await flow.approve("second", timeout=timedelta(minutes=5))

        await flow.parallel(left, right)
        return flow.end("end")

    async with LocalEngine(client, [register(body)], clock=RealClock()) as engine:
        send = client.send

        async def answer_at_once(events: Any, *, skip_middleware: bool = False) -> list[str]:
            ids = await send(events, skip_middleware=skip_middleware)
            if events.name == "approval/requested":
                data = {
                    "tenant_id": 1,
                    "approval_id": events.data["approval_id"],
                    "approved": True,
                }
                await send(inngest.Event(name="approval/response", data=data))
            return ids

        vars(client)["send"] = answer_at_once
        for _ in range(150):
            await engine.send({"name": "x/start", "data": {"tenant_id": 1}})
        await engine.run_until_idle()
        outcomes = [run.output["outcomes"] for run in engine.runs.values()]
        assert outcomes == [{"first": "approved", "second": "approved"}] * 150


async def test_a_notification_that_is_retried_does_not_hold_up_the_run(
    client: inngest.Inngest, register: Register
) -> None:
    async def done(task: Task) -> None: ...

    async def body(flow: Flow) -> Result:
        await flow.approve("boss")
        await flow.run("next", done)
        await flow.sleep("nap", timedelta(hours=2))
        await flow.run("last", done)
        return flow.end("end")

    async with LocalEngine(
        client, [register(body)], retry_backoff=lambda attempt: timedelta(hours=1)
    ) as engine:
        send, failures = client.send, 1

        async def fail_once(events: Any, *, skip_middleware: bool = False) -> list[str]:
            nonlocal failures
            if events.name == "approval/requested" and failures:
                failures -= 1
                raise RuntimeError("the event API is down")
            return await send(events, skip_middleware=skip_middleware)

        vars(client)["send"] = fail_once
        await engine.send({"name": "x/start", "data": {"tenant_id": 1}})
        await engine.run_until_idle(until=engine.clock.now() + timedelta(minutes=10))
        (run,) = engine.runs.values()
        reply = {"tenant_id": 1, "approval_id": f"{run.id}:boss", "approved": True}
        await engine.send({"name": "approval/response", "data": reply})
        await engine.run_until_idle(ignore_timeouts=open_ended)
        assert run.status == "Completed"
        assert started(run)["next"] == 600
        assert started(run)["last"] == 600 + 7200
        assert executions(run) == {
            "boss/wait": 1, "boss/notify": 2, "next": 1, "nap": 1, "last": 1,
        }  # fmt: skip
        assert len(requests(engine, "boss")) == 1


async def test_a_notification_that_cannot_be_sent_fails_the_run_that_waits(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        await flow.approve("boss")
        return flow.end("end")

    async with LocalEngine(client, [register(body, max_attempts=2)]) as engine:

        async def fail(events: Any, *, skip_middleware: bool = False) -> list[str]:
            raise RuntimeError("the event API is down")

        vars(client)["send"] = fail
        run = await start(engine)
        assert run.status == "Failed"
        assert run.error is not None
        message = "step `boss/notify` failed after 2 attempts: RuntimeError: the event API is down"
        assert run.error["message"] == message


async def test_a_terminating_end_in_an_arm_ends_the_run_at_once(
    client: inngest.Inngest, register: Register
) -> None:
    async def done(task: Task) -> None: ...

    async def body(flow: Flow) -> Result | None:
        async def inner() -> Result:
            await flow.sleep("short", timedelta(minutes=1))
            return flow.end("stop-here", "rejected", terminate=True)

        async def other() -> None:
            await flow.sleep("long", timedelta(days=1))
            await flow.run("never", done)

        async def outer() -> Result | None:
            return await flow.parallel(inner, other)

        async def approval() -> None:
            await flow.approve("boss")
            await flow.run("never-either", done)

        await flow.parallel(outer, approval)
        await flow.run("nor-this", done)
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output == {"result": "rejected", "output": None, "outcomes": {}}
        assert run.started_at is not None
        assert run.ended_at == run.started_at + timedelta(minutes=1)
        assert set(executions(run)) == {"short", "long", "boss/wait", "boss/notify"}


async def test_a_failure_in_an_arm_fails_the_run_at_once(
    client: inngest.Inngest, register: Register
) -> None:
    async def done(task: Task) -> None: ...

    async def broken(task: Task) -> None:
        raise inngest.NonRetriableError("no such order")

    async def body(flow: Flow) -> Result:
        async def left() -> None:
            await flow.sleep("short", timedelta(minutes=1))
            await flow.run("pay", broken)
            await flow.run("after-pay", done)

        async def right() -> None:
            await flow.sleep("long", timedelta(days=1))
            await flow.run("never", done)

        await flow.parallel(left, right)
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.status == "Failed"
        assert run.error is not None
        assert run.error["message"] == "step `pay` failed after 1 attempt: no such order"
        assert run.started_at is not None
        assert run.ended_at == run.started_at + timedelta(minutes=1)
        assert executions(run)["pay"] == 1


async def test_ends_of_arms_combine(client: inngest.Inngest, register: Register) -> None:
    async def body(flow: Flow) -> Result | None:
        async def left() -> Result:
            return flow.end("z", "withdrawn")

        async def middle() -> Result:
            return flow.end("b", "rejected", output="from b")

        async def right() -> None:
            await flow.approve("boss")

        if ended := await flow.parallel(left, middle, right):
            return ended
        return flow.end("a", output="from a")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        await answer(engine, "boss", approved=True)
        assert run.output == {
            "result": "rejected",
            "output": "from b",
            "outcomes": {"boss": "approved"},
        }


async def test_of_ends_that_terminate_in_one_instant_the_smallest_id_decides(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result | None:
        async def left() -> Result:
            return flow.end("b", "shelved", terminate=True)

        async def right() -> Result:
            return flow.end("a", terminate=True)

        return await flow.parallel(left, right)

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output is not None
        assert run.output["result"] == "completed"
