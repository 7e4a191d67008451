"""Runs the service as a process of its own, with its database, engine and port (`proflow serve`)."""

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
"""Seconds that open requests have to finish when the process stops."""

RunningEngine: TypeAlias = Callable[
    [inngest.Inngest, asyncio.Event], AbstractAsyncContextManager[Target]
]
"""A context manager that drives an engine; it sets the event if the engine cannot go on."""


@dataclass(frozen=True)
class ServerConfig:
    """What `run_server` serves, and where.

    Attributes:
        client: The Inngest client that all functions are created with.
        registry: The handlers that designs may call.
        url: The URL of the database.
        listening: The bound socket that the server accepts connections on.
        settings: The settings of the service.
        ready: Called when the server is about to serve. Its argument is the new token of an
            administrator if the database has no tokens yet, else None.
        engine: Runs the functions in this process; None if an Inngest server calls them.
        admit: Called before anything else uses the database; raises to refuse the database.
        prepare: Called before the first request.
    """

    client: inngest.Inngest
    registry: Registry
    url: str
    listening: socket.socket
    settings: ProFlowSettings
    ready: Callable[[str | None], None]
    engine: RunningEngine | None = None
    admit: Callable[[], Awaitable[None]] | None = None
    prepare: Callable[[ProFlow], Awaitable[None]] | None = None


async def run_server(config: ServerConfig) -> None:
    """Serve until SIGINT or SIGTERM arrives, or until the engine cannot go on.

    Args:
        config: What to serve, and where.

    Raises:
        DatabaseError: If the database cannot be used.
        LifespanError: If the lifespan of the handlers cannot be entered or exited.
        Exception: Whatever `config.admit` and `config.prepare` raise.
    """
    stopping = asyncio.Event()
    async with connect(config.url):
        if config.admit is not None:
            await config.admit()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(config.registry.lifespan(config.client))
            target = None
            if config.engine is not None:
                target = await stack.enter_async_context(config.engine(config.client, stopping))
            proflow = ProFlow(
                config.client, config.registry, settings=config.settings, target=target
            )
            async with proflow.running():
                await _serve(config, proflow, stopping)


async def _serve(config: ServerConfig, proflow: ProFlow, stopping: asyncio.Event) -> None:
    token = None
    if config.prepare is not None:
        await config.prepare(proflow)
    if not await tokens.are_there():
        made = await tokens.create(1, "admin", name="first start", roles=["admin"])
        token = made.plain
    app = standalone(proflow, functions=config.engine is None)
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=SHUTDOWN,
            server_header=False,
        )
    )
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stopping.set)
    config.ready(token)
    serving = asyncio.create_task(server.serve(sockets=[config.listening]), name="proflow server")
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait((serving, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    server.should_exit = True
    await serving


class _Server(uvicorn.Server):
    """A uvicorn server that leaves the handling of signals to `run_server`."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
