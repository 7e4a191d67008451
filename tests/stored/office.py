"""Designs of tenants, stored and published, and run by a local engine."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import inngest
from proflow_compiler.pipeline import compile_reading
from proflow_compiler.reader import read
from proflow_runtime.context.clock import Clock
from proflow_runtime.dispatch.deployment import Deployment
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.handlers.task import Handler
from proflow_runtime.local import LocalEngine, RunRecord
from proflow_runtime.local.engine import LocalEngine as Engine
from proflow_runtime.store import designs
from proflow_runtime.store.models import DesignVersion
from proflow_runtime.values import JSON
from proflow_schemas.definition import Definition

Edge = tuple[str, str] | tuple[str, str, str]


def drawn(
    code: str, nodes: Mapping[str, Any], edges: Sequence[Edge], **settings: Any
) -> dict[str, Any]:
    """A canvas; nodes are `{id: (type, config)}`."""
    return {
        "id": code,
        **settings,
        "nodes": [
            {"id": name, "type": kind, "data": {"config": config}}
            for name, (kind, config) in nodes.items()
        ],
        "edges": [
            {
                "source": edge[0],
                "target": edge[1],
                **({"sourceHandle": edge[2]} if edge[2:] else {}),
            }
            for edge in edges
        ],
    }


def line(code: str, *nodes: tuple[str, str, Any], **settings: Any) -> dict[str, Any]:
    """A canvas of nodes in a row, between a start and an end."""
    names = ["start", *(name for name, _, _ in nodes), "end"]
    kinds = {
        "start": ("start", {}),
        **{name: (kind, config) for name, kind, config in nodes},
        "end": ("end", {}),
    }
    return drawn(code, kinds, list(pairwise(names)), **settings)


def as_file(canvas: Mapping[str, Any]) -> bytes:
    """A canvas as it is saved."""
    return json.dumps(canvas).encode()


async def publish(tenant_id: int, canvas: Mapping[str, Any]) -> DesignVersion:
    """Compile a design, and publish it."""
    compilation = compile_reading(read(as_file(canvas), "design.json"))
    assert not compilation.has_errors(), compilation.reports
    (definition,) = compilation.definitions
    return await store(tenant_id, definition, canvas)


async def store(
    tenant_id: int, definition: Definition, canvas: Mapping[str, Any] | None = None
) -> DesignVersion:
    """Make a definition what a tenant's new runs take."""
    canvas = canvas or {}
    try:
        await designs.get(tenant_id, definition.id)
    except designs.UnknownDesignError:
        await designs.create(tenant_id, definition.id, name="", draft=canvas, by=None)
    return await designs.publish(
        tenant_id, definition.id, canvas=canvas, definition=definition, by=None
    )


class Engined:
    """Deploys to a local engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def deploy(self, functions: Sequence[inngest.Function[Any]]) -> None:
        self._engine.deploy(functions)


@dataclass
class Office:
    """A local engine with a deployment."""

    engine: Engine
    deployment: Deployment

    async def send(self, name: str, data: Mapping[str, JSON], **event: Any) -> None:
        await self.engine.send({"name": name, "data": data, **event})
        await self.engine.run_until_idle()

    def runs(self, function_id: str = "proflow-run") -> list[RunRecord]:
        return [
            run for run in self.engine.runs.values() if run.function_id == f"office-{function_id}"
        ]


@asynccontextmanager
async def office(
    handlers: Mapping[str, Handler] | None = None, clock: Clock | None = None, **deployed: Any
) -> AsyncIterator[Office]:
    client = inngest.Inngest(app_id="office", is_production=False)
    async with LocalEngine(client, [], clock=clock) as engine:
        deployment = Deployment(client, Registry(handlers or {}), Engined(engine), **deployed)
        await deployment.refresh()
        yield Office(engine, deployment)
