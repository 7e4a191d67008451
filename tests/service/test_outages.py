"""`proflow serve --local` while its PostgreSQL restarts, and when it is asked to stop meanwhile."""

import asyncio
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from service.house import until
from service.test_serving import Process
from stored.office import line

from benchmarks.restarting import Server

pytestmark = [pytest.mark.anyio, pytest.mark.long]
SLOW = """
import asyncio

from proflow_runtime import handler


@handler
async def work(task):
    await asyncio.sleep(task.input["seconds"])
"""
WORK = ("work", "task", {"handler": "work", "input": {"seconds": "${event.data.seconds}"}})
WORK2 = ("again", *WORK[1:])


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[Server, Process]]:
    with tempfile.TemporaryDirectory(prefix="proflow-") as data:
        Path(data).chmod(0o755)  # noqa: ASYNC240
        server = Server(Path(data))
        try:
            await server.create()
            process = Process(folder, server.url, SLOW)
            await process.start()
            try:
                yield server, process
            finally:
                if process.returncode is None:
                    await process.end(signal.SIGKILL)
        finally:
            server.cleanup()


async def test_everything_goes_on_after_two_restarts_of_the_database(tmp_path: Path) -> None:
    async with served(tmp_path) as (server, process):
        async with process.user(process.first_token) as http:
            await http.post("/designs", json={"code": "w", "design": line("w", WORK, WORK2)})
            assert (await http.post("/designs/w/publish")).status_code == 200
            for mode in ("immediate", "fast"):
                begun = []
                for _ in range(5):
                    body = {"workflow": "w", "data": {"seconds": 1}}
                    begun.append((await http.post("/runs", json=body)).json()["run_id"])
                await server.stop(mode)
                health = await http.get(f"{process.address}/health")
                assert (health.status_code, health.headers["retry-after"]) == (503, "5")
                assert (await http.get(f"{process.address}/health/live")).status_code == 200
                refused = await http.get("/runs")
                assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
                await server.start()

                async def healthy() -> bool:
                    return (await http.get(f"{process.address}/health")).status_code == 200

                async def completed(runs: list[str] = begun) -> bool:
                    found = [await http.get(f"/runs/{run_id}") for run_id in runs]
                    return all(one.json().get("status") == "completed" for one in found)

                await until(healthy, within=30)
                await until(completed, within=60)
        assert await process.end(signal.SIGTERM) == 0


async def test_a_stop_while_the_database_is_away_is_obeyed(tmp_path: Path) -> None:
    async with served(tmp_path) as (server, process):
        async with process.user(process.first_token) as http:
            await http.post("/designs", json={"code": "w", "design": line("w", WORK)})
            await http.post("/designs/w/publish")
            await http.post("/runs", json={"workflow": "w", "data": {"seconds": 1}})
            await server.stop("immediate")
            await asyncio.sleep(2)
        begun = time.monotonic()
        await process.end(signal.SIGTERM)
        assert time.monotonic() - begun < 30


async def test_a_second_signal_ends_the_process_at_once(tmp_path: Path) -> None:
    process = Process(tmp_path, None, SLOW)
    await process.start()
    async with process.user(process.first_token) as http:
        await http.post("/designs", json={"code": "w", "design": line("w", WORK)})
        await http.post("/designs/w/publish")
        await http.post("/runs", json={"workflow": "w", "data": {"seconds": 60}})
        await asyncio.sleep(1)
    process.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.5)
    assert process.returncode is None  # it waits for the step
    begun = time.monotonic()
    assert await process.end(signal.SIGTERM) == 128 + signal.SIGTERM
    assert time.monotonic() - begun < 3
    log = (tmp_path / "log.txt").read_text()
    assert "ended at once: asked to stop again" in log
    database = tmp_path / "proflow.db"
    assert database.stat().st_mode & 0o077 == 0


async def test_a_process_that_was_frozen_goes_on_and_says_so(tmp_path: Path) -> None:
    process = Process(tmp_path, None, SLOW)
    await process.start()
    try:
        async with process.user(process.first_token) as http:
            nap = ("nap", "delay", {"duration": "3s"})
            await http.post("/designs", json={"code": "w", "design": line("w", nap, WORK)})
            await http.post("/designs/w/publish")
            started = await http.post("/runs", json={"workflow": "w", "data": {"seconds": 1}})
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(6)
            process.send_signal(signal.SIGCONT)

            async def completed() -> bool:
                found = await http.get(f"/runs/{started.json()['run_id']}")
                return bool(found.json()["status"] == "completed")

            await until(completed, within=60)
            metrics = (await http.get(f"{process.address}/metrics")).text
            (lag,) = (
                float(one.split()[1])
                for one in metrics.splitlines()
                if one.startswith("proflow_event_loop_lag_seconds ")
            )
            assert lag > 4
            assert "the event loop stood still for" in (tmp_path / "log.txt").read_text()
    finally:
        await process.end(signal.SIGTERM)
