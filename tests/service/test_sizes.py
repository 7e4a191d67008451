"""Runs that are too large fail, and the service goes on answering others."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import httpx
import pytest
from proflow_runtime import Task
from service.house import house, until
from stored.office import drawn, line

pytestmark = pytest.mark.anyio

POISON = {
    "id": "poison",
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "f", "type": "foreach", "data": {"items": "event.data.l"}},
        {"id": "w", "type": "task", "parentId": "f", "data": {"handler": "quick"}},
        {"id": "end", "type": "end"},
    ],
    "edges": [{"source": "start", "target": "f"}, {"source": "f", "target": "end"}],
}


async def quick(task: Task) -> Any:
    return {"seen": task.input}


def doubling(beginning: str) -> dict[str, Any]:
    names = [f"v{index}" for index in range(30)]
    values = [beginning]
    values += [f"steps.{name}.output.x + steps.{name}.output.x" for name in names[:-1]]
    sets = zip(names, values, strict=True)
    return line("doubling", *((name, "set", {"values": {"x": value}}) for name, value in sets))


async def published(client: httpx.AsyncClient, design: dict[str, Any]) -> None:
    assert (await client.post("/api/designs", json={"design": design})).status_code == 201
    answer = await client.post(f"/api/designs/{design['id']}/publish")
    assert answer.status_code == 200, answer.text


async def ended(client: httpx.AsyncClient, workflow: str, **data: Any) -> dict[str, Any]:
    """Start a run, and say how it has ended."""
    answer = await client.post("/api/runs", json={"workflow": workflow, "data": data})
    run = answer.json()["run_id"]

    async def over() -> Any:
        found = (await client.get(f"/api/runs/{run}")).json()
        return found if found["status"] in ("completed", "failed") else None

    found: dict[str, Any] = await until(over, within=120)
    return found


class Others:
    """Somebody else, who asks the service something all the time; `longest`: seconds."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client, self.answers, self.longest = client, 0, 0.0

    async def _ask(self) -> None:
        while True:
            begun = time.perf_counter()
            assert (await self._client.get("/api/me")).status_code == 200
            self.longest = max(self.longest, time.perf_counter() - begun)
            self.answers += 1
            await asyncio.sleep(0.01)

    @contextmanager
    def asking(self) -> Iterator[None]:
        task = asyncio.get_running_loop().create_task(self._ask())
        try:
            yield
        finally:
            task.cancel()


async def test_a_list_that_is_too_long_is_refused_while_others_are_answered(
    sqlite_database: str,
) -> None:
    async with house({"quick": quick}) as at:
        boss, other = await at.admin("boss", 1), Others(await at.user("eve", 2))
        await published(boss, POISON)
        with other.asking():
            found = await ended(boss, "poison", l=[0] * 300_000)
        assert found["status"] == "failed"
        assert "300,000 items of one step each: 300,000 steps" in found["error"]["message"]
        assert found["nodes"]["f"]["status"] == "failed"
        assert found["nodes"]["w"]["status"] in ("skipped", "pending")
        assert other.answers > 2
        assert (await ended(boss, "poison", l=[1, 2, 3]))["status"] == "completed"
        # The first step holds a run to its version: of 999 steps 998 are left.
        found = await ended(boss, "poison", l=[0] * 999)
        assert "999 steps and 1 for the rest" in found["error"]["message"]


@pytest.mark.parametrize("beginning", ["'aaaaaaaaaa'", "[1, 2, 3, 4, 5, 6, 7, 8, 9, 0]"])
async def test_values_that_double_fail_while_others_are_answered(
    sqlite_database: str, beginning: str
) -> None:
    async with house({}) as at:
        boss, other = await at.admin("boss", 1), Others(await at.user("eve", 2))
        await published(boss, doubling(beginning))
        with other.asking():
            found = await ended(boss, "doubling")
        assert found["status"] == "failed"
        message = found["error"]["message"]
        assert message.startswith("value `x` of `v1")
        assert message.endswith("more than the 4 MiB that a value may have")
        assert other.answers > 1


async def test_many_items_are_recorded_each_in_the_end(sqlite_database: str) -> None:
    nodes = {
        "start": ("start", {}),
        "each": ("foreach", {"items": "event.data.l"}),
        "end": ("end", {}),
    }
    design = drawn("many", nodes, list(pairwise(nodes)))
    inside = {"id": "w", "type": "task", "parentId": "each", "data": {"handler": "quick"}}
    design["nodes"].append(inside)
    async with house({"quick": quick}) as at:
        boss = await at.admin("boss", 1)
        await published(boss, design)
        found = await ended(boss, "many", l=list(range(60)))
        assert found["status"] == "completed"
        assert found["nodes"]["w"]["status"] == "completed"
        assert found["nodes"]["each"]["status"] == "completed"
