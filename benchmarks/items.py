"""What ten times the items of a `foreach` cost, beside the same group of steps by hand.

Inngest sends a request for every step, with the outputs of the steps before it. By hand the whole
group is gone through each time, so that the cost grows with the square of the items; a `foreach` goes
through the one item that a request is for. What is left of the square is reading the outputs, which
Inngest sends with every request. The limit of 999 steps is lifted here.

In virtual time steps that end together are followed by one request for what comes next. In real time,
as with a server, each step is followed by its own, and the answer names the open steps of all items:
their number times the number of requests is a square that stays. Replaying the items is no part of it,
as far as they are as they were in the request before (`flow/item_replays.py`).
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from typing import Any

import inngest
from proflow_compiler.graph import build_graph
from proflow_compiler.lowering import lower
from proflow_compiler.reader import read
from proflow_runtime import Registry, Task, functions_of
from proflow_runtime.local import LocalEngine, RealClock
from proflow_runtime.status import InMemoryRecorder, recording
from proflow_schemas.definition import Definition, ForeachOp
from proflow_schemas.sizes import MAX_STEPS

from benchmarks.tables import show, verdict

SIZES = ((90, 900), (24, 240))
"""The items of the lists, for items of one step and of `LONG` steps."""
LONG = 4
REAL_SIZES = (24, 120)
"""The items of the lists of long items in real time."""
AT_ONCE = 8
"""The `maxConcurrency` of the list in real time whose items are not all open."""
LINEAR = 1.5
"""How much more an item may cost if there are ten times as many."""
OUTPUT = {"id": 17, "name": "a moderately long text value", "tags": ["a", "b", "c"], "ok": True}


async def work(task: Task) -> Any:
    return OUTPUT


async def given() -> Any:
    return OUTPUT


def main() -> None:
    logging.disable(logging.CRITICAL)
    asyncio.run(_interpreted(10, 1, recorded=True))  # what is imported late is
    kinds = {
        "foreach": partial(_interpreted, recorded=False),
        "foreach, recorded": partial(_interpreted, recorded=True),
        "by hand": _by_hand,
    }
    for steps, sizes in zip((1, LONG), SIZES, strict=True):
        rows = []
        for kind, run in kinds.items():
            if steps > 1 and run is _by_hand:
                continue  # it takes minutes
            few, many = (_milliseconds(size, steps, run) for size in sizes)
            ratio = many / few
            shown = f"{ratio:.1f}" if run is _by_hand else verdict(ratio, LINEAR)
            rows.append((kind, f"{few:.2f}", f"{many:.2f}", shown))
        columns = ("", *(f"of {size:,}, ms" for size in sizes), "times")
        show(f"an item of {steps} step(s) of a list, local engine", columns, rows)
    rows = []
    for kind, at_once in {"all at once": None, f"{AT_ONCE} at a time": AT_ONCE}.items():
        run = partial(_interpreted, recorded=True, real=True, at_once=at_once)
        few, many = (_milliseconds(size, LONG, run) for size in REAL_SIZES)
        rows.append((kind, f"{few:.2f}", f"{many:.2f}", f"{many / few:.1f}"))
    columns = ("", *(f"of {size:,}, ms" for size in REAL_SIZES), "times")
    show(f"an item of {LONG} steps of a list, local engine, real time, recorded", columns, rows)


def _milliseconds(
    size: int, steps: int, run: Callable[[int, int], Coroutine[Any, Any, None]]
) -> float:
    """The processor's time for one item, in the better of two runs."""
    found = []
    for _ in range(2):
        begun = time.process_time()
        asyncio.run(run(size, steps))
        found.append(time.process_time() - begun)
    return min(found) / size * 1000


async def _by_hand(size: int, steps: int) -> None:
    client = inngest.Inngest(app_id="bench", is_production=False)

    @client.create_function(
        fn_id="by-hand", trigger=inngest.TriggerEvent(event="items/start"), retries=4
    )
    async def by_hand(ctx: inngest.Context) -> Any:
        async def each(item: int) -> None:
            for step in range(steps):
                await ctx.step.run(f"work{step}[{item}]", given)

        items = tuple(partial(each, item) for item in range(size))
        await ctx.group.parallel(items, parallel_mode=inngest.ParallelMode.RACE)
        return None

    await _run(client, [by_hand], size, steps)


async def _interpreted(
    size: int, steps: int, *, recorded: bool, real: bool = False, at_once: int | None = None
) -> None:
    client = inngest.Inngest(app_id="bench", is_production=False)
    with ExitStack() as stack:
        if recorded:
            stack.enter_context(recording(InMemoryRecorder()))
        functions = functions_of(_definition(steps, at_once), client, Registry({"work": work}))
        await _run(client, functions, size, steps, real=real)


async def _run(
    client: inngest.Inngest, functions: Any, size: int, steps: int, *, real: bool = False
) -> None:
    clock = RealClock() if real else None
    most = MAX_STEPS + size * steps
    async with LocalEngine(client, functions, clock=clock, max_steps=most) as engine:
        await engine.send({"name": "items/start", "data": {"tenant_id": 1, "l": [0] * size}})
        await engine.run_until_idle()
        (run,) = engine.runs.values()
        done = sum(step.op == "StepRun" for step in run.steps)
        if run.status != "Completed" or done != size * steps:
            raise RuntimeError(
                f"the run did not do its steps: {run.status}, {done} of {size * steps}"
            )


def _definition(steps: int, at_once: int | None = None) -> Definition:
    limit = {} if at_once is None else {"maxConcurrency": at_once}
    work = [f"work{number}" for number in range(steps)]
    design = {
        "id": "items",
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "each", "type": "foreach", "data": {"items": "event.data.l", **limit}},
            *(
                {"id": node, "type": "task", "parentId": "each", "data": {"handler": "work"}}
                for node in work
            ),
            {"id": "end", "type": "end"},
        ],
        "edges": [
            {"source": "start", "target": "each"},
            {"source": "each", "target": "end"},
            *({"source": one, "target": after} for one, after in pairwise(work)),
        ],
    }
    (found,) = read(json.dumps(design).encode(), "items.json").designs
    definition, _ = lower(build_graph(found))
    ops = [
        op.model_copy(update={"item_steps": 0, "least_steps": 0})
        if isinstance(op, ForeachOp)
        else op
        for op in definition.steps
    ]
    return definition.model_copy(update={"steps": ops})


if __name__ == "__main__":
    main()
