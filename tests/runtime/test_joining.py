"""Joins that need every branch, and which of several stops in one instant counts."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import inngest
import pytest
from proflow_runtime import Again, Branch, Flow, Result, Task
from proflow_runtime.flow.structures import Needs
from proflow_runtime.local import LocalEngine

from .conftest import Register
from .driving import executions, start, started

pytestmark = pytest.mark.anyio

Arm = Callable[[], Awaitable[Any]]
MINUTE = timedelta(minutes=1)


async def done(task: Task) -> Any:
    return task.input


async def arrive(flow: Flow, name: str) -> None:
    await flow.run(name, done)


async def leave(flow: Flow, name: str, status: str = "left") -> Result:
    await flow.run(name, done)
    return flow.end(f"{name}-end", status)


def arms(flow: Flow, *leaving: str) -> list[Arm]:
    """Three branches, of which some come to an end of their own."""
    return [partial(leave if name in leaving else arrive, flow, name) for name in "abc"]


@pytest.mark.parametrize(
    ("needs", "leaving", "goes_on"),
    [
        ("all", "", True),
        ("all", "b", False),
        ("all", "abc", False),
        (None, "b", True),
        (None, "abc", False),
    ],
)
async def test_a_parallel_goes_on_if_as_many_arms_arrive_as_it_needs(
    client: inngest.Inngest, register: Register, needs: Any, leaving: str, goes_on: bool
) -> None:
    async def body(flow: Flow) -> Result | None:
        if ended := await flow.parallel(*arms(flow, *leaving), needs=needs):
            return ended
        await flow.run("after", done)
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.status == "Completed", run.error
        assert {"a", "b", "c"} <= executions(run).keys()
        assert ("after" in executions(run)) == goes_on
        assert run.output is not None
        assert run.output["result"] == ("left" if leaving else "completed")
        assert set(executions(run).values()) == {1}


async def test_the_other_arms_go_on_when_one_that_is_needed_has_left(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result | None:
        async def slowly() -> None:
            await flow.sleep("nap", MINUTE)
            await flow.run("slow", done)

        ended = await flow.parallel(partial(leave, flow, "quick"), slowly, needs="all")
        assert ended is not None
        return ended

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert started(run)["slow"] == 60
        assert run.output is not None
        assert run.output["result"] == "left"


@pytest.mark.parametrize("outer", ["all", None])
@pytest.mark.parametrize("leaving", ["", "b"])
async def test_a_parallel_that_starves_counts_as_one_arm_that_has_left(
    client: inngest.Inngest, register: Register, outer: Any, leaving: str
) -> None:
    async def body(flow: Flow) -> Result | None:
        async def nested() -> Result | None:
            if ended := await flow.parallel(*arms(flow, *leaving), needs="all"):
                return ended
            await flow.run("inner", done)
            return None

        ended = await flow.parallel(nested, partial(arrive, flow, "beside"), needs=outer)
        if ended:
            return ended
        await flow.run("after", done)
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert ("inner" in executions(run)) == (not leaving)
        assert ("after" in executions(run)) == (not leaving or outer is None)
        assert "beside" in executions(run)
        assert set(executions(run).values()) == {1}


@pytest.mark.parametrize("needs", ["all", None, 1])
@pytest.mark.parametrize("leaving", ["", "a", "ab"])
async def test_a_branch_runs_if_as_much_arrives_as_it_needs(
    client: inngest.Inngest, register: Register, needs: Needs, leaving: str
) -> None:
    async def body(flow: Flow) -> Result | None:
        a, b, c = arms(flow, *leaving)
        ended = await flow.region(
            Branch("a", a),
            Branch("b", b),
            Branch("c", c),
            Branch("join", partial(arrive, flow, "join"), after=["a", "b"], needs=needs),
            Branch("last", partial(arrive, flow, "last"), after=["join"]),
            Branch("crossed", partial(arrive, flow, "crossed"), after=["b", "c"]),
            Branch("after", partial(arrive, flow, "after"), after=["last", "crossed"], leaves=True),
        )
        assert ended is None
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.status == "Completed", run.error
        runs = len(leaving) < (1 if needs == "all" else 2)
        assert ("join" in executions(run)) == ("last" in executions(run)) == runs
        assert {"crossed", "after"} < executions(run).keys()
        assert set(executions(run).values()) == {1}


async def test_a_branch_that_needs_all_is_skipped_once_everything_has_settled(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result | None:
        async def slowly() -> None:
            await flow.sleep("nap", MINUTE)

        async def other() -> None:
            await flow.run("other", done)

        ended = await flow.region(
            Branch[Result | None]("quick", partial(leave, flow, "quick")),
            Branch("slow", slowly),
            Branch("join", partial(arrive, flow, "join"), after=["quick", "slow"], needs="all"),
            Branch("other", other, after=["join", "slow"]),
            Branch("last", partial(arrive, flow, "last"), after=["join", "other"], leaves=True),
        )
        assert ended is None
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert set(executions(run)) == {"quick", "nap", "other", "last"}
        assert started(run)["other"] == 60


# --- stops in one instant

Stop = tuple[str, str]
"""A node, and whether it fails the run or ends it in order."""

STOPS: list[tuple[Stop, Stop, str]] = [
    (("a", "ends"), ("b", "ends"), "a"),
    (("a", "fails"), ("b", "fails"), "a"),
    (("a", "ends"), ("b", "fails"), "b"),
    (("a", "fails"), ("b", "ends"), "a"),
]


async def stop(flow: Flow, node: str, how: str) -> Result:
    if how == "fails":
        return flow.fail(node, f"failed-{node}")
    return flow.end(node, f"ended-{node}", terminate=True)


def assert_decided(run: Any, node: str, how: str) -> None:
    if how == "fails":
        assert run.status == "Failed"
        assert f"failed-{node}" in run.error["message"]
    else:
        assert run.status == "Completed", run.error
        assert run.output["result"] == f"ended-{node}"


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("first", "second", "decides"), STOPS)
@pytest.mark.parametrize("where", ["arms", "nested", "region", "repeat", "loop", "foreach"])
async def test_of_two_stops_in_one_instant_one_decides(
    client: inngest.Inngest,
    register: Register,
    first: Stop,
    second: Stop,
    decides: str,
    turned: bool,
    where: str,
) -> None:
    """A failure, then the smallest node, in whatever order the branches stand."""

    async def body(flow: Flow) -> Result | None:
        one, other = (
            partial(stop, flow, *each) for each in (first, second)[:: -1 if turned else 1]
        )

        async def both() -> Result | None:
            return await flow.parallel(one, other)

        async def last() -> Result | Again | None:
            # In the second round, so that what was before it is there as well.
            await flow.sleep("nap", MINUTE)
            if flow.choose("more", {"back": "!has(steps.back)"}, "on") == "back":
                await flow.run("back", done)
                return flow.again("back", to="nap", limit=1)
            return await both()

        async def item() -> Result | None:
            which = flow.choose("which", {"one": "index == 0"}, "other")
            return await (one if which == "one" else other)()

        async def nested() -> Result | None:
            return await flow.parallel(one, partial(arrive, flow, "never"))

        match where:
            case "arms":
                return await both()
            case "nested":
                return await flow.parallel(nested, other)
            case "region":
                return await flow.region(Branch("x", one), Branch("y", other, leaves=True))
            case "repeat":
                return await flow.repeat("nap", last)
            case "loop":
                await flow.loop("rounds", both, max_iterations=2)
            case "foreach":
                await flow.foreach("each", "[0, 1]", item)
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        how = dict((first, second))[decides]
        assert_decided(run, decides, how)
        assert "never" not in executions(run)


@pytest.mark.parametrize("turned", [False, True])
async def test_a_failure_in_the_instant_of_an_end_counts_also_where_it_is_caught(
    client: inngest.Inngest, register: Register, turned: bool
) -> None:
    async def body(flow: Flow) -> Result:
        async def item() -> Result | None:
            which = flow.choose("which", {"one": "index == 0"}, "other")
            fails = (which == "one") != turned
            return await stop(flow, "b" if fails else "a", "fails" if fails else "ends")

        await flow.foreach("each", "[0, 1]", item, catch=True)
        await flow.run("after", done)
        return flow.end("end", output=flow.get("steps.each.outcome"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.status == "Completed", run.error
        assert "after" in executions(run)
        assert run.output is not None
        assert run.output["output"] == "error"


async def test_of_two_items_that_end_the_run_the_first_one_does(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        async def item() -> Result:
            return flow.end("over", "over", output=flow.get("item"), terminate=True)

        await flow.foreach("each", "['x', 'y']", item)
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output == {"result": "over", "output": "x", "outcomes": {}}
