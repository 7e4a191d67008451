"""What the local engine itself costs per step, beside the SDK's request that it makes.

    python benchmarks/local_engine.py [--rounds N]

Each row is one run of N sequential steps, or one group of N racing steps. "SDK" is the time inside
the SDK's ASGI app, "engine" everything else; both per request. Exits with 1 if the engine costs
more than the SDK in any row.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import inngest
from proflow_runtime.local import LocalEngine
from proflow_runtime.local.sdk import SdkApp
from proflow_runtime.protocol.wire import Answer

PAYLOAD = {"id": 17, "name": "a moderately long text value", "tags": ["a", "b", "c"], "ok": True}


def functions(client: inngest.Inngest) -> dict[str, inngest.Function[Any]]:
    """One sequential and one parallel function, both reading their size from the event."""

    async def work() -> dict[str, Any]:
        return PAYLOAD

    @client.create_function(fn_id="sequence", trigger=inngest.TriggerEvent(event="sequence"))
    async def sequence(ctx: inngest.Context) -> None:
        for number in range(int(str(ctx.event.data["n"]))):
            await ctx.step.run(f"step-{number}", work)

    @client.create_function(fn_id="group", trigger=inngest.TriggerEvent(event="group"))
    async def group(ctx: inngest.Context) -> None:
        def step(number: int) -> Callable[[], Awaitable[Any]]:
            return lambda: ctx.step.run(f"step-{number}", work)

        callables = tuple(step(number) for number in range(int(str(ctx.event.data["n"]))))
        await ctx.group.parallel(callables, parallel_mode=inngest.ParallelMode.RACE)

    return {"sequence": sequence, "group": group}


class TimedApp(SdkApp):
    """Counts requests and the time inside the SDK."""

    inside = 0.0
    count = 0

    async def post(self, *args: Any) -> Answer:
        started = time.perf_counter()
        try:
            return await super().post(*args)
        finally:
            self.inside += time.perf_counter() - started
            self.count += 1


async def measure(kind: str, size: int) -> tuple[int, float, float]:
    """Requests, seconds inside the SDK, seconds outside of it."""
    client = inngest.Inngest(app_id="bench", is_production=False)
    listed = list(functions(client).values())
    engine = LocalEngine(client, listed)
    app = engine._deployment.app = TimedApp(client, listed)
    async with engine:
        started = time.perf_counter()
        await engine.send(inngest.Event(name=kind, data={"n": size}))
        await engine.run_until_idle()
        total = time.perf_counter() - started
    (run,) = engine.runs.values()
    if run.status != "Completed" or len(run.steps) != size:
        raise RuntimeError(f"the run ended as {run.status} after {len(run.steps)} steps")
    return app.count, app.inside, total - app.inside


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many counts")
    rounds = parser.parse_args().rounds
    print(f"{'run':<16}{'requests':>9}{'total ms':>10}{'SDK µs':>9}{'engine µs':>11}{'share':>8}")
    worst = 0.0
    for kind, size in (
        ("sequence", 10), ("sequence", 100), ("sequence", 500), ("sequence", 900),
        ("group", 10), ("group", 50),
    ):  # fmt: skip
        results = [asyncio.run(measure(kind, size)) for _ in range(rounds)]
        count, inside, own = min(results, key=lambda result: result[1] + result[2])
        worst = max(worst, own / inside)
        print(
            f"{f'{kind} {size}':<16}{count:>9}{(inside + own) * 1e3:>10.1f}"
            f"{inside / count * 1e6:>9.0f}{own / count * 1e6:>11.0f}{own / inside:>8.0%}"
        )
    return 0 if worst < 1 else 1


if __name__ == "__main__":
    sys.exit(main())
