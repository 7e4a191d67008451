"""A process with the engine that a step of one run kills; `test_crashes.py` starts it again and again.

Arguments: the URL of the database, and what to do: `start` sends the events, `go` only continues. It
prints what it does, and ends by itself (status 0) when only parked runs are left.
"""

import asyncio
import os
import sys
from datetime import timedelta
from typing import Any

import inngest
from proflow_runtime.context.clock import RealClock
from proflow_runtime.local import LocalEngine
from proflow_runtime.local.durable import DurableJournal
from proflow_runtime.store.database import connect

INNOCENT = 5
KILLED = 7


def functions(client: inngest.Inngest) -> list[inngest.Function[Any]]:
    async def kill(ctx: inngest.Context) -> None:
        async def step() -> None:
            print("kill", flush=True)
            await asyncio.sleep(0.3)
            os._exit(KILLED)

        await ctx.step.run("before", before)
        await ctx.step.run("kill", step)

    async def before() -> None:
        print("before", flush=True)

    async def innocent(ctx: inngest.Context) -> int:
        number: Any = ctx.event.data["n"]

        async def step() -> int:
            await asyncio.sleep(0.6)  # open whenever the other one kills the process
            print(f"innocent {number}", flush=True)
            return int(number)

        for turn in range(4):
            await ctx.step.run(f"s{turn}", step)
        return int(number)

    return [
        client.create_function(fn_id=name, trigger=inngest.TriggerEvent(event=name))(body)
        for name, body in (("kill", kill), ("innocent", innocent))
    ]


async def main(url: str, what: str) -> None:
    client = inngest.Inngest(app_id="app", is_production=False)
    async with connect(url):
        engine = LocalEngine(
            client,
            functions(client),
            clock=RealClock(),
            journal=DurableJournal(),
            seed=int.from_bytes(os.urandom(4)),
        )
        async with engine:
            if what == "start":
                await engine.send(
                    *({"name": "innocent", "data": {"n": n}} for n in range(INNOCENT)),
                    {"name": "kill", "data": {}},
                )
            driving = asyncio.create_task(engine.serve(grace=timedelta(seconds=1)))
            if what == "stop":
                await asyncio.sleep(0.2)
            else:
                while not all(run.ended for run in engine.runs.values()):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            engine.stop()
            await driving
            for run in engine.runs.values():
                print(run.function_id, run.status, (run.error or {}).get("message"), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
