"""What the engine has promised holds in the next process: here its lives follow one another."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import inngest
import pytest
from local.scripted import RACE, App, runs_of, seconds
from proflow_runtime.local import LocalEngine
from proflow_runtime.local.durable import DurableJournal
from proflow_runtime.store.database import connection, transaction
from proflow_runtime.store.ownership import JournalInUse, OwnershipLost

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)
GRACE = seconds(10)
PATIENCE = 20.0


class Ahead:
    """A wall clock that is ahead of others."""

    def __init__(self, span: timedelta) -> None:
        self.span = span

    def now(self) -> datetime:
        return datetime.now(UTC) + self.span


@asynccontextmanager
async def life(
    app: App, *, ahead: timedelta = timedelta(), grace: timedelta = GRACE, **options: Any
) -> AsyncIterator[LocalEngine]:
    """A process of the engine, from its start to a quiet end."""
    async with app.engine(
        clock=Ahead(ahead),
        journal=DurableJournal(),
        seed=random.getrandbits(63),
        retry_backoff=lambda _: HOUR / 2,
        **options,
    ) as engine:
        driving = asyncio.create_task(engine.serve(grace=grace))
        try:
            yield engine
        finally:
            engine.stop()
            await driving


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.005)


def ended(engine: LocalEngine, fn_id: str) -> list[str]:
    return [run.status for run in runs_of(engine, fn_id) if run.ended]


@pytest.fixture
def done() -> Counter[str]:
    """How often each step was executed."""
    return Counter()


def step(done: Counter[str], name: str, *, failures: int = 0) -> Callable[[], Any]:
    async def execute() -> int:
        done[name] += 1
        if done[name] <= failures:
            raise ValueError("not yet")
        return done[name]

    return execute


async def one(ctx: inngest.Context) -> int:
    return 1


async def test_a_wait_goes_on_where_it_was(database: str, done: Counter[str]) -> None:
    app = App()

    @app.function("asking")
    async def asking(ctx: inngest.Context) -> Any:
        before = await ctx.step.run("before", step(done, "before"))
        got = await ctx.step.wait_for_event(
            "answer", event="answer", timeout=HOUR, if_exp="event.data.n == async.data.n"
        )
        after = await ctx.step.run("after", step(done, "after"))
        return [before, got and got.data["said"], after]

    async with life(app) as engine:
        await engine.send(
            {"name": "asking", "data": {"n": 1}}, {"name": "asking", "data": {"n": 2}}
        )
        await until(lambda: len(engine.waits) == 2)
        first = {run.id: run.queued_at for run in engine.runs.values()}
    async with life(app) as engine:
        assert {run.id: run.queued_at for run in engine.runs.values()} == first
        await engine.send({"name": "answer", "data": {"n": 2, "said": "\u0000 ja \ud800 是"}})
        await until(lambda: ended(engine, "asking"))
        (answered,) = [run for run in engine.runs.values() if run.ended]
        assert answered.event["data"] == {"n": 2}
        assert len(answered.output) == 3
    async with life(app, ahead=2 * HOUR) as engine:
        (run,) = engine.runs.values()
        await until(lambda: run.ended)
        assert (run.status, run.output) == ("Completed", [1, None, 4 - len(first)])
    assert done == {"before": 2, "after": 2}
    async with life(app) as engine:
        assert not engine.runs


async def test_what_came_due_meanwhile_is_done_at_once(database: str, done: Counter[str]) -> None:
    app = App()

    @app.function("sleeper")
    async def sleeper(ctx: inngest.Context) -> Any:
        await ctx.step.sleep("nap", HOUR)
        return await ctx.step.run("woken", step(done, "woken"))

    @app.function("flaky", retries=2)
    async def flaky(ctx: inngest.Context) -> Any:
        return await ctx.step.run("try", step(done, "try", failures=1))

    @app.function("slow", timeouts=inngest.Timeouts(finish=HOUR))
    async def slow(ctx: inngest.Context) -> Any:
        await ctx.step.wait_for_event("never", event="never", timeout=9 * HOUR)

    async with life(app) as engine:
        await engine.send({"name": "sleeper"}, {"name": "flaky"}, {"name": "slow"})
        await until(lambda: len(engine.waits) == 2 and done["try"])
    assert done == {"try": 1}
    async with life(app) as engine:  # nothing is due yet
        assert len(engine.waits) == 2
    assert done == {"try": 1}
    async with life(app, ahead=2 * HOUR) as engine:
        await until(lambda: all(run.ended for run in engine.runs.values()))
        statuses = {run.function_id: run.status for run in engine.runs.values()}
    assert statuses == {
        "app-sleeper": "Completed",
        "app-flaky": "Completed",
        "app-slow": "Cancelled",
    }
    assert done == {"try": 2, "woken": 1}


async def test_attempts_are_counted_on(database: str, done: Counter[str]) -> None:
    app = App()

    @app.function("flaky", retries=2)
    async def flaky(ctx: inngest.Context) -> Any:
        return await ctx.step.run("try", step(done, "try", failures=9))

    for number in range(3):
        async with life(app, ahead=number * HOUR) as engine:
            if number == 0:
                await engine.send({"name": "flaky"})
            await until(lambda number=number: done["try"] == number + 1)
            if number == 2:
                await until(lambda: ended(engine, "flaky") == ["Failed"])
    async with life(app, ahead=9 * HOUR) as engine:
        assert not engine.runs


async def test_parallel_steps_and_children_are_not_done_again(
    database: str, done: Counter[str]
) -> None:
    app = App()

    @app.function("child")
    async def child(ctx: inngest.Context) -> Any:
        await ctx.step.wait_for_event("go", event="go", timeout=HOUR)
        return await ctx.step.run("work", step(done, "child"))

    @app.function("parent")
    async def parent(ctx: inngest.Context) -> Any:
        async def left() -> Any:
            return await ctx.step.invoke("call", function=child)

        async def right() -> Any:
            await ctx.step.run("one", step(done, "one"))
            await ctx.step.wait_for_event("go", event="go", timeout=HOUR)
            return await ctx.step.run("two", step(done, "two"))

        return await ctx.group.parallel((left, right), parallel_mode=RACE)

    async with life(app) as engine:
        await engine.send({"name": "parent"})
        await until(lambda: len(engine.waits) == 3)
    async with life(app) as engine:
        assert len(engine.waits) == 3
        await engine.send({"name": "go"})
        await until(lambda: all(run.ended for run in engine.runs.values()))
        (run,) = runs_of(engine, "parent")
        assert run.output == [1, 1]
    assert done == {"child": 1, "one": 1, "two": 1}


async def test_events_that_are_gathered_are_kept(database: str, done: Counter[str]) -> None:
    app = App()
    seen: list[Any] = []

    @app.function("batch", batch_events=inngest.Batch(max_size=3, timeout=seconds(30)))
    async def batch(ctx: inngest.Context) -> Any:
        seen.append(("batch", [event.data["n"] for event in ctx.events]))

    @app.function("calm", debounce=inngest.Debounce(period=seconds(30)))
    async def calm(ctx: inngest.Context) -> Any:
        seen.append(("calm", ctx.event.data["n"]))

    async with life(app) as engine:
        for n in range(4):
            await engine.send({"name": "batch", "data": {"n": n}})
            await engine.send({"name": "calm", "data": {"n": n}})
        await until(lambda: seen)
    assert seen == [("batch", [0, 1, 2])]
    functions, app.functions = app.functions, []
    async with life(app, ahead=HOUR) as engine:  # they wait for their functions
        await asyncio.sleep(0.05)
        engine.deploy(functions)
        await until(lambda: len(seen) == 3)
    assert sorted(map(str, seen[1:])) == ["('batch', [3])", "('calm', 3)"]


async def test_limits_and_duplicates_are_remembered(database: str, done: Counter[str]) -> None:
    app = App()

    @app.function("often", rate_limit=inngest.RateLimit(limit=2, period=HOUR))
    async def often(ctx: inngest.Context) -> Any:
        await ctx.step.run("often", step(done, "often"))

    @app.function("slowly", throttle=inngest.Throttle(limit=1, period=HOUR))
    async def slowly(ctx: inngest.Context) -> Any:
        await ctx.step.run("slowly", step(done, "slowly"))

    @app.function("once")
    async def once(ctx: inngest.Context) -> Any:
        await ctx.step.run("once", step(done, "once"))

    async with life(app) as engine:
        await engine.send({"name": "often"}, *[{"name": "slowly"}] * 3)  # two at once
        await engine.send({"name": "once", "id": "the one"})
        await until(lambda: len([run for run in engine.runs.values() if run.ended]) == 4)
    async with life(app) as engine:
        await engine.send({"name": "often"}, {"name": "often"}, {"name": "slowly"})
        await engine.send({"name": "once", "id": "the one"})
        await until(lambda: len(ended(engine, "often")) == 1)
        assert len(runs_of(engine, "often")) == 1
        assert not runs_of(engine, "once")
        assert len(runs_of(engine, "slowly")) == 2
    assert done == {"often": 2, "slowly": 2, "once": 1}
    async with life(app, ahead=3 * HOUR) as engine:
        await until(lambda: len(ended(engine, "slowly")) == 2)


async def test_the_last_tick_that_was_missed_is_made_up_for_once(database: str) -> None:
    app = App()
    ticks: list[str] = []

    @app.function("hourly", inngest.TriggerCron(cron="0 * * * *"))
    async def hourly(ctx: inngest.Context) -> Any:
        ticks.append(str(ctx.event.data["scheduledAt"]))

    async with life(app, ahead=3 * HOUR):  # a first start makes up for nothing
        await asyncio.sleep(0.05)
    assert ticks == []
    for _ in range(2):
        async with life(app, ahead=7 * HOUR):
            await asyncio.sleep(0.05)
            await until(lambda: ticks)
    last = Ahead(7 * HOUR).now().replace(minute=0, second=0)
    assert ticks == [f"{last:%Y-%m-%dT%H:%M:%SZ}"]
    functions, app.functions = app.functions, []
    async with life(app, ahead=8 * HOUR) as engine:  # also if it is deployed a little later
        await asyncio.sleep(0.05)
        engine.deploy(functions)
        await until(lambda: len(ticks) == 2)
        engine.deploy([])
    async with life(app, ahead=9 * HOUR) as engine:  # not if it was gone meanwhile
        engine.deploy(functions)
        await asyncio.sleep(0.05)
    assert len(ticks) == 2


async def test_runs_wait_for_a_function_that_is_gone(database: str, done: Counter[str]) -> None:
    app = App()

    @app.function("later")
    async def later(ctx: inngest.Context) -> Any:
        await ctx.step.sleep("nap", seconds(0.2))
        await ctx.step.run("work", step(done, "work"))

    async with life(app) as engine:
        await engine.send({"name": "later"})
        await until(lambda: engine.waits)
    functions, app.functions = app.functions, []
    async with life(app):
        pass
    async with life(app) as engine:
        assert not engine.runs
        engine.deploy(functions)
        await until(lambda: ended(engine, "later") == ["Completed"])
    assert done == {"work": 1}


async def test_a_cancelled_run_stays_so(database: str, done: Counter[str]) -> None:
    app = App()

    @app.function("asking", cancel=[inngest.Cancel(event="stop")])
    async def asking(ctx: inngest.Context) -> Any:
        await ctx.step.wait_for_event("answer", event="answer", timeout=HOUR)
        await ctx.step.run("work", step(done, "work"))

    async with life(app) as engine:
        ids = []
        for _ in range(2):
            await engine.send({"name": "asking"})
        await until(lambda: len(engine.waits) == 2)
        ids = list(engine.runs)
        assert await engine.cancel(ids[0])
    async with life(app) as engine:
        assert list(engine.runs) == ids[1:]
        await engine.send({"name": "stop"})
        assert ended(engine, "asking") == ["Cancelled"]
    async with life(app) as engine:
        await engine.send({"name": "answer"})
        assert not engine.runs
    assert not done


async def test_what_is_in_flight_ends_or_is_made_again(database: str, done: Counter[str]) -> None:
    app = App()
    may_end = asyncio.Event()

    @app.function("long")
    async def long(ctx: inngest.Context) -> Any:
        async def work() -> str:
            done["work"] += 1
            await may_end.wait()
            return "done"

        await ctx.step.run("work", work)
        return await ctx.step.run("next", step(done, "next"))

    async with life(app, grace=seconds(0.05)) as engine:
        await engine.send({"name": "long"})
        await until(lambda: done["work"])
    assert done == {"work": 1}
    async with life(app) as engine:
        await until(lambda: done["work"] == 2)
        asyncio.get_running_loop().call_later(0.1, may_end.set)
    assert done == {"work": 2}  # it ended within its grace, and nothing followed
    async with life(app) as engine:
        await until(lambda: ended(engine, "long") == ["Completed"])
    assert done == {"work": 2, "next": 1}


async def test_a_second_engine_is_refused(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proflow_runtime.store.ownership.PAUSE", 0.01)
    async with life(App()):
        with pytest.raises(JournalInUse, match=r"^process \d+ on .* runs the local engine") as told:
            await DurableJournal().open(lambda: None)
        assert told.value.help
    async with life(App()):
        pass


async def test_who_was_taken_over_from_writes_nothing_more(database: str) -> None:
    app = App()
    app.function("one")(one)

    async def lose() -> None:
        async with life(app) as engine:
            await engine.send({"name": "one"})
            await connection().execute_query(
                "UPDATE proflow_journal_owner SET epoch = epoch + 1, process = 'another'"
            )
            with pytest.raises(OwnershipLost):
                await engine.send({"name": "one"})

    with pytest.raises(OwnershipLost, match="another has taken over"):
        await lose()
    rows = await connection().execute_query_dict("SELECT id FROM proflow_journal_runs")
    assert len(rows) == 1
    async with life(app):  # the lock was given back nevertheless
        pass


async def test_events_are_not_sent_inside_of_a_transaction_on_sqlite(
    sqlite_database: str,
) -> None:
    app = App()
    app.function("one")(one)
    async with life(app) as engine:
        with pytest.raises(RuntimeError, match="after a transaction"):
            async with transaction():
                await engine.send({"name": "one"})


async def test_ended_runs_are_forgotten_in_time(database: str) -> None:
    app = App()
    app.function("one")(one)
    async with life(app) as engine:
        await engine.send({"name": "one"})
        await until(lambda: ended(engine, "one"))
    engine = app.engine(clock=Ahead(HOUR), journal=DurableJournal(retention=timedelta()))
    async with engine:
        async with asyncio.timeout(PATIENCE):
            query = "SELECT 1 FROM proflow_journal_runs"
            while await connection().execute_query_dict(query):  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.01)
    assert not await connection().execute_query_dict("SELECT 1 FROM proflow_journal_memos")
