"""`@workflow`: a run's body over `Flow` becomes a handler that Inngest can call."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, TypeAlias

import inngest

from proflow_runtime import clock, status
from proflow_runtime.flow import Flow
from proflow_runtime.handlers.channels import require_channels
from proflow_runtime.results import Failed, Result, Stopped
from proflow_runtime.scope import Workflow
from proflow_runtime.tenant import required_tenant
from proflow_runtime.values import JSON

Body: TypeAlias = Callable[[Flow], Awaitable[Result | None]]
InngestHandler: TypeAlias = Callable[[inngest.Context], Awaitable[JSON]]


def workflow(
    *,
    digest: str = "",
    id: str | None = None,
    version: str | None = None,
    max_attempts: int = 5,
    scope: Literal["tenant", "system"] = "tenant",
    doubles: Sequence[str] = (),
    initiator: str | None = None,
    channels: Sequence[str] = (),
) -> Callable[[Body], InngestHandler]:
    """Turns a body into an Inngest handler; its result is `{"result", "output", "outcomes"}`.

    `id` is the body's name with hyphens, unless given. `channels` are those that the body's
    notifications name literally: where one is not registered, a run's pass raises
    `UnknownChannelError` before it does anything. (Not the import: hosts register after it.)
    """

    def decorate(body: Body) -> InngestHandler:
        name = id if id is not None else getattr(body, "__name__", "workflow").replace("_", "-")
        known = Workflow(name, digest, version, max_attempts, scope, tuple(doubles), initiator)

        @functools.wraps(body)
        async def handler(ctx: inngest.Context) -> JSON:
            tenant_id = required_tenant(ctx.event.data) if scope == "tenant" else None
            if channels:
                require_channels(channels)
            recorded = status.is_recorded()
            flow = Flow(ctx, known, tenant_id, recorded=recorded)
            answer: dict[str, JSON] | None = None
            failure: Failed | None = None
            try:
                try:
                    result = flow.concluded(await body(flow))
                except Stopped as stopped:
                    result = stopped.result
                answer = {
                    "result": result.status,
                    "output": result.output,
                    "outcomes": flow.outcomes,
                }
            except Failed as failed:
                failure = failed
                raise inngest.NonRetriableError(str(failed)) from None
            finally:
                # A pass mostly ends in an interrupt of the SDK, which must pass untouched.
                if recorded:
                    await status.hand_over(_snapshot(flow, answer, failure))
            return answer

        return handler

    return decorate


def _snapshot(flow: Flow, answer: dict[str, Any] | None, failure: Failed | None) -> status.Snapshot:
    return status.Snapshot(
        run_id=flow.run_id,
        workflow_id=flow.workflow.id,
        version=flow.workflow.version,
        digest=flow.workflow.digest,
        tenant_id=flow.tenant_id,
        at=clock.now(),
        status="failed" if failure else "running" if answer is None else "completed",
        nodes=flow.states or {},
        items=flow.item_states,
        result=answer,
        error=None if failure is None else str(failure),
    )
