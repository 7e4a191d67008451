"""Runs the service as a process of its own, with its database, engine and port (`proflow serve`)."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn, TypeAlias

import inngest
import uvicorn

from proflow_runtime.context.permissions import PERMISSIONS
from proflow_runtime.dispatch.deployment import Target
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.service.app import standalone
from proflow_runtime.service.facade import ProFlow
from proflow_runtime.service.settings import ProFlowSettings
from proflow_runtime.store import administration, tokens
from proflow_runtime.store.database import connect

SHUTDOWN = 10
"""Seconds that open requests have to finish when the process stops."""
LAST = 40.0
"""Seconds after which a process that was asked to stop ends in any case."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)
log = logging.getLogger("proflow.service")

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
    with _stopped_by_signals(stopping):
        await _run(config, stopping)


async def _run(config: ServerConfig, stopping: asyncio.Event) -> None:
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


@contextmanager
def _stopped_by_signals(stopping: asyncio.Event) -> Iterator[None]:
    """Set an event when the process is asked to stop; end the process if it is asked again, or late.

    The handlers are Python's own, and the deadline is a thread's: both work while the event loop is
    blocked.
    """
    loop = asyncio.get_running_loop()
    deadline = threading.Timer(LAST, _end, args=(1, f"not stopped within {LAST:g} s"))
    deadline.daemon = True

    def stop(number: int, frame: FrameType | None) -> None:
        if deadline.is_alive():
            _end(128 + number, "asked to stop again")
        deadline.start()
        loop.call_soon_threadsafe(stopping.set)

    before = {one: signal.signal(one, stop) for one in SIGNALS}
    try:
        yield
    finally:
        deadline.cancel()
        for one, handler in before.items():
            signal.signal(one, handler or signal.SIG_DFL)


def _end(status: int, reason: str) -> NoReturn:
    """End the process at once; what is open is repeated by the next one."""
    os.write(2, f"ended at once: {reason}\n".encode())
    os._exit(status)


async def _serve(config: ServerConfig, proflow: ProFlow, stopping: asyncio.Event) -> None:
    token = None
    if config.prepare is not None:
        await config.prepare(proflow)
    if not await tokens.are_there():
        made = await tokens.create(1, "admin", name="first start", permissions=list(PERMISSIONS))
        token = made.plain
        await administration.record(
            1, "system", "token-created", made.token.id, address=None, details={"user": "admin"}
        )
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
