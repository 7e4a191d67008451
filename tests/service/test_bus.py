"""Whoever watches a run is woken, in whatever process it moved."""

import asyncio
import subprocess
import sys
from contextlib import AsyncExitStack

import pytest
from proflow_runtime.service.bus import Bus
from proflow_runtime.store import runs

pytestmark = pytest.mark.anyio
OTHER = """
import asyncio, sys
from proflow_runtime.store import runs
from proflow_runtime.store.database import connect

async def main():
    async with connect(sys.argv[1]):
        await runs.begin(1, "run", "inngest")
        await runs.finish(1, "run", "completed", answer={"result": "done", "output": None})

asyncio.run(main())
"""


async def started() -> None:
    await runs.create(runs.NewRun("run", 1, "leave", 1, "sha256:x", {}, "proflow-run"))


async def test_what_moves_here_wakes_everybody_at_once(database: str) -> None:
    bus = Bus()
    async with bus.watch("run") as one, bus.watch("run") as two, bus.watch("other") as other:
        bus.moved("run")
        assert [one.is_set(), two.is_set(), other.is_set()] == [True, True, False]
    bus.moved("run")  # nobody is there any more


async def test_what_moves_in_another_process_wakes_everybody(database: str) -> None:
    await started()
    bus = Bus()
    async with bus.running(), AsyncExitStack() as stack:
        watching = [await stack.enter_async_context(bus.watch("run")) for _ in range(3)]
        await asyncio.sleep(1.5)
        for event in watching:
            event.clear()
        command = [sys.executable, "-c", OTHER, database]
        await asyncio.to_thread(subprocess.run, command, check=True, timeout=60)
        async with asyncio.timeout(10):
            await asyncio.gather(*(event.wait() for event in watching))
    found = await runs.get(1, "run")
    assert found is not None
    assert (found.status, found.result) == ("completed", "done")
