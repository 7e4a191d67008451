"""Deletes what is older than it is to be kept, in small batches.

The rows of runs that have not ended are never deleted. Several processes may delete at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias, get_args

from tortoise.expressions import Subquery
from tortoise.models import Model
from tortoise.queryset import QuerySet

from proflow_runtime.status import OPEN
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models.approvals import AuditEntry
from proflow_runtime.store.models.attempts import StepAttemptRow
from proflow_runtime.store.models.runs import NodeChange, Run
from proflow_runtime.store.models.tasks import InngestTask

Kind: TypeAlias = Literal["steps", "trail", "runs", "audit"]
"""What is kept for a time of its own: the attempts at steps, with their inputs and outputs; the
changes of runs and nodes; runs with all that hangs on them, and their tasks; the audit trail."""
KINDS: tuple[Kind, ...] = get_args(Kind)
BATCH = 200
"""How many rows one transaction deletes."""


async def tenants() -> list[int]:
    """List the ids of all tenants that have something that may be deleted."""
    found: set[int] = set()
    for query in (Run.all(), AuditEntry.all()):
        ids: Any = await query.distinct().values_list("tenant_id", flat=True)
        found.update(ids)
    return sorted(found)


async def count(tenant_id: int, kind: Kind, before: datetime) -> int:
    """Count the rows of a tenant that are older than a time; for `runs`, the runs."""
    return await _OLD[kind](tenant_id, before).count()


async def delete_batch(tenant_id: int, kind: Kind, before: datetime, limit: int = BATCH) -> int:
    """Delete some of the rows of a tenant that are older than a time.

    Args:
        tenant_id: The tenant.
        kind: What to delete.
        before: The time when it ended or happened, at the latest.
        limit: How many rows to delete at most; for `runs`, how many runs.

    Returns:
        How many were deleted. Fewer than `limit`: there are no more now.
    """
    async with transaction():
        old = _OLD[kind](tenant_id, before).limit(limit)
        rows = await old.select_for_update(skip_locked=True, of=(_MODELS[kind]._meta.db_table,))
        ids = [row.pk for row in rows]
        if kind == "runs" and ids:
            tasks = [row.task_id for row in rows if getattr(row, "task_id", None) is not None]
            await InngestTask.filter(tenant_id=tenant_id, id__in=tasks).delete()
        if ids:
            await _MODELS[kind].filter(tenant_id=tenant_id, pk__in=ids).delete()
    return len(ids)


async def delete(tenant_id: int, kind: Kind, before: datetime) -> int:
    """Delete all rows of a tenant that are older than a time, batch by batch; return their number."""
    total = 0
    while True:
        deleted = await delete_batch(tenant_id, kind, before)
        total += deleted
        if deleted < BATCH:
            return total


def _of_ended(query: QuerySet[Any], tenant_id: int) -> QuerySet[Any]:
    open_runs = Run.filter(tenant_id=tenant_id, status__in=OPEN).values("id")
    return query.exclude(run_id__in=Subquery(open_runs))


def _steps(tenant_id: int, before: datetime) -> QuerySet[Any]:
    return _of_ended(StepAttemptRow.filter(tenant_id=tenant_id, ended_at__lt=before), tenant_id)


def _trail(tenant_id: int, before: datetime) -> QuerySet[Any]:
    return _of_ended(NodeChange.filter(tenant_id=tenant_id, at__lt=before), tenant_id)


def _runs(tenant_id: int, before: datetime) -> QuerySet[Any]:
    return Run.filter(tenant_id=tenant_id, ended_at__lt=before).exclude(status__in=OPEN)


def _audit(tenant_id: int, before: datetime) -> QuerySet[Any]:
    entries = AuditEntry.filter(tenant_id=tenant_id, at__lt=before)
    return entries.exclude(
        run_id__in=Subquery(Run.filter(tenant_id=tenant_id, status__in=OPEN).values("id")),
        run_id__isnull=False,
    )


_OLD: Mapping[Kind, Callable[[int, datetime], QuerySet[Any]]] = {
    "steps": _steps,
    "trail": _trail,
    "runs": _runs,
    "audit": _audit,
}
_MODELS: Mapping[Kind, type[Model]] = {
    "steps": StepAttemptRow,
    "trail": NodeChange,
    "runs": Run,
    "audit": AuditEntry,
}
