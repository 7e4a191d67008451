"""The routes of runs: start, status, history, cancel and retry."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from proflow_schemas.numbers import MAX_EXACT
from pydantic import AwareDatetime, BaseModel, Field

from proflow_runtime.approvals.service import shown_data
from proflow_runtime.context.permissions import ADMINISTER_TENANT
from proflow_runtime.service.auth import Principal
from proflow_runtime.service.facade import ProFlow
from proflow_runtime.service.going_on import Again
from proflow_runtime.service.problems import RESPONSES, not_found
from proflow_runtime.service.routes.common import (
    MOST_INTEGER,
    Body,
    Cursor,
    Following,
    Limit,
    RunId,
    audited,
    bad_cursor,
    dashboard_link,
    principal,
    require_visible,
    visible_runs,
)
from proflow_runtime.service.routes.drawings import Drawn, drawn_for
from proflow_runtime.service.states import history
from proflow_runtime.store import attempts, designs, runs
from proflow_runtime.store.models.runs import Run
from proflow_runtime.store.pages import CursorError

TAG = "runs"


class NewRun(Body):
    workflow: str = Field(max_length=100)
    data: dict[str, Any] = Field(default_factory=dict)
    business_id: int | None = Field(default=None, ge=-MOST_INTEGER, le=MOST_INTEGER)
    key: str | None = Field(
        default=None, min_length=1, max_length=200, description="Makes the request idempotent"
    )


class Started(BaseModel):
    run_id: str


class RetryBody(Body):
    """How a run is retried; without a body, it goes on where it has failed, in its version."""

    start: Literal["failure", "beginning"] = Field(
        default="failure",
        alias="from",
        description="`failure`: go on at the step that failed; `beginning`: start another run",
    )
    version: int | None = Field(
        default=None, description="The version to go on with, if it is safe for the run"
    )
    data: dict[str, Any] | None = Field(
        default=None, description="The corrected data of the run; only from administrators"
    )
    reason: str | None = Field(default=None, min_length=1, max_length=4000)


class RunAttempt(BaseModel):
    """One attempt at a run: the first, or a retry that went on from a failure."""

    number: int
    version: int
    inngest_run_id: str | None
    status: str
    error: Any
    started_by: str | None
    reason: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class StepAttempt(BaseModel):
    """One attempt at a step of a node.

    `error` is `{name, message, traceback}`, with the frames of the host's code only. Secrets in
    `input` and `output` are redacted, and large values are cut: `{truncated, begin}`.
    """

    id: int
    run_attempt: int
    step: str
    number: int
    started_at: datetime
    ended_at: datetime
    error: Any
    logs: list[Any]
    input: Any
    output: Any


class RunSummary(BaseModel):
    """A run without its nodes."""

    run_id: str
    workflow: str
    version: int
    status: str
    result: str | None
    business_id: int | None
    started_by: str | None
    parent: str | None
    retried_from: str | None
    attempt: int
    inngest_run_id: str | None
    inngest_url: str | None = None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class Change(BaseModel):
    """A change of a node's state, or of the run itself if `node` is null."""

    id: int
    revision: int
    at: datetime
    node: str | None
    items: list[int]
    round: int
    status: str
    outcome: Any
    attempts: int | None
    error: Any
    notes: list[str]


class BlockedBy(BaseModel):
    """What a run needs and the deployment lacks: `reason` is `handler`, `channel` or `format`."""

    node: str | None
    reason: str
    subject: str | None
    message: str
    since: datetime


class RunStatus(RunSummary):
    """A run with the states of all nodes of its design, by id."""

    revision: int
    output: Any
    error: Any
    blocked: list[BlockedBy]
    nodes: dict[str, Any]


def add(router: APIRouter, proflow: ProFlow) -> None:
    """Add the routes of runs to a router."""
    who = principal(proflow)

    @router.post("/runs", status_code=201, tags=[TAG], responses=RESPONSES)
    async def start_run(body: NewRun, principal: Principal = who) -> Started:
        """Start a run of a published workflow, if its `start.who` and the host let the user."""
        await proflow.require_start(principal, body.workflow, body.data)
        run_id = await proflow.start(
            tenant_id=principal.tenant_id,
            workflow=body.workflow,
            data=body.data,
            business_id=body.business_id,
            initiator=principal.user,
            # A user must not take the key of another, or of the host, for a run of other data.
            key=None if body.key is None else runs.derived_id("user", principal.user, body.key),
        )
        return Started(run_id=run_id)

    @router.get("/runs", tags=[TAG], responses=RESPONSES)
    async def list_runs(
        workflow: Annotated[str | None, Query(max_length=100)] = None,
        status: Annotated[str | None, Query(max_length=20)] = None,
        business_id: Annotated[int | None, Query(ge=-MOST_INTEGER, le=MOST_INTEGER)] = None,
        started_by: Annotated[str | None, Query(max_length=200)] = None,
        since: Annotated[AwareDatetime | None, Query(description="Created then or later")] = None,
        until: Annotated[AwareDatetime | None, Query(description="Created before")] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
        principal: Principal = who,
    ) -> Following[RunSummary]:
        """List the runs that the user takes part in, the newest first; with `runs:read`, all."""
        try:
            found = await runs.listed(
                principal.tenant_id,
                workflow=workflow,
                status=status,
                business_id=business_id,
                started_by=started_by,
                since=since,
                until=until,
                among=await visible_runs(principal),
                after=cursor,
                limit=limit,
            )
        except CursorError as error:
            raise bad_cursor(error) from None
        fields = [name for name in RunSummary.model_fields if name not in ("run_id", "inngest_url")]
        return Following(
            items=[
                RunSummary(
                    run_id=run.id,
                    inngest_url=dashboard_link(proflow, run.inngest_run_id),
                    **{name: getattr(run, name) for name in fields},
                )
                for run in found.items
            ],
            next=found.next,
        )

    @router.get("/runs/{run_id}", tags=[TAG], responses=RESPONSES)
    async def get_run(run_id: RunId, principal: Principal = who) -> RunStatus:
        """Get the status of a run and of each of its nodes."""
        await require_visible(principal, run_id)
        found = await proflow.status(principal.tenant_id, run_id)
        return RunStatus(**found, inngest_url=dashboard_link(proflow, found["inngest_run_id"]))

    @router.get("/runs/{run_id}/drawing", tags=[TAG], responses=RESPONSES)
    async def draw_run(run_id: RunId, principal: Principal = who) -> Drawn:
        """Draw the version of the design that a run uses."""
        await require_visible(principal, run_id)
        run = await runs.get(principal.tenant_id, run_id)
        if run is None:
            raise not_found("run")
        try:
            version = await designs.version(principal.tenant_id, run.workflow, run.version)
        except designs.UnknownDesignError:
            raise not_found("drawing") from None
        zone = await proflow.zones.named(principal.tenant_id)
        found = await proflow.compiling.draw(version.canvas, timezone=zone)
        return drawn_for(principal, found, proflow.compiling.types)

    @router.get("/runs/{run_id}/events", tags=[TAG], responses=RESPONSES)
    async def list_changes(
        run_id: RunId,
        after: Annotated[int, Query(ge=0, le=MAX_EXACT)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 500,
        principal: Principal = who,
    ) -> list[Change]:
        """List the changes of a run and of its nodes, the oldest first."""
        await require_visible(principal, run_id)
        found = await history(principal.tenant_id, run_id, after=after, limit=limit)
        if found is None:
            raise not_found("run")
        return [Change(**one) for one in found]

    @router.post("/runs/{run_id}/unblock", status_code=202, tags=[TAG], responses=RESPONSES)
    async def unblock_run(run_id: RunId, principal: Principal = who) -> Started:
        """Let a blocked run try again at once; this needs `tenant:admin`."""
        principal.require(ADMINISTER_TENANT)
        await proflow.unblock(principal.tenant_id, run_id)
        return Started(run_id=run_id)

    @router.post("/runs/{run_id}/cancel", status_code=202, tags=[TAG], responses=RESPONSES)
    async def cancel_run(
        run_id: RunId,
        force: Annotated[
            bool, Query(description="Do not wait for Inngest, which may not know the run any more")
        ] = False,
        principal: Principal = who,
    ) -> Started:
        """Cancel a run; it is `cancelled` a moment later.

        This needs `tenant:admin`, unless the user has started the run; `force` always needs it.
        """
        run = await _entitled(principal, run_id)
        if force:
            principal.require(ADMINISTER_TENANT)
        await proflow.cancel(principal.tenant_id, run_id, force=force)
        if force or run.started_by != principal.user:
            await audited(
                principal, "run-cancelled", run_id, started_by=run.started_by, force=force
            )
        return Started(run_id=run_id)

    @router.post("/runs/{run_id}/retry", status_code=201, tags=[TAG], responses=RESPONSES)
    async def retry_run(
        run_id: RunId, body: RetryBody | None = None, principal: Principal = who
    ) -> Started:
        """Retry a failed or cancelled run: go on where it has failed, or begin again.

        This needs `tenant:admin`, unless the user has started the run; other data or another version
        always needs it. Returns the id of the run that goes on: the same, or that of the new run.
        """
        run = await _entitled(principal, run_id)
        given = body or RetryBody()
        corrected = given.data is not None or given.version is not None
        if corrected:
            principal.require(ADMINISTER_TENANT)
        if not principal.may(ADMINISTER_TENANT):
            await proflow.require_start(principal, run.workflow, shown_data(run.event))
        again = Again(given.start, given.version, given.data, given.reason)
        found = await proflow.retry(principal.tenant_id, run_id, again, by=principal.user)
        if corrected or run.started_by != principal.user:
            await audited(
                *(principal, "run-retried", run_id),
                started_by=run.started_by,
                new=found,
                data=given.data,
                version=given.version,
                reason=given.reason,
            )
        return Started(run_id=found)

    @router.get("/runs/{run_id}/attempts", tags=[TAG], responses=RESPONSES)
    async def list_run_attempts(run_id: RunId, principal: Principal = who) -> list[RunAttempt]:
        """List the attempts at a run, the oldest first."""
        await require_visible(principal, run_id)
        run = await runs.get(principal.tenant_id, run_id)
        if run is None:
            raise not_found("run")
        return await _attempts(run)

    @router.get("/runs/{run_id}/nodes/{node}/attempts", tags=[TAG], responses=RESPONSES)
    async def list_step_attempts(
        run_id: RunId,
        node: Annotated[str, Path(max_length=200)],
        after: Annotated[int, Query(ge=0, le=MAX_EXACT)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
        principal: Principal = who,
    ) -> list[StepAttempt]:
        """List the attempts at the steps of a node, the oldest first: why did it fail?

        This needs `tenant:admin`, unless the user has started the run.
        """
        await _entitled(principal, run_id)
        found = await attempts.of_node(principal.tenant_id, run_id, node, after=after, limit=limit)
        return [
            StepAttempt(
                logs=row.logs or [],
                **{name: getattr(row, name) for name in StepAttempt.model_fields if name != "logs"},
            )
            for row in found
        ]


async def _attempts(run: Run) -> list[RunAttempt]:
    """Return the attempts at a run; how the last one stands is in the run itself."""
    current = {
        "number": run.attempt,
        "version": run.version,
        "inngest_run_id": run.inngest_run_id,
        "status": run.status,
        "error": run.error,
        "ended_at": run.ended_at,
    }
    rows = [
        {name: getattr(row, name) for name in RunAttempt.model_fields}
        for row in await attempts.of_run(run.tenant_id, run.id)
    ]
    if not rows:
        only = ("started_by", "created_at", "started_at")
        rows = [{"reason": None, **{name: getattr(run, name) for name in only}}]
    rows[-1] |= current
    return [RunAttempt(**row) for row in rows]


async def _entitled(principal: Principal, run_id: str) -> Run:
    await require_visible(principal, run_id)
    run = await runs.get(principal.tenant_id, run_id)
    if run is None:
        raise not_found("run")
    if run.started_by != principal.user:
        principal.require(ADMINISTER_TENANT)
    return run
