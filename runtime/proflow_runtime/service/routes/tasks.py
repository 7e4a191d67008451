"""The routes of tasks, the host's table of runs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from proflow_runtime.context.permissions import READ_RUNS
from proflow_runtime.service.auth import Principal
from proflow_runtime.service.facade import ProFlow
from proflow_runtime.service.problems import RESPONSES, not_found
from proflow_runtime.service.routes.common import (
    MOST_INTEGER,
    Limit,
    Listed,
    Offset,
    RowId,
    dashboard_link,
    principal,
    require_visible,
    visible_runs,
)
from proflow_runtime.store import runs, tasks
from proflow_runtime.store.models.tasks import InngestTask

TAG = "tasks"


class Task(BaseModel):
    """A row of `root_inngest_tasks`; `run_id` is the id of its run in this API."""

    id: int
    run_id: str | None
    task_type: str
    business_id: int | None
    inngest_function_id: str
    inngest_run_id: str | None
    inngest_url: str | None
    status: str
    error_message: str | None
    created_at: datetime
    updated_at: datetime


def add(router: APIRouter, proflow: ProFlow) -> None:
    """Add the routes of tasks to a router."""
    who = principal(proflow)

    async def shown(tenant_id: int, rows: Sequence[InngestTask]) -> list[Task]:
        of_tasks = await runs.of_tasks(tenant_id, [row.id for row in rows])
        fields = [name for name in Task.model_fields if name not in ("run_id", "inngest_url")]
        return [
            Task(
                run_id=of_tasks.get(row.id),
                inngest_url=dashboard_link(proflow, row.inngest_run_id),
                **{name: getattr(row, name) for name in fields},
            )
            for row in rows
        ]

    @router.get("/tasks", tags=[TAG], responses=RESPONSES)
    async def list_tasks(
        status: Annotated[str | None, Query(max_length=20)] = None,
        task_type: Annotated[str | None, Query(max_length=50)] = None,
        business_id: Annotated[int | None, Query(ge=-MOST_INTEGER, le=MOST_INTEGER)] = None,
        since: Annotated[AwareDatetime | None, Query(description="Created then or later")] = None,
        until: Annotated[AwareDatetime | None, Query(description="Created before")] = None,
        offset: Offset = 0,
        limit: Limit = 50,
        principal: Principal = who,
    ) -> Listed[Task]:
        """List the tasks of the runs that the user may see, the newest first; with `runs:read`, all."""
        found = await tasks.listed(
            principal.tenant_id,
            status=status,
            task_type=task_type,
            business_id=business_id,
            since=since,
            until=until,
            of_runs=await visible_runs(principal),
            offset=offset,
            limit=limit,
        )
        return Listed(items=await shown(principal.tenant_id, found.items), total=found.total)

    @router.get("/tasks/{task_id}", tags=[TAG], responses=RESPONSES)
    async def get_task(task_id: RowId, principal: Principal = who) -> Task:
        """Get a task."""
        found = None if task_id > MOST_INTEGER else await tasks.get(principal.tenant_id, task_id)
        if found is None:
            raise not_found("task")
        (task,) = await shown(principal.tenant_id, [found])
        if task.run_id is not None:
            await require_visible(principal, task.run_id)
        elif not principal.may(READ_RUNS):
            raise not_found("task")
        return task
