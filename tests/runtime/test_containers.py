"""Containers: items at once and in order, rounds, names, results, and failures that are caught."""

from datetime import timedelta
from typing import Any

import inngest
import pytest
from proflow_runtime import Flow, Result, Retry, Task
from proflow_runtime.local import LocalEngine
from proflow_runtime.status import InMemoryRecorder, recording

from .conftest import Register
from .driving import answer, executions, open_ended, requests, start, started

pytestmark = pytest.mark.anyio


async def done(task: Task) -> Any:
    return task.input


async def broken(task: Task) -> None:
    raise inngest.NonRetriableError("no such order")


async def test_results_are_in_the_order_of_the_items_and_names_are_those_of_the_item(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        async def outer() -> None:
            async def inner() -> None:
                await flow.run("cell", done, flow.text("${row.name}${item}/${index}"))

            await flow.run("row", done, flow.get("index"))
            await flow.foreach("cells", "row.cells", inner, result="cell")

        await flow.foreach("rows", "event.data.rows", outer, alias="row", result="cells")
        return flow.end("end", output=flow.get("steps.rows.output"))

    async with LocalEngine(client, [register(body)]) as engine:
        rows = [{"name": "a", "cells": [7, 8]}, {"name": "b", "cells": []}]
        run = await start(engine, {"tenant_id": 1, "rows": rows})
        assert run.output is not None
        assert run.output["output"] == [["a7/0", "a8/1"], []]
        assert executions(run) == {"row[0]": 1, "row[1]": 1, "cell[0][0]": 1, "cell[0][1]": 1}


async def test_children_read_those_of_their_own_item(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        async def each() -> Result:
            await flow.sleep("nap", timedelta(seconds=1))
            await flow.run("double", done, flow.get("item * 2"))
            if flow.choose("big", {"yes": "steps.double.output > 3"}, "no") == "yes":
                return flow.end("large", "large", output=flow.get("steps.double.output"))
            return flow.end("small")

        await flow.foreach("each", "[1, 2, 3]", each)
        return flow.end("end", output=flow.get("[steps.each.output, has(steps.double)]"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output == {
            "result": "completed",
            "output": [[None, 4, 6], False],
            "outcomes": {"big[0]": "no", "big[1]": "yes", "big[2]": "yes"},
        }


async def test_at_most_so_many_items_are_open_at_once(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        async def each() -> None:
            await flow.run("first", done)
            await flow.sleep_until("nap", flow.get("event.data.ends[index]"))
            await flow.run("last", done)

        await flow.foreach("each", "[0, 1, 2, 3, 4]", each, max_concurrency=2)
        await flow.run("after", done)
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        now = int(engine.clock.now().timestamp())
        ends = [(now + after) * 1000 for after in (30, 10, 40, 20, 50)]
        run = await start(engine, {"tenant_id": 1, "ends": ends})
        times = started(run)
        assert [times[f"first[{index}]"] for index in range(5)] == [0, 0, 10, 30, 30]
        assert times["after"] == 50
        assert set(executions(run).values()) == {1}


@pytest.mark.parametrize("items", ["'text'", "{'a': 1}", "event.data.missing", "null"])
async def test_items_that_are_no_list_fail(
    client: inngest.Inngest, register: Register, items: str
) -> None:
    def body(catch: bool) -> Any:
        async def body(flow: Flow) -> Result:
            async def each() -> None:
                await flow.run("never", done)

            await flow.foreach("each", items, each, catch=catch)
            return flow.end("end", output=flow.get("steps.each.error.message"))

        return body

    async with LocalEngine(client, [register(body(True))]) as engine:
        run = await start(engine)
        assert run.output is not None
        message = run.output["output"]
        assert message.startswith("the list of items of `each` ")
        assert not executions(run)
    async with LocalEngine(client, [register(body(False))]) as engine:
        run = await start(engine)
        assert run.error is not None
        assert run.error["message"] == message


async def test_an_approval_of_an_item_has_its_own_id(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        async def each() -> None:
            await flow.approve("boss")

        await flow.foreach("each", "[0, 1]", each)
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        ids = [data["approval_id"] for data in requests(engine, "boss")]
        assert ids == [f"{run.id}:boss[0]", f"{run.id}:boss[1]"]
        for number, approval_id in enumerate(ids):
            data = {"tenant_id": 1, "approval_id": approval_id, "approved": number == 0}
            await engine.send({"name": "approval/response", "data": data})
            await engine.run_until_idle(ignore_timeouts=open_ended)
        assert run.output is not None
        assert run.output["outcomes"] == {"boss[0]": "approved", "boss[1]": "rejected"}


async def test_a_caught_failure_abandons_open_items_and_starts_no_new_ones(
    client: inngest.Inngest, register: Register
) -> None:
    calls: list[str] = []

    async def slow(task: Task) -> None:
        calls.append(f"{task.input}.{task.attempt}")
        raise RuntimeError("not yet")

    async def body(flow: Flow) -> Result:
        async def each() -> None:
            match flow.choose("what", {"a": "item == 0", "b": "item == 1", "c": "item == 2"}, "d"):
                case "a":
                    await flow.approve("boss")
                    await flow.run("after-boss", done)
                case "b":
                    await flow.sleep("nap", timedelta(seconds=30))
                    await flow.run("pay", broken)
                case "c":
                    await flow.run("slow", slow, 2, retry=Retry(3, initial_interval=40))
                    await flow.run("after-slow", done)
                case _:
                    await flow.run("never", done)

        await flow.foreach("each", "[0, 1, 2, 3, 4]", each, max_concurrency=3, catch=True)
        await flow.run("tell", done, flow.get("steps.each.error"))
        await flow.sleep("long", timedelta(hours=1))
        await flow.run("last", done)
        return flow.end("end", "rejected", output=flow.get("steps.tell.output"))

    recorder = InMemoryRecorder()
    with recording(recorder):
        async with LocalEngine(client, [register(body)]) as engine:
            await engine.send({"name": "x/start", "data": {"tenant_id": 1}})
            await engine.run_until_idle(until=engine.clock.now() + timedelta(minutes=1))
            (run,) = engine.runs.values()
            await answer(engine, "boss", approved=True)
            assert run.output == {
                "result": "rejected",
                "output": {
                    "name": "NonRetriableError",
                    "message": "step `pay[1]` failed after 1 attempt: no such order",
                },
                "outcomes": {"what[0]": "a", "what[1]": "b", "what[2]": "c", "each": "error"},
            }
            assert started(run)["tell"] == 30
            assert started(run)["last"] == 3630
            once = executions(run)
            assert {name: once[name] for name in ("pay[1]", "tell", "long", "last")} == {
                "pay[1]": 1, "tell": 1, "long": 1, "last": 1,
            }  # fmt: skip
            assert not {"after-boss[0]", "after-slow[2]", "never[3]"} & once.keys()
            assert calls == ["2.1"]
    nodes = recorder.runs[run.id].nodes
    shown = {name: (state.status, state.outcome) for name, state in nodes.items()}
    assert shown["boss"] == ("cancelled", None)
    assert not {"after-boss", "after-slow", "never"} & shown.keys()
    assert shown["each"] == ("completed", "error")
    assert shown["pay"] == ("failed", None)
    assert shown["slow"] == ("cancelled", None)
    assert shown["last"] == ("completed", "default")


async def test_an_uncaught_failure_of_an_item_fails_the_run(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        async def each() -> None:
            await flow.sleep("nap", timedelta(seconds=30))
            await flow.run("pay", broken)

        await flow.foreach("each", "[0, 1]", each, max_concurrency=1)
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.error is not None
        assert run.error["message"] == "step `pay[0]` failed after 1 attempt: no such order"
        assert executions(run) == {"nap[0]": 1, "pay[0]": 1}


async def test_failures_are_caught_by_the_innermost_container_that_catches(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        async def outer() -> None:
            async def inner() -> None:
                await flow.run("pay", broken)

            await flow.foreach("middle", "[0]", inner)
            await flow.run("never", done)

        async def other() -> None:
            await flow.foreach("each", "[0, 1]", outer, catch=True)
            await flow.run("on", done)

        async def beside() -> None:
            await flow.sleep("nap", timedelta(seconds=5))
            await flow.run("beside", done)

        await flow.parallel(other, beside)
        return flow.end("end", output=flow.get("steps.each.error.message"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output is not None
        assert run.output["output"] == "step `pay[0][0]` failed after 1 attempt: no such order"
        assert executions(run) == {
            "pay[0][0]": 1, "pay[1][0]": 1, "nap": 1, "each/error": 1, "on": 1, "beside": 1,
        }  # fmt: skip


async def test_a_request_for_an_approval_that_cannot_be_sent_fails_its_item_only(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        async def each() -> None:
            await flow.approve("boss")

        async def arm() -> None:
            await flow.foreach("each", "[0, 1]", each, catch=True)
            await flow.run("on", done)

        async def other() -> None:
            await flow.run("beside", done)

        await flow.parallel(arm, other)
        return flow.end("end", output=flow.get("steps.each.error.message"))

    async with LocalEngine(client, [register(body, max_attempts=2)]) as engine:
        send = client.send

        async def fail(events: Any, *, skip_middleware: bool = False) -> list[str]:
            if events.data["approval_id"].endswith("[1]"):
                raise RuntimeError("the event API is down")
            return await send(events, skip_middleware=skip_middleware)

        vars(client)["send"] = fail
        run = await start(engine)
        assert run.output is not None
        message = (
            "step `boss[1]/notify` failed after 2 attempts: RuntimeError: the event API is down"
        )
        assert run.output["output"] == message
        assert executions(run)["on"] == executions(run)["beside"] == 1


async def test_a_terminating_end_in_an_item_ends_the_run(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        async def each() -> Result:
            if flow.choose("which", {"yes": "item == 1"}, "no") == "yes":
                await flow.sleep("short", timedelta(seconds=10))
                return flow.end("halt", "rejected", terminate=True)
            await flow.sleep("long", timedelta(days=1))
            return flow.end("over")

        await flow.foreach("each", "[0, 1, 2]", each, catch=True)
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output is not None
        assert run.output["result"] == "rejected"
        assert run.started_at is not None
        assert run.ended_at == run.started_at + timedelta(seconds=10)


async def test_a_loop_runs_while_its_rule_holds(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        async def none() -> None:
            await flow.run("never", done)

        async def some() -> None:
            await flow.run("poll", done, flow.get("iteration * 10"))

        await flow.loop("none", none, condition="iteration < 0", max_iterations=5)
        await flow.loop("some", some, condition="iteration < 3", max_iterations=5, result="poll")
        await flow.loop("fixed", none, max_iterations=2)
        found = "[steps.none.output, steps.some.output, steps.fixed.output]"
        return flow.end("end", output=flow.get(found))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output is not None
        assert run.output["output"] == [None, 20, None]
        assert list(executions(run)) == ["poll", "poll#2", "poll#3", "never", "never#2"]


@pytest.mark.parametrize("catch", [True, False])
async def test_a_loop_that_would_go_on_beyond_its_bound_fails(
    client: inngest.Inngest, register: Register, catch: bool
) -> None:
    async def body(flow: Flow) -> Result:
        async def round() -> None:
            await flow.run("poll", done)

        await flow.loop("poll-all", round, condition="true", max_iterations=2, catch=catch)
        return flow.end("end", output=flow.get("steps['poll-all'].error.message"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        message = "loop `poll-all` continues after 2 iterations"
        if catch:
            assert run.output is not None
            assert run.output["output"] == message
        else:
            assert run.error is not None
            assert run.error["message"] == message
        assert {step for step in executions(run) if "error" not in step} == {"poll", "poll#2"}


async def test_items_of_a_loop_count_their_own_executions(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        async def round() -> None:
            async def each() -> None:
                await flow.approve("boss", timeout=timedelta(seconds=5))

            await flow.foreach("each", "[0, 1]", each)

        await flow.loop("twice", round, max_iterations=2)
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert {step for step in executions(run) if step.endswith("/wait")} == {
            "boss[0]/wait", "boss[1]/wait", "boss[0]#2/wait", "boss[1]#2/wait",
        }  # fmt: skip
        ids = {data["approval_id"].removeprefix(f"{run.id}:") for data in requests(engine, "boss")}
        assert ids == {"boss[0]", "boss[1]", "boss[0]#2", "boss[1]#2"}
