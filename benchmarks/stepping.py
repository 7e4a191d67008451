"""What a step costs in `Flow`: the interpreter and generated code, beside the same by hand.

All three run the same chain of steps on the local engine, so that its own cost is in each. They
take turns; the ratios are of the medians of one run of this script.
"""

import asyncio
import json
import logging
import sys
import time
from dataclasses import dataclass
from statistics import median
from types import ModuleType
from typing import Any

import inngest
from proflow_compiler.emit import Imports, emit_module
from proflow_compiler.graph import build_graph
from proflow_compiler.lowering import lower
from proflow_compiler.reader import read
from proflow_runtime import Registry, Task, functions_of
from proflow_runtime.local import LocalEngine
from proflow_schemas.definition import Definition

from benchmarks.designs import stepping_stones
from benchmarks.tables import show, verdict

STEPS, RUNS, ROUNDS = 20, 10, 15
TARGETS = {"interpreter": 1.15, "generated": 1.10}


@dataclass(frozen=True)
class App:
    """Functions that all do the same, and their client."""

    client: inngest.Inngest
    functions: list[inngest.Function[Any]]


async def work(task: Task) -> Any:
    """What every step does: as good as nothing."""
    return {"seen": task.input, "ok": True}


def by_hand() -> App:
    """The same steps as an Inngest expert would write them."""
    client = _client()

    async def step(value: Any) -> Any:
        return {"seen": value, "ok": True}

    @client.create_function(
        fn_id="by-hand", trigger=inngest.TriggerEvent(event="stones/start"), retries=4
    )
    async def by_hand(ctx: inngest.Context) -> Any:
        seen: Any = None
        for index in range(STEPS):
            value = {"n": ctx.event.data["n"], "index": index}
            seen = await ctx.step.run(f"s{index}", step, value)
        return {"result": "completed", "output": seen, "outcomes": {}}

    return App(client, [by_hand])


def interpreter() -> App:
    client = _client()
    return App(client, functions_of(_definition(), client, Registry({"work": work})))


def generated() -> App:
    host = ModuleType("stepping_host")
    vars(host).update(client=_client(), work=work)
    sys.modules[host.__name__] = host
    imports = Imports(client=f"{host.__name__}:client", handlers=host.__name__)
    module: dict[str, Any] = {"__name__": "stones"}
    exec(compile(emit_module(_definition(), imports), "stones.py", "exec"), module)
    return App(host.client, module["FUNCTIONS"])


def _client() -> inngest.Inngest:
    return inngest.Inngest(app_id="bench", is_production=False)


def _definition() -> Definition:
    text = json.dumps(stepping_stones(STEPS).json())
    (design,) = read(text.encode(), "stones.json").designs
    definition, _ = lower(build_graph(design))
    return definition


def main() -> None:
    logging.disable(logging.CRITICAL)
    apps = {app.__name__.replace("_", " "): app() for app in (by_hand, interpreter, generated)}
    times = asyncio.run(_times(apps))
    rows = []
    for kind, found in times.items():
        # Each round is compared with itself, so that a busy machine harms the figures less.
        ratio = median(one / least for one, least in zip(found, times["by hand"], strict=True))
        target = TARGETS.get(kind)
        rows.append((kind, f"{median(found) * 1000:.3f}", verdict(ratio, target) if target else ""))
    show(f"one step of {STEPS} in a row, local engine", ("", "ms", "over by hand"), rows)


async def _times(apps: dict[str, App]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {kind: [] for kind in apps}
    for number in range(ROUNDS + 1):
        for kind, app in apps.items():
            seconds = await _seconds_per_step(app)
            if number:  # the first round only warms up
                times[kind].append(seconds)
    return times


async def _seconds_per_step(app: App) -> float:
    async with LocalEngine(app.client, app.functions) as engine:
        begun = time.perf_counter()
        for _ in range(RUNS):
            await engine.send({"name": "stones/start", "data": {"tenant_id": 1, "n": 1}})
            await engine.run_until_idle()
        seconds = time.perf_counter() - begun
        runs = list(engine.runs.values())
        steps = {sum(step.op == "StepRun" for step in run.steps) for run in runs}
        if {run.status for run in runs} != {"Completed"} or steps != {STEPS} or len(runs) != RUNS:
            raise RuntimeError(f"a run did not do its steps: {runs[0]}")
    return seconds / (RUNS * STEPS)
