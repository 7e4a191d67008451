"""Returns that end an iteration at once, whatever its other branches do."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import inngest
import pytest
from proflow_runtime import Again, Branch, Flow, Result, Task
from proflow_runtime.local import LocalEngine, Observation, RunRecord, StepPlanned
from proflow_runtime.status import InMemoryRecorder, recording

from .conftest import Register
from .driving import executions, open_ended, requests, start, started

pytestmark = pytest.mark.anyio

Arm = Callable[[], Awaitable[Any]]


async def done(task: Task) -> Any:
    return task.input


async def reply(engine: LocalEngine, run: RunRecord, approval: str, **said: Any) -> None:
    """Answers one execution of an approval, such as `boss#2`."""
    await late(engine, run, approval, **said)
    await engine.run_until_idle(ignore_timeouts=open_ended)


async def late(engine: LocalEngine, run: RunRecord, approval: str, **said: Any) -> None:
    """Sends an answer, and lets nothing happen yet."""
    data = {"tenant_id": 1, "approval_id": f"{run.id}:{approval}", **said}
    await engine.send({"name": "approval/response", "data": data})


async def returning(flow: Flow, node: str, *, to: str = "draft", limit: int = 3) -> Again | None:
    """An approval that returns at once, and goes on with a step if it does not."""
    if (await flow.approve(node)).outcome == "returned":
        return flow.again(node, to=to, limit=limit, at_once=True)
    await flow.run(f"{node}-file", done, flow.get("steps.draft.output"))
    return None


def review(*, limit: int = 3, nodes: tuple[str, ...] = ("legal", "money")) -> Any:
    """A draft that approvals look at, all at the same time, and may return."""

    async def body(flow: Flow) -> Result | None:
        async def round() -> Result | Again | None:
            await flow.run("draft", done, flow.get("has(steps.draft) ? steps.draft.output + 1 : 1"))
            arms: list[Arm] = [
                (lambda node=node: returning(flow, node, limit=limit)) for node in nodes
            ]
            return await flow.parallel(*arms)

        if ended := await flow.repeat("draft", round):
            return ended
        await flow.run("send", done, flow.get("steps.draft.output"))
        return flow.end("sent")

    return body


def output(run: RunRecord, step: str) -> Any:
    return next(one.output for one in run.steps if one.id == step)


def assert_each_step_ran_once(run: RunRecord) -> None:
    """Also not under an id that the SDK has made because its own was taken (`x:1`)."""
    assert set(executions(run).values()) == {1}
    assert not [step for step in executions(run) if ":" in step]


async def test_the_next_iteration_begins_while_another_approval_is_open(
    client: inngest.Inngest, register: Register
) -> None:
    recorder = InMemoryRecorder()
    with recording(recorder):
        async with LocalEngine(client, [register(review())]) as engine:
            run = await start(engine)
            await reply(engine, run, "legal", outcome="returned", comment="shorter")
            assert executions(run) == dict.fromkeys(
                [
                    "draft",
                    *("legal/wait", "legal/notify", "money/wait", "money/notify"),
                    "draft/returned",
                    "draft#2",
                    *("legal#2/wait", "legal#2/notify", "money#2/wait", "money#2/notify"),
                ],
                1,
            )
            states = recorder.runs[run.id].nodes
            assert {name: (one.status, one.round) for name, one in states.items()} == {
                "draft": ("completed", 2),
                "legal": ("waiting", 2),
                "money": ("waiting", 2),
            }
            for node in ("money#2", "legal#2"):
                await reply(engine, run, node, approved=True)
            assert run.status == "Completed", run.error
            assert run.output is not None
            assert run.output["outcomes"] == {"legal": "approved", "money": "approved"}
            assert output(run, "send") == 2
            assert_each_step_ran_once(run)


async def test_what_an_abandoned_branch_had_not_begun_is_its_first_execution_later(
    client: inngest.Inngest, register: Register
) -> None:
    async with LocalEngine(client, [register(review())]) as engine:
        run = await start(engine)
        await reply(engine, run, "legal", approved=True)
        await reply(engine, run, "money", outcome="returned")
        for node in ("legal#2", "money#2"):
            await reply(engine, run, node, approved=True)
        assert run.status == "Completed", run.error
        filed = {step: output(run, step) for step in executions(run) if "-file" in step}
        assert filed == {"legal-file": 1, "legal-file#2": 2, "money-file": 2}
        assert_each_step_ran_once(run)


@pytest.mark.parametrize("approved", [True, False])
async def test_an_answer_to_an_abandoned_approval_changes_nothing(
    client: inngest.Inngest, register: Register, approved: bool
) -> None:
    async with LocalEngine(client, [register(review())]) as engine:
        run = await start(engine)
        await reply(engine, run, "legal", outcome="returned")
        seen = executions(run)
        said = {"approved": True} if approved else {"outcome": "returned"}
        await reply(engine, run, "money", **said)
        assert executions(run) == seen
        await reply(engine, run, "money#2", approved=True)
        # The step that both iterations would come to is run once, by the second one.
        assert output(run, "money-file") == 2
        await reply(engine, run, "legal#2", approved=True)
        assert run.status == "Completed", run.error
        assert_each_step_ran_once(run)
        assert "draft#3" not in executions(run)
        assert output(run, "send") == 2


async def test_an_answer_after_the_next_iteration_has_gone_further_changes_nothing(
    client: inngest.Inngest, register: Register
) -> None:
    async with LocalEngine(client, [register(review())]) as engine:
        run = await start(engine)
        await reply(engine, run, "legal", outcome="returned")
        await reply(engine, run, "money#2", approved=True)
        await reply(engine, run, "money", approved=True)
        await reply(engine, run, "legal#2", approved=True)
        assert run.status == "Completed", run.error
        assert_each_step_ran_once(run)
        assert output(run, "money-file") == output(run, "legal-file") == output(run, "send") == 2


async def test_an_abandoned_timeout_changes_nothing(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result | None:
        async def round() -> Result | Again | None:
            await flow.run("draft", done)

            async def patient() -> Again | None:
                return await returning(flow, "legal", limit=1)

            async def impatient() -> Result | None:
                if (await flow.approve("money", timeout=timedelta(hours=2))).outcome == "timeout":
                    await flow.run("remind", done)
                    return flow.end("late", "late", terminate=True)
                return None

            return await flow.parallel(patient, impatient)

        if ended := await flow.repeat("draft", round):
            return ended
        return flow.end("sent")

    async with LocalEngine(client, [register(body)]) as engine:
        begun = engine.clock.now()
        await engine.send({"name": "x/start", "data": {"tenant_id": 1}})
        await engine.run_until_idle(until=begun + timedelta(hours=1))
        (run,) = engine.runs.values()
        await late(engine, run, "legal", outcome="returned")
        await engine.run_until_idle(until=begun + timedelta(hours=2, minutes=30))
        assert "remind" not in executions(run)
        assert run.status == "Running"
        await engine.run_until_idle(ignore_timeouts=open_ended)
        assert run.status == "Completed", run.error
        assert started(run)["remind"] == timedelta(hours=3).total_seconds()
        assert_each_step_ran_once(run)
        assert run.output is not None
        assert run.output["result"] == "late"


async def test_a_step_that_is_tried_again_is_left(
    client: inngest.Inngest, register: Register
) -> None:
    """Its next attempt comes in the iteration that has begun meanwhile, and does no harm."""
    called: list[Any] = []

    async def flaky(task: Task) -> Any:
        called.append((task.idempotency_key.partition(":")[2], task.attempt, task.input))
        if len(called) == 1:
            raise inngest.RetryAfterError("later", timedelta(hours=1))
        return task.input

    async def body(flow: Flow) -> Result | None:
        async def round() -> Result | Again | None:
            number = await flow.run("draft", done, flow.get("has(steps.draft) ? 2 : 1"))

            async def work() -> None:
                await flow.run("work", flaky, number)
                await flow.run("after", done, number)

            async def ask() -> Again | None:
                return await returning(flow, "boss")

            return await flow.parallel(work, ask)

        await flow.repeat("draft", round)
        await flow.run("send", done)
        return flow.end("sent")

    async with LocalEngine(client, [register(body)]) as engine:
        begun = engine.clock.now()
        await engine.send({"name": "x/start", "data": {"tenant_id": 1}})
        await engine.run_until_idle(until=begun + timedelta(minutes=1))
        (run,) = engine.runs.values()
        await reply(engine, run, "boss", outcome="returned")
        await reply(engine, run, "boss#2", approved=True)
        assert run.status == "Completed", run.error
        assert {step: output(run, step) for step in ("work#2", "after")} == {
            "work#2": 2,
            "after": 2,
        }
        assert [one for one in called if one[0] == "work#2"] == [("work#2", 1, 2)]
        assert executions(run).get("after#2") is None


@pytest.mark.parametrize("order", [("legal", "money"), ("money", "legal")])
async def test_of_two_returns_in_one_pass_the_smallest_node_counts(
    client: inngest.Inngest, register: Register, order: tuple[str, str]
) -> None:
    """Each may be taken once: the other one has not been."""
    async with LocalEngine(client, [register(review(limit=1))]) as engine:
        run = await start(engine)
        for node in order:
            await late(engine, run, node, outcome="returned")
        await engine.run_until_idle(ignore_timeouts=open_ended)
        first = output(run, "draft/returned")
        assert first["node"] in ("legal", "money")
        await reply(
            engine, run, "money#2" if first["node"] == "legal" else "legal#2", outcome="returned"
        )
        assert run.status == "Running", run.error
        assert "draft#3" in executions(run)
        assert_each_step_ran_once(run)


@pytest.mark.parametrize("limit", [1, 2])
async def test_a_bound_that_is_used_up_fails_the_run(
    client: inngest.Inngest, register: Register, limit: int
) -> None:
    recorder = InMemoryRecorder()
    with recording(recorder):
        async with LocalEngine(client, [register(review(limit=limit))]) as engine:
            run = await start(engine)
            for number in range(1, limit + 2):
                assert run.status == "Running"
                again = "" if number == 1 else f"#{number}"
                await reply(engine, run, f"legal{again}", outcome="returned")
            assert run.error is not None
            times = "once" if limit == 1 else f"{limit} times"
            message = f"back edge `legal → draft` was taken more than {times}"
            assert run.error["message"] == message
            assert recorder.runs[run.id].nodes["legal"].status == "failed"


async def test_a_failure_in_the_instant_of_a_return_fails_the_run(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result | None:
        async def round() -> Result | Again | None:
            await flow.run("draft", done)
            await flow.approve("gate")

            async def back() -> Again:
                return flow.again("gate", to="draft", limit=1, at_once=True)

            async def wrong() -> Result:
                return flow.fail("zzz", "broken")

            return await flow.parallel(back, wrong)

        await flow.repeat("draft", round)
        return flow.end("sent")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        await reply(engine, run, "gate", outcome="returned")
        assert run.status == "Failed"
        assert "draft/returned" not in executions(run)


def nested(inner_limit: int = 2, far: str = "far", near: str = "near") -> Any:
    """Approvals in an inner loop return to it, or to the one around it."""

    async def body(flow: Flow) -> Result | None:
        async def outer() -> Result | Again | None:
            await flow.run("draft", done)

            async def inner() -> Result | Again | None:
                await flow.run("check", done)

                async def outwards() -> Again | None:
                    return await returning(flow, far, to="draft", limit=2)

                async def inwards() -> Again | None:
                    return await returning(flow, near, to="check", limit=inner_limit)

                return await flow.parallel(outwards, inwards)

            return await flow.repeat("check", inner)

        if ended := await flow.repeat("draft", outer):
            return ended
        await flow.run("send", done)
        return flow.end("sent")

    return body


async def test_an_inner_loop_may_return_to_the_outer_one(
    client: inngest.Inngest, register: Register
) -> None:
    async with LocalEngine(client, [register(nested())]) as engine:
        run = await start(engine)
        await reply(engine, run, "near", outcome="returned")
        assert "draft#2" not in executions(run)
        await reply(engine, run, "far#2", outcome="returned")
        await reply(engine, run, "near#2", approved=True)
        await reply(engine, run, "far#3", approved=True)
        await reply(engine, run, "near#3", approved=True)
        assert run.status == "Completed", run.error
        assert [step for step in executions(run) if "/" not in step] == [
            "draft", "check", "check#2", "draft#2", "check#3", "far-file", "near-file", "send",
        ]  # fmt: skip
        assert {"check/returned", "draft/returned"} < executions(run).keys()
        assert_each_step_ran_once(run)


async def test_returns_are_counted_for_each_entry_of_a_loop(
    client: inngest.Inngest, register: Register
) -> None:
    async with LocalEngine(client, [register(nested(inner_limit=1))]) as engine:
        run = await start(engine)
        await reply(engine, run, "near", outcome="returned")
        await reply(engine, run, "far#2", outcome="returned")
        await reply(engine, run, "near#3", outcome="returned")
        assert run.status == "Running", run.error
        await reply(engine, run, "near#4", outcome="returned")
        assert run.error is not None
        message = "back edge `near → check` was taken more than once"
        assert run.error["message"] == message


async def test_items_of_a_foreach_return_each_for_itself(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        async def each() -> Result | None:
            async def round() -> Result | Again | None:
                await flow.run("draft", done, flow.get("item"))

                async def legal() -> Again | None:
                    return await returning(flow, "legal")

                async def money() -> Again | None:
                    return await returning(flow, "money")

                return await flow.parallel(legal, money)

            return await flow.repeat("draft", round)

        await flow.foreach("each", "['a', 'b']", each, result="draft")
        return flow.end("end", output=flow.get("steps.each.output"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        await reply(engine, run, "legal[1]", outcome="returned")
        assert "draft[1]#2" in executions(run)
        assert "draft[0]#2" not in executions(run)
        await reply(engine, run, "money[1]", outcome="returned")
        await reply(engine, run, "money[0]", outcome="returned")
        assert "draft[1]#3" not in executions(run)
        for node in ("legal[0]#2", "money[0]#2", "legal[1]#2", "money[1]#2"):
            assert run.status == "Running", run.error
            await reply(engine, run, node, approved=True)
        assert run.status == "Completed", run.error
        assert run.output is not None
        assert run.output["output"] == ["a", "b"]
        assert {"draft[0]/returned", "draft[1]/returned"} < executions(run).keys()
        assert_each_step_ran_once(run)


async def test_rounds_of_a_loop_container_return_each_for_itself(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        async def around() -> Result | None:
            async def round() -> Result | Again | None:
                await flow.run("draft", done, flow.get("iteration"))

                async def legal() -> Again | None:
                    return await returning(flow, "legal", limit=1)

                async def money() -> Again | None:
                    return await returning(flow, "money", limit=1)

                return await flow.parallel(legal, money)

            return await flow.repeat("draft", round)

        await flow.loop("twice", around, max_iterations=2, result="draft")
        return flow.end("end", output=flow.get("steps.twice.output"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        await reply(engine, run, "legal", outcome="returned")
        await reply(engine, run, "legal#2", approved=True)
        await reply(engine, run, "money#2", approved=True)
        # The bound is that of one round.
        await reply(engine, run, "legal#3", outcome="returned")
        await reply(engine, run, "legal#4", approved=True)
        await reply(engine, run, "money#3", approved=True)
        await reply(engine, run, "money#4", approved=True)
        assert run.status == "Completed", run.error
        assert [output(run, f"draft{n}") for n in ("", "#2", "#3", "#4")] == [0, 0, 1, 1]
        assert {"draft/returned", "draft#3/returned"} < executions(run).keys()
        assert_each_step_ran_once(run)


async def test_a_foreach_that_is_open_is_left(client: inngest.Inngest, register: Register) -> None:
    async def body(flow: Flow) -> Result | None:
        async def round() -> Result | Again | None:
            await flow.run("draft", done)

            async def items() -> None:
                async def each() -> None:
                    await flow.run("first", done, flow.get("item"))
                    await flow.sleep("nap", timedelta(hours=1))
                    await flow.run("last", done, flow.get("item"))

                await flow.foreach("each", "[1, 2, 3]", each, max_concurrency=2, catch=True)
                await flow.run("all", done)

            async def ask() -> Again | None:
                return await returning(flow, "boss")

            return await flow.parallel(items, ask)

        await flow.repeat("draft", round)
        return flow.end("sent", output=flow.get("steps.each.outcome"))

    recorder = InMemoryRecorder()
    with recording(recorder):
        async with LocalEngine(client, [register(body)]) as engine:
            begun = engine.clock.now()
            await engine.send({"name": "x/start", "data": {"tenant_id": 1}})
            await engine.run_until_idle(until=begun + timedelta(minutes=30))
            (run,) = engine.runs.values()
            await late(engine, run, "boss", outcome="returned")
            await engine.run_until_idle(until=begun + timedelta(minutes=70))
            # The items of the first iteration have slept enough, and do nothing more.
            assert not any(step.startswith("last") for step in executions(run))
            await late(engine, run, "boss#2", approved=True)
            await engine.run_until_idle(ignore_timeouts=open_ended)
            assert run.status == "Completed", run.error
            times = started(run)
            assert times["nap[0]#2"] == 1800
            assert times["last[0]"] == times["last[1]"] == 1800 + 3600
            assert times["last[2]"] == 1800 + 7200
            assert_each_step_ran_once(run)
            assert run.output is not None
            assert run.output["output"] == "default"


async def test_a_region_is_left_as_well(client: inngest.Inngest, register: Register) -> None:
    async def body(flow: Flow) -> Result | None:
        async def round() -> Result | Again | None:
            await flow.run("draft", done)

            async def work(node: str) -> None:
                await flow.run(node, done)

            return await flow.region(
                Branch[Result | Again | None]("legal", lambda: returning(flow, "legal")),
                Branch[Result | Again | None]("money", lambda: returning(flow, "money")),
                Branch("one", lambda: work("one"), after=["legal"]),
                Branch("both", lambda: work("both"), after=["legal", "money"]),
                Branch("last", lambda: work("last"), after=["one", "both"], leaves=True),
            )

        if ended := await flow.repeat("draft", round):
            return ended
        await flow.run("send", done)
        return flow.end("sent")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        await reply(engine, run, "legal", approved=True)
        await reply(engine, run, "money", outcome="returned")
        assert {"one", "draft#2"} < executions(run).keys()
        await reply(engine, run, "money#2", approved=True)
        await reply(engine, run, "legal#2", approved=True)
        assert run.status == "Completed", run.error
        assert [step for step in executions(run) if "/" not in step and "file" not in step] == [
            "draft", "one", "draft#2", "one#2", "both", "last", "send",
        ]  # fmt: skip
        assert_each_step_ran_once(run)


async def test_nobody_is_asked_in_an_iteration_that_is_over(
    client: inngest.Inngest, register: Register
) -> None:
    async with LocalEngine(client, [register(review(nodes=("a", "b", "c")))]) as engine:
        run = await start(engine)
        await reply(engine, run, "b", outcome="returned")
        for node in "abc":
            assert len(requests(engine, node)) == 2
        assert {wait.step_id for wait in engine.waits} >= {"a#2/wait", "b#2/wait", "c#2/wait"}


@pytest.mark.parametrize(("far", "near"), [("a", "b"), ("b", "a")])
@pytest.mark.parametrize("outwards_first", [True, False])
async def test_a_return_may_overtake_one_to_another_loop(
    client: inngest.Inngest, register: Register, far: str, near: str, outwards_first: bool
) -> None:
    """It comes when the other one is planned, and not memoised yet: the smallest node counts."""
    first, second = (far, near) if outwards_first else (near, far)
    async with LocalEngine(client, [register(nested(2, far, near))]) as engine:
        run = await start(engine)

        def overtake(seen: Observation) -> None:
            if isinstance(seen, StepPlanned) and (seen.step.id or "").endswith("/returned"):
                stop()
                answer = partial(late, engine, run, second, outcome="returned")
                engine.at(engine.clock.now(), answer)

        stop = engine.subscribe(overtake)
        await reply(engine, run, first, outcome="returned")
        assert run.status == "Running", run.error
        assert ("draft#2" in executions(run)) == (far == "a")
        assert "check#2" in executions(run)
        await reply(engine, run, f"{far}#2", outcome="returned")
        assert ("draft#3" if far == "a" else "draft#2") in executions(run)
        for node in (near, far):
            await reply(engine, run, f"{node}#3", approved=True)
        assert run.status == "Completed", run.error
        assert_each_step_ran_once(run)


async def test_a_failure_that_a_container_catches_may_overtake_a_return(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        async def each() -> Result | None:
            async def round() -> Result | Again | None:
                await flow.run("draft", done)

                async def ask() -> Again | None:
                    return await returning(flow, "boss")

                async def wait() -> None:
                    await flow.wait("news", "x/news")
                    flow.fail("broken", "broken")

                return await flow.parallel(ask, wait)

            return await flow.repeat("draft", round)

        await flow.foreach("each", "[1]", each, catch=True)
        await flow.run("after", done)
        return flow.end("end", output=flow.get("steps.each.outcome"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)

        def overtake(seen: Observation) -> None:
            if isinstance(seen, StepPlanned) and (seen.step.id or "").endswith("/returned"):
                stop()
                news = {"name": "x/news", "data": {"tenant_id": 1}}
                engine.at(engine.clock.now(), partial(engine.send, news))

        stop = engine.subscribe(overtake)
        await reply(engine, run, "boss[0]", outcome="returned")
        assert run.status == "Completed", run.error
        assert run.output is not None
        assert run.output["output"] == "error"
        assert_each_step_ran_once(run)
