"""Reads and writes the host's table of runs: one row per run, from its start to its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict
from weakref import WeakKeyDictionary

from tortoise.context import TortoiseContext, require_context
from tortoise.expressions import Q, Subquery

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
"""For each status, the statuses that a task may have before; a task that has ended never changes."""


class TaskStatus(TypedDict):
    """The status of a run, for business code.

    Attributes:
        run_id: The id that was asked for.
        tenant_id: The tenant that owns the run.
        status: `pending`, `running`, `completed`, `failed` or `cancelled`.
        task_id: The id of the task's row.
        task_type: The workflow's task type.
        business_id: The host's id of the record that the run is about.
        error_message: Why the run failed.
        created_at: When the row was created, in ISO 8601.
        updated_at: When the row last changed, in ISO 8601.

    A run that only Inngest knows has no row: `task_id`, `task_type`, `business_id`, `created_at` and
    `updated_at` are None.
    """

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
    """A run as Inngest's API reports it; `tenant_id` is that of the event that started it."""

    run_id: str
    tenant_id: int | None
    status: Status
    error: str | None = None


AskInngest = Callable[[str], Awaitable[ReportedRun | None]]
"""Asks Inngest's API for a run by its Inngest id; returns None if Inngest has no such run."""

_askers: WeakKeyDictionary[TortoiseContext, list[AskInngest]] = WeakKeyDictionary()
"""By open database, so that services with different databases do not affect each other."""


def ask_inngest_with(ask: AskInngest) -> Callable[[], None]:
    """Let `get_task_status` ask Inngest for runs that the current database does not hold.

    `ProFlow.running` registers its own client in this way.

    Args:
        ask: Asks Inngest's API for a run.

    Returns:
        A function that removes the registration.
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
    """Create the row of a run that is handed over to Inngest."""
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
    """Set the status of a task; one that has ended is left unchanged.

    Returns:
        True if the status has changed.
    """
    changes: dict[str, Any] = {"status": status, "updated_at": clock.now()}
    if inngest_run_id is not None:
        changes["inngest_run_id"] = inngest_run_id
    if error_message is not None:
        changes["error_message"] = storable(error_message)
    before = InngestTask.filter(tenant_id=tenant_id, id=task_id, status__in=MOVES[status])
    return await before.update(**changes) > 0


async def reopen(tenant_id: int, task_id: int) -> bool:
    """Set a failed or cancelled task back to `pending`; returns False if it was neither."""
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
    of_runs: Q | None = None,
    offset: int = 0,
    limit: int = LIMIT,
) -> Page[InngestTask]:
    """List a tenant's tasks, the newest first.

    Args:
        tenant_id: The tenant.
        status: Only tasks with this status.
        task_type: Only tasks of this type.
        business_id: Only tasks about this record of the host.
        since: Only tasks created at this time or later.
        until: Only tasks created before this time.
        of_runs: Only tasks of runs that meet this condition.
        offset: How many tasks to skip.
        limit: How many tasks to return at most.
    """
    wanted = {
        "status": status,
        "task_type": task_type,
        "business_id": business_id,
        "created_at__gte": since,
        "created_at__lt": until,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    query = InngestTask.filter(tenant_id=tenant_id, **given)
    if of_runs is not None:
        among = Run.filter(of_runs, tenant_id=tenant_id, task_id__isnull=False)
        query = query.filter(id__in=Subquery(among.values("task_id")))
    return await page(query.order_by("-id"), offset, limit)


async def get_task_status(
    run_id: str, tenant_id: int, *, ask: AskInngest | None = None
) -> TaskStatus | None:
    """Get the status of a run of a tenant.

    Args:
        run_id: The run's id, as `ProFlow.start` returns it, or its id in Inngest.
        tenant_id: The tenant that owns the run.
        ask: Asks Inngest for a run that the tables do not hold. By default, the services that are
            running on this database ask. Such a run is the tenant's if the event that started it
            has its `tenant_id`.

    Returns:
        The status, or None if the tenant has no such run.
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
    """Ask Inngest for a run, by `ask` or by each running service until one finds it."""
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
