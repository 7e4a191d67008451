"""The interpreter function: one run of one stored definition, or a part of one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

import inngest
from proflow_schemas.definition import is_older

from proflow_runtime.context.tenant import required_tenant
from proflow_runtime.dispatch.asked import RUN, Asked, as_kept
from proflow_runtime.dispatch.callees import StoredCallees
from proflow_runtime.dispatch.closing import Ended
from proflow_runtime.dispatch.outdated import RefusedDesignError
from proflow_runtime.dispatch.programs import Pin, Prepared, Programs
from proflow_runtime.flow import Flow
from proflow_runtime.flow.approvals import Opener, OpenRequest
from proflow_runtime.flow.parts import Handed
from proflow_runtime.programs.decorator import replay_part, replay_run
from proflow_runtime.status import OF_THE_PROCESS, Recorders
from proflow_runtime.store import designs, runs
from proflow_runtime.store.triggers import MOST_TENANTS
from proflow_runtime.tenants import TenantZones
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
        zones: TenantZones | None = None,
        recorders: Recorders = OF_THE_PROCESS,
    ) -> None:
        self._programs, self._ended = programs, ended
        self._recorders = recorders
        self._opener, self._closer = opener, closer
        self._finish = finish or _finished
        self._zones = zones or TenantZones()

    async def __call__(self, ctx: inngest.Context) -> JSON:
        tenant_id = required_tenant(ctx.event.data)
        asked = Asked.of(ctx.event)
        if tenant_id > MOST_TENANTS:
            raise inngest.NonRetriableError(f"there is no tenant {tenant_id}")
        if asked.part is not None:
            return await self._part(ctx, tenant_id, asked, asked.part)
        trigger = asked.trigger(ctx.event)
        pinned = await ctx.step.run(PIN, partial(self._pin, tenant_id, asked, ctx.run_id, trigger))
        pin = Pin(tenant_id, asked.workflow, pinned["version"], pinned["digest"])
        prepared = await self._programs.get(pin)
        flow = self._flow(ctx, pin, asked.run_id, trigger, prepared, pinned.get("timezone"))
        flow.planned += 1  # the first step, which holds the run to its version
        answer = await replay_run(flow, prepared.program.body)
        # A run that Inngest ends well is never open in the table: if this fails, the request does.
        await self._finish(tenant_id, asked.run_id, answer)
        if self._ended is not None:
            await self._ended(tenant_id, asked.run_id, "completed")
        return answer

    async def _pin(
        self, tenant_id: int, asked: Asked, inngest_run_id: str, trigger: inngest.Event
    ) -> dict[str, JSON]:
        """Hold a run to a version and to its tenant's time zone, and note that Inngest has begun
        it: `{digest, version, timezone}`.

        Raises `NonRetriableError` for what cannot, or must not, be run.
        """
        zone = await self._zones.of(tenant_id)
        if asked.caller is not None and await self._is_over(tenant_id, asked.caller):
            raise inngest.NonRetriableError(f"run `{asked.caller}`, which calls it, is over")
        pin = await self._version(tenant_id, asked)
        digest, refused = pin.digest, None
        try:
            digest = await self._programs.to_begin(pin)
        except (
            RefusedDesignError
        ) as error:  # the run is noted first, so that it can be seen to fail
            refused = error
        about = await self._programs.about(digest)
        try:
            run, _ = await runs.create(
                runs.NewRun(
                    id=asked.run_id,
                    tenant_id=tenant_id,
                    workflow=asked.workflow,
                    version=pin.version,
                    digest=digest,
                    event=as_kept(trigger),
                    function_id=RUN,
                    task_type=about.task_type,
                    business_id=asked.business_id,
                    started_by=asked.started_by,
                    parent=asked.caller,
                )
            )
        except runs.RunIdTakenError:
            raise inngest.NonRetriableError(f"run `{asked.run_id}` is taken") from None
        begun = await runs.begin(tenant_id, run.id, inngest_run_id, digest=digest)
        if begun is None:
            raise inngest.NonRetriableError(f"run `{run.id}` is over, or was begun before")
        if refused is not None:
            raise inngest.NonRetriableError(str(refused))
        return {"digest": begun.digest, "version": begun.version, "timezone": zone}

    async def _is_over(self, tenant_id: int, caller: str) -> bool:
        """Whether the run is over that calls this one: what ends it came too early for this one."""
        run = await runs.get(tenant_id, caller)
        return run is not None and run.status not in runs.OPEN

    async def _version(self, tenant_id: int, asked: Asked) -> Pin:
        """The version that a run is asked for; without one, the published."""
        if asked.version is None or asked.digest is None:
            published = await designs.published(tenant_id, asked.workflow)
            if published is None:
                raise inngest.NonRetriableError(
                    f"there is no published workflow `{asked.workflow}`"
                )
            return Pin(tenant_id, asked.workflow, published.version, published.digest)
        digest = await designs.digest_of(tenant_id, asked.workflow, asked.version)
        if digest is None or not await self._was_digest(asked.digest, digest):
            raise inngest.NonRetriableError(
                f"`{asked.workflow}` has no version {asked.version} like that"
            )
        return Pin(tenant_id, asked.workflow, asked.version, digest)

    async def _was_digest(self, asked: str, digest: str) -> bool:
        """Whether a version with a digest can have had the one asked for: it may have been compiled
        again since."""
        return asked == digest or is_older((await self._programs.about(asked)).format)

    async def _part(self, ctx: inngest.Context, tenant_id: int, asked: Asked, part: str) -> JSON:
        run = await runs.get(tenant_id, asked.run_id)
        if run is None or run.digest != asked.digest:
            raise inngest.NonRetriableError(f"there is no run `{asked.run_id}` of this version")
        pin = Pin(tenant_id, run.workflow, run.version, run.digest)
        prepared = await self._programs.get(pin)
        known = prepared.definition.parts.get(part)
        if known is None:
            raise inngest.NonRetriableError(f"there is no part `{part}` of `{asked.workflow}`")
        handed = Handed.of(ctx.event)
        flow = self._flow(ctx, pin, run.id, handed.event, prepared)
        return await replay_part(flow, prepared.program.parts[part], handed, known.keeps)

    def _flow(
        self,
        ctx: inngest.Context,
        pin: Pin,
        run_id: str,
        trigger: inngest.Event,
        prepared: Prepared,
        timezone: str | None = None,
    ) -> Flow:
        """`timezone`: the tenant's, as the run was begun."""
        return Flow(
            replace(ctx, run_id=run_id, event=trigger),
            prepared.workflow(pin.version, timezone),
            pin.tenant_id,
            recorders=self._recorders,
            callees=StoredCallees(self._programs, pin.tenant_id, run_id, pin.digest, pin.version),
            opener=None if self._opener is None else partial(_labelled, self._opener, prepared),
            closer=None if self._closer is None else partial(self._closer, pin.tenant_id, run_id),
            inngest_run_id=ctx.run_id,
        )


async def _finished(tenant_id: int, run_id: str, answer: JSON) -> None:
    await runs.finish(tenant_id, run_id, "completed", answer=answer)


async def _labelled(opener: Opener, prepared: Prepared, request: OpenRequest) -> None:
    """Open an approval under what the canvas calls it."""
    await opener(replace(request, label=prepared.labels.get(request.node, request.node)))
