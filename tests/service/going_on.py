"""The service on a local engine in virtual time, with handlers that fail as often as they are told."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import inngest
from fastapi import FastAPI
from proflow_runtime.context.permissions import PERMISSIONS
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.handlers.task import Handler, Task
from proflow_runtime.local import LocalEngine
from proflow_runtime.service import ProFlow, ProFlowSettings
from proflow_runtime.service.app import standalone
from proflow_runtime.store import tokens
from stored.office import Engined


@dataclass
class Works:
    """Handlers that note each effect, and fail for good while their node is in `broken`."""

    broken: set[str] = field(default_factory=set)
    effects: Counter[str] = field(default_factory=Counter)
    inputs: dict[str, Any] = field(default_factory=dict)

    async def work(self, task: Task) -> Any:
        self.inputs[task.node_id] = task.input
        if task.node_id in self.broken:
            raise inngest.NonRetriableError(f"{task.node_id} is broken")
        step = task.idempotency_key.split(":", 1)[1]
        self.effects[step] += 1
        return {"did": step}


@dataclass
class Virtual:
    proflow: ProFlow
    app: FastAPI
    engine: LocalEngine

    async def user(self, name: str, tenant: int = 1, *permissions: str) -> httpx.AsyncClient:
        token = await tokens.create(tenant, name, name=name, permissions=permissions)
        transport = httpx.ASGITransport(self.app)
        headers = {"authorization": f"Bearer {token.plain}"}
        return httpx.AsyncClient(transport=transport, base_url="http://house", headers=headers)

    async def admin(self, name: str, tenant: int = 1) -> httpx.AsyncClient:
        """Somebody who may do everything."""
        return await self.user(name, tenant, *PERMISSIONS)

    async def settle(self) -> None:
        """Deliver what is in the outbox, and run until only waits are left."""
        for _ in range(6):
            await self.proflow.delivery.deliver()
            await self.engine.run_until_idle(ignore_timeouts=lambda wait: True)


@asynccontextmanager
async def virtual(
    handlers: Mapping[str, Handler], client: inngest.Inngest | None = None, **given: Any
) -> AsyncIterator[Virtual]:
    client = client or inngest.Inngest(app_id="house", is_production=False)
    async with LocalEngine(client, []) as engine:
        proflow = ProFlow(
            client, Registry(handlers), target=Engined(engine), settings=ProFlowSettings(), **given
        )
        remove = proflow.recorders.add(proflow._recorder)
        try:
            await proflow.deployment.refresh()
            yield Virtual(proflow, standalone(proflow, functions=False), engine)
        finally:
            remove()
