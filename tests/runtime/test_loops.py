"""Drawn loops: rounds, what they count, how they are left, and what their nodes show."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import inngest
import pytest
from proflow_runtime import Again, Branch, Exit, Flow, Result, Task
from proflow_runtime.context.test_controls import choosing_outcomes
from proflow_runtime.local import LocalEngine, Observation
from proflow_runtime.status import InMemoryRecorder, recording

from .conftest import Register
from .driving import answer, executions, open_ended, requests, start

pytestmark = pytest.mark.anyio


async def done(task: Task) -> Any:
    return task.input


def drafting(limit: int) -> Any:
    """Draft, ask, and draft again when it is returned; `polish` is skipped then."""

    async def body(flow: Flow) -> Result | None:
        async def draft() -> Result | Again | None:
            await flow.run("draft", done, flow.get("has(steps.boss) ? steps.boss.comment : ''"))
            match (await flow.approve("boss")).outcome:
                case "returned":
                    return flow.again("boss", to="draft", limit=limit)
                case "rejected":
                    return flow.end("refused", "rejected")
            await flow.run("polish", done)
            return None

        if ended := await flow.repeat("draft", draft):
            return ended
        await flow.run("send", done)
        return flow.end("sent")

    return body


async def test_a_way_back_runs_the_loop_again_with_step_ids_of_its_own(
    client: inngest.Inngest, register: Register
) -> None:
    recorder = InMemoryRecorder()
    with recording(recorder):
        async with LocalEngine(client, [register(drafting(3))]) as engine:
            run = await start(engine)
            await answer(engine, "boss", outcome="returned", comment="shorter")
            states = recorder.runs[run.id].nodes
            assert (states["draft"].status, states["draft"].round) == ("completed", 2)
            assert (states["boss"].status, states["boss"].outcome) == ("waiting", None)
            await answer(engine, "boss", approved=True)
            assert list(executions(run)) == [
                "draft", "boss/wait", "boss/notify",
                "draft#2", "boss#2/wait", "boss#2/notify", "polish", "send",
            ]  # fmt: skip
            outputs = {step.id: step.output for step in run.steps}
            assert (outputs["draft"], outputs["draft#2"]) == ("", "shorter")
            ids = [data["approval_id"] for data in requests(engine, "boss")]
            assert ids == [f"{run.id}:boss", f"{run.id}:boss#2"]
            assert run.output is not None
            assert run.output["outcomes"] == {"boss": "approved"}


async def test_nodes_of_a_loop_are_to_come_again_when_it_begins_again(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result | None:
        async def round() -> Again | None:
            await flow.run("first", done)
            if flow.outcome_of("boss") is None:
                await flow.run("only-once", done)
            await flow.sleep("nap", timedelta(hours=1))
            if (await flow.approve("boss")).outcome == "returned":
                return flow.again("boss", to="first", limit=1)
            return None

        assert await flow.repeat("first", round) is None
        return flow.end("end")

    recorder = InMemoryRecorder()
    with recording(recorder):
        async with LocalEngine(client, [register(body)]) as engine:
            run = await start(engine)
            data = {
                "tenant_id": 1, "approval_id": f"{run.id}:boss", "outcome": "returned",
            }  # fmt: skip
            await engine.send({"name": "approval/response", "data": data})
            await engine.run_until_idle(until=engine.clock.now() + timedelta(minutes=1))
            shown = {
                name: (state.status, state.round)
                for name, state in recorder.runs[run.id].nodes.items()
            }
            assert shown == {
                "first": ("completed", 2),
                "only-once": ("pending", 2),
                "nap": ("waiting", 2),
                "boss": ("pending", 2),
            }


def asking(match: str | None) -> Any:
    async def body(flow: Flow) -> Result:
        async def ask() -> Again | None:
            decision = await flow.approve("boss", match=match)
            if decision.outcome == "returned":
                return flow.again("boss", to="boss", limit=5)
            return None

        await flow.repeat("boss", ask)
        return flow.end("end")

    return body


async def test_an_answer_to_an_earlier_round_decides_nothing(
    client: inngest.Inngest, register: Register
) -> None:
    async with LocalEngine(client, [register(asking(None))]) as engine:
        run = await start(engine)
        first = {"tenant_id": 1, "approval_id": f"{run.id}:boss"}
        for said in ({"outcome": "returned"}, {"approved": True}, {"approved": False}):
            await engine.send({"name": "approval/response", "data": {**first, **said}})
            await engine.run_until_idle(ignore_timeouts=open_ended)
        assert [wait.step_id for wait in engine.waits] == ["boss#2/wait"]
        await answer(engine, "boss", approved=True)
        assert run.status == "Completed"


async def test_where_the_trigger_names_the_approval_an_answer_decides_the_open_round(
    client: inngest.Inngest, register: Register
) -> None:
    async with LocalEngine(client, [register(asking("data.approval_id"))]) as engine:
        run = await start(engine, {"tenant_id": 1, "approval_id": "A-7"})
        data = {"tenant_id": 1, "approval_id": "A-7"}
        for said in ({"outcome": "returned"}, {"approved": True}):
            await engine.send({"name": "approval/response", "data": {**data, **said}})
            await engine.run_until_idle(ignore_timeouts=open_ended)
        assert run.status == "Completed"


@pytest.mark.parametrize("limit", [1, 2])
async def test_a_way_back_taken_too_often_fails_the_run(
    client: inngest.Inngest, register: Register, limit: int
) -> None:
    async with LocalEngine(client, [register(drafting(limit))]) as engine:
        run = await start(engine)
        for _ in range(limit + 1):
            assert run.status == "Running"
            await answer(engine, "boss", outcome="returned")
        assert run.error is not None
        times = "once" if limit == 1 else "2 times"
        message = f"back edge `boss → draft` was taken more than {times}"
        assert run.error["message"] == message


async def test_ways_back_by_different_outcomes_of_a_node_are_counted_apart(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result | None:
        async def draft() -> Again | None:
            await flow.run("draft", done)
            match (await flow.approve("boss")).outcome:
                case "returned":
                    return flow.again("boss", to="draft", limit=2)
                case "rejected":
                    return flow.again("boss", to="draft", limit=1)
            return None

        await flow.repeat("draft", draft)
        return flow.end("sent")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        for outcome in ("returned", "rejected", "returned"):
            await answer(engine, "boss", outcome=outcome)
            assert run.status == "Running"
        await answer(engine, "boss", outcome="rejected")
        assert run.error is not None
        assert run.error["message"] == "back edge `boss → draft` was taken more than once"


async def test_a_loop_can_be_left_by_an_end(client: inngest.Inngest, register: Register) -> None:
    async with LocalEngine(client, [register(drafting(3))]) as engine:
        run = await start(engine)
        await answer(engine, "boss", outcome="returned")
        await answer(engine, "boss", approved=False)
        assert run.output is not None
        assert run.output["result"] == "rejected"
        assert "send" not in executions(run)


async def test_inner_loops_count_returns_per_entry_and_executions_over_the_run(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result | None:
        async def outer() -> Result | Again | None:
            async def inner() -> Result | Again | None:
                number = await flow.run("b", done, flow.get("steps.a.output"))
                rule = {"back": f"steps.c.output < {number + 2}"}
                await flow.run("c", count, flow.get("has(steps.c) ? steps.c.output : 0"))
                if flow.choose("d", rule, "on") == "back":
                    return flow.again("d", to="b", limit=2)
                return None

            await flow.run("a", done, flow.get("has(steps.c) ? steps.c.output : 0"))
            if ended := await flow.repeat("b", inner):
                return ended
            if flow.choose("f", {"back": "steps.c.output < 4"}, "on") == "back":
                return flow.again("f", to="a", limit=1)
            return None

        assert await flow.repeat("a", outer) is None
        return flow.end("end", output=flow.get("steps.c.output"))

    async def count(task: Task) -> Any:
        return task.input + 1

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert list(executions(run)) == [
            "a",
            "b",
            "c",
            "b#2",
            "c#2",
            "a#2",
            "b#3",
            "c#3",
            "b#4",
            "c#4",
        ]
        assert run.output is not None
        assert run.output["output"] == 4


async def test_a_way_back_out_of_an_arm_waits_for_the_others(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result | None:
        async def round() -> Result | Again | None:
            async def left() -> Again | None:
                await flow.run("left", done)
                if flow.choose("c", {"back": "!has(steps.right)"}, "on") == "back":
                    return flow.again("c", to="first", limit=1)
                return None

            async def right() -> None:
                await flow.sleep("nap", timedelta(seconds=30))
                await flow.run("right", done)

            await flow.run("first", done)
            return await flow.parallel(left, right)

        assert await flow.repeat("first", round) is None
        await flow.run("after", done)
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.status == "Completed", run.error
        assert executions(run) == dict.fromkeys(
            ["first", "left", "nap", "right", "first#2", "left#2", "nap#2", "right#2", "after"], 1
        )


@pytest.mark.parametrize("amount", [1, 20])
async def test_a_loop_with_several_exits_goes_on_by_those_it_was_left_by(
    client: inngest.Inngest, register: Register, amount: int
) -> None:
    async def body(flow: Flow) -> Result | None:
        async def round() -> Again | None:
            number = await flow.run("first", done, flow.get("has(steps.second) ? 2 : 1"))
            if number == 1:
                flow.leave("first", to="never")
                await flow.run("second", done)
                return flow.again("second", to="first", limit=1)
            rule = {"large": "event.data.amount > 10"}
            flow.leave("first", to=flow.choose("size", rule, "small"))
            return None

        async def loop() -> Any:
            return await flow.repeat("first", round)

        ended = await flow.region(
            Branch("first", loop),
            *(
                Branch(way, partial(flow.run, way, done), after=[Exit("first", way)])
                for way in ("never", "small")
            ),
            Branch(
                "large",
                partial(_leave, flow, "large"),
                after=[Exit("first", "large")],
                leaves=True,
            ),
        )
        assert flow.exit_of("first") == ("large" if amount > 10 else "small")
        return ended or flow.end("end")

    async def _leave(flow: Flow, name: str) -> None:
        await flow.run(name, done)

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine, {"tenant_id": 1, "amount": amount})
        assert run.status == "Completed", run.error
        assert list(executions(run)) == [
            "first", "second", "first#2", "large" if amount > 10 else "small",
        ]  # fmt: skip
        assert run.output is not None
        assert run.output["outcomes"].keys() == {"size"}


async def test_a_wait_in_a_loop_is_armed_in_each_round_before_what_triggers_it(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        async def round() -> None:
            async def order() -> None:
                await flow.send("order", "shop/order", {"n": flow.get("iteration")})

            received = await flow.wait("paid", "shop/paid", armed_with=order)
            assert received.outcome == "received"

        await flow.loop("orders", round, max_iterations=3)
        return flow.end("end", output=flow.get("steps.orders.outcome"))

    async with LocalEngine(client, [register(body)]) as engine:
        seen = []

        def pay(observation: Observation) -> None:
            event = getattr(observation, "event", {})
            if isinstance(event, dict) and event.get("name") == "shop/order":
                seen.append(event["data"]["n"])
                reply = {"name": "shop/paid", "data": {"tenant_id": 1}}
                engine.at(engine.clock.now(), partial(engine.send, reply))

        engine.subscribe(pay)
        run = await start(engine)
        assert run.status == "Completed", run.error
        assert seen == [0, 1, 2]
        assert executions(run) == dict.fromkeys(
            ["paid", "order", "paid#2", "order#2", "paid#3", "order#3"], 1
        )


@pytest.mark.parametrize("chosen", ["mail", "sms", "mail, sms", "post"])
async def test_an_inclusive_split_can_be_steered_to_every_combination(
    client: inngest.Inngest, register: Register, chosen: str
) -> None:
    async def body(flow: Flow) -> Result:
        taken = flow.choose_every("how", {"mail": "false", "sms": "event.nowhere"}, default="post")
        return flow.end("end", output=list(taken))

    def choose(workflow: str, step: str, ways: Sequence[str]) -> str:
        assert (workflow, step, list(ways)) == ("x", "how", ["mail", "sms", "mail, sms", "post"])
        return chosen

    with choosing_outcomes(choose):
        async with LocalEngine(client, [register(body)]) as engine:
            run = await start(engine)
            assert run.output is not None
            assert run.output["output"] == chosen.split(", ")
