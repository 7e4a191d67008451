"""One workflow inside another: what it is given, what it answers, how it fails and is cancelled."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import inngest
import pytest
from proflow_runtime import Flow, Registry, Result, Task, functions_of, workflow
from proflow_runtime.local import LocalEngine
from proflow_schemas.definition import (
    Cancellation,
    Canvas,
    Definition,
    EndOp,
    EventTrigger,
    FunctionSettings,
    InvokeOp,
    SleepOp,
)

from .conftest import Register
from .driving import executions, start

pytestmark = pytest.mark.anyio

Child = Callable[[Any], inngest.Function[Any]]


@pytest.fixture
def child(client: inngest.Inngest) -> Child:
    """A body as the workflow `child`."""

    def child(body: Any) -> inngest.Function[Any]:
        trigger = inngest.TriggerEvent(event="child/start")
        return client.create_function(fn_id="child", trigger=trigger)(workflow(id="child")(body))

    return child


def calling(timeout: timedelta | None = None, input: Any = None) -> Any:
    async def body(flow: Flow) -> Result:
        given = flow.get("event.data.given") if input is None else input
        await flow.invoke("call", "child", given, timeout=timeout, catch=True)
        if flow.outcome_of("call") == "error":
            return flow.end("end", "failed", output=flow.get("steps.call.error"))
        return flow.end("end", output=flow.get("steps.call.output"))

    return body


async def test_a_child_gets_input_tenant_and_lineage_and_hands_back_its_result(
    client: inngest.Inngest, register: Register, child: Child
) -> None:
    async def inner(flow: Flow) -> Result:
        return flow.end("end", "rejected", output=flow.get("event.data"))

    async with LocalEngine(client, [register(calling()), child(inner)]) as engine:
        run = await start(engine, {"tenant_id": 7, "given": {"amount": 3, "tenant_id": 8}})
        assert run.output is not None
        answer = run.output["output"]
        assert answer["result"] == "rejected"
        del answer["output"]["_inngest"]
        assert re.fullmatch("[0-9a-f]{32}", answer["output"]["_proflow"].pop("call"))
        assert answer["output"] == {
            "amount": 3, "tenant_id": 7, "_proflow": {"depth": 1, "parent": run.id},
        }  # fmt: skip
        assert run.output["outcomes"] == {"call": "default"}
        assert executions(run) == {"call": 1}


async def failing(flow: Flow) -> Result:
    async def broken(task: Task) -> None:
        raise inngest.NonRetriableError("no such order")

    await flow.run("pay", broken)
    return flow.end("never")


async def sleeping(flow: Flow) -> Result:
    await flow.sleep("long", timedelta(days=1))
    return flow.end("end")


async def test_a_child_that_fails_takes_the_outcome_error(
    client: inngest.Inngest, register: Register, child: Child
) -> None:
    async with LocalEngine(client, [register(calling()), child(failing)]) as engine:
        run = await start(engine, {"tenant_id": 1, "given": {}})
        assert run.output == {
            "result": "failed",
            "output": {
                "name": "NonRetriableError",
                "message": "step `pay` failed after 1 attempt: no such order",
            },
            "outcomes": {"call": "error"},
        }


async def test_a_child_that_takes_too_long_takes_the_outcome_error(
    client: inngest.Inngest, register: Register, child: Child
) -> None:
    body = calling(timedelta(hours=1))
    async with LocalEngine(client, [register(body), child(sleeping)]) as engine:
        run = await start(engine, {"tenant_id": 1, "given": {}})
        assert run.output is not None
        assert run.output["output"]["name"] == "InngestInvokeTimeoutError"
        assert run.started_at is not None
        assert run.ended_at == run.started_at + timedelta(hours=1)


async def test_a_child_that_is_cancelled_takes_the_outcome_error(
    client: inngest.Inngest, register: Register, child: Child
) -> None:
    async with LocalEngine(client, [register(calling()), child(sleeping)]) as engine:
        await engine.send({"name": "x/start", "data": {"tenant_id": 1, "given": {}}})
        await engine.run_until_idle(until=engine.clock.now() + timedelta(minutes=1))
        run, inner = engine.runs.values()
        assert await engine.cancel(inner.id)
        await engine.run_until_idle()
        assert run.output is not None
        assert run.output["output"] == {
            "name": "SubprocessCancelled", "message": "workflow `child` was cancelled",
        }  # fmt: skip


async def test_an_unknown_workflow_takes_the_outcome_error(
    client: inngest.Inngest, register: Register
) -> None:
    async with LocalEngine(client, [register(calling())]) as engine:
        run = await start(engine, {"tenant_id": 1, "given": {}})
        assert run.output is not None
        assert run.output["output"] == {
            "name": "Error", "message": "could not find function with ID: test-child",
        }  # fmt: skip


async def test_a_function_that_is_no_workflow_takes_the_outcome_error(
    client: inngest.Inngest, register: Register
) -> None:
    @client.create_function(fn_id="child", trigger=inngest.TriggerEvent(event="child/start"))
    async def child(ctx: inngest.Context) -> Any:
        return {"result": "fine"}

    async with LocalEngine(client, [register(calling()), child]) as engine:
        run = await start(engine, {"tenant_id": 1, "given": {}})
        assert run.output is not None
        assert run.output["output"]["name"] == "SubprocessError"


@pytest.mark.parametrize("given", [[1], "text", None])
async def test_an_input_that_is_no_object_fails(
    client: inngest.Inngest, register: Register, child: Child, given: Any
) -> None:
    async with LocalEngine(client, [register(calling()), child(sleeping)]) as engine:
        run = await start(engine, {"tenant_id": 1, "given": given})
        assert run.output is not None
        assert run.output["output"]["message"] == "its input is not an object"
        assert list(engine.runs) == [run.id]


async def test_an_error_of_a_child_without_a_way_on_fails_the_run(
    client: inngest.Inngest, register: Register, child: Child
) -> None:
    async def body(flow: Flow) -> Result:
        await flow.invoke("call", "child")
        return flow.end("end")

    async with LocalEngine(client, [register(body), child(failing)]) as engine:
        run = await start(engine)
        assert run.error is not None
        message = "step `call` failed: step `pay` failed after 1 attempt: no such order"
        assert run.error["message"] == message


async def test_workflows_that_call_each_other_end_at_a_depth_of_eight(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        await flow.invoke("call", "x")
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.error is not None
        assert run.error["message"].endswith("subprocesses are nested more than 8 deep")
        assert len(engine.runs) == 9


def definition(id: str, *steps: Any, cancel_on: int = 0) -> Definition:
    cancellations = [
        Cancellation.model_validate({"event": f"cancel/{number}", "if": "async.data.ok"})
        for number in range(cancel_on)
    ]
    return Definition(
        id=id,
        name=id,
        triggers=[EventTrigger(event=f"{id}/start")],
        settings=FunctionSettings(cancel_on=cancellations),
        canvas=Canvas(nodes=[], edges=[]),
        steps=[*steps, EndOp(id="end", node="end")],
    ).with_digest()


@pytest.mark.parametrize("how", ["cancelled", "failed", "stopped"])
async def test_children_are_cancelled_when_their_parent_ends(
    client: inngest.Inngest, register: Register, how: str
) -> None:
    async def parent(flow: Flow) -> Result:
        async def call() -> None:
            await flow.invoke("call", "middle")

        async def other() -> Result:
            await flow.sleep("nap", timedelta(minutes=10))
            if how == "failed":
                return flow.fail("oh", "broken")
            return flow.end("halt", terminate=how == "stopped")

        await flow.parallel(call, other)
        return flow.end("end")

    call = InvokeOp(id="call", node="call", workflow="leaf")
    nap = SleepOp(id="nap", node="nap", seconds=86400)
    functions = [
        register(parent),
        *functions_of(definition("middle", call), client, Registry({})),
        *functions_of(definition("leaf", nap, cancel_on=4), client, Registry({})),
    ]
    async with LocalEngine(client, functions) as engine:
        await engine.send({"name": "x/start", "data": {"tenant_id": 1}})
        await engine.send({"name": "leaf/start", "data": {"tenant_id": 1}})
        await engine.run_until_idle(until=engine.clock.now() + timedelta(minutes=1))
        if how == "cancelled":
            await engine.cancel(next(iter(engine.runs)))
        await engine.run_until_idle()
        statuses = [(run.function_id, run.status) for run in engine.runs.values()]
        ended = {"cancelled": "Cancelled", "failed": "Failed", "stopped": "Completed"}[how]
        assert statuses == [
            ("test-x", ended),
            ("test-leaf", "Completed"),
            ("test-middle", "Cancelled"),
            ("test-leaf", "Cancelled"),
        ]


async def test_a_design_that_has_taken_all_cancellations_itself_keeps_them(
    client: inngest.Inngest,
) -> None:
    (function,) = functions_of(definition("full", cancel_on=5), client, Registry({}))
    cancel = function.get_config("http://app").main.cancel
    assert cancel is not None
    assert [one.event for one in cancel] == [f"cancel/{number}" for number in range(5)]
