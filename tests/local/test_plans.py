"""Requests of one moment that must have the same answer: the function is asked once."""

from functools import partial
from typing import Any

import inngest
import pytest
from local.scripted import RACE, App, only
from proflow_runtime.local import LocalEngine
from proflow_runtime.local.records import StepSettled
from proflow_runtime.local.sdk import SdkApp
from proflow_runtime.protocol.wire import Answer


async def _work() -> int:
    return 1


@pytest.fixture
def posts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The steps that the functions were asked for."""
    asked: list[str] = []
    post = SdkApp.post

    async def counted(
        self: SdkApp, function_id: str, step: str, body: bytes, job: str, request: str
    ) -> Answer:
        asked.append(step)
        return await post(self, function_id, step, body, job, request)

    monkeypatch.setattr(SdkApp, "post", counted)
    return asked


@pytest.mark.parametrize("trace", [True, False])
def test_steps_that_end_together_ask_once_for_what_follows(posts: list[str], trace: bool) -> None:
    app, members, rounds = App(), 20, 3

    @app.function("group")
    async def group(ctx: inngest.Context) -> int:
        async def member(number: int) -> None:
            for turn in range(rounds):
                await ctx.step.run(f"{number}/{turn}", _work)

        calls = tuple(partial(member, number) for number in range(members))
        await ctx.group.parallel(calls, parallel_mode=RACE)
        return 7

    engine = app.run("group", trace=trace)
    run = only(engine)
    assert (run.status, run.output, len(run.steps)) == ("Completed", 7, members * rounds)
    # One request to plan each round, one for each step, and one that finds the end.
    assert posts.count("step") == rounds + 1
    assert len(posts) == members * rounds + rounds + 1
    if trace:  # the server makes them all
        discovering = [one for one in engine.requests if one.step == "step"]
        assert len(discovering) == members * (rounds - 1) + 2
        assert len({len(one.body["ctx"]["stack"]["stack"]) for one in discovering}) == rounds + 1
        assert len({one.body["ctx"]["job_id"] for one in discovering}) == len(discovering)


def test_an_answer_that_executed_a_step_is_nobody_elses(posts: list[str]) -> None:
    app = App()
    executed: list[int] = []

    @app.function("after")
    async def after(ctx: inngest.Context) -> Any:
        steps = tuple(partial(ctx.step.run, f"s{number}", _work) for number in range(5))
        await ctx.group.parallel(steps, parallel_mode=RACE)

        async def plain() -> int:
            executed.append(1)
            return len(executed)

        return await ctx.step.run("plain", plain)

    run = only(app.run("after"))
    assert run.status == "Completed"
    # A plain step behind a group may be executed more than once, here as on the server.
    assert posts.count("step") > 2


def test_another_attempt_is_another_question(posts: list[str]) -> None:
    app = App()
    failures: list[int] = []

    @app.function("fails", retries=2)
    async def fails(ctx: inngest.Context) -> int:
        steps = tuple(partial(ctx.step.run, f"s{number}", _work) for number in range(3))
        done = await ctx.group.parallel(steps, parallel_mode=RACE)
        if done and not failures:
            failures.append(1)
            raise ValueError("once")
        return 1

    assert only(app.run("fails")).status == "Completed"


def test_a_request_for_a_step_is_always_made(posts: list[str]) -> None:
    """Also beside one that looks for what follows: each moment has both here."""
    app = App()

    @app.function("mixed")
    async def mixed(ctx: inngest.Context) -> None:
        async def waits(number: int) -> None:
            for turn in range(number):
                await ctx.step.wait_for_event(f"w{number}/{turn}", event="e", timeout=1000)
            await ctx.step.run(f"a{number}", _work)
            await ctx.step.run(f"b{number}", _work)

        calls = tuple(partial(waits, number) for number in range(5))
        await ctx.group.parallel(calls, parallel_mode=RACE)

    async def script(engine: LocalEngine) -> None:
        engine.subscribe(
            lambda seen: (
                engine.at(engine.clock.now(), partial(engine.send, {"name": "e"}))
                if isinstance(seen, StepSettled) and seen.step.op == "StepRun"
                else None
            )
        )

    run = only(app.run("mixed", script=script))
    assert run.status == "Completed"
    done = sorted(str(step.id) for step in run.steps if step.op == "StepRun")
    assert done == sorted(f"{name}{number}" for name in "ab" for number in range(5))
    assert len([step for step in posts if step != "step"]) == len(done)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("called_first", [True, False])
def test_a_request_for_a_step_has_no_other_requests_answer(turns: int, called_first: bool) -> None:
    """A called run ends in the moment in which the caller has planned a step.

    Then the request that looks for what follows the call is open together with the one for the step,
    with the same outputs, and its answer plans that step.
    """
    app = App()
    executed: list[str] = []

    @app.function("called")
    async def called(ctx: inngest.Context) -> None:
        for turn in range(turns):
            await ctx.step.run(f"t{turn}", _work)

    @app.function("caller")
    async def caller(ctx: inngest.Context) -> None:
        async def calls() -> None:
            await ctx.step.invoke("call", function=called)

        async def works() -> None:
            for name in "abc":

                async def work(name: str = name) -> None:
                    executed.append(name)

                await ctx.step.run(name, work)

        members = (calls, works) if called_first else (works, calls)
        await ctx.group.parallel(members, parallel_mode=RACE)

    engine = app.run("caller")
    assert {run.status for run in engine.runs.values()} == {"Completed"}
    assert executed == list("abc")
