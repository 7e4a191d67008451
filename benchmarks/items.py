"""What 1,000 items of a `foreach` cost beside 100, and the same group of steps by hand.

Inngest sends a request for every step, with the outputs of the steps before it. By hand the whole
group is gone through each time, so that the cost grows with the square of the items; a `foreach` goes
through the one item that a request is for. What is left of the square is the SDK's, which reads all
outputs. The limit of 999 steps is lifted here.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from functools import partial
from typing import Any

import inngest
from proflow_compiler.graph import build_graph
from proflow_compiler.lowering import lower
from proflow_compiler.reader import read
from proflow_runtime import Registry, Task, functions_of
from proflow_runtime.local import LocalEngine
from proflow_runtime.status import InMemoryRecorder, recording
from proflow_schemas.definition import Definition, ForeachOp
from proflow_schemas.sizes import MAX_STEPS

from benchmarks.tables import show, verdict

SIZES = (100, 1_000)
LINEAR = 20.0
"""How much more ten times the items may cost."""
OUTPUT = {"id": 17, "name": "a moderately long text value", "tags": ["a", "b", "c"], "ok": True}


async def work(task: Task) -> Any:
    return OUTPUT


async def given() -> Any:
    return OUTPUT


def main() -> None:
    logging.disable(logging.CRITICAL)
    asyncio.run(_interpreted(10, recorded=True))  # what is imported late is
    kinds = {
        "foreach": partial(_interpreted, recorded=False),
        "foreach, recorded": partial(_interpreted, recorded=True),
        "by hand": _by_hand,
    }
    rows = []
    for kind, run in kinds.items():
        few, many = (_seconds(size, run) for size in SIZES)
        ratio = many / few
        shown = f"{ratio:.1f}" if run is _by_hand else verdict(ratio, LINEAR)
        rows.append((kind, f"{few:.2f}", f"{many:.2f}", shown))
    columns = ("", *(f"{size:,} items, s" for size in SIZES), "times")
    show("one step for each item of a list, local engine", columns, rows)


def _seconds(size: int, run: Callable[[int], Coroutine[Any, Any, None]]) -> float:
    """The processor's time of one run."""
    begun = time.process_time()
    asyncio.run(run(size))
    return time.process_time() - begun


async def _by_hand(size: int) -> None:
    client = inngest.Inngest(app_id="bench", is_production=False)

    @client.create_function(
        fn_id="by-hand", trigger=inngest.TriggerEvent(event="items/start"), retries=4
    )
    async def by_hand(ctx: inngest.Context) -> Any:
        steps = [partial(ctx.step.run, f"work[{n}]", given) for n in range(size)]
        return await ctx.group.parallel(tuple(steps), parallel_mode=inngest.ParallelMode.RACE)

    await _run(client, [by_hand], size)


async def _interpreted(size: int, *, recorded: bool) -> None:
    client = inngest.Inngest(app_id="bench", is_production=False)
    with ExitStack() as stack:
        if recorded:
            stack.enter_context(recording(InMemoryRecorder()))
        await _run(client, functions_of(_definition(), client, Registry({"work": work})), size)


async def _run(client: inngest.Inngest, functions: Any, size: int) -> None:
    async with LocalEngine(client, functions, max_steps=MAX_STEPS + SIZES[-1]) as engine:
        await engine.send({"name": "items/start", "data": {"tenant_id": 1, "l": [0] * size}})
        await engine.run_until_idle()
        (run,) = engine.runs.values()
        done = sum(step.op == "StepRun" for step in run.steps)
        if run.status != "Completed" or done != size:
            raise RuntimeError(f"the run did not do its steps: {run.status}, {done} of {size}")


def _definition() -> Definition:
    design = {
        "id": "items",
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "each", "type": "foreach", "data": {"items": "event.data.l"}},
            {"id": "work", "type": "task", "parentId": "each", "data": {"handler": "work"}},
            {"id": "end", "type": "end"},
        ],
        "edges": [{"source": "start", "target": "each"}, {"source": "each", "target": "end"}],
    }
    (found,) = read(json.dumps(design).encode(), "items.json").designs
    definition, _ = lower(build_graph(found))
    steps = [
        op.model_copy(update={"item_steps": 0}) if isinstance(op, ForeachOp) else op
        for op in definition.steps
    ]
    return definition.model_copy(update={"steps": steps})


if __name__ == "__main__":
    main()
