"""The engine of `proflow serve --local`: in real time, with a journal in the database."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import inngest

from proflow_runtime.context.clock import RealClock
from proflow_runtime.local.durable import DurableJournal
from proflow_runtime.local.engine import LocalEngine

HISTORY = 1_000
"""Maximum number of ended runs that the engine keeps in memory."""


class DurableEngine:
    """A deployment target: the engine in this process."""

    def __init__(self, engine: LocalEngine, journal: DurableJournal) -> None:
        self._engine, self._journal = engine, journal

    def stalled(self) -> float:
        """Return for how many seconds the engine has been waiting for the database."""
        return self._journal.stalled()

    async def deploy(self, functions: Sequence[inngest.Function[Any]]) -> None:
        """Replace the functions that the engine runs."""
        self._engine.deploy(functions)


@asynccontextmanager
async def durable_engine(
    client: inngest.Inngest, stopping: asyncio.Event
) -> AsyncIterator[DurableEngine]:
    """Drive an engine within a block; set `stopping` if it cannot continue."""
    journal = DurableJournal()
    engine = LocalEngine(
        client,
        [],
        clock=RealClock(),
        journal=journal,
        seed=random.SystemRandom().getrandbits(63),
        history=HISTORY,
    )
    async with engine:
        driving = asyncio.create_task(engine.serve(), name="proflow engine")
        driving.add_done_callback(lambda _: stopping.set())
        try:
            yield DurableEngine(engine, journal)
        finally:
            engine.stop()
            await driving
