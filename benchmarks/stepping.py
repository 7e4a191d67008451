"""What a step costs in `Flow`: the interpreter and generated code, beside the same by hand.

All three run the same chain of steps on the local engine, so that its own cost is in each. They
take turns; the ratios are of the medians of one run of this script.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import inngest

from benchmarks.designs import stepping_stones
from benchmarks.tables import show, verdict
from proflow_runtime.local import LocalEngine

STEPS, RUNS, ROUNDS = 20, 10, 15
TARGETS = {"interpreter": 1.15, "generated": 1.10}

Functions = Callable[[inngest.Inngest], list[inngest.Function[Any]]]


async def work(value: Any) -> Any:
    """What every step does: as good as nothing."""
    return {"seen": value, "ok": True}


def by_hand(client: inngest.Inngest) -> list[inngest.Function[Any]]:
    """The same steps as an Inngest expert would write them."""

    @client.create_function(
        fn_id="by-hand", trigger=inngest.TriggerEvent(event="stones/start"), retries=4
    )
    async def by_hand(ctx: inngest.Context) -> Any:
        seen: dict[str, Any] = {}
        for index in range(STEPS):
            value = {"n": ctx.event.data["n"], "index": index}
            seen[f"s{index}"] = await ctx.step.run(f"s{index}", work, value)
        return {"result": "completed", "output": seen[f"s{STEPS - 1}"]}

    return [by_hand]


KINDS: dict[str, Functions] = {"by hand": by_hand}


def main() -> None:
    logging.disable(logging.CRITICAL)
    times = asyncio.run(_times())
    least = median(times["by hand"])
    rows = []
    for kind, found in times.items():
        ratio = median(found) / least
        target = TARGETS.get(kind)
        rows.append((kind, f"{median(found) * 1000:.3f}", verdict(ratio, target) if target else ""))
    show(f"one step of {STEPS} in a row, local engine", ("", "ms", "over by hand"), rows)


async def _times() -> dict[str, list[float]]:
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(ROUNDS):
        for kind, functions in KINDS.items():
            times[kind].append(await _seconds_per_step(functions))
    return times


async def _seconds_per_step(functions: Functions) -> float:
    client = inngest.Inngest(app_id="bench", is_production=False)
    async with LocalEngine(client, functions(client)) as engine:
        begun = time.perf_counter()
        data = {"tenant_id": 1, "n": 1}
        for _ in range(RUNS):
            await engine.send({"name": "stones/start", "data": data})
            await engine.run_until_idle()
        seconds = time.perf_counter() - begun
        failed = [run for run in engine.runs.values() if run.status != "Completed"]
        if failed or len(engine.runs) != RUNS:
            raise RuntimeError(f"a run did not complete: {failed[:1]}")
    return seconds / (RUNS * STEPS)
