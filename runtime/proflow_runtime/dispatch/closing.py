"""Closes runs that Inngest has ended: they failed, or somebody or something cancelled them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Literal

import inngest

from proflow_runtime.context.tenant import is_tenant
from proflow_runtime.dispatch.asked import RUN, Asked
from proflow_runtime.dispatch.programs import Programs
from proflow_runtime.programs import failures
from proflow_runtime.store import runs
from proflow_runtime.store.triggers import MOST_TENANTS
from proflow_runtime.values import JSON

FAILED, CANCELLED = "inngest/function.failed", "inngest/function.cancelled"
Ended = Callable[[int, str, Literal["completed", "failed", "cancelled"]], Awaitable[None]]
"""Told that a run of a tenant has ended, and how; perhaps twice."""


def triggers(app_id: str) -> list[inngest.TriggerCron | inngest.TriggerEvent]:
    """What Inngest says of the interpreter's runs that did not end well."""
    ours = f'event.data.function_id == "{app_id}-{RUN}"'
    return [inngest.TriggerEvent(event=name, expression=ours) for name in (FAILED, CANCELLED)]


class Closer:
    """The handler of the closing function."""

    def __init__(self, programs: Programs, ended: Ended | None = None) -> None:
        self._programs, self._ended = programs, ended

    async def __call__(self, ctx: inngest.Context) -> JSON:
        data: Any = ctx.event.data
        started = data["event"]
        asking = inngest.Event(name=started["name"], data=started["data"], id=started["id"])
        tenant_id: Any = asking.data.get("tenant_id")
        try:
            asked = Asked.of(asking)
        except inngest.NonRetriableError:
            return None
        if asked.part is not None or not is_tenant(tenant_id) or tenant_id > MOST_TENANTS:
            return None  # a part ends with its run; without a tenant there is no run
        status: Literal["failed", "cancelled"] = (
            "failed" if ctx.event.name == FAILED else "cancelled"
        )
        error = data.get("error") if status == "failed" else None
        told = {
            "name": str((error or {}).get("name") or "Error"),
            "message": str((error or {}).get("message") or ""),
        }
        closed = await ctx.step.run(
            "close",
            partial(
                self._close,
                tenant_id,
                asked.run_id,
                data["run_id"],
                status,
                told if error else None,
            ),
        )
        if closed is None or status != "failed":
            return closed
        handler = (await self._programs.about(closed["digest"])).on_failure
        if handler is not None:
            await ctx.step.run(
                failures.NODE,
                lambda: failures.handle_failure(
                    self._programs.registry[handler],
                    closed["run"],
                    tenant_id,
                    told,
                    closed["event"],
                    ctx.attempt,
                ),
            )
        return closed

    async def _close(
        self,
        tenant_id: int,
        run_id: str,
        inngest_run_id: str,
        status: Literal["failed", "cancelled"],
        error: dict[str, str] | None,
    ) -> dict[str, Any] | None:
        run = await runs.get(tenant_id, run_id)
        if run is None or run.inngest_run_id not in (None, inngest_run_id):
            return None  # another run of Inngest has the same one
        if run.status not in (*runs.OPEN, status):
            return None  # it had ended before Inngest began it
        await runs.finish(tenant_id, run_id, status, error=error)
        if self._ended is not None:
            await self._ended(tenant_id, run_id, status)
        return {"run": run.id, "digest": run.digest, "event": run.event}
