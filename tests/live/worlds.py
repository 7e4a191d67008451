"""Where the service is tried: on the local engine, or on a real Inngest server.

A real one is given by `INNGEST_DEV`: `1` for `http://127.0.0.1:8288`, as `npx inngest-cli dev` has
it, or its address. It has to reach this machine at `PROFLOW_LIVE_HOST` (127.0.0.1 by default).
"""

import asyncio
import os
import socket
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import inngest
import uvicorn
from proflow_runtime.approvals import Resolver
from proflow_runtime.context.clock import RealClock
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.handlers.task import Handler
from proflow_runtime.local import LocalEngine
from proflow_runtime.local.durable import DurableJournal
from proflow_runtime.service import ProFlow, ProFlowSettings
from proflow_runtime.service.app import standalone
from proflow_runtime.store import designs
from service.house import until
from stored.office import Engined

APP = "proflow-live"
"""The id of the app on the Inngest server, of all tests: a server goes on calling what has left it."""
PATIENCE = 60.0
"""Seconds that a run is given."""


class World:
    """A service that can be stopped and started again; the database stays."""

    def __init__(
        self,
        kind: str,
        registry: Registry,
        resolver: Resolver | None = None,
        *,
        app_id: str = APP,
        engine: type[LocalEngine] = LocalEngine,
    ) -> None:
        self._kind, self._registry, self._resolver = kind, registry, resolver
        self._app_id, self._engine = app_id, engine
        self._stack = AsyncExitStack()
        self._port = free_port() if kind == "live" else 0
        self.proflow: ProFlow

    async def start(self) -> None:
        self._stack = AsyncExitStack()
        if self._kind == "live":
            await self._start_live()
        else:
            await self._start_local()

    async def stop(self) -> None:
        await self._stack.aclose()

    async def leave(self) -> None:
        """Stop for good: the server has nothing more to call."""
        if self._kind == "live":
            await self.proflow.served.deploy([])
        await self.stop()

    async def _start_local(self) -> None:
        client = inngest.Inngest(app_id=self._app_id, is_production=False)
        journal, seed = DurableJournal(), uuid.uuid4().int % 2**63
        engine = self._engine(client, [], clock=RealClock(), journal=journal, seed=seed)
        await self._stack.enter_async_context(engine)
        self.proflow = ProFlow(
            client, self._registry, resolver=self._resolver, target=Engined(engine)
        )
        driving = asyncio.create_task(engine.serve())

        async def ended() -> None:
            engine.stop()
            await driving

        self._stack.push_async_callback(ended)
        await self._stack.enter_async_context(self.proflow.running())

    async def _start_live(self) -> None:
        host = os.environ.get("PROFLOW_LIVE_HOST", "127.0.0.1")
        client = inngest.Inngest(app_id=self._app_id)
        settings = ProFlowSettings(serve_origin=f"http://{host}:{self._port}")
        self.proflow = ProFlow(client, self._registry, resolver=self._resolver, settings=settings)
        app = standalone(self.proflow, functions=True)
        config = uvicorn.Config(app, host="0.0.0.0", port=self._port, log_level="warning")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())

        async def ended() -> None:
            server.should_exit = True
            with suppress(asyncio.CancelledError):
                await serving

        self._stack.push_async_callback(ended)

        async def is_started() -> bool:
            return server.started

        await until(is_started)
        await self._stack.enter_async_context(self.proflow.running())

    # --- what people do

    async def publish(self, canvas: Any, code: str | None = None, tenant_id: int = 1) -> None:
        code = code or canvas["id"]
        try:
            await designs.get(tenant_id, code)
            await designs.save(tenant_id, code, canvas, by="ann")
        except designs.UnknownDesignError:
            await designs.create(tenant_id, code, name=code, draft=canvas, by="ann")
        await self.proflow.publish(tenant_id, code, by="ann")

    async def begin(self, workflow: str, **data: Any) -> str:
        return await self.proflow.start(tenant_id=1, workflow=workflow, data=data, initiator="ann")

    async def send(self, name: str, **data: Any) -> None:
        event = inngest.Event(name=name, data={"tenant_id": 1, **data})
        await self.proflow.client.send(event)

    async def patiently(self, found: Any) -> Any:
        """What an async callable finds, as soon as it finds something."""
        return await until(found, within=PATIENCE)

    async def approve(self, user: str, act: str = "approve") -> None:
        async def waiting() -> Any:
            return (await self.proflow.approvals.inbox(1, user)).items

        (approval, *_) = await self.patiently(waiting)
        await self.proflow.approvals.act(1, user, approval.id, act)

    async def ended(self, run_id: str, tenant_id: int = 1) -> dict[str, Any]:
        async def over() -> Any:
            found = await self.proflow.status(tenant_id, run_id)
            return found if found["ended_at"] is not None else None

        found: dict[str, Any] = await self.patiently(over)
        return found

    async def at(self, run_id: str, node: str, status: str) -> None:
        """Until a node of a run stands so."""

        async def so() -> bool:
            found = await self.proflow.status(1, run_id)
            return bool(found["nodes"][node]["status"] == status)

        await self.patiently(so)


@asynccontextmanager
async def world(
    kind: str,
    handlers: Mapping[str, Handler] | Registry,
    resolver: Resolver | None = None,
    **more: Any,
) -> AsyncIterator[World]:
    registry = handlers if isinstance(handlers, Registry) else Registry(handlers)
    found = World(kind, registry, resolver, **more)
    await found.start()
    try:
        yield found
    finally:
        await found.leave()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
