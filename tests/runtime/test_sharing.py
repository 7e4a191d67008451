"""What several paths share that stops the run: the first that comes to it runs it, once."""

from datetime import timedelta
from typing import Any

import inngest
import pytest
from proflow_runtime import Again, Flow, Result, Retry, Task
from proflow_runtime.local import LocalEngine

from .conftest import Register
from .driving import answer, executions, open_ended, start, started

pytestmark = pytest.mark.anyio


async def done(task: Task) -> Any:
    return task.input


def refusing(*nodes: str, retry: Retry | None = None, handler: Any = done) -> Any:
    """Approvals whose rejections are told of by one step, and then end the run."""

    async def body(flow: Flow) -> Result | None:
        async def refuse() -> Result:
            await flow.run("tell", handler, retry=retry)
            return flow.end("refused", "rejected", terminate=True)

        async def ask(node: str) -> Result | None:
            if (await flow.approve(node)).outcome == "rejected":
                return await flow.once("tell", refuse)
            return None

        if ended := await flow.parallel(*((lambda one=one: ask(one)) for one in nodes)):
            return ended
        await flow.run("after", done)
        return flow.end("end")

    return body


@pytest.mark.parametrize("node", ["a", "b", "c"])
async def test_the_first_rejection_stops_the_run(
    client: inngest.Inngest, register: Register, node: str
) -> None:
    async with LocalEngine(client, [register(refusing("a", "b", "c"))]) as engine:
        run = await start(engine)
        await answer(engine, node, approved=False)
        assert run.status == "Completed", run.error
        assert run.output is not None
        assert run.output["result"] == "rejected"
        assert executions(run)["tell"] == 1
        assert "after" not in executions(run)


@pytest.mark.parametrize("order", ["ab", "ba"])
async def test_a_later_rejection_tells_nobody_again(
    client: inngest.Inngest, register: Register, order: str
) -> None:
    """It comes while the notification is tried again."""
    called: list[int] = []

    async def flaky(task: Task) -> None:
        called.append(task.attempt)
        if len(called) == 1:
            raise RuntimeError("the mail server is away")

    retry = Retry(3, initial_interval=600)
    body = refusing("a", "b", retry=retry, handler=flaky)
    async with LocalEngine(client, [register(body)]) as engine:
        begun = engine.clock.now()
        await engine.send({"name": "x/start", "data": {"tenant_id": 1}})
        await engine.run_until_idle(until=begun)
        (run,) = engine.runs.values()
        for minute, node in enumerate(order, start=1):
            data = {"tenant_id": 1, "approval_id": f"{run.id}:{node}", "approved": False}
            await engine.send({"name": "approval/response", "data": data})
            await engine.run_until_idle(until=begun + timedelta(minutes=minute))
        await engine.run_until_idle(ignore_timeouts=open_ended)
        assert run.status == "Completed", run.error
        assert called == [1, 2]
        assert not [step for step in executions(run) if ":" in step]
        assert started(run)["tell"] == 0
        assert run.output is not None
        assert run.output["result"] == "rejected"


async def test_what_a_failed_item_came_to_is_come_to_anew_in_the_next_round(
    client: inngest.Inngest, register: Register
) -> None:
    async def broken(task: Task) -> None:
        raise inngest.NonRetriableError("broken")

    async def body(flow: Flow) -> Result | None:
        async def round() -> Result | Again | None:
            await flow.run("first", done)

            async def item() -> Result | None:
                async def refuse() -> Result:
                    await flow.run("tell", done)
                    return flow.fail("refused", "broken")

                async def one(node: str) -> Result | None:
                    await flow.run(node, broken, catch=True)
                    if flow.outcome_of(node) == "error":
                        return await flow.once("tell", refuse)
                    return None

                return await flow.parallel(lambda: one("a"), lambda: one("b"))

            await flow.foreach("each", "[1]", item, catch=True)
            if flow.choose("more", {"back": "!has(steps.again)"}, "on") == "back":
                await flow.run("again", done)
                return flow.again("again", to="first", limit=1)
            return None

        if ended := await flow.repeat("first", round):
            return ended
        return flow.end("end", output=flow.get("steps.each.outcome"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.status == "Completed", run.error
        assert {"tell[0]", "tell[0]#2"} < executions(run).keys()
        assert run.output is not None
        assert run.output["output"] == "error"
