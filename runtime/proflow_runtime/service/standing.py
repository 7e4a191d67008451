"""Runs the service as a process: its database, its engine, its port, until it is told to stop."""

from __future__ import annotations

import asyncio
import random
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import inngest
import uvicorn

from proflow_runtime.clock import RealClock
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.local import LocalEngine
from proflow_runtime.local.durable import DurableJournal
from proflow_runtime.service.app import standalone
from proflow_runtime.service.facade import ProFlow
from proflow_runtime.service.settings import ProFlowSettings
from proflow_runtime.store import tokens
from proflow_runtime.store.database import connect

HISTORY = 1_000
"""Ended runs that the local engine keeps in memory."""
SHUTDOWN = 10
"""Seconds that requests are given to end."""


@dataclass(frozen=True)
class Stand:
    """`local`: no Inngest server, the engine runs in this process. `ready` is told when it serves,
    with the token of an administrator, if it is the first start."""

    client: inngest.Inngest
    registry: Registry
    url: str
    listening: socket.socket
    local: bool
    settings: ProFlowSettings
    ready: Callable[[str | None], None]
    admit: Callable[[], Awaitable[None]] | None = None
    """Called before anything runs; raises for a database that is not to be touched."""
    prepare: Callable[[ProFlow], Awaitable[None]] | None = None
    """Called before the first request."""


class Engine:
    """Deploys to the engine in this process."""

    def __init__(self, engine: LocalEngine) -> None:
        self._engine = engine

    async def deploy(self, functions: Sequence[inngest.Function[Any]]) -> None:
        self._engine.deploy(functions)


async def stand(given: Stand) -> None:
    """Serve until SIGINT or SIGTERM, or until the engine cannot go on.

    Raises `DatabaseError`, `LifespanError`, and what `admit` and `prepare` raise.
    """
    stopping = asyncio.Event()
    async with connect(given.url):
        if given.admit is not None:
            await given.admit()
        async with given.registry.lifespan(given.client), _engine(given, stopping) as engine:
            proflow = ProFlow(
                given.client,
                given.registry,
                settings=given.settings,
                target=None if engine is None else Engine(engine),
            )
            async with proflow.running():
                await _serve(given, proflow, stopping)


async def _serve(given: Stand, proflow: ProFlow, stopping: asyncio.Event) -> None:
    token = None
    if given.prepare is not None:
        await given.prepare(proflow)
    if not await tokens.are_there():
        made = await tokens.create(1, "admin", name="first start", roles=["admin"])
        token = made.plain
    app = standalone(proflow, functions=not given.local)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN,
        server_header=False,
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stopping.set)
    given.ready(token)
    serving = asyncio.create_task(server.serve(sockets=[given.listening]), name="proflow server")
    told = asyncio.create_task(stopping.wait())
    await asyncio.wait((serving, told), return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    server.should_exit = True
    await serving


@asynccontextmanager
async def _engine(given: Stand, stopping: asyncio.Event) -> AsyncIterator[LocalEngine | None]:
    if not given.local:
        yield None
        return
    engine = LocalEngine(
        given.client,
        [],
        clock=RealClock(),
        journal=DurableJournal(),
        seed=random.SystemRandom().getrandbits(63),
        history=HISTORY,
    )
    async with engine:
        driving = asyncio.create_task(engine.serve(), name="proflow engine")
        driving.add_done_callback(lambda _: stopping.set())
        try:
            yield engine
        finally:
            engine.stop()
            await driving


class _Server(uvicorn.Server):
    """Leaves signals to us."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
