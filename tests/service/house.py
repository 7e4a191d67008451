"""The whole service in this process, on a local engine in real time."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import inngest
from fastapi import FastAPI
from proflow_runtime.context.clock import RealClock
from proflow_runtime.context.permissions import PERMISSIONS
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.handlers.task import Handler
from proflow_runtime.local import LocalEngine
from proflow_runtime.service import ProFlow, ProFlowSettings
from proflow_runtime.service.app import standalone
from proflow_runtime.store import tokens
from stored.office import Engined

SOON = 10.0
"""Seconds that something is given to happen."""


@dataclass
class House:
    """Tokens are made as people are asked for."""

    proflow: ProFlow
    app: FastAPI
    engine: LocalEngine

    async def user(self, name: str, tenant: int = 1, *permissions: str) -> httpx.AsyncClient:
        """Somebody with a token."""
        token = await tokens.create(tenant, name, name=name, permissions=permissions)
        return self.client(token.plain)

    async def admin(self, name: str, tenant: int = 1) -> httpx.AsyncClient:
        """Somebody who may do everything."""
        return await self.user(name, tenant, *PERMISSIONS)

    def client(self, token: str | None = None) -> httpx.AsyncClient:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://house", headers=headers)


@asynccontextmanager
async def house(
    handlers: Mapping[str, Handler] | None = None, **settings: Any
) -> AsyncIterator[House]:
    client = inngest.Inngest(app_id="house", is_production=False)
    async with LocalEngine(client, [], clock=RealClock()) as engine:
        proflow = ProFlow(
            client,
            Registry(handlers or {}),
            settings=ProFlowSettings(**settings),
            target=Engined(engine),
        )
        driving = asyncio.create_task(engine.serve())
        try:
            async with proflow.running():
                app = standalone(proflow, functions=False)
                yield House(proflow, app, engine)
        finally:
            engine.stop()
            await driving


async def until(found: Any, *, within: float = SOON) -> Any:
    """What an async callable finds, as soon as it finds something."""
    async with asyncio.timeout(within):
        while not (value := await found()):  # noqa: ASYNC110  # what is asked tells nobody
            await asyncio.sleep(0.02)
        return value
