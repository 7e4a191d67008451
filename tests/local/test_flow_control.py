"""Settings in front of a function: how many runs start, when, and what ends them."""

from datetime import datetime, timedelta
from typing import Any

import inngest
import pytest
from local.scripted import START, App, only, seconds
from proflow_runtime.local import LocalEngine


def plain(**settings: Any) -> App:
    app = App()

    @app.function("f", **settings)
    async def f(ctx: inngest.Context) -> Any:
        return [event.data.get("n") for event in ctx.events]

    return app


def sleeping(**settings: Any) -> App:
    app = App()

    @app.function("f", **settings)
    async def f(ctx: inngest.Context) -> Any:
        await ctx.step.sleep("nap", seconds(100))
        return ctx.event.data.get("n")

    return app


def sends(*events: tuple[float, dict[str, Any]]) -> Any:
    """A script: events `f`, or of the name given in their data, at seconds after the start."""

    def script(engine: LocalEngine) -> None:
        for after, data in events:
            event = {"name": data.get("event", "f"), "data": data}
            engine.at(START + seconds(after), lambda event=event: engine.send(event))

    return script


def starts(engine: LocalEngine) -> list[float]:
    times = [run.started_at for run in engine.runs.values() if run.started_at is not None]
    return [(at - START).total_seconds() for at in times]


def test_a_throttle_delays_what_exceeds_its_rate() -> None:
    app = plain(throttle=inngest.Throttle(limit=2, period=seconds(6), burst=1))
    engine = app.run(script=sends(*((0, {"n": n}) for n in range(6))))
    assert starts(engine) == [0, 0, 0, 3, 6, 9]
    assert [run.output for run in engine.runs.values()] == [[n] for n in range(6)]


def test_a_throttle_counts_per_key() -> None:
    throttle = inngest.Throttle(limit=1, period=seconds(10), burst=0, key="event.data.who")
    events = [(0, {"who": who}) for who in ("ann", "bob", "ann")]
    assert starts(plain(throttle=throttle).run(script=sends(*events))) == [0, 0, 10]


def test_a_rate_limit_drops_what_exceeds_it() -> None:
    app = plain(rate_limit=inngest.RateLimit(limit=2, period=timedelta(minutes=1)))
    engine = app.run(script=sends(*((after, {"n": after}) for after in (0, 10, 20, 61, 62))))
    assert [run.output for run in engine.runs.values()] == [[0], [10], [61]]


def test_a_debounce_waits_for_silence_and_takes_the_last_event() -> None:
    app = plain(debounce=inngest.Debounce(period=seconds(10)))
    engine = app.run(script=sends((0, {"n": 1}), (5, {"n": 2}), (12, {"n": 3}), (40, {"n": 4})))
    assert [run.output for run in engine.runs.values()] == [[3], [4]]
    assert starts(engine) == [22, 50]


def test_a_debounce_waits_no_longer_than_its_timeout() -> None:
    app = plain(debounce=inngest.Debounce(period=seconds(10), timeout=seconds(15)))
    engine = app.run(script=sends((0, {"n": 1}), (8, {"n": 2}), (14, {"n": 3})))
    assert (starts(engine), only(engine).output) == ([15], [3])


def test_a_batch_starts_when_it_is_full_or_old_enough() -> None:
    batch = inngest.Batch(
        max_size=2, timeout=seconds(30), key="event.data.who", if_exp="event.data.n < 9"
    )
    events = [
        (0, {"who": "a", "n": 1}), (1, {"who": "b", "n": 2}), (2, {"who": "a", "n": 3}),
        (3, {"who": "a", "n": 9}),
    ]  # fmt: skip
    engine = plain(batch_events=batch).run(script=sends(*events))
    assert [run.output for run in engine.runs.values()] == [[1, 3], [9], [2]]
    assert starts(engine) == [2, 3, 31]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("skip", [("Completed", 1), ("Completed", 3), ("Completed", 4)]),
        ("cancel", [("Cancelled", {}), ("Completed", 2), ("Completed", 3), ("Completed", 4)]),
    ],
)
def test_a_singleton_runs_once_per_key(mode: Any, expected: Any) -> None:
    app = sleeping(singleton=inngest.Singleton(mode=mode, key="event.data.who"))
    events = [
        (0, {"who": "a", "n": 1}), (10, {"who": "a", "n": 2}), (20, {"who": "b", "n": 3}),
        (500, {"who": "a", "n": 4}),
    ]  # fmt: skip
    engine = app.run(script=sends(*events))
    assert [(run.status, run.output) for run in engine.runs.values()] == expected


def test_an_idempotency_key_counts_once_within_a_day() -> None:
    app = plain(idempotency="event.data.key")
    events = [(0, {"key": 1, "n": 1}), (3600, {"key": 1, "n": 2}), (3600, {"key": 2, "n": 3})]
    engine = app.run(script=sends(*events, (86401, {"key": 1, "n": 4})))
    assert [run.output for run in engine.runs.values()] == [[1], [3], [4]]


def test_priority_orders_the_runs_of_one_instant() -> None:
    app = plain(priority=inngest.Priority(run="event.data.urgent ? 120 : 0"))
    events = [{"name": "f", "data": {"n": n, "urgent": n == 2}} for n in range(4)]
    engine = app.run(*events, trace=True)
    assert [one.response for one in engine.requests] == [[2], [0], [1], [3]]


@pytest.mark.parametrize(
    ("stop", "ended"),
    [
        ((10, {"event": "stop", "k": 1}), ("Cancelled", 10)),
        ((10, {"event": "stop", "k": 2}), ("Completed", 100)),
        ((10, {"event": "stop"}), ("Completed", 100)),
        ((31, {"event": "stop", "k": 1}), ("Completed", 100)),
    ],
)
def test_an_event_cancels_a_run_if_it_matches_in_time(stop: Any, ended: tuple[str, float]) -> None:
    cancel = inngest.Cancel(
        event="stop", if_exp="event.data.k == async.data.k", timeout=seconds(30)
    )
    engine = sleeping(cancel=[cancel]).run(script=sends((0, {"k": 1}), stop))
    run = only(engine)
    assert run.ended_at is not None
    assert (run.status, (run.ended_at - START).total_seconds()) == ended


def test_a_cancellation_that_compares_an_escaped_literal_never_happens() -> None:
    cancel = inngest.Cancel(event="stop", if_exp=r'async.data.k == "\u0061"')
    engine = sleeping(cancel=[cancel]).run(script=sends((0, {}), (10, {"event": "stop", "k": "a"})))
    assert only(engine).status == "Completed"


def test_an_event_can_trigger_and_cancel_without_cancelling_what_it_triggers() -> None:
    app = sleeping(cancel=[inngest.Cancel(event="f")])
    engine = app.run(script=sends((0, {"n": 1}), (50, {"n": 2})))
    assert [(run.status, run.output) for run in engine.runs.values()] == [
        ("Cancelled", {}),
        ("Completed", 2),
    ]


def test_a_run_that_cannot_start_or_finish_in_time_is_cancelled() -> None:
    finish = sleeping(timeouts=inngest.Timeouts(finish=seconds(60)))
    assert only(finish.run("f")).ended_at == START + seconds(60)

    start = plain(
        timeouts=inngest.Timeouts(start=seconds(60)),
        throttle=inngest.Throttle(limit=1, period=timedelta(hours=1), burst=0),
    )
    engine = start.run("f", "f")
    assert [run.status for run in engine.runs.values()] == ["Completed", "Cancelled"]
    assert [run.started_at for run in engine.runs.values()] == [START, None]
    assert engine.clock.now() == START + seconds(60)


def test_the_api_cancels_a_run_once() -> None:
    results: list[bool] = []

    async def cancel(engine: LocalEngine) -> None:
        results.append(await engine.cancel(only(engine).id))

    def script(engine: LocalEngine) -> None:
        sends((0, {}))(engine)
        for after in (10, 20):
            engine.at(START + seconds(after), lambda: cancel(engine))

    engine = sleeping().run(script=script)
    assert only(engine).ended_at == START + seconds(10)
    assert only(engine).output == {}
    assert results == [True, False]


def test_an_unknown_run_cannot_be_cancelled() -> None:
    async def script(engine: LocalEngine) -> None:
        with pytest.raises(KeyError):
            await engine.cancel("01ARZ3NDEKTSV4RRFFQ69G5FAV")

    sleeping().run(script=script)


# --- crons


def cron_app(cron: str) -> App:
    app = App()

    @app.function("c", trigger=inngest.TriggerCron(cron=cron))
    async def c(ctx: inngest.Context) -> Any:
        return ctx.event.data["fireAt"]

    return app


def test_a_cron_ticks_only_up_to_the_time_it_is_driven_to() -> None:
    engine = cron_app("0 */6 * * *").run(until=START + timedelta(days=1))
    assert [run.output for run in engine.runs.values()] == [
        "2026-01-01T06:00:00Z", "2026-01-01T12:00:00Z", "2026-01-01T18:00:00Z",
        "2026-01-02T00:00:00Z",
    ]  # fmt: skip
    assert next(iter(engine.runs.values())).started_at == START + timedelta(hours=6)
    assert not cron_app("0 */6 * * *").run().runs


def test_a_cron_goes_on_where_it_was_left() -> None:
    async def script(engine: LocalEngine) -> None:
        await engine.run_until_idle(until=START + timedelta(hours=7))
        await engine.run_until_idle(until=START + timedelta(hours=13))

    engine = cron_app("0 */6 * * *").run(script=script, until=START + timedelta(hours=18))
    hours = [run.output[11:13] for run in engine.runs.values()]
    assert hours == ["06", "12", "18"]


def test_a_cron_may_have_a_time_zone() -> None:
    engine = cron_app("TZ=Asia/Shanghai 0 9 * * 1-5").run(until=START + timedelta(days=4))
    assert [run.output for run in engine.runs.values()] == [
        "2026-01-01T01:00:00Z",
        "2026-01-02T01:00:00Z",
    ]


@pytest.mark.parametrize("fn_id", ["c", "app-c"])
def test_a_cron_can_be_fired_by_hand(fn_id: str) -> None:
    at = datetime(2026, 5, 4, 9, tzinfo=START.tzinfo)

    async def script(engine: LocalEngine) -> None:
        await engine.fire_cron(fn_id, at)
        with pytest.raises(KeyError):
            await engine.fire_cron("nobody")

    engine = cron_app("0 9 * * *").run(script=script)
    assert only(engine).output == "2026-05-04T09:00:00Z"
    assert only(engine).event["name"] == "inngest/scheduled.timer"
