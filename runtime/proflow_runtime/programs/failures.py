"""What is done once when a run has failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import inngest

from proflow_runtime.context import tenant
from proflow_runtime.handlers import interception
from proflow_runtime.handlers.task import Handler, Task
from proflow_runtime.values import JSON, checked

NODE = "on-failure"


def on_failure(handler: Handler) -> Any:
    """An Inngest `on_failure` handler that runs a handler once, for the failed run's tenant.

    Args:
        handler: Its input is `{"error": {"name", "message"}, "event", "run_id"}`.

    Returns:
        What `client.create_function` takes as `on_failure`.
    """

    async def failed(ctx: inngest.Context) -> JSON:
        data: Any = ctx.event.data
        event: Any = data.get("event") or {}
        error: Any = data.get("error") or {}
        run_id = str(data.get("run_id", ""))
        named = (event.get("data") or {}).get("tenant_id")
        tenant_id = named if tenant.is_tenant(named) else None

        async def attempt() -> JSON:
            return await told(handler, run_id, tenant_id, error, event, ctx.attempt)

        return await ctx.step.run(NODE, attempt)

    return failed


async def told(
    handler: Handler,
    run_id: str,
    tenant_id: int | None,
    error: Mapping[str, JSON],
    event: JSON,
    attempt: int,
) -> JSON:
    """One attempt, counted from 0, at telling a handler that a run has failed."""
    task = Task(
        input={
            "error": {key: error.get(key) for key in ("name", "message")},
            "event": event,
            "run_id": run_id,
        },
        tenant_id=tenant_id,
        run_id=run_id,
        node_id=NODE,
        attempt=attempt + 1,
        idempotency_key=f"{run_id}:{NODE}",
    )
    token = tenant.activate(tenant_id)
    try:
        return checked(await interception.call(handler, task))
    finally:
        tenant.deactivate(token)
