"""Finds what waits in vain, so that administrators can mend it; one function for each reason.

Without a tenant, the functions that return queries are about all tenants; they are for metrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from proflow_schemas.step_ids import parse
from tortoise.expressions import Q, Subquery
from tortoise.queryset import QuerySet

from proflow_runtime.status import OPEN
from proflow_runtime.store.models.approvals import Approval, Assignment
from proflow_runtime.store.models.designs import DesignVersion, Trigger
from proflow_runtime.store.models.outbox import OutboxEvent
from proflow_runtime.store.models.runs import NodeStateRow, Run

DECIDED = ("approved", "rejected", "returned")
PAGE = 500


def without_voter(tenant_id: int | None) -> Q:
    """Select the open approvals that are assigned to nobody who may decide now."""
    opened = Assignment.filter(**_of(tenant_id), status="open").values("approval_id")
    return Q(**_of(tenant_id), status="open") & ~Q(id__in=Subquery(opened))


def approvals_without_voter(tenant_id: int | None) -> QuerySet[Approval]:
    """Query the approvals that nobody can decide but administrators."""
    return Approval.filter(without_voter(tenant_id)).order_by("opened_at", "id")


def blocked_runs(tenant_id: int | None) -> QuerySet[Run]:
    """Query the runs that need what the deployment lacks."""
    found = Run.filter(**_of(tenant_id), blocked_at__isnull=False, status__in=OPEN)
    return found.order_by("blocked_at", "id")


def undelivered_events(tenant_id: int | None, before: datetime) -> QuerySet[OutboxEvent]:
    """Query the events that Inngest has refused, or that have waited to be sent since `before`."""
    late = Q(sent_at__isnull=True, seen_at__isnull=True, due_at__lt=before)
    found = OutboxEvent.filter(Q(failed_at__isnull=False) | late, **_of(tenant_id))
    return found.order_by("created_at", "id")


async def unbegun_runs(tenant_id: int | None, before: datetime, limit: int = PAGE) -> list[Run]:
    """List the runs that were handed over before a time and that Inngest has not begun.

    Those whose event has not been sent yet are among `undelivered_events`.

    Args:
        tenant_id: The tenant; None for all.
        before: The latest time at which the run was created.
        limit: How many runs to look at.
    """
    pending = Run.filter(**_of(tenant_id), status="pending", created_at__lt=before)
    found = await pending.order_by("created_at", "id").limit(limit)
    events = OutboxEvent.filter(id__in=[f"run:{run.id}" for run in found], sent_at__isnull=True)
    unsent = {event.id for event in await events.only("id")} if found else set()
    return [run for run in found if f"run:{run.id}" not in unsent]


async def unresumed_approvals(tenant_id: int | None, before: datetime) -> list[Approval]:
    """List the approvals that were decided before a time while their node still waits.

    Args:
        tenant_id: The tenant; None for all.
        before: The latest time of the decision.
    """
    found: list[Approval] = []
    after = 0
    while True:
        decided = Approval.filter(
            **_of(tenant_id), status__in=DECIDED, resolved_at__lt=before, id__gt=after
        )
        page = await decided.filter(run__status__in=OPEN).order_by("id").limit(PAGE)
        waiting = await _waiting_nodes({one.run_id for one in page})
        found += [one for one in page if _still_waits(one, waiting)]
        if len(page) < PAGE:
            return found
        after = page[-1].id


async def cron_triggers(tenant_id: int | None) -> list[tuple[Trigger, datetime]]:
    """List the crons of published designs, each with the time when its version was published.

    Crons with `idempotency` are left out: their runs may be those of other ticks.
    """
    found = await Trigger.filter(**_of(tenant_id), kind="cron", idempotency__isnull=True)
    versions = DesignVersion.filter(design_id__in={one.design_id for one in found})
    rows = await versions.values_list("design_id", "number", "published_at")
    published = {(design, number): at for design, number, at in rows}
    return [
        (one, published[one.design_id, one.version])
        for one in found
        if (one.design_id, one.version) in published
    ]


async def has_run_since(tenant_id: int, workflow: str, since: datetime) -> bool:
    """True if a cron has started a run of a workflow since a time."""
    runs = Run.filter(tenant_id=tenant_id, workflow=workflow, created_at__gte=since)
    async for run in runs.only("id", "event"):
        if "scheduled_at" in (run.event.get("data") or {}):
            return True
    return False


def _of(tenant_id: int | None) -> dict[str, Any]:
    return {} if tenant_id is None else {"tenant_id": tenant_id}


async def _waiting_nodes(run_ids: set[str]) -> Mapping[tuple[str, str, str], NodeStateRow]:
    rows = await NodeStateRow.filter(run_id__in=run_ids, status="waiting") if run_ids else []
    return {(row.run_id, row.node, row.items): row for row in rows}


def _still_waits(approval: Approval, waiting: Mapping[tuple[str, str, str], NodeStateRow]) -> bool:
    """True if the node of an approval waits since before its decision."""
    step = parse(approval.step)
    items = "" if step is None else ",".join(map(str, step.items))
    row = waiting.get((approval.run_id, approval.node, items))
    if row is None or approval.resolved_at is None:
        return False
    return row.started_at is None or row.started_at <= approval.resolved_at
