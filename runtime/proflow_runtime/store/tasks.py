"""The host's table of runs: one row per run, from when it is handed over to when it has ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict
from weakref import WeakKeyDictionary

from tortoise.context import TortoiseContext, require_context
from tortoise.expressions import Q

from proflow_runtime.context import clock
from proflow_runtime.store.models.runs import Run
from proflow_runtime.store.models.tasks import InngestTask
from proflow_runtime.store.models.texts import storable
from proflow_runtime.store.pages import LIMIT, Page, page

Status = Literal["pending", "running", "completed", "failed", "cancelled"]
MOVES: dict[Status, tuple[Status, ...]] = {
    "pending": (),
    "running": ("pending",),
    "completed": ("pending", "running"),
    "failed": ("pending", "running"),
    "cancelled": ("pending", "running"),
}
"""A task gets each status from which: what has ended stays as it ended."""


class TaskStatus(TypedDict):
    """How far a run is, as business code asks for it. What only Inngest knows of has no task."""

    run_id: str
    tenant_id: int
    status: str
    task_id: int | None
    task_type: str | None
    business_id: int | None
    error_message: str | None
    created_at: str | None
    updated_at: str | None


@dataclass(frozen=True)
class ReportedRun:
    """What Inngest says about a run. `tenant_id`: of the event that started it."""

    run_id: str
    tenant_id: int | None
    status: Status
    error: str | None = None


AskInngest = Callable[[str], Awaitable[ReportedRun | None]]
"""Asks Inngest's API for a run by Inngest's id; None: it knows none."""

_askers: WeakKeyDictionary[TortoiseContext, list[AskInngest]] = WeakKeyDictionary()
"""By database, as Tortoise has it open: services with different ones do not meet."""


def ask_inngest_with(ask: AskInngest) -> Callable[[], None]:
    """Let `get_task_status` ask about runs that the tables of the current database do not know.

    `ProFlow.running` does so for its own client. The result takes it away again.
    """
    askers = _askers.setdefault(require_context(), [])
    askers.append(ask)
    return lambda: askers.remove(ask)


async def create(
    tenant_id: int,
    *,
    task_type: str,
    function_id: str,
    business_id: int | None = None,
    inngest_run_id: str | None = None,
    status: Status = "pending",
) -> InngestTask:
    """The row of a run that is handed over to Inngest."""
    return await InngestTask.create(
        tenant_id=tenant_id,
        task_type=task_type,
        business_id=business_id,
        inngest_function_id=function_id,
        inngest_run_id=inngest_run_id,
        status=status,
    )


async def move(
    tenant_id: int,
    task_id: int,
    status: Status,
    *,
    inngest_run_id: str | None = None,
    error_message: str | None = None,
) -> bool:
    """Note how far a run is; whether that was news. One that has ended stays as it ended."""
    changes: dict[str, Any] = {"status": status, "updated_at": clock.now()}
    if inngest_run_id is not None:
        changes["inngest_run_id"] = inngest_run_id
    if error_message is not None:
        changes["error_message"] = storable(error_message)
    before = InngestTask.filter(tenant_id=tenant_id, id=task_id, status__in=MOVES[status])
    return await before.update(**changes) > 0


async def reopen(tenant_id: int, task_id: int) -> bool:
    """Take up a run again that has failed or was cancelled; whether it had."""
    ended = InngestTask.filter(tenant_id=tenant_id, id=task_id, status__in=("failed", "cancelled"))
    changes = {"status": "pending", "inngest_run_id": None, "error_message": None}
    return await ended.update(**changes, updated_at=clock.now()) > 0


async def get(tenant_id: int, task_id: int) -> InngestTask | None:
    return await InngestTask.get_or_none(tenant_id=tenant_id, id=task_id)


async def listed(
    tenant_id: int,
    *,
    status: str | None = None,
    task_type: str | None = None,
    business_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    offset: int = 0,
    limit: int = LIMIT,
) -> Page[InngestTask]:
    """A tenant's tasks, the last first."""
    wanted = {
        "status": status,
        "task_type": task_type,
        "business_id": business_id,
        "created_at__gte": since,
        "created_at__lt": until,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    query = InngestTask.filter(tenant_id=tenant_id, **given)
    return await page(query.order_by("-id"), offset, limit)


async def get_task_status(
    run_id: str, tenant_id: int, *, ask: AskInngest | None = None
) -> TaskStatus | None:
    """How far a run of the tenant is; None: it has no such run.

    Args:
        run_id: Our id of the run, or Inngest's.
        tenant_id: Whose it is.
        ask: Asks Inngest about a run that the table does not know, which is the tenant's if the
            event that started it says so. By default the services ask that run on this database.
    """
    run = await Run.get_or_none(Q(id=run_id) | Q(inngest_run_id=run_id), tenant_id=tenant_id).only(
        "task_id"
    )
    of_run = Q(inngest_run_id=run_id) if run is None else Q(id=run.task_id)
    task = await InngestTask.filter(of_run, tenant_id=tenant_id).order_by("-id").first()
    if task is not None:
        return _status(run_id, task)
    reported = await _reported(run_id, ask)
    if reported is None or reported.tenant_id != tenant_id:
        return None
    return TaskStatus(
        run_id=run_id,
        tenant_id=tenant_id,
        status=reported.status,
        task_id=None,
        task_type=None,
        business_id=None,
        error_message=reported.error,
        created_at=None,
        updated_at=None,
    )


async def _reported(run_id: str, ask: AskInngest | None) -> ReportedRun | None:
    """What Inngest says about a run, whoever of those that can ask is told of it."""
    for one in [ask] if ask is not None else list(_askers.get(require_context(), ())):
        if (found := await one(run_id)) is not None:
            return found
    return None


def _status(run_id: str, task: InngestTask) -> TaskStatus:
    return TaskStatus(
        run_id=run_id,
        tenant_id=task.tenant_id,
        status=task.status,
        task_id=task.id,
        task_type=task.task_type,
        business_id=task.business_id,
        error_message=task.error_message,
        created_at=task.created_at.isoformat(),
        updated_at=task.updated_at.isoformat(),
    )
