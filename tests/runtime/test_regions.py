"""Regions: branches that depend on each other crosswise, and inclusive splits into them."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import inngest
import pytest
from proflow_runtime import Branch, Flow, Result, Task
from proflow_runtime.local import LocalEngine

from .conftest import Register
from .driving import answer, executions, start, started

pytestmark = pytest.mark.anyio


async def done(task: Task) -> Any:
    return task.input


def step(flow: Flow, name: str, seconds: int = 0) -> Callable[[], Any]:
    async def body() -> None:
        if seconds:
            await flow.sleep(f"{name}-nap", timedelta(seconds=seconds))
        await flow.run(name, done)

    return body


async def test_an_n_shape_starts_everything_as_soon_as_it_may(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        ended = await flow.region(
            Branch("a", step(flow, "a", 10)),
            Branch("b", step(flow, "b", 25)),
            Branch("c", step(flow, "c"), after=["a"]),
            Branch("d", step(flow, "d", 5), after=["a", "b"]),
            Branch("e", step(flow, "e"), after=["c", "d"], leaves=True),
        )
        assert ended is None
        await flow.run("after", done)
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.status == "Completed"
        times = started(run)
        assert {name: times[name] for name in ("c", "d-nap", "d", "e", "after")} == {
            "c": 10, "d-nap": 25, "d": 30, "e": 30, "after": 30,
        }  # fmt: skip
        assert set(executions(run).values()) == {1}


async def test_a_branch_is_skipped_when_nothing_leads_to_it_and_so_is_what_follows(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        async def ask() -> None:
            await flow.approve("boss")

        async def refuse() -> Result:
            return flow.end("refused", "rejected")

        ended = await flow.region(
            Branch("boss", ask),
            Branch("no", refuse, after=[("boss", "rejected", "timeout")]),
            Branch("yes", step(flow, "yes"), after=[("boss", "approved")]),
            Branch("more", step(flow, "more"), after=["yes"]),
            Branch("both", step(flow, "both"), after=["more", "no"], leaves=True),
        )
        return ended or flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        for approved in (True, False):
            run = await start(engine)
            await answer(engine, "boss", approved=approved)
            assert run.status == "Completed"
            ran = {name for name in executions(run) if "/" not in name}
            assert ran == ({"yes", "more", "both"} if approved else set())
            assert run.output is not None
            assert run.output["result"] == ("completed" if approved else "rejected")


async def test_an_early_join_goes_on_at_its_nth_arrival_and_absorbs_the_rest(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        await flow.region(
            Branch("a", step(flow, "a", 30)),
            Branch("b", step(flow, "b", 20)),
            Branch("c", step(flow, "c", 10)),
            Branch("two", step(flow, "two"), after=["a", "b", "c"], needs=2, leaves=True),
        )
        await flow.run("after", done)
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert started(run)["two"] == 20
        assert started(run)["after"] == 30
        assert set(executions(run).values()) == {1}


async def test_a_chain_in_a_region_goes_on_within_one_pass(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        async def choose() -> None:
            flow.choose("c", {"left": "false"}, "right")

        ended = await flow.region(
            Branch("c", choose),
            Branch("l", step(flow, "l"), after=[("c", "left")], leaves=True),
            Branch("r", step(flow, "r"), after=[("c", "right")], leaves=True),
            Branch("m", step(flow, "m"), after=["l", "r"], leaves=True),
        )
        assert ended is None
        return flow.end("end")

    async with LocalEngine(client, [register(body)], trace=True) as engine:
        run = await start(engine)
        assert list(executions(run)) == ["r", "m"]


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(1, ["mail"]), (20, ["sms"]), (200, ["sms", "call"])],
)
async def test_an_inclusive_split_takes_every_outcome_whose_rule_holds(
    client: inngest.Inngest, register: Register, amount: int, expected: list[str]
) -> None:
    async def body(flow: Flow) -> Result:
        rules = {"sms": "event.data.amount > 10", "call": "event.data.amount > 100"}
        flow.choose_every("how", rules, default="mail")
        ended = await flow.region(
            *(
                Branch(way, step(flow, way), after=[("how", way)], leaves=True)
                for way in ("mail", "sms", "call")
            ),
        )
        assert ended is None
        return flow.end("end", output=flow.get("steps.how.outcome"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine, {"tenant_id": 1, "amount": amount})
        assert run.output == {
            "result": "completed", "output": expected, "outcomes": {"how": expected},
        }  # fmt: skip
        assert list(executions(run)) == expected


async def test_an_inclusive_split_without_a_match_fails_the_run(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        flow.choose_every("how", {"sms": "false"})
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.error is not None
        assert run.error["message"] == "no rule of `how` holds, and it has no default"


async def test_all_branches_of_a_region_may_end(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result | None:
        async def end(name: str, status: str) -> Result:
            await flow.run(f"{name}-step", done)
            return flow.end(name, status)

        if ended := await flow.region(
            Branch("a", partial(end, "z", "completed")),
            Branch("b", partial(end, "y", "withdrawn"), leaves=True),
        ):
            return ended
        return flow.end("never", "wrong")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output is not None
        assert run.output["result"] == "withdrawn"
