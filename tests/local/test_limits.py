"""What the engine refuses, at the start or when a run asks for it."""

import asyncio
from typing import Any

import inngest
import pytest
from inngest.experimental import ai
from local.scripted import App, give, only
from proflow_runtime.local import LocalEngine, Runaway, Unsupported
from proflow_runtime.local.settings import parse_duration


async def nothing(ctx: inngest.Context) -> None:
    return None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trigger": inngest.TriggerCron(cron="* * * * * *")}, "five fields"),
        ({"trigger": inngest.TriggerCron(cron="@every 1s")}, "five fields"),
        ({"trigger": inngest.TriggerCron(cron="61 * * * *")}, "not a cron expression"),
        ({"trigger": inngest.TriggerCron(cron="TZ=Nowhere/Land 0 0 * * *")}, "not a time zone"),
        ({"trigger": inngest.TriggerEvent(event="e", expression="a b")}, "trigger: ERROR"),
        ({"trigger": inngest.TriggerEvent(event="a*b")}, "at the end"),
        ({"trigger": inngest.TriggerEvent(event="ab*")}, "follows"),
        ({"trigger": []}, "1 to 10 triggers"),
        ({"trigger": [inngest.TriggerEvent(event=f"e{n}") for n in range(11)]}, "1 to 10"),
        ({"cancel": [inngest.Cancel(event=f"e{n}") for n in range(6)]}, "at most 5"),
        ({"cancel": [inngest.Cancel(event="e", if_exp="(")]}, "cancel: ERROR"),
        ({"concurrency": [inngest.Concurrency(limit=1)] * 3}, "at most 2"),
        ({"concurrency": [inngest.Concurrency(limit=1, scope="env")]}, "needs a key"),
        ({"idempotency": "event..x"}, "idempotency: ERROR"),
        (
            {
                "batch_events": inngest.Batch(max_size=2),
                "debounce": inngest.Debounce(period=1000),
            },
            "exclude",
        ),
    ],
)
def test_wrong_settings_are_refused_before_anything_runs(
    settings: dict[str, Any], message: str
) -> None:
    app = App()
    trigger = settings.pop("trigger", inngest.TriggerEvent(event="f"))
    app.functions.append(
        app.client.create_function(fn_id="f", trigger=trigger, **settings)(nothing)
    )
    with pytest.raises(Unsupported, match=message) as refused:
        app.engine()
    assert "function `app-f`" in str(refused.value)


def test_a_client_in_production_mode_is_refused() -> None:
    client = inngest.Inngest(app_id="app", is_production=True, signing_key="signkey-test-12")
    with pytest.raises(Unsupported, match="production mode"):
        LocalEngine(client, [])


def test_two_functions_of_one_id_are_refused() -> None:
    app = App()
    app.function("f")(nothing)
    app.function("f")(nothing)
    with pytest.raises(Unsupported, match="same id"):
        app.engine()


@pytest.mark.parametrize(("steps", "status"), [(30, "Completed"), (31, "Failed")])
def test_a_run_has_a_bounded_number_of_steps(steps: int, status: str) -> None:
    app = App()

    @app.function("f")
    async def f(ctx: inngest.Context) -> None:
        for number in range(steps):
            await ctx.step.run(f"s{number}", give(number))

    run = only(app.run("f", max_steps=30))
    assert run.status == status
    if status == "Failed":
        assert run.output["message"] == "a run may have at most 30 steps"


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([3, 3], None),
        ([5], "the output of step `s0` exceeds 4 MiB"),
        ([3] * 11, "the outputs of the run's steps exceed 32 MiB"),
    ],
)
def test_the_state_of_a_run_is_bounded(sizes: list[int], message: str | None) -> None:
    app = App()

    @app.function("f")
    async def f(ctx: inngest.Context) -> None:
        for number, size in enumerate(sizes):
            await ctx.step.run(f"s{number}", give("x" * (size * 2**20)))

    run = only(app.run("f"))
    assert run.status == ("Failed" if message else "Completed")
    if message:
        assert run.output["message"] == message


def test_inference_by_the_server_fails_the_run_clearly() -> None:
    app = App()

    @app.function("f")
    async def f(ctx: inngest.Context) -> Any:
        adapter = ai.openai.Adapter(auth_key="k", model="m")
        return await ctx.step.ai.infer("think", adapter=adapter, body={})

    run = only(app.run("f"))
    assert run.status == "Failed"
    assert run.output["message"] == (
        "step `think` asks for AIGateway, which the local engine cannot do"
    )


@pytest.mark.parametrize("output", [float("nan"), 10**400, {"deep": None}])
def test_output_that_is_no_json_for_the_server_fails_the_attempt(output: Any) -> None:
    if isinstance(output, dict):
        for _ in range(300):
            output = {"a": output}
    app = App()

    @app.function("f", retries=1)
    async def f(ctx: inngest.Context) -> Any:
        return await ctx.step.run("s", give(output))

    engine = app.run("f", trace=False)
    assert only(engine).status == "Failed"
    assert "the answer is not JSON" in only(engine).output["message"]
    assert len(only(engine).steps) == 2


def test_a_handler_that_is_cancelled_from_within_fails_its_attempt() -> None:
    app = App()

    @app.function("f", retries=1)
    async def f(ctx: inngest.Context) -> Any:
        async def work() -> str:
            if ctx.attempt == 0:
                raise asyncio.CancelledError
            return "second"

        return await ctx.step.run("s", work)

    assert only(app.run("f")).output == "second"


@pytest.mark.parametrize("text", ["", "5", "s", "1.5s", "-1s", "1y"])
def test_a_duration_is_a_number_and_a_unit(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)
    assert parse_duration("2w").days == 14


def test_events_that_trigger_each_other_for_ever_are_stopped() -> None:
    app = App()

    @app.function("f")
    async def f(ctx: inngest.Context) -> None:
        await app.client.send(inngest.Event(name="f"))

    with pytest.raises(Runaway, match="50 requests"):
        app.run("f", max_requests=50)
