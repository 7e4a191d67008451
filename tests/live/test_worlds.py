"""The service on a real Inngest server (`pytest -m live`, with `INNGEST_DEV`), and the same on the
local engine, which stands in for it everywhere else."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from live.kinds import KINDS
from live.worlds import world
from proflow_runtime import Task
from proflow_runtime.store.models import Run
from service.house import until
from stored.office import drawn, line

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("kind", KINDS)]

done: Counter[str] = Counter()


async def work(task: Task) -> Any:
    done[f"{task.run_id}:{task.node_id}"] += 1
    return task.input


async def flaky(task: Task) -> Any:
    done[f"{task.run_id}:{task.node_id}"] += 1
    if task.attempt < 3:
        raise RuntimeError("not yet")
    return task.attempt


HANDLERS = {"work": work, "flaky": flaky}


async def test_an_event_starts_a_run(database: str, kind: str) -> None:
    async with world(kind, HANDLERS) as at:
        await at.publish(
            line("order", ("a", "task", {"handler": "work"}), trigger={"event": "o/m"})
        )
        await at.send("o/m", n=1)

        async def started() -> Any:
            return await Run.filter(workflow="order").first()

        run = await until(started, within=60)
        found = await at.ended(run.id)
        assert (found["status"], done[f"{run.id}:a"]) == ("completed", 1)


async def test_an_approval_that_is_answered_at_once(database: str, kind: str) -> None:
    ask = ("ask", "approval", {"approverType": "user", "approverIds": ["ben"]})
    async with world(kind, HANDLERS) as at:
        await at.publish(line("leave", ask))
        runs = [await at.begin("leave") for _ in range(10)]
        for _ in runs:
            await at.approve("ben")
        for run in runs:
            found = await at.ended(run)
            assert (found["status"], found["nodes"]["ask"]["outcome"]) == ("completed", "approved")


async def test_branches_do_not_wait_for_each_other(database: str, kind: str) -> None:
    nodes = {
        "start": ("start", {}),
        "fork": ("parallel", {}),
        "slow": ("delay", {"duration": "3s"}),
        "one": ("task", {"handler": "work"}),
        "two": ("task", {"handler": "work"}),
        "join": ("join", {"mode": "all"}),
        "last": ("task", {"handler": "work"}),
        "end": ("end", {}),
    }
    edges = [
        *(("start", "fork"), ("fork", "slow"), ("fork", "one"), ("one", "two")),
        *(("slow", "join"), ("two", "join"), ("join", "last"), ("last", "end")),
    ]
    async with world(kind, HANDLERS) as at:
        await at.publish(drawn("fork", nodes, edges))
        run = await at.begin("fork")
        await at.at(run, "two", "completed")
        assert (await at.proflow.status(1, run))["nodes"]["slow"]["status"] in (
            "running",
            "waiting",
        )
        found = await at.ended(run)
        assert found["status"] == "completed"
        assert [done[f"{run}:{node}"] for node in ("one", "two", "last")] == [1, 1, 1]


async def test_a_step_is_tried_again(database: str, kind: str) -> None:
    retry = {"maxAttempts": 3, "initialInterval": "1s", "maxInterval": "1s"}
    async with world(kind, HANDLERS) as at:
        await at.publish(line("attempts", ("a", "task", {"handler": "flaky", "retry": retry})))
        found = await at.ended(await at.begin("attempts"))
        assert (found["status"], found["nodes"]["a"]["attempts"]) == ("completed", 3)


async def test_a_run_is_cancelled(database: str, kind: str) -> None:
    async with world(kind, HANDLERS) as at:
        await at.publish(line("nap", ("sleep", "delay", {"duration": "1h"})))
        run = await at.begin("nap")
        await at.at(run, "start", "completed")
        await asyncio.sleep(1)
        await at.proflow.cancel(1, run)
        found = await at.ended(run)
        assert (found["status"], found["nodes"]["end"]["status"]) == ("cancelled", "skipped")


async def test_the_app_restarts_in_the_middle_of_a_run(database: str, kind: str) -> None:
    nodes = [
        ("a", "task", {"handler": "work"}),
        ("sleep", "delay", {"duration": "3s"}),
        ("b", "task", {"handler": "work"}),
    ]
    async with world(kind, HANDLERS) as at:
        await at.publish(line("long", *nodes))
        run = await at.begin("long")
        await at.at(run, "a", "completed")
        await at.stop()
        await at.start()
        found = await at.ended(run)
        assert found["status"] == "completed"
        assert (done[f"{run}:a"], done[f"{run}:b"]) == (1, 1)


async def test_a_version_is_published_in_the_middle_of_a_run(database: str, kind: str) -> None:
    def design(says: str) -> Any:
        ask = ("ask", "approval", {"approverType": "user", "approverIds": ["ben"]})
        canvas = line("talk", ask)
        canvas["nodes"][-1]["data"]["config"] = {"output": says}
        return canvas

    async with world(kind, HANDLERS) as at:
        await at.publish(design("old"))
        run = await at.begin("talk")
        await at.at(run, "ask", "waiting")
        await at.publish(design("new"))
        later = await at.begin("talk")
        await at.at(later, "ask", "waiting")
        for _ in range(2):
            await at.approve("ben")
        outputs = [(await at.ended(one))["output"] for one in (run, later)]
        assert outputs == ["old", "new"]
