"""Bodies that await nothing are plain functions, and those that do nothing are left out."""

from datetime import timedelta
from typing import Any

import inngest
import pytest
from proflow_runtime import Again, Branch, Exit, Flow, Reminders, Result, Task
from proflow_runtime.local import LocalEngine
from proflow_schemas.definition import RequestedPolicy

from .conftest import Register
from .driving import executions, start

pytestmark = pytest.mark.anyio


async def done(task: Task) -> Any:
    return task.input


async def test_what_awaits_nothing_may_be_a_plain_function(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        def item() -> Result:
            return flow.end("item", output=flow.get("index"))

        def once() -> Result:
            return flow.end("aside")

        def round() -> None:
            flow.leave("first", to="on")

        async def work() -> None:
            await flow.run("work", done)

        await flow.foreach("each", "[1, 2, 3]", item)
        await flow.repeat("first", round)
        assert flow.exit_of("first") == "on"
        assert await flow.parallel(work, lambda: flow.end("arm")) is None
        ended = await flow.region(
            Branch("a", lambda: flow.set("a", {"n": "1"}), after=[Exit("first", "on")]),
            Branch("b", lambda: flow.end("b"), after=[Exit("first", "off", "else")]),
            Branch("c", lambda: flow.once("aside", once), after=["a"]),
        )
        assert ended == Result("aside", "completed")
        return flow.end("0", output=flow.get("[steps.each.output, steps.a.output.n]"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.status == "Completed", run.error
        assert executions(run) == {"work": 1}
        assert run.output is not None
        assert run.output["output"] == [[0, 1, 2], 1]


async def test_a_plain_body_may_go_back(client: inngest.Inngest, register: Register) -> None:
    async def body(flow: Flow) -> Result:
        def round() -> Again | None:
            flow.set("n", {"n": "has(steps.n) ? steps.n.output.n + 1 : 1"})
            more = flow.choose("more", {"yes": "steps.n.output.n < 3"}, default="no")
            return flow.again("more", to="n", limit=5) if more == "yes" else None

        await flow.repeat("n", round)
        return flow.end("end", output=flow.get("steps.n.output.n"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output is not None
        assert run.output["output"] == 3


async def test_a_branch_without_a_body_arrives_once_it_may(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        async def work() -> None:
            await flow.run("work", done)

        async def after() -> None:
            await flow.run("after", done)

        await flow.foreach("nothing", "[1, 2]")
        await flow.loop("nowhere", max_iterations=2)
        await flow.region(
            Branch("work", work),
            Branch("join", after=["work"]),
            Branch("after", after, after=["join"], leaves=True),
            Branch("way", after=[("work", "error")], leaves=True),
        )
        return flow.end("end", output=flow.get("steps.nothing.output"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.status == "Completed", run.error
        assert list(executions(run)) == ["work", "after"]
        assert run.output is not None
        assert run.output["output"] == [None, None]


async def test_an_outcome_that_nothing_is_compiled_for_fails_the_run(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        outcome = flow.choose("size", {"large": "true"})
        raise flow.unexpected(outcome, of="size")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.status == "Failed"
        assert run.error is not None
        assert run.error["message"] == "nothing follows `size` by the outcome `large`"


async def test_rules_of_an_outcome_are_chosen_and_counted_apart(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        async def round() -> Again | None:
            await flow.run("count", done, flow.get("has(steps.count) ? steps.count.output + 1 : 1"))
            rules = {"back": "steps.count.output < 3"}
            if flow.choose("count", rules, default="on", after="default") == "back":
                return flow.again("count", after="default", to="count", limit=1)
            return None

        await flow.repeat("count", round)
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.status == "Failed"
        assert run.error is not None
        assert run.error["message"] == "back edge `count → count` was taken more than once"


async def test_failed_tells_whether_a_step_took_its_error(
    client: inngest.Inngest, register: Register
) -> None:
    async def broken(task: Task) -> None:
        raise inngest.NonRetriableError("no such order")

    async def body(flow: Flow) -> Result:
        await flow.run("fine", done, catch=True)
        await flow.run("broken", broken, catch=True)
        assert [flow.failed(one) for one in ("fine", "broken", "never")] == [False, True, False]
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        assert (await start(engine)).status == "Completed"


@pytest.mark.parametrize(
    ("reminders", "policy"),
    [
        (Reminders(after=timedelta(days=1)), {"after": 86_400}),
        (
            Reminders(after=timedelta(hours=1), every=timedelta(minutes=30), max=3),
            {"after": 3600, "every": 1800, "max": 3},
        ),
        (Reminders(after=timedelta(seconds=1.5)), {"after": 1.5}),
    ],
)
def test_reminders_reach_the_host_in_seconds(reminders: Reminders, policy: dict[str, Any]) -> None:
    requested = RequestedPolicy(reminders=reminders)
    assert requested.document()["reminders"] == policy
    assert RequestedPolicy.model_validate(requested.document()) == requested
