"""What a run's record and the observations tell."""

import asyncio
from typing import Any

import inngest
import pytest
from local.scripted import RACE, START, App, give, only, runs_of, seconds, watch
from proflow_runtime.local import (
    AttemptFailed,
    EventReceived,
    LocalEngine,
    RealClock,
    RunEnded,
    RunRecord,
    RunStarted,
    StepArmed,
    StepPlanned,
    StepSettled,
)


def log(run: RunRecord) -> list[tuple[Any, ...]]:
    return [
        (step.id, step.op, step.attempt, step.status, (step.at - START).total_seconds())
        for step in run.steps
    ]


def test_the_log_has_an_entry_per_attempt_and_per_wait() -> None:
    app = App()

    @app.function("child")
    async def child(ctx: inngest.Context) -> int:
        return 7

    @app.function("f", retries=1)
    async def f(ctx: inngest.Context) -> Any:
        async def flaky() -> str:
            if ctx.attempt == 0:
                raise ValueError("once")
            return "fine"

        async def left() -> Any:
            return await ctx.step.run("flaky", flaky)

        async def right() -> Any:
            await ctx.step.sleep("nap", seconds(5))
            return await ctx.step.wait_for_event("w", event="never", timeout=seconds(60))

        await ctx.group.parallel((left, right), parallel_mode=RACE)
        await ctx.step.invoke("call", function=child)

    (run,) = runs_of(app.run("f"), "f")
    assert log(run) == [
        ("flaky", "StepRun", 0, "retrying", 0),
        ("nap", "Sleep", 0, "completed", 5),
        ("w", "WaitForEvent", 0, "timed_out", 65),
        ("flaky", "StepRun", 1, "completed", 15),
        ("call", "InvokeFunction", 0, "completed", 65),
    ]
    first, nap, _, second, call = run.steps
    assert first.error == {"message": "once", "name": "ValueError", "stack": first.error["stack"]}
    assert first.next_at == START + seconds(15)
    assert second.output == "fine"
    assert nap.started_at == START
    assert call.output == 7


def test_repeated_ids_are_counted_and_open_steps_end_with_their_run() -> None:
    app = App()

    class End(Exception):
        pass

    @app.function("f")
    async def f(ctx: inngest.Context) -> Any:
        async def quick() -> None:
            await ctx.step.run("s", give(1))
            await ctx.step.run("s", give(2))
            raise End

        async def slow() -> None:
            await ctx.step.sleep("long", seconds(100))

        try:
            await ctx.group.parallel((slow, quick), parallel_mode=RACE)
        except End:
            return "early"

    run = only(app.run("f"))
    assert (run.output, run.ended_at) == ("early", START)
    assert log(run) == [
        ("long", "Sleep", 0, "cancelled", 0),
        ("s", "StepRun", 0, "completed", 0),
        ("s:1", "StepRun", 0, "completed", 0),
    ]
    assert run.waits == {}


def test_a_failing_body_is_logged_without_a_step() -> None:
    app = App()

    @app.function("f", retries=1)
    async def f(ctx: inngest.Context) -> None:
        raise RuntimeError("body")

    run = only(app.run("f"))
    assert log(run) == [(None, "Error", 0, "retrying", 0), (None, "Error", 1, "failed", 15)]
    assert run.error is not None
    assert (run.error["error"], run.error["message"]) == ("invalid status code: 500", "body")


def test_observations_come_in_order() -> None:
    app = App()

    @app.function("f", retries=1)
    async def f(ctx: inngest.Context) -> str:
        async def flaky() -> str:
            if ctx.attempt == 0:
                raise ValueError("once")
            return "fine"

        await ctx.step.sleep("nap", seconds(1))
        await ctx.group.parallel((lambda: ctx.step.run("flaky", flaky),), parallel_mode=RACE)
        return "done"

    seen: list[Any] = []
    app.run("f", script=lambda engine: seen.append(watch(engine)))
    kinds = [type(one) for one in seen[0]]
    assert kinds == [
        EventReceived, RunStarted, StepArmed, StepSettled, StepPlanned, AttemptFailed, StepSettled,
        RunEnded, EventReceived,
    ]  # fmt: skip
    failed = seen[0][5]
    assert (failed.error["message"], failed.next_at) == ("once", START + seconds(16))
    assert seen[0][-1].event["name"] == "inngest/function.finished"
    assert seen[0][-1].internal


def test_a_listener_can_unsubscribe() -> None:
    app = App()
    app.function("f")(nothing)
    seen: list[Any] = []

    def script(engine: LocalEngine) -> None:
        engine.subscribe(seen.append)()

    app.run("f", script=script)
    assert seen == []


async def nothing(ctx: inngest.Context) -> None:
    return None


def test_an_engine_is_driven_once_at_a_time() -> None:
    app = App()
    app.function("f")(nothing)

    async def script(engine: LocalEngine) -> None:
        async def again() -> None:
            with pytest.raises(RuntimeError, match="driven already"):
                await engine.run_until_idle()

        engine.at(START, again)

    app.run("f", script=script)


def test_leaving_the_engine_stops_requests_in_flight() -> None:
    app = App()
    cancelled: list[bool] = []

    @app.function("f")
    async def f(ctx: inngest.Context) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def main() -> None:
        async with app.engine(clock=RealClock()) as engine:
            await engine.send({"name": "f"})
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(engine.run_until_idle(), 0.1)
        assert only(engine).status == "Running"

    asyncio.run(main())
    assert cancelled == [True]


def test_the_failure_handler_runs_only_for_its_own_function() -> None:
    app = App()

    async def clean_up(ctx: inngest.Context) -> Any:
        return await ctx.step.run("note", give(ctx.event.data["error"]["message"]))

    @app.function("bad", retries=0, on_failure=clean_up)
    async def bad(ctx: inngest.Context) -> None:
        raise ValueError("bad one")

    @app.function("worse", retries=0)
    async def worse(ctx: inngest.Context) -> None:
        raise ValueError("worse one")

    engine = app.run("bad", "worse")
    (handled,) = runs_of(engine, "bad-failure")
    assert handled.output == "bad one"


def test_a_failure_handler_that_fails_ends_there() -> None:
    app = App()

    async def fails_too(ctx: inngest.Context) -> None:
        raise ValueError("again")

    @app.function("bad", retries=0, on_failure=fails_too)
    async def bad(ctx: inngest.Context) -> None:
        raise ValueError("bad one")

    engine = app.run("bad")
    assert [run.status for run in engine.runs.values()] == ["Failed", "Failed"]


def test_ids_of_functions_may_be_any_text() -> None:
    app = App()

    @app.function('a&b "c" ü#?', trigger=inngest.TriggerEvent(event='e"ü'))
    async def odd(ctx: inngest.Context) -> Any:
        return await ctx.step.run('s"ü\\', give('x"'))

    run = only(app.run({"name": 'e"ü', "id": 'i"d', "data": {'k"': "v\u2028"}}))
    assert run.output == 'x"'
    assert run.steps[0].id == 's"ü\\'
