"""The interpreter function: one run of one stored definition, or a part of one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

import inngest

from proflow_runtime import status
from proflow_runtime.approvals import Opener, OpenRequest
from proflow_runtime.decorator import part_pass, whole_pass
from proflow_runtime.flow import Flow
from proflow_runtime.parts import Handed
from proflow_runtime.store import designs, runs
from proflow_runtime.store.triggers import MOST_TENANTS
from proflow_runtime.stored.asked import RUN, Asked, as_kept
from proflow_runtime.stored.callees import StoredCallees
from proflow_runtime.stored.closing import Ended
from proflow_runtime.stored.programs import Prepared, Programs
from proflow_runtime.tenant import required_tenant
from proflow_runtime.values import JSON

PIN = "proflow/pin"
"""The first step of every run. What follows the `/` in the id of a node's step is never `pin`."""


Finish = Callable[[int, str, JSON], Awaitable[None]]
"""Notes durably that a run of a tenant has ended well, and what it answers."""


Leaving = Callable[[int, str, Sequence[str]], Awaitable[None]]
"""Closes approvals that a run of a tenant has left, by their executions (`x[3]#2`)."""


class Interpreter:
    """The handler of the interpreter function."""

    def __init__(
        self,
        programs: Programs,
        opener: Opener | None = None,
        closer: Leaving | None = None,
        ended: Ended | None = None,
        finish: Finish | None = None,
    ) -> None:
        self._programs, self._ended = programs, ended
        self._opener, self._closer = opener, closer
        self._finish = finish or _finished

    async def __call__(self, ctx: inngest.Context) -> JSON:
        tenant_id = required_tenant(ctx.event.data)
        asked = Asked.of(ctx.event)
        if tenant_id > MOST_TENANTS:
            raise inngest.NonRetriableError(f"there is no tenant {tenant_id}")
        if asked.part is not None:
            return await self._part(ctx, tenant_id, asked, asked.part)
        trigger = asked.trigger(ctx.event)
        pinned = await ctx.step.run(PIN, partial(self._pin, tenant_id, asked, ctx.run_id, trigger))
        digest, version = pinned["digest"], pinned["version"]
        prepared = await self._programs.get(digest)
        flow = self._flow(ctx, tenant_id, asked.run_id, trigger, prepared, version)
        answer = await whole_pass(flow, prepared.program.body)
        # A run that Inngest ends well is never open in the table: if this fails, the request does.
        await self._finish(tenant_id, asked.run_id, answer)
        if self._ended is not None:
            await self._ended(tenant_id, asked.run_id, "completed")
        return answer

    async def _pin(
        self, tenant_id: int, asked: Asked, inngest_run_id: str, trigger: inngest.Event
    ) -> dict[str, JSON]:
        """Hold a run to a version, `{digest, version}`, and note that Inngest has begun it.

        Raises `NonRetriableError` for what cannot, or must not, be run.
        """
        version, digest = asked.version, asked.digest
        if version is None or digest is None:
            published = await designs.published(tenant_id, asked.workflow)
            if published is None:
                raise inngest.NonRetriableError(
                    f"there is no published workflow `{asked.workflow}`"
                )
            version, digest = published.version, published.digest
        elif not await designs.has_version(tenant_id, asked.workflow, version, digest):
            raise inngest.NonRetriableError(
                f"`{asked.workflow}` has no version {version} like that"
            )
        definition = await self._programs.definition(digest)
        try:
            run, _ = await runs.create(
                runs.NewRun(
                    id=asked.run_id,
                    tenant_id=tenant_id,
                    workflow=asked.workflow,
                    version=version,
                    digest=digest,
                    event=as_kept(trigger),
                    function_id=RUN,
                    task_type=definition.task_type,
                    business_id=asked.business_id,
                    started_by=asked.started_by,
                    parent=asked.caller,
                )
            )
        except runs.RunIdTakenError:
            raise inngest.NonRetriableError(f"run `{asked.run_id}` is taken") from None
        if not await runs.begin(tenant_id, run.id, inngest_run_id):
            raise inngest.NonRetriableError(f"run `{run.id}` is over, or was begun before")
        return {"digest": run.digest, "version": run.version}

    async def _part(self, ctx: inngest.Context, tenant_id: int, asked: Asked, part: str) -> JSON:
        run = await runs.get(tenant_id, asked.run_id)
        if run is None or run.digest != asked.digest:
            raise inngest.NonRetriableError(f"there is no run `{asked.run_id}` of this version")
        prepared = await self._programs.get(run.digest)
        known = prepared.definition.parts.get(part)
        if known is None:
            raise inngest.NonRetriableError(f"there is no part `{part}` of `{asked.workflow}`")
        handed = Handed.of(ctx.event)
        flow = self._flow(ctx, tenant_id, run.id, handed.event, prepared, run.version)
        return await part_pass(flow, prepared.program.parts[part], handed, known.keeps)

    def _flow(
        self,
        ctx: inngest.Context,
        tenant_id: int,
        run_id: str,
        trigger: inngest.Event,
        prepared: Prepared,
        version: int,
    ) -> Flow:
        return Flow(
            replace(ctx, run_id=run_id, event=trigger),
            prepared.workflow(version),
            tenant_id,
            recorded=status.is_recorded(),
            callees=StoredCallees(tenant_id, run_id, prepared.definition.digest, version),
            opener=None if self._opener is None else partial(_labelled, self._opener, prepared),
            closer=None if self._closer is None else partial(self._closer, tenant_id, run_id),
            inngest_run_id=ctx.run_id,
        )


async def _finished(tenant_id: int, run_id: str, answer: JSON) -> None:
    await runs.finish(tenant_id, run_id, "completed", answer=answer)


async def _labelled(opener: Opener, prepared: Prepared, request: OpenRequest) -> None:
    """Open an approval under what the canvas calls it."""
    await opener(replace(request, label=prepared.labels.get(request.node, request.node)))
