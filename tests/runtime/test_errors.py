"""Errors that have a way on: the outcome `error` of steps, with what it says of the failure."""

from typing import Any

import inngest
import pytest
from proflow_runtime import Flow, Result, Retry, Task
from proflow_runtime.local import LocalEngine

from .conftest import Register
from .driving import executions, start

pytestmark = pytest.mark.anyio


async def done(task: Task) -> Any:
    return task.input


@pytest.mark.parametrize("error", [inngest.NonRetriableError("no card"), ValueError("no card")])
async def test_a_caught_failure_takes_the_outcome_error_once_its_attempts_are_used_up(
    client: inngest.Inngest, register: Register, error: Exception
) -> None:
    calls = 0

    async def pay(task: Task) -> None:
        nonlocal calls
        calls += 1
        raise error

    async def body(flow: Flow) -> Result:
        assert await flow.run("pay", pay, retry=Retry(3, initial_interval=5), catch=True) is None
        if flow.outcome_of("pay") != "error":
            return flow.end("paid")
        await flow.run("tell", done, flow.get("steps.pay.error"))
        await flow.run("after", done)
        return flow.end("unpaid", "rejected", output=flow.get("steps.tell.output"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output == {
            "result": "rejected",
            "output": {"name": type(error).__name__, "message": "no card"},
            "outcomes": {"pay": "error"},
        }
        assert calls == (1 if isinstance(error, inngest.NonRetriableError) else 3)
        assert executions(run)["tell"] == executions(run)["after"] == 1


async def test_a_caught_step_that_succeeds_takes_the_outcome_default(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        assert await flow.run("pay", done, 1, catch=True) == 1
        assert flow.outcome_of("pay") == "default"
        return flow.end("end", output=flow.get("has(steps.pay.error)"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output == {
            "result": "completed", "output": False, "outcomes": {"pay": "default"},
        }  # fmt: skip


async def test_an_input_that_cannot_be_computed_is_caught(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        await flow.http("call", url=flow.get("event.data.nowhere"), catch=True)
        await flow.ai("think", prompt=flow.get("event.data.nowhere"), catch=True)
        await flow.notify("tell", to=flow.get("event.data.nowhere"), catch=True)
        errors = "[steps.call.error.name, steps.think.error.name, steps.tell.error.name]"
        return flow.end("end", output=flow.get(errors))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output is not None
        assert run.output["output"] == ["NonRetriableError"] * 3


async def test_a_step_that_inngest_gives_up_first_is_caught_too(
    client: inngest.Inngest, register: Register
) -> None:
    async def broken(task: Task) -> None:
        raise ValueError("down")

    async def body(flow: Flow) -> Result:
        await flow.run("pay", broken, retry=Retry(9), catch=True)
        return flow.end("end", output=flow.get("steps.pay.error"))

    async with LocalEngine(client, [register(body, retries=1)]) as engine:
        run = await start(engine)
        assert run.output is not None
        assert run.output["output"] == {"name": "ValueError", "message": "down"}
