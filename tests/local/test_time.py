"""Virtual time: exact, deterministic, and only as fast as something is due."""

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import inngest
import pytest
from local.scripted import RACE, START, App, give, only, runs_of, seconds, watch
from proflow_runtime.context import clock
from proflow_runtime.local import (
    ArmedWait,
    AttemptFailed,
    LocalEngine,
    RealClock,
    VirtualClock,
    inngest_backoff,
)


def busy_app() -> App:
    app = App()

    @app.function("busy", retries=2)
    async def busy(ctx: inngest.Context) -> Any:
        async def flaky() -> str:
            if ctx.attempt == 0:
                raise ValueError("once")
            return "fine"

        async def left() -> Any:
            await ctx.step.sleep("nap", seconds(90))
            return await ctx.step.send_event("tell", inngest.Event(name="told"))

        async def right() -> Any:
            return await ctx.step.run("flaky", flaky)

        return await ctx.group.parallel((left, right), parallel_mode=RACE)

    @app.function("told")
    async def told(ctx: inngest.Context) -> str:
        return ctx.event.id

    return app


def test_the_same_inputs_give_the_same_run_to_the_byte() -> None:
    def tell(engine: LocalEngine) -> str:
        told = [[asdict(run) for run in engine.runs.values()], list(map(asdict, engine.requests))]
        return json.dumps(told, default=str)

    first, second, other = (
        tell(busy_app().run("busy", "busy", trace=True, seed=seed)) for seed in (7, 7, 8)
    )
    assert first == second
    assert first != other


def test_seven_days_take_no_time() -> None:
    app = App()

    @app.function("long")
    async def long(ctx: inngest.Context) -> Any:
        await ctx.step.sleep("week", timedelta(days=7))
        return await ctx.step.wait_for_event("w", event="never", timeout=timedelta(days=30))

    engine = app.run("long")
    assert only(engine).ended_at == START + timedelta(days=37)
    assert engine.clock.now() == START + timedelta(days=37)


@pytest.mark.parametrize("duration", [timedelta(milliseconds=1234), 1234])
def test_a_sleep_is_exact(duration: timedelta | int) -> None:
    app = App()

    @app.function("f")
    async def f(ctx: inngest.Context) -> Any:
        return await ctx.step.sleep("nap", duration)

    run = only(app.run("f"))
    assert run.ended_at == START + timedelta(milliseconds=1234)
    assert run.output is None


def test_a_synchronous_function_sleeps_exactly_and_sees_virtual_time() -> None:
    app = App()

    @app.function("f")
    def f(ctx: inngest.ContextSync) -> Any:
        ctx.step.sleep("nap", timedelta(days=2))
        ctx.step.run("tell", lambda: app.client.send_sync(inngest.Event(name="g")))
        return clock.now().isoformat()

    @app.function("g")
    async def g(ctx: inngest.Context) -> None:
        return None

    engine = app.run("f")
    assert runs_of(engine, "f")[0].output == (START + timedelta(days=2)).isoformat()
    assert runs_of(engine, "g")[0].queued_at == START + timedelta(days=2)


def test_code_of_a_run_reads_the_virtual_clock_and_others_the_wall_clock() -> None:
    app = App()

    @app.function("f")
    async def f(ctx: inngest.Context) -> Any:
        async def read() -> str:
            await asyncio.sleep(0)
            return clock.now().isoformat()

        await ctx.step.sleep("nap", timedelta(hours=5))
        return [await ctx.step.run("read", read), clock.now().isoformat()]

    expected = (START + timedelta(hours=5)).isoformat()
    assert only(app.run("f")).output == [expected, expected]
    assert abs(clock.now() - datetime.now(UTC)) < seconds(5)


def test_retries_follow_inngests_table() -> None:
    app = App()

    @app.function("f", retries=12)
    async def f(ctx: inngest.Context) -> Any:
        async def fail() -> None:
            raise ValueError("no")

        await ctx.step.run("bad", fail)

    seen: list[Any] = []
    engine = app.run("f", script=lambda engine: seen.append(watch(engine)))
    failures = [one for one in seen[0] if isinstance(one, AttemptFailed)]
    gaps = [one.next_at - one.at for one in failures if one.next_at is not None]
    minutes = [0.25, 0.5, 1, 2, 5, 10, 20, 40, 60, 120, 120, 120]
    assert gaps == [timedelta(minutes=value) for value in minutes]
    assert gaps == [inngest_backoff(attempt) for attempt in range(12)]
    assert only(engine).status == "Failed"
    assert [step.status for step in only(engine).steps] == ["retrying"] * 12 + ["failed", "failed"]


@pytest.mark.parametrize(
    ("asked", "pause"),
    [(timedelta(hours=3), timedelta(hours=3)), (1500, seconds(1.5)), (seconds(40), seconds(40))],
)
def test_retry_after_a_duration_is_exact_in_virtual_time(
    asked: timedelta | int, pause: timedelta
) -> None:
    app = App()

    @app.function("f", retries=1)
    async def f(ctx: inngest.Context) -> Any:
        async def later() -> str:
            if ctx.attempt == 0:
                raise inngest.RetryAfterError("later", asked)
            return "done"

        return await ctx.step.run("s", later)

    run = only(app.run("f"))
    assert run.output == "done"
    assert run.ended_at == START + pause


def test_retry_after_a_time_of_the_virtual_clock_is_taken_as_it_is() -> None:
    app = App()

    @app.function("f", retries=1)
    async def f(ctx: inngest.Context) -> Any:
        if ctx.attempt == 0:
            raise inngest.RetryAfterError("later", clock.now() + timedelta(hours=30))
        return "done"

    assert only(app.run("f")).ended_at == START + timedelta(hours=30)


@pytest.mark.parametrize("ahead", [-4, -0.4, 0, 0.4, 4])
@pytest.mark.parametrize("kind", ["duration", "time"])
def test_pauses_are_exact_where_virtual_time_is_close_to_the_wall_clock(
    ahead: float, kind: str
) -> None:
    app = App()

    @app.function("f", retries=3)
    async def f(ctx: inngest.Context) -> Any:
        async def later() -> str:
            if ctx.attempt < 3:
                pause = seconds(5)
                when = pause if kind == "duration" else clock.now() + pause
                raise inngest.RetryAfterError("later", when)
            return "done"

        return await ctx.step.run("s", later)

    start = VirtualClock(datetime.now(UTC) + seconds(ahead))
    began = start.now()
    assert only(app.run("f", clock=start)).ended_at == began + seconds(15)


def test_actions_of_one_instant_come_in_the_order_they_were_scheduled() -> None:
    app = App()

    @app.function("f")
    async def f(ctx: inngest.Context) -> None:
        return None

    order: list[tuple[str, datetime]] = []

    def script(engine: LocalEngine) -> None:
        def note(name: str) -> None:
            order.append((name, engine.clock.now()))

        for name, after in (("b", 60), ("a", 30), ("c", 60)):
            engine.at(START + seconds(after), lambda name=name: note(name))

    app.run(script=script)
    assert order == [
        ("a", START + seconds(30)),
        ("b", START + seconds(60)),
        ("c", START + seconds(60)),
    ]


def test_a_technical_timeout_is_open_ended() -> None:
    app = App()

    @app.function("f")
    async def f(ctx: inngest.Context) -> Any:
        found = await ctx.step.wait_for_event("w", event="go", timeout=timedelta(days=366))
        return found is not None

    def technical(wait: ArmedWait) -> bool:
        return wait.timeout == timedelta(days=366)

    engine = app.run("f", ignore_timeouts=technical)
    run = only(engine)
    assert run.status == "Running"
    assert [(wait.step_id, wait.op) for wait in run.waits.values()] == [("w", "WaitForEvent")]
    assert engine.clock.now() == START
    assert run.steps[0].status == "waiting"

    assert only(app.run("f")).output is False


def test_an_invocation_without_a_timeout_does_not_move_time() -> None:
    app = App()

    @app.function("child")
    async def child(ctx: inngest.Context) -> Any:
        return await ctx.step.wait_for_event("w", event="go", timeout=timedelta(days=300))

    @app.function("parent")
    async def parent(ctx: inngest.Context) -> Any:
        return await ctx.step.invoke("call", function=child)

    engine = app.run("parent", ignore_timeouts=lambda wait: wait.op == "WaitForEvent")
    assert engine.clock.now() == START
    assert [run.status for run in engine.runs.values()] == ["Running", "Running"]


def test_until_stops_at_that_time_and_later_goes_on() -> None:
    app = App()

    @app.function("f")
    async def f(ctx: inngest.Context) -> str:
        await ctx.step.sleep("nap", timedelta(hours=2))
        return "awake"

    async def main() -> None:
        async with app.engine() as engine:
            await engine.send(inngest.Event(name="f"))
            await engine.run_until_idle(until=START + timedelta(hours=1))
            assert engine.clock.now() == START + timedelta(hours=1)
            assert only(engine).steps[0].status == "sleeping"
            await engine.run_until_idle()
            assert only(engine).output == "awake"
            assert engine.clock.now() == START + timedelta(hours=2)

    asyncio.run(main())


def test_steps_overlap_in_real_time_within_the_limit_on_concurrency() -> None:
    def run(limit: int) -> int:
        app = App()
        state = {"now": 0, "most": 0}

        @app.function("f", concurrency=[inngest.Concurrency(limit=limit, key="event.data.who")])
        async def f(ctx: inngest.Context) -> None:
            async def work() -> None:
                state["now"] += 1
                state["most"] = max(state["most"], state["now"])
                await asyncio.sleep(0.02)
                state["now"] -= 1

            await ctx.step.run("work", work)

        events = [{"name": "f", "data": {"who": "ann"}} for _ in range(6)]
        engine = app.run(*events, clock=RealClock())
        assert {run.status for run in engine.runs.values()} == {"Completed"}
        return state["most"]

    assert run(2) == 2
    assert run(6) > 2


def test_a_virtual_clock_needs_an_aware_start_and_never_goes_back() -> None:
    with pytest.raises(ValueError, match="aware"):
        VirtualClock(datetime(2026, 1, 1))
    virtual = VirtualClock(START)
    virtual.advance_to(START + seconds(1))
    with pytest.raises(ValueError, match="go back"):
        virtual.advance_to(START)


def test_a_listener_can_answer_some_time_after_a_wait_was_armed() -> None:
    app = App()

    @app.function("f")
    async def f(ctx: inngest.Context) -> Any:
        found = await ctx.step.wait_for_event("w", event="go", timeout=timedelta(days=3))
        return found.data if found else None

    def script(engine: LocalEngine) -> None:
        async def answer() -> None:
            await engine.send(inngest.Event(name="go", data={"by": "ann"}))

        def listen(one: Any) -> None:
            if type(one).__name__ == "StepArmed":
                engine.at(one.at + timedelta(hours=5), answer)

        engine.subscribe(listen)

    engine = app.run("f", script=script)
    assert only(engine).output == {"by": "ann"}
    assert only(engine).ended_at == START + timedelta(hours=5)


def test_a_run_that_has_ended_is_asked_no_more() -> None:
    app = App()

    @app.function("f")
    async def f(ctx: inngest.Context) -> Any:
        return await ctx.group.parallel(
            (lambda: ctx.step.run("a", give(1)), lambda: ctx.step.run("b", give(2))),
            parallel_mode=RACE,
        )

    engine = app.run("f", trace=True)
    assert only(engine).output == [1, 2]
    assert len(engine.requests) == 4


def test_what_a_cancelled_run_had_planned_moves_no_time() -> None:
    app = App()

    @app.function("f", retries=9)
    async def f(ctx: inngest.Context) -> None:
        raise ValueError("always")

    def script(engine: LocalEngine) -> None:
        engine.at(START + seconds(20), lambda: engine.cancel(only(engine).id))

    engine = app.run("f", script=script)
    assert only(engine).status == "Cancelled"
    assert engine.clock.now() == START + seconds(20)
