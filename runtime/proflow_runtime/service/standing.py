"""Runs the service as a process: its database, its engine, its port, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import inngest
import uvicorn

from proflow_runtime.dispatch.deployment import Target
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.service.app import standalone
from proflow_runtime.service.facade import ProFlow
from proflow_runtime.service.settings import ProFlowSettings
from proflow_runtime.store import tokens
from proflow_runtime.store.database import connect

SHUTDOWN = 10
"""Seconds that requests are given to end."""


RunningEngine: TypeAlias = Callable[
    [inngest.Inngest, asyncio.Event], AbstractAsyncContextManager[Target]
]
"""Drives an engine meanwhile; it sets the event when it cannot go on."""


@dataclass(frozen=True)
class Stand:
    """`ready` is told when it serves, with the token of an administrator, if it is the first start."""

    client: inngest.Inngest
    registry: Registry
    url: str
    listening: socket.socket
    settings: ProFlowSettings
    ready: Callable[[str | None], None]
    engine: RunningEngine | None = None
    """Runs the functions in this process; None: an Inngest server calls them."""
    admit: Callable[[], Awaitable[None]] | None = None
    """Called before anything runs; raises for a database that is not to be touched."""
    prepare: Callable[[ProFlow], Awaitable[None]] | None = None
    """Called before the first request."""


async def stand(given: Stand) -> None:
    """Serve until SIGINT or SIGTERM, or until the engine cannot go on.

    Raises `DatabaseError`, `LifespanError`, and what `admit` and `prepare` raise.
    """
    stopping = asyncio.Event()
    async with connect(given.url):
        if given.admit is not None:
            await given.admit()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(given.registry.lifespan(given.client))
            target = None
            if given.engine is not None:
                target = await stack.enter_async_context(given.engine(given.client, stopping))
            proflow = ProFlow(given.client, given.registry, settings=given.settings, target=target)
            async with proflow.running():
                await _serve(given, proflow, stopping)


async def _serve(given: Stand, proflow: ProFlow, stopping: asyncio.Event) -> None:
    token = None
    if given.prepare is not None:
        await given.prepare(proflow)
    if not await tokens.are_there():
        made = await tokens.create(1, "admin", name="first start", roles=["admin"])
        token = made.plain
    app = standalone(proflow, functions=given.engine is None)
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


class _Server(uvicorn.Server):
    """Leaves signals to us."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
