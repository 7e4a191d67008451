"""What the service does by the second on one machine, on the durable local engine in real time.

Runs of five steps are started over HTTP, all at once, and driven to their ends; then fifty clients
ask for what people look at most. Everything is in this process, so figures hold for one core.
"""

import asyncio
import json
import random
import time
from contextlib import AsyncExitStack
from itertools import pairwise
from statistics import median, quantiles
from typing import Any

import httpx
import inngest
from proflow_runtime import status
from proflow_runtime.context.clock import RealClock
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.handlers.task import Task
from proflow_runtime.local import LocalEngine
from proflow_runtime.local.durable import DurableJournal
from proflow_runtime.local.durable_engine import DurableEngine
from proflow_runtime.service import ProFlow
from proflow_runtime.service.app import standalone
from proflow_runtime.status import Snapshot
from proflow_runtime.store import tokens
from proflow_runtime.store.database import connect, migrate
from proflow_runtime.store.models import NodeChange, Run

from benchmarks.databases import KINDS
from benchmarks.tables import show, verdict

RUNS, STEPS = 200, 5
CLIENTS, REQUESTS = 50, 20
MOST_WRITES = 1.0
"""Transactions for the states of nodes, by request of Inngest."""
PATHS = ("/api/runs", "/api/approvals", "/api/tasks", "/api/designs")


async def work(task: Task) -> Any:
    return task.input


def drawing() -> dict[str, Any]:
    names = ["start", *(f"t{number}" for number in range(STEPS)), "end"]
    kinds = ["start", *["task"] * STEPS, "end"]
    return {
        "id": "work",
        "nodes": [
            {"id": name, "type": kind, "data": {"handler": "work"} if kind == "task" else {}}
            for name, kind in zip(names, kinds, strict=True)
        ],
        "edges": [{"source": source, "target": target} for source, target in pairwise(names)],
    }


async def measure(url: str) -> list[tuple[str, str, str]]:
    async with connect(url, current=False):
        await migrate()
    passes = 0

    def seen(snapshot: Snapshot) -> None:
        nonlocal passes
        passes += 1

    client = inngest.Inngest(app_id="bench", is_production=False)
    seed, journal = random.SystemRandom().getrandbits(63), DurableJournal()
    async with (
        AsyncExitStack() as stack,
        connect(url),
        LocalEngine(client, [], clock=RealClock(), journal=journal, seed=seed) as engine,
    ):
        proflow = ProFlow(client, Registry({"work": work}), target=DurableEngine(engine, journal))
        driving = asyncio.create_task(engine.serve())
        async with proflow.running():
            stack.enter_context(status.recording(seen))
            token = await tokens.create(1, "ann", name="ann", roles=["admin"])
            transport = httpx.ASGITransport(standalone(proflow, functions=False))
            headers = {"authorization": f"Bearer {token.plain}"}
            async with httpx.AsyncClient(
                transport=transport, base_url="http://bench", headers=headers, timeout=120
            ) as http:
                found = await _runs(http)
                written = await NodeChange.all().distinct().values_list("run_id", "revision")
                # A run's end shares a transaction with its last nodes; the request that pins a run
                # to its version sees no nodes.
                by_request = (len(written) - RUNS) / (passes + RUNS)
                found.append(("states written by request", "", verdict(by_request, MOST_WRITES)))
                found += await _requests(http)
        engine.stop()
        await driving
    return found


async def _runs(http: httpx.AsyncClient) -> list[tuple[str, str, str]]:
    answer = await http.post("/api/designs", json={"design": drawing()})
    answer.raise_for_status()
    (await http.post("/api/designs/work/publish")).raise_for_status()
    begun = time.perf_counter()
    body = json.dumps({"workflow": "work"})
    kind = {"content-type": "application/json"}
    started = await asyncio.gather(
        *(http.post("/api/runs", content=body, headers=kind) for _ in range(RUNS))
    )
    if any(one.status_code != 201 for one in started):
        raise RuntimeError("a run was not started")
    starting = time.perf_counter() - begun
    while await Run.filter(status="completed").count() < RUNS:  # noqa: ASYNC110  # as a user looks
        await asyncio.sleep(0.05)
    took = time.perf_counter() - begun
    return [
        ("runs started by second", f"{RUNS / starting:.0f}", ""),
        ("runs finished by second", f"{RUNS / took:.0f}", ""),
        ("steps by second", f"{RUNS * STEPS / took:.0f}", ""),
    ]


async def _requests(http: httpx.AsyncClient) -> list[tuple[str, str, str]]:
    times: list[float] = []

    async def ask(number: int) -> None:
        for turn in range(REQUESTS):
            begun = time.perf_counter()
            answer = await http.get(PATHS[(number + turn) % len(PATHS)])
            answer.raise_for_status()
            times.append(time.perf_counter() - begun)

    await asyncio.gather(*(ask(number) for number in range(CLIENTS)))
    slow = quantiles(times, n=100)[98]
    return [
        (f"answer to {CLIENTS} clients, median ms", f"{median(times) * 1000:.0f}", ""),
        ("its 99th percentile, ms", f"{slow * 1000:.0f}", ""),
    ]


def main() -> None:
    for name, databases in KINDS:
        with databases(["service"]) as (url,):
            rows = asyncio.run(measure(url))
        show(f"The service on {name}: {RUNS} runs of {STEPS} steps", ("", "", "ratio"), rows)


if __name__ == "__main__":
    main()
