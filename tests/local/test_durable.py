"""What the engine has promised is kept by another process on the same database."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import inngest
import pytest
from proflow_runtime.context.clock import RealClock
from proflow_runtime.local import LocalEngine
from proflow_runtime.local.durable import DurableJournal
from proflow_runtime.store.ownership import JournalInUse

pytestmark = pytest.mark.anyio
Make = Callable[[inngest.Inngest], Sequence[inngest.Function[Any]]]
_seed = count(1)
done: Counter[str] = Counter()


@asynccontextmanager
async def process(make: Make) -> AsyncIterator[LocalEngine]:
    """The engine of one process; it ends without notice."""
    client = inngest.Inngest(app_id="app", is_production=False)
    engine = LocalEngine(
        client, make(client), clock=RealClock(), journal=DurableJournal(), seed=next(_seed)
    )
    async with engine:
        driving = asyncio.create_task(engine.serve(grace=timedelta(0)))
        yield engine
        engine.stop()
        await driving


async def until(found: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not found():  # noqa: ASYNC110  # what is asked tells nobody
            await asyncio.sleep(0.02)


def function(client: inngest.Inngest, body: Any, name: str, **settings: Any) -> Any:
    trigger = inngest.TriggerEvent(event=name)
    return client.create_function(fn_id=name, trigger=trigger, **settings)(body)


def noting(step: str) -> Any:
    async def note() -> None:
        done[step] += 1

    return note


@pytest.fixture(autouse=True)
def nothing_done() -> None:
    done.clear()


def long(client: inngest.Inngest) -> list[Any]:
    async def body(ctx: inngest.Context) -> str:
        await ctx.step.run("a", noting("a"))
        await ctx.step.sleep("nap", timedelta(seconds=1))
        await ctx.step.run("b", noting("b"))
        got = await ctx.step.wait_for_event("w", event="go", timeout=timedelta(hours=1))
        await ctx.step.run("c", noting("c"))
        return "late" if got is None else str(got.data["n"])

    return [function(client, body, "long")]


async def test_a_run_goes_on_where_it_was(database: str) -> None:
    async with process(long) as engine:
        await engine.send({"name": "long", "data": {}})
        await until(lambda: done["a"] == 1)
        await asyncio.sleep(0.2)
    async with process(long) as engine:
        (run,) = engine.runs.values()
        await until(lambda: any(wait.op == "WaitForEvent" for wait in engine.waits))
    async with process(long) as engine:
        (run,) = engine.runs.values()
        await engine.send({"name": "go", "data": {"n": 7}})
        await until(lambda: run.ended)
        assert (run.status, run.output) == ("Completed", "7")
    assert done == {"a": 1, "b": 1, "c": 1}


async def test_an_attempt_that_failed_is_tried_again_by_the_next_process(database: str) -> None:
    def make(client: inngest.Inngest) -> list[Any]:
        async def fails() -> None:
            done["tried"] += 1
            if done["tried"] == 1:
                raise inngest.RetryAfterError("not yet", timedelta(seconds=1))

        async def body(ctx: inngest.Context) -> None:
            await ctx.step.run("a", fails)

        return [function(client, body, "try")]

    async with process(make) as engine:
        await engine.send({"name": "try", "data": {}})
        await until(lambda: done["tried"] == 1)
        await asyncio.sleep(0.2)
    async with process(make) as engine:
        (run,) = engine.runs.values()
        await until(lambda: run.ended)
        assert (run.status, done["tried"]) == ("Completed", 2)


async def test_batches_debounces_and_ids_are_remembered(database: str) -> None:
    def make(client: inngest.Inngest) -> list[Any]:
        async def gathered(ctx: inngest.Context) -> int:
            return len(ctx.events)

        async def last(ctx: inngest.Context) -> Any:
            return ctx.event.data["n"]

        second = timedelta(seconds=1)
        batch = inngest.Batch(max_size=10, timeout=second)
        return [
            function(client, gathered, "batch", batch_events=batch),
            function(client, last, "last", debounce=inngest.Debounce(period=second)),
            function(client, last, "once"),
        ]

    async with process(make) as engine:
        for n in range(3):
            await engine.send({"name": "batch", "data": {}})
            await engine.send({"name": "last", "data": {"n": n}})
        await engine.send({"name": "once", "id": "x", "data": {"n": 1}})
        await asyncio.sleep(0.2)
    async with process(make) as engine:
        await engine.send({"name": "once", "id": "x", "data": {"n": 2}})
        await until(lambda: len([run for run in engine.runs.values() if run.ended]) == 2)
        outputs = {run.function_id: run.output for run in engine.runs.values()}
        assert outputs == {"app-batch": 3, "app-last": 2}


async def test_runs_without_a_function_wait_for_it(database: str) -> None:
    async with process(long) as engine:
        await engine.send({"name": "long", "data": {}})
        await until(lambda: done["a"] == 1)
        await asyncio.sleep(0.2)
    async with process(lambda client: []) as engine:
        await asyncio.sleep(1.2)
        assert (dict(engine.runs), done["b"]) == ({}, 0)
    async with process(lambda client: []) as engine:
        engine.deploy(long(engine._client))
        await until(lambda: done["b"] == 1)


async def test_one_process_at_a_time_has_the_engine(database: str) -> None:
    async with process(long):
        with pytest.raises(JournalInUse, match="runs the local engine on this database already"):
            async with process(long):
                raise AssertionError("two had it")
    async with process(long):
        pass
