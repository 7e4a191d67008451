"""Calls a host's handler once when a run has failed."""

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
    """Make an Inngest `on_failure` handler from a host's handler.

    The handler is called once per failed run, with the tenant of that run.

    Args:
        handler: Its input is `{"error": {"name", "message"}, "event", "run_id"}`.

    Returns:
        The value of `on_failure` for `client.create_function`.
    """

    async def failed(ctx: inngest.Context) -> JSON:
        data: Any = ctx.event.data
        event: Any = data.get("event") or {}
        error: Any = data.get("error") or {}
        run_id = str(data.get("run_id", ""))
        named = (event.get("data") or {}).get("tenant_id")
        tenant_id = named if tenant.is_tenant(named) else None

        async def attempt() -> JSON:
            return await handle_failure(handler, run_id, tenant_id, error, event, ctx.attempt)

        return await ctx.step.run(NODE, attempt)

    return failed


async def handle_failure(
    handler: Handler,
    run_id: str,
    tenant_id: int | None,
    error: Mapping[str, JSON],
    event: JSON,
    attempt: int,
) -> JSON:
    """Make one attempt at calling the handler of failures.

    Args:
        handler: The host's handler.
        run_id: The id of the failed run.
        tenant_id: Its tenant; None for a `system` design.
        error: The `name` and `message` of its error.
        event: The event that started it.
        attempt: The number of the attempt, counted from 0.

    Returns:
        The output of the handler.
    """
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
