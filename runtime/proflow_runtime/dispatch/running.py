"""The interpreter function, which performs one run of a stored definition, or a part of one."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import inngest
from proflow_schemas.definition import UnknownFormatError, is_older

from proflow_runtime.context.tenant import required_tenant
from proflow_runtime.dispatch import blocking
from proflow_runtime.dispatch.callees import StoredCallees
from proflow_runtime.dispatch.closing import Ended, failing
from proflow_runtime.dispatch.earlier import EarlierResults
from proflow_runtime.dispatch.outdated import RefusedDesignError
from proflow_runtime.dispatch.programs import Pin, Prepared, Programs, UnreadableDefinitionError
from proflow_runtime.dispatch.start_request import RUN, StartRequest, as_kept, stated_initiator
from proflow_runtime.flow import Flow, memos
from proflow_runtime.flow.approvals import Board, Opener, OpenRequest
from proflow_runtime.flow.item_replays import KeptReplays
from proflow_runtime.flow.parts import Handed
from proflow_runtime.programs.decorator import replay_part, replay_run
from proflow_runtime.protocol.app_names import AppNames
from proflow_runtime.status import OF_THE_PROCESS, OPEN, Recorders
from proflow_runtime.store import designs, runs
from proflow_runtime.store.models.runs import Run
from proflow_runtime.store.outages import through_outages
from proflow_runtime.store.triggers import MOST_TENANTS
from proflow_runtime.tenants import TenantZones
from proflow_runtime.values import JSON

log = logging.getLogger("proflow.stored")
PIN = "proflow/pin"
"""The id of the first step of every run; no step of a node has an id that ends in `/pin`."""

Finish = Callable[[int, str, JSON, int], Awaitable[None]]
"""Records durably that a run has completed, given its tenant, id, return value and attempt."""

CLOSING = timedelta(seconds=1)
"""Between two looks whether Inngest has ended the earlier attempt at a subprocess."""
SEEN = 10_000
LOOKS = 5
"""How often it is looked for; then the earlier attempt is taken to be over."""

BoardOf = Callable[[int, str], Board]
"""Returns the record of the approvals of a run, given its tenant and id."""

Leaving = Callable[[int, str, Sequence[str]], Awaitable[None]]
"""Closes approvals that a run no longer waits for, given its tenant, id and the approvals'
executions, such as `x[3]#2`."""


class Interpreter:
    """The handler of the interpreter function."""

    def __init__(
        self,
        programs: Programs,
        names: AppNames,
        opener: Opener | None = None,
        closer: Leaving | None = None,
        ended: Ended | None = None,
        finish: Finish | None = None,
        zones: TenantZones | None = None,
        recorders: Recorders = OF_THE_PROCESS,
        board: BoardOf | None = None,
    ) -> None:
        memos.install()
        self._programs, self._names, self._ended = programs, names, ended
        self._recorders, self._board = recorders, board
        self._opener, self._closer = opener, closer
        self._finish = finish or _finished
        self._zones = zones or TenantZones()
        self._kept = KeptReplays()
        self._earlier = EarlierResults()
        self._seen: OrderedDict[tuple[str, int], None] = OrderedDict()
        """The attempts at runs of which this process knows that they have a row."""

    async def __call__(self, ctx: inngest.Context) -> JSON:
        tenant_id = required_tenant(ctx.event.data)
        request = StartRequest.of(ctx.event)
        if tenant_id > MOST_TENANTS:
            raise inngest.NonRetriableError(f"there is no tenant {tenant_id}")
        if request.part is not None:
            return await self._part(ctx, tenant_id, request, request.part)
        trigger = request.trigger(ctx.event)
        pinned = await ctx.step.run(
            PIN, partial(through_outages, self._pin, tenant_id, request, ctx, trigger)
        )
        if "answer" in pinned:
            answer: JSON = pinned["answer"]
            return answer
        pin = Pin(tenant_id, request.workflow, pinned["version"], pinned["digest"])
        await through_outages(self._require_row, pin, request, ctx.run_id, trigger)
        prepared = await blocking.prepared(ctx, self._programs, pin, request.run_id)
        earlier = await through_outages(
            self._earlier.of, tenant_id, request.run_id, request.attempt
        )
        flow = self._flow(
            ctx, pin, request, trigger, prepared, earlier, timezone=pinned.get("timezone")
        )
        flow.planned += 1  # the `pin` step above
        try:
            answer = await replay_run(flow, prepared.program.body)
        except inngest.NonRetriableError as error:
            await failing(self._names, tenant_id, request, ctx.run_id, error)
            raise
        # If this fails, so does the request: a run that Inngest completes must not stay open here.
        await through_outages(self._finish, tenant_id, request.run_id, answer, request.attempt)
        if self._ended is not None:
            await through_outages(self._ended, tenant_id, request.run_id, "completed")
        return answer

    async def _require_row(
        self, pin: Pin, request: StartRequest, inngest_run_id: str, trigger: inngest.Event
    ) -> None:
        """Create the row of a run that Inngest has begun and our database has forgotten.

        This happens if the database was restored to an earlier time. Without the row nobody would
        see the run, nor be asked for its approvals.
        """
        key = request.run_id, request.attempt
        if key in self._seen:
            self._seen.move_to_end(key)
            return
        if await runs.get(pin.tenant_id, request.run_id) is None:
            about = {"tenant_id": pin.tenant_id, "run_id": request.run_id}
            log.warning("the run is not in the database any more; it is added again", extra=about)
            task_type: str | None = None
            with suppress(inngest.NonRetriableError):  # the definition may be gone, too
                task_type = (await self._programs.about(pin.digest)).task_type
            with suppress(runs.RunIdTakenError):
                await runs.create(self._new(pin, request, trigger, task_type))
                await runs.begin(
                    *(pin.tenant_id, request.run_id, inngest_run_id), attempt=request.attempt
                )
        self._seen[key] = None
        while len(self._seen) > SEEN:
            self._seen.popitem(last=False)

    def _new(
        self, pin: Pin, request: StartRequest, trigger: inngest.Event, task_type: str | None
    ) -> runs.NewRun:
        return runs.NewRun(
            id=request.run_id,
            tenant_id=pin.tenant_id,
            workflow=request.workflow,
            version=pin.version,
            digest=pin.digest,
            event=as_kept(trigger),
            function_id=RUN,
            task_type=task_type,
            business_id=request.business_id,
            started_by=request.started_by,
            parent=request.caller,
            attempt=request.attempt,
        )

    async def _pin(
        self, tenant_id: int, request: StartRequest, ctx: inngest.Context, trigger: inngest.Event
    ) -> dict[str, JSON]:
        """Fix the version and time zone that a run uses, and record that Inngest has begun it.

        Returns `{digest, version, timezone}`; for a subprocess that has completed in an earlier
        attempt at its caller, `{answer}`. Raises `NonRetriableError` if the run cannot or must not
        be performed.
        """
        zone = await self._zones.of(tenant_id)
        caller = None if request.caller is None else await runs.get(tenant_id, request.caller)
        if caller is not None and caller.status not in OPEN:
            # The event that ended the caller came too early for this run.
            raise inngest.NonRetriableError(f"run `{request.caller}`, which calls it, is over")
        if request.attempt > 1:
            known = await self._reopened(tenant_id, request, ctx.attempt, as_kept(trigger))
            if known is not None and known.status == "completed":
                given = {"result": known.result, "output": known.output, "outcomes": {}}
                return {"answer": given}
            if known is not None:
                digest = known.digest  # an older format is read as that of the first attempt
                begun = await self._begun(tenant_id, request, ctx.run_id, digest)
                return {"digest": begun.digest, "version": begun.version, "timezone": zone}
        pin = await self._version(tenant_id, request)
        digest = pin.digest
        refused: RefusedDesignError | UnreadableDefinitionError | None = None
        try:
            digest = await self._programs.to_begin(pin)
        except (RefusedDesignError, UnreadableDefinitionError) as error:
            refused = error  # raised once the run has a row, so that its failure can be seen
        except UnknownFormatError:
            pass  # the run begins, and is blocked until a newer process reads its definition
        about = await self._programs.about(digest)
        try:
            current = replace(pin, digest=digest)
            started_by = request.started_by or _initiator(caller, trigger)
            new = self._new(current, request, trigger, about.task_type)
            await runs.create(replace(new, started_by=started_by))
        except runs.RunIdTakenError:
            raise inngest.NonRetriableError(f"run `{request.run_id}` is taken") from None
        begun = await self._begun(tenant_id, request, ctx.run_id, digest)
        if refused is not None:
            raise inngest.NonRetriableError(str(refused))
        return {"digest": begun.digest, "version": begun.version, "timezone": zone}

    async def _begun(
        self, tenant_id: int, request: StartRequest, inngest_run_id: str, digest: str
    ) -> Run:
        about = await self._programs.about(digest)
        begun = await runs.begin(
            tenant_id,
            request.run_id,
            inngest_run_id,
            attempt=request.attempt,
            digest=digest,
            finish_timeout=about.finish_timeout,
        )
        if begun is None:
            message = f"run `{request.run_id}` is over, or was begun before"
            raise inngest.NonRetriableError(message)
        return begun

    async def _reopened(
        self, tenant_id: int, request: StartRequest, look: int, event: dict[str, Any]
    ) -> Run | None:
        """Find the run that goes on; None if this attempt at the caller is the first to call it.

        The service has reopened a run that somebody retries. Its subprocesses are reopened here.
        """
        run = await runs.get(tenant_id, request.run_id)
        if run is None or run.attempt >= request.attempt or run.status == "completed":
            return run
        if run.status in OPEN:
            if look < LOOKS:
                message = f"the earlier attempt at run `{run.id}` is not over yet"
                raise inngest.RetryAfterError(message, CLOSING)
            await runs.finish(tenant_id, run.id, "cancelled", attempt=run.attempt)
        again = runs.NextAttempt(run.version, run.digest, event, request.attempt)
        return await runs.reopen(tenant_id, run.id, again)

    async def _version(self, tenant_id: int, request: StartRequest) -> Pin:
        """Find the requested version, or the published one if none was requested."""
        if request.version is None or request.digest is None:
            published = await designs.published(tenant_id, request.workflow)
            if published is None:
                raise inngest.NonRetriableError(
                    f"there is no published workflow `{request.workflow}`"
                )
            return Pin(tenant_id, request.workflow, published.version, published.digest)
        digest = await designs.digest_of(tenant_id, request.workflow, request.version)
        if digest is None or not await self._was_digest(request.digest, digest):
            raise inngest.NonRetriableError(
                f"`{request.workflow}` has no version {request.version} like that"
            )
        return Pin(tenant_id, request.workflow, request.version, digest)

    async def _was_digest(self, requested: str, digest: str) -> bool:
        """True if a version that has `digest` now may have had the requested one before.

        It may have been compiled again since the run was requested.
        """
        return requested == digest or is_older((await self._programs.about(requested)).format)

    async def _part(
        self, ctx: inngest.Context, tenant_id: int, request: StartRequest, part: str
    ) -> JSON:
        run = await runs.get(tenant_id, request.run_id)
        if run is None or (run.digest, run.attempt) != (request.digest, request.attempt):
            raise inngest.NonRetriableError(f"there is no run `{request.run_id}` of this version")
        pin = Pin(tenant_id, run.workflow, run.version, run.digest)
        prepared = await blocking.prepared(ctx, self._programs, pin, run.id)
        known = prepared.definition.parts.get(part)
        if known is None:
            raise inngest.NonRetriableError(f"there is no part `{part}` of `{request.workflow}`")
        handed = Handed.of(ctx.event)
        earlier = await self._earlier.of(tenant_id, run.id, request.attempt, part)
        flow = self._flow(ctx, pin, request, handed.event, prepared, earlier)
        return await replay_part(flow, prepared.program.parts[part], handed, known.keeps)

    def _flow(
        self,
        ctx: inngest.Context,
        pin: Pin,
        request: StartRequest,
        trigger: inngest.Event,
        prepared: Prepared,
        earlier: dict[str, Any] | None,
        *,
        timezone: str | None = None,
    ) -> Flow:
        """Create the flow; `timezone` is the tenant's at the time when the run was begun."""
        run_id, attempt = request.run_id, request.attempt
        opener = None if self._opener is None else partial(_labelled, self._opener, prepared)
        callees = StoredCallees(
            self._programs, self._names, pin.tenant_id, run_id, pin.digest, pin.version, attempt
        )
        return Flow(
            replace(ctx, run_id=run_id, event=trigger),
            prepared.workflow(pin.version, timezone),
            pin.tenant_id,
            recorders=self._recorders,
            callees=callees,
            answer_event=None if self._opener is None else self._names.answer,
            opener=opener,
            closer=None if self._closer is None else partial(self._closer, pin.tenant_id, run_id),
            board=None if self._board is None else self._board(pin.tenant_id, run_id),
            blocker=blocking.StoredBlocker(pin.tenant_id, run_id),
            inngest_run_id=ctx.run_id,
            kept=self._kept,
            attempt=attempt,
            part=request.part or "",
            earlier=earlier,
        )


def _initiator(caller: Run | None, trigger: inngest.Event) -> str | None:
    """Return for whom a run is that nobody has started through the service."""
    inherited = None if caller is None else caller.started_by
    return inherited or stated_initiator(trigger.data)


async def _finished(tenant_id: int, run_id: str, answer: JSON, attempt: int) -> None:
    await runs.finish(tenant_id, run_id, "completed", answer=answer, attempt=attempt)


async def _labelled(opener: Opener, prepared: Prepared, request: OpenRequest) -> None:
    """Open an approval with the label of its node."""
    await opener(replace(request, label=prepared.labels.get(request.node, request.node)))
