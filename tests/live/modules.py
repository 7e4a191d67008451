"""Functions of generated modules, on the local engine in real time or on a real Inngest server."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import inngest
import inngest.fast_api
import uvicorn
from fastapi import FastAPI
from live.worlds import APP, free_port
from parity.playing import source_of
from proflow_compiler.pipeline import compile_reading
from proflow_compiler.reader import read
from proflow_runtime import Registry
from proflow_runtime.context.clock import RealClock
from proflow_runtime.handlers.task import Handler
from proflow_runtime.local import LocalEngine
from proflow_runtime.simulation import generated_functions
from service.house import until
from stored.office import as_file

PATH = "/api/inngest"


@asynccontextmanager
async def modules(
    kind: str, handlers: Mapping[str, Handler], canvases: Sequence[Mapping[str, Any]]
) -> AsyncIterator[inngest.Inngest]:
    """What is compiled from these canvases runs, and takes what the client sends."""
    client = inngest.Inngest(app_id=APP, is_production=False)
    registry = Registry(dict(handlers), tenants=_no_tenants)
    functions: list[Any] = []
    for canvas in canvases:
        (definition,) = compile_reading(read(as_file(canvas), "design.json")).definitions
        functions += generated_functions(source_of(definition.to_json()))(client, registry)
    served = _on_a_server if kind == "live" else _on_an_engine
    async with served(client, functions):
        yield client


@asynccontextmanager
async def _on_an_engine(client: inngest.Inngest, functions: list[Any]) -> AsyncIterator[None]:
    async with LocalEngine(client, functions, clock=RealClock()) as engine:
        driving = asyncio.create_task(engine.serve())
        yield
        engine.stop()
        await driving


@asynccontextmanager
async def _on_a_server(client: inngest.Inngest, functions: list[Any]) -> AsyncIterator[None]:
    host = os.environ.get("PROFLOW_LIVE_HOST", "127.0.0.1")
    port = free_port()
    app = FastAPI()
    origin = f"http://{host}:{port}"
    inngest.fast_api.serve(app, client, functions, serve_origin=origin, serve_path=PATH)
    server = uvicorn.Server(uvicorn.Config(app, host="0.0.0.0", port=port, log_level="warning"))
    serving = asyncio.create_task(server.serve())

    async def is_started() -> bool:
        return server.started

    await until(is_started)
    async with httpx.AsyncClient() as http:
        (await http.put(f"{origin}{PATH}")).raise_for_status()
    try:
        yield
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await serving


async def _no_tenants() -> list[int]:
    return []
