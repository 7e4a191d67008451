"""What splitting a long program saves: bytes and time of a chain of steps, as one function or more.

Every request carries the outputs of all steps before it, so that the bytes of one function grow with
the square of its steps. The limit of 999 steps is lifted here for programs that are not split.
"""

import asyncio
import json
import logging
import time
from dataclasses import dataclass
from typing import Any

import inngest
from proflow_compiler.graph import build_graph
from proflow_compiler.lowering import lower
from proflow_compiler.lowering.splitting import split_into_parts
from proflow_compiler.reader import read
from proflow_runtime import Registry, Task, functions_of
from proflow_runtime.local import LocalEngine
from proflow_runtime.local.sdk import SdkApp
from proflow_runtime.protocol.wire import Answer
from proflow_schemas.definition import Definition

from benchmarks.designs import stepping_stones
from benchmarks.tables import show

SIZES = (100, 500, 900, 3_000)
OUTPUT = {"id": 17, "name": "a moderately long text value", "tags": ["a", "b", "c"], "ok": True}


@dataclass
class Cost:
    requests: int
    mebibytes: float
    seconds: float


class WeighedApp(SdkApp):
    """Counts requests and their bytes."""

    count = 0
    size = 0

    async def post(
        self, function_id: str, step: str, body: bytes, job: str, request: str
    ) -> Answer:
        self.count += 1
        self.size += len(body)
        return await super().post(function_id, step, body, job, request)


async def work(task: Task) -> Any:
    return OUTPUT


def main() -> None:
    logging.disable(logging.CRITICAL)
    rows = []
    for size in SIZES:
        whole = _definition(size)
        costs = {
            "one function": asyncio.run(_cost(whole)),
            "parts": asyncio.run(_cost(split_into_parts(whole, most_unsplit=99))),
        }
        one = costs["one function"]
        for kind, cost in costs.items():
            rows.append(
                (
                    f"{size:,} steps · {kind}",
                    f"{cost.requests:,}",
                    f"{cost.mebibytes:,.1f}",
                    f"{cost.seconds:,.2f}",
                    f"{cost.mebibytes / one.mebibytes:.2f}",
                    f"{cost.seconds / one.seconds:.2f}",
                )
            )
    columns = ("", "requests", "MiB sent", "s", "MiB over one", "s over one")
    show("a chain of steps on the local engine, split and not", columns, rows)


def _definition(size: int) -> Definition:
    text = json.dumps(stepping_stones(size).json())
    (design,) = read(text.encode(), "stones.json").designs
    definition, _ = lower(build_graph(design))
    return definition


async def _cost(definition: Definition) -> Cost:
    client = inngest.Inngest(app_id="bench", is_production=False)
    functions = functions_of(definition, client, Registry({"work": work}))
    engine = LocalEngine(client, functions, max_steps=100_000)
    app = engine._deployment.app = WeighedApp(client, functions)
    async with engine:
        begun = time.perf_counter()
        await engine.send({"name": "stones/start", "data": {"tenant_id": 1, "n": 1}})
        await engine.run_until_idle()
        seconds = time.perf_counter() - begun
    unfinished = [run for run in engine.runs.values() if run.status != "Completed"]
    if unfinished:
        raise RuntimeError(f"a run did not complete: {unfinished[0]}")
    return Cost(app.count, app.size / 2**20, seconds)


if __name__ == "__main__":
    main()
