"""The routes of runs: start, status, history, cancel and retry."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from proflow_schemas.numbers import MAX_EXACT
from pydantic import AwareDatetime, BaseModel, Field

from proflow_runtime.approvals.service import shown_data
from proflow_runtime.context.permissions import ADMINISTER_TENANT
from proflow_runtime.service.auth import Principal
from proflow_runtime.service.facade import ProFlow
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
from proflow_runtime.store import designs, runs
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


class RunStatus(RunSummary):
    """A run with the states of all nodes of its design, by id."""

    revision: int
    output: Any
    error: Any
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

    @router.post("/runs/{run_id}/cancel", status_code=202, tags=[TAG], responses=RESPONSES)
    async def cancel_run(run_id: RunId, principal: Principal = who) -> Started:
        """Cancel a run; it is `cancelled` a moment later.

        This needs `tenant:admin`, unless the user has started the run.
        """
        run = await _entitled(principal, run_id)
        await proflow.cancel(principal.tenant_id, run_id)
        if run.started_by != principal.user:
            await audited(principal, "run-cancelled", run_id, started_by=run.started_by)
        return Started(run_id=run_id)

    @router.post("/runs/{run_id}/retry", status_code=201, tags=[TAG], responses=RESPONSES)
    async def retry_run(run_id: RunId, principal: Principal = who) -> Started:
        """Start a failed or cancelled run again; returns the id of the new run.

        This needs `tenant:admin`, unless the user has started the run.
        """
        run = await _entitled(principal, run_id)
        if not principal.may(ADMINISTER_TENANT):
            await proflow.require_start(principal, run.workflow, shown_data(run.event))
        again = await proflow.retry(principal.tenant_id, run_id, by=principal.user)
        if run.started_by != principal.user:
            await audited(principal, "run-retried", run_id, started_by=run.started_by, new=again)
        return Started(run_id=again)


async def _entitled(principal: Principal, run_id: str) -> Run:
    await require_visible(principal, run_id)
    run = await runs.get(principal.tenant_id, run_id)
    if run is None:
        raise not_found("run")
    if run.started_by != principal.user:
        principal.require(ADMINISTER_TENANT)
    return run
