"""Events: what the API takes, what they start, and the client's own `send`."""

import asyncio
from datetime import timedelta
from typing import Any

import inngest
import pytest
from local.scripted import START, App, give, only, runs_of, seconds
from proflow_runtime.local import EventReceived, LocalEngine, RealClock


def echo_app(**settings: Any) -> App:
    app = App()

    @app.function("echo", **settings)
    async def echo(ctx: inngest.Context) -> Any:
        return {"data": ctx.event.data, "id": ctx.event.id, "ts": ctx.event.ts}

    return app


def test_an_id_counts_once_within_a_day() -> None:
    def script(engine: LocalEngine) -> None:
        for hours in (0, 1, 23, 24):
            engine.at(
                START + timedelta(hours=hours),
                lambda hours=hours: engine.send({"name": "echo", "id": "x", "data": {"h": hours}}),
            )

    engine = echo_app().run(script=script)
    assert [run.output["data"]["h"] for run in engine.runs.values()] == [0, 24]
    assert len({one.id for one in engine.events if not one.internal}) == 4


def test_a_repeated_id_still_resumes_a_wait() -> None:
    app = App()

    @app.function("f")
    async def f(ctx: inngest.Context) -> Any:
        await ctx.step.sleep("nap", seconds(10))
        return await ctx.step.wait_for_event("w", event="go", timeout=60_000) is not None

    def script(engine: LocalEngine) -> None:
        for after in (1, 20):
            engine.at(START + seconds(after), lambda: engine.send({"name": "go", "id": "same"}))

    assert only(app.run("f", script=script)).output is True


def test_send_returns_the_engines_ids_and_not_the_senders() -> None:
    async def main() -> None:
        app = echo_app()
        async with app.engine() as engine:
            ids = await engine.send(inngest.Event(name="echo", id="mine"), {"name": "echo"})
            await engine.run_until_idle()
            given, made = engine.runs.values()
            assert given.output["id"] == "mine"
            assert made.output["id"] == ids[1]
            assert ids[0] != "mine"
            assert all(len(one) == 26 for one in ids)

    asyncio.run(main())


def test_an_event_of_the_future_starts_its_run_then() -> None:
    later = int((START + timedelta(days=1)).timestamp() * 1000)
    engine = echo_app().run({"name": "echo", "ts": later})
    assert only(engine).started_at == START + timedelta(days=1)
    assert only(engine).output["ts"] == later


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"data": {}}, "needs a name"),
        ({"name": ""}, "needs a name"),
        ({"name": "inngest/function.failed"}, "reserved"),
        ({"name": "x", "data": [1]}, "not an object"),
        ({"name": "x", "id": 5}, "no text"),
        ({"name": "x", "ts": "now"}, "milliseconds"),
        ({"name": "x", "ts": 10**18}, "milliseconds"),
        ({"name": "x", "ts": -1}, "milliseconds"),
        ({"name": "x", "data": {"a": float("nan")}}, "JSON"),
        ({"name": "x", "data": {"a": {1, 2}}}, "not JSON serializable"),
        ({"name": "x", "data": {"a": "y" * 3 * 2**20}}, "3 MiB"),
    ],
)
def test_the_api_refuses_what_is_no_event(event: Any, message: str) -> None:
    async def main() -> None:
        async with echo_app().engine() as engine:
            with pytest.raises(ValueError, match=message):
                await engine.send(event)

    asyncio.run(main())


def test_nothing_can_be_sent_or_driven_outside_of_the_context() -> None:
    async def main() -> None:
        engine = echo_app().engine()
        with pytest.raises(RuntimeError, match="not running"):
            await engine.send({"name": "echo"})
        with pytest.raises(RuntimeError, match="not running"):
            await engine.run_until_idle()

    asyncio.run(main())


def test_nested_data_has_a_limit_and_fails_clearly() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = {"a": deep}

    async def main() -> None:
        async with echo_app().engine() as engine:
            with pytest.raises(ValueError, match="200 levels"):
                await engine.send({"name": "echo", "data": {"deep": deep}})

    asyncio.run(main())


def test_a_trigger_may_be_a_prefix_and_have_a_condition() -> None:
    app = App()
    trigger = inngest.TriggerEvent(event="shop/*", expression="event.data.n > 1")

    @app.function("f", trigger=trigger)
    async def f(ctx: inngest.Context) -> str:
        return f"{ctx.event.name} {ctx.event.data['n']}"

    def event(name: str, n: Any) -> dict[str, Any]:
        return {"name": name, "data": {"n": n}}

    engine = app.run(
        event("shop/a", 1), event("shop/a", 2), event("shopping", 3), event("shop/b.c", 4),
        event("shop/a", "text"), {"name": "shop/a"},
    )  # fmt: skip
    assert [run.output for run in engine.runs.values()] == ["shop/a 2", "shop/b.c 4"]


def test_one_event_starts_a_function_with_two_matching_triggers_once() -> None:
    app = App()
    both = [inngest.TriggerEvent(event="a"), inngest.TriggerEvent(event="a")]

    @app.function("f", trigger=both)
    async def f(ctx: inngest.Context) -> None:
        return None

    assert len(app.run("a").runs) == 1


@pytest.mark.parametrize("real", [False, True])
def test_the_clients_own_send_reaches_the_engine(real: bool) -> None:
    app = App()
    hooks: list[str] = []

    class Hook(inngest.Middleware):
        async def before_send_events(self, events: list[inngest.Event]) -> None:
            hooks.append(f"before {events[0].name}")

        async def after_send_events(self, result: inngest.SendEventsResult) -> None:
            hooks.append(f"after {len(result.ids)}")

    app.client.add_middleware(Hook)

    @app.function("f")
    async def f(ctx: inngest.Context) -> Any:
        async def send() -> Any:
            return await app.client.send(inngest.Event(name="g", data={"n": 1}))

        return await ctx.step.run("send", send)

    @app.function("g")
    async def g(ctx: inngest.Context) -> Any:
        return ctx.event.data

    engine = app.run("f", **({"clock": RealClock()} if real else {}))
    (child,) = runs_of(engine, "g")
    assert child.output == {"n": 1}
    assert runs_of(engine, "f")[0].output == [child.event["id"]]
    assert hooks == ["before g", "after 1"]
    received = next(one for one in engine.events if one.event["name"] == "g")
    assert received.sender == runs_of(engine, "f")[0].id


def test_a_synchronous_function_sends_in_real_time_too() -> None:
    app = App()

    @app.function("f")
    def f(ctx: inngest.ContextSync) -> Any:
        return ctx.step.run("send", lambda: app.client.send_sync(inngest.Event(name="g")))

    @app.function("g")
    async def g(ctx: inngest.Context) -> str:
        return "got it"

    engine = app.run("f", clock=RealClock())
    assert runs_of(engine, "g")[0].output == "got it"


def test_an_event_sent_by_a_task_that_outlives_its_request_arrives() -> None:
    app = App()
    tasks: list[Any] = []

    @app.function("f")
    async def f(ctx: inngest.Context) -> None:
        async def later() -> None:
            await asyncio.sleep(0)
            await asyncio.sleep(0.01)
            await app.client.send(inngest.Event(name="g"))

        tasks.append(asyncio.create_task(later()))

    @app.function("g")
    async def g(ctx: inngest.Context) -> str:
        return "late"

    async def main() -> None:
        async with app.engine() as engine:
            await engine.send({"name": "f"})
            await engine.run_until_idle()
            assert runs_of(engine, "g") == []
            await asyncio.gather(*tasks)
            await engine.run_until_idle()
            assert runs_of(engine, "g")[0].output == "late"

    asyncio.run(main())


def test_events_of_a_failed_attempt_are_sent_and_deduplicated_by_id() -> None:
    app = App()

    @app.function("f", retries=2)
    async def f(ctx: inngest.Context) -> Any:
        async def send_and_fail() -> None:
            await app.client.send(inngest.Event(name="g", id=f"{ctx.event.id}:1"))
            if ctx.attempt < 2:
                raise ValueError("after sending")

        await ctx.step.run("s", send_and_fail)

    @app.function("g")
    async def g(ctx: inngest.Context) -> None:
        return None

    engine = app.run("f")
    assert len(runs_of(engine, "g")) == 1
    assert sum(one.event["name"] == "g" for one in engine.events) == 3


def test_the_client_is_itself_again_afterwards() -> None:
    app = echo_app()
    before = (app.client.send, app.client.send_sync, app.client.middleware)

    async def main() -> None:
        async with app.engine():
            assert app.client.send != before[0]
            with pytest.raises(RuntimeError, match="another local engine"):
                async with app.engine():
                    pass

    asyncio.run(main())
    assert (app.client.send, app.client.send_sync, app.client.middleware) == before
    assert "send" not in vars(app.client)


def test_a_failing_listener_stops_the_engine_where_it_is_driven() -> None:
    def listen(one: Any) -> None:
        if isinstance(one, EventReceived) and one.event["name"] == "g":
            raise LookupError("listener")

    for real in (False, True):
        app = App()

        @app.function("f")
        def f(ctx: inngest.ContextSync, app: App = app) -> None:
            ctx.step.run("send", lambda: app.client.send_sync(inngest.Event(name="g")))

        def script(engine: LocalEngine) -> None:
            engine.subscribe(listen)

        with pytest.raises(LookupError, match="listener"):
            app.run("f", script=script, **({"clock": RealClock()} if real else {}))


def test_a_handler_sees_json_as_go_leaves_it() -> None:
    app = App()

    @app.function("f")
    async def f(ctx: inngest.Context) -> Any:
        value = {"b": 2.0, "a": (2**53 + 1, "\ud800")}
        got: Any = await ctx.step.run("s", give(value))
        return [list(got), type(got["b"]).__name__, got["a"], ctx.event.data]

    engine = app.run({"name": "f", "data": {"z": 1.0, "y": 2**60 + 1}})
    assert only(engine).output == [
        ["a", "b"], "int", [2**53, "\ufffd"], {"y": 1152921504606847000, "z": 1},
    ]  # fmt: skip
