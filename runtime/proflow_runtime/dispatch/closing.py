"""Closes runs that Inngest has ended because they failed or were cancelled."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Literal

import inngest

from proflow_runtime.context.tenant import is_tenant
from proflow_runtime.dispatch.programs import Programs
from proflow_runtime.dispatch.start_request import RUN, StartRequest
from proflow_runtime.programs import failures
from proflow_runtime.protocol.app_names import AppNames
from proflow_runtime.status import OPEN
from proflow_runtime.store import outbox, runs
from proflow_runtime.store.database import transaction
from proflow_runtime.store.outages import through_outages
from proflow_runtime.store.outbox import Effect
from proflow_runtime.store.triggers import MOST_TENANTS
from proflow_runtime.values import JSON

log = logging.getLogger("proflow.stored")
FAILED, CANCELLED = "inngest/function.failed", "inngest/function.cancelled"
Ended = Callable[[int, str, Literal["completed", "failed", "cancelled"]], Awaitable[None]]
"""Called with tenant, run id and status when a run has ended; it may be called twice for a run."""


def triggers(names: AppNames) -> list[inngest.TriggerCron | inngest.TriggerEvent]:
    """Build the triggers of the closing function: the interpreter's runs failed or were cancelled.

    Args:
        names: The names of the app's events. The id of the app prefixes the ids of its functions.
    """
    ours = f'event.data.function_id == "{names.app_id}-{RUN}"'
    return [
        *(inngest.TriggerEvent(event=name, expression=ours) for name in (FAILED, CANCELLED)),
        inngest.TriggerEvent(event=names.failed),
    ]


async def failing(
    names: AppNames,
    tenant_id: int,
    request: StartRequest,
    inngest_run_id: str,
    error: Exception,
) -> None:
    """Let the outbox close a run that fails now, if Inngest does not say soon that it has failed.

    Args:
        names: The names of the app's events.
        tenant_id: The tenant that owns the run.
        request: The request that the run was started with.
        inngest_run_id: The id of the run in Inngest.
        error: The failure.
    """
    attempt = request.attempt
    carried = StartRequest(request.run_id, request.workflow, attempt=attempt)
    event = carried.to_event(tenant_id, names)
    data = {
        "tenant_id": tenant_id,
        "run_id": inngest_run_id,
        "event": {"name": event.name, "id": event.id, "data": event.data},
        "error": {"name": type(error).__name__, "message": str(error)},
    }
    async with transaction() as client:
        await outbox.put(
            *(client, f"failed:{request.run_id}:{attempt}", tenant_id, names.failed, data),
            effect=Effect("ended", request.run_id),
            wait=outbox.PAUSES[0],
        )


class Closer:
    """The handler of the closing function.

    It records how the run ended, and calls the workflow's failure handler if the run failed.
    """

    def __init__(self, programs: Programs, ended: Ended | None = None) -> None:
        self._programs, self._ended = programs, ended

    async def __call__(self, ctx: inngest.Context) -> JSON:
        data: Any = ctx.event.data
        started = data["event"]
        carrier = inngest.Event(name=started["name"], data=started["data"], id=started["id"])
        tenant_id: Any = carrier.data.get("tenant_id")
        try:
            request = StartRequest.of(carrier)
        except inngest.NonRetriableError:
            return None
        if request.part is not None or not is_tenant(tenant_id) or tenant_id > MOST_TENANTS:
            return None  # a part ends with its run; without a tenant there is no run
        status: Literal["failed", "cancelled"] = (
            "cancelled" if ctx.event.name == CANCELLED else "failed"
        )
        error = data.get("error") if status == "failed" else None
        failure = {
            "name": str((error or {}).get("name") or "Error"),
            "message": str((error or {}).get("message") or ""),
        }
        closed = await ctx.step.run(
            "close",
            partial(
                through_outages,
                self._close,
                tenant_id,
                request,
                data["run_id"],
                status,
                failure if error else None,
            ),
        )
        if closed is None or status != "failed":
            return closed
        handler = await self._handler(tenant_id, closed)
        if handler is not None:
            await ctx.step.run(
                failures.NODE,
                lambda: failures.handle_failure(
                    self._programs.registry[handler],
                    closed["run"],
                    tenant_id,
                    failure,
                    closed["event"],
                    ctx.attempt,
                ),
            )
        return closed

    async def _handler(self, tenant_id: int, closed: dict[str, Any]) -> str | None:
        """Return the name of the workflow's failure handler, or None if there is none to call."""
        about = {"tenant_id": tenant_id, "run_id": closed["run"], "node_id": failures.NODE}
        try:
            handler = (await self._programs.about(closed["digest"])).on_failure
        except Exception as error:
            log.warning("the failure handler is not known: %s", error, extra=about)
            return None
        if handler is not None and handler not in self._programs.registry:
            log.warning("there is no failure handler `%s`", handler, extra=about)
            return None
        return handler

    async def _close(
        self,
        tenant_id: int,
        request: StartRequest,
        inngest_run_id: str,
        status: Literal["failed", "cancelled"],
        error: dict[str, str] | None,
    ) -> dict[str, Any] | None:
        run_id = request.run_id
        run = await runs.get(tenant_id, run_id)
        if run is None:
            await outbox.mark_seen(tenant_id, run_id)  # it could not begin, and never will
            return None
        if run.inngest_run_id not in (None, inngest_run_id):
            return None  # the row belongs to another run of Inngest
        if run.attempt != request.attempt:
            return None  # an earlier attempt, which is over
        if run.status not in (*OPEN, status):
            return None  # the run had ended before Inngest began it
        if await runs.finish(tenant_id, run_id, status, error=error) and error is not None:
            about = {"tenant_id": tenant_id, "run_id": run_id}
            log.warning("the run has failed: %s", error["message"], extra=about)
        if self._ended is not None:
            await self._ended(tenant_id, run_id, status)
        return {"run": run.id, "digest": run.digest, "event": run.event}
