"""Whose a run is, and that nobody else's events reach it."""

from datetime import timedelta
from typing import Any

import inngest
import pytest
from proflow_runtime import Flow, Result, Task, current_tenant
from proflow_runtime.local import LocalEngine, RunRecord

from .conftest import Register
from .driving import sent, start

pytestmark = pytest.mark.anyio


async def whose(task: Task) -> Any:
    return [task.tenant_id, current_tenant()]


async def ended(flow: Flow) -> Result:
    await flow.run("a", whose)
    return flow.end("end", output=flow.get("steps.a.output"))


@pytest.mark.parametrize(
    "data", [{}, *({"tenant_id": bad} for bad in (True, 0, -1, "1", 1.5, None, [1]))]
)
async def test_without_a_tenant_a_run_fails_at_once(
    client: inngest.Inngest, register: Register, data: dict[str, Any]
) -> None:
    async with LocalEngine(client, [register(ended)], trace=True) as engine:
        run = await start(engine, data)
        assert run.status == "Failed"
        assert run.error is not None
        message = run.error["message"]
        wrong = data.get("tenant_id")
        if wrong is None:
            assert message == "tenant_id is required"
        else:
            assert message.startswith("tenant_id is required: a positive integer, not ")
        assert len(engine.requests) == 1


async def test_handlers_know_their_tenant_and_nobody_else_does(
    client: inngest.Inngest, register: Register
) -> None:
    async with LocalEngine(client, [register(ended)]) as engine:
        run = await start(engine, {"tenant_id": 7})
        assert run.output["output"] == [7, 7]
    with pytest.raises(LookupError, match="no current tenant"):
        current_tenant()


async def test_a_system_run_has_no_tenant(client: inngest.Inngest, register: Register) -> None:
    async def handler(task: Task) -> Any:
        with pytest.raises(LookupError, match="no current tenant"):
            current_tenant()
        return task.tenant_id

    async def body(flow: Flow) -> Result:
        await flow.run("a", handler)
        await flow.send("tell", "some/event", {"tenant_id": 4})
        await flow.wait("w", "go", timeout=timedelta(hours=1))
        return flow.end("end", output=flow.get("has(steps.a) && steps.a.output == null"))

    async with LocalEngine(client, [register(body, scope="system")]) as engine:
        run = await start(engine, {})
        assert run.output["output"] is True
        assert sent(engine, "some/event")[0]["data"] == {"tenant_id": 4}


async def test_events_carry_the_tenant_whatever_the_design_says(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        await flow.send("one", "some/event", {"tenant_id": 2, "n": 1})
        await flow.send("two", "some/event", flow.get("event.data"))
        await flow.send("three", "some/event")
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        await start(engine, {"tenant_id": 9, "n": 2})
        events = sent(engine, "some/event")
        assert [event["data"] for event in events] == [
            {"tenant_id": 9, "n": 1}, {"tenant_id": 9, "n": 2}, {"tenant_id": 9}
        ]  # fmt: skip
        assert len({event["id"] for event in events}) == 3


async def test_an_event_has_the_same_id_when_its_step_is_tried_again(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        await flow.send("tell", "some/event", {"n": 1})
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        send, sends = client.send, []

        async def send_then_fail(events: Any, *, skip_middleware: bool = False) -> list[str]:
            ids = await send(events, skip_middleware=skip_middleware)
            sends.append(events.id)
            if len(sends) < 3:
                raise RuntimeError("the connection broke")
            return ids

        vars(client)["send"] = send_then_fail
        run = await start(engine)
        other = await start(engine)
        assert run.status == other.status == "Completed"
        assert len(sends) == 4
        assert len(set(sends)) == 2


async def test_data_that_is_no_object_is_not_sent(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        await flow.send("tell", "some/event", flow.get("event.data.list"))
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine, {"tenant_id": 1, "list": [1]})
        assert run.error is not None
        assert "the data of event `some/event` is not an object" in run.error["message"]


def waiting(**settings: Any) -> Any:
    async def body(flow: Flow) -> Result:
        received = await flow.wait("w", "paid", timeout=timedelta(days=1), **settings)
        return flow.end("end", received.outcome, output=flow.get("steps.w.output"))

    return body


async def answered(
    client: inngest.Inngest, register: Register, data: dict[str, Any], *answers: dict[str, Any]
) -> RunRecord:
    body = waiting(match="data.order.id")
    async with LocalEngine(client, [register(body)]) as engine:
        await engine.send({"name": "x/start", "data": data})
        await engine.run_until_idle(until=engine.clock.now() + timedelta(minutes=1))
        for one in answers:
            await engine.send({"name": "paid", "data": one})
        await engine.run_until_idle()
        (run,) = engine.runs.values()
        return run


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [(7, 7), (7, "7"), ("7", 7), ("7", "7"), ("a", "a"), ('say "x"', 'say "x"'), ("it's", "it's"),
     (2.5, 2.5), (True, True), ("订单-1", "订单-1"), ("-3", -3), ("0", 0), (7.0, "7")],
)  # fmt: skip
async def test_ids_compare_as_texts(
    client: inngest.Inngest, register: Register, mine: Any, theirs: Any
) -> None:
    data = {"tenant_id": 1, "order": {"id": mine}}
    answer = {"tenant_id": 1, "order": {"id": theirs}, "n": 5}
    run = await answered(client, register, data, answer)
    assert run.output["result"] == "received"
    assert run.output["output"] == answer


@pytest.mark.parametrize(
    "theirs",
    [
        {"tenant_id": 2, "order": {"id": 7}},
        {"tenant_id": True, "order": {"id": 7}},
        {"order": {"id": 7}},
        {"tenant_id": 1, "order": {"id": "07"}},
        {"tenant_id": 1, "order": {"id": 8}},
        {"tenant_id": 1, "order": {"id": None}},
        {"tenant_id": 1},
    ],
)
async def test_other_events_do_not_end_a_wait(
    client: inngest.Inngest, register: Register, theirs: dict[str, Any]
) -> None:
    run = await answered(client, register, {"tenant_id": 1, "order": {"id": 7}}, theirs)
    assert run.output["result"] == "timeout"


@pytest.mark.parametrize(
    ("order", "complaint"),
    [
        ({}, "the trigger has no `data.order.id` to match on"),
        ("none", "the trigger has no `data.order.id` to match on"),
        ({"id": None}, "`data.order.id` of the trigger is null, which cannot be matched on"),
        ({"id": [1]}, "`data.order.id` of the trigger is a list, which cannot be matched on"),
        ({"id": "a\\b"}, "a value to match on contains a backslash"),
        ({"id": "a\nb"}, "a value to match on contains U+000A"),
        ({"id": "\"'"}, "a value to match on contains both kinds of quotes"),
    ],
)
async def test_a_value_that_cannot_be_matched_on_fails_the_run_clearly(
    client: inngest.Inngest, register: Register, order: Any, complaint: str
) -> None:
    run = await answered(client, register, {"tenant_id": 1, "order": order})
    assert run.error is not None
    assert run.error["message"] == f"wait `w`: {complaint}"


async def test_a_wait_mentions_no_trigger(client: inngest.Inngest, register: Register) -> None:
    body = waiting(match="data.order-id")
    async with LocalEngine(client, [register(body)]) as engine:
        await engine.send({"name": "x/start", "data": {"tenant_id": 3, "order-id": "A-1"}})
        await engine.run_until_idle(until=engine.clock.now())
        (wait,) = engine.waits
        assert wait.expression == 'async.data.tenant_id == 3 && async.data["order-id"] == "A-1"'
