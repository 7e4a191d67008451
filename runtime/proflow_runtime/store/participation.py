"""Finds the runs that a user takes part in, which are those that the user may see."""

from __future__ import annotations

from tortoise.expressions import Q, Subquery

from proflow_runtime.store import people
from proflow_runtime.store.models.approvals import Approval, Assignment, AuditEntry
from proflow_runtime.store.models.runs import Run


async def runs_of(tenant_id: int, user: str) -> Q:
    """Select the runs of a tenant that a user takes part in.

    These are the runs that the user has started or is the initiator of, those with an approval that
    is or was assigned to the user or on which the user has acted, and those with an approval that
    waits for somebody whom the user stands in for now.

    Args:
        tenant_id: The tenant of the user.
        user: The host's id of the user.

    Returns:
        A condition on `Run`, to be combined with one on the tenant.
    """
    approvals = Approval.filter(tenant_id=tenant_id)
    assigned = Assignment.filter(tenant_id=tenant_id)
    acted = AuditEntry.filter(tenant_id=tenant_id, actor=user, run_id__isnull=False)
    mine = Q(initiator=user) | Q(id__in=Subquery(assigned.filter(user=user).values("approval_id")))
    for other, workflow in await people.stood_in_for(tenant_id, user):
        waiting = Subquery(assigned.filter(user=other, status="open").values("approval_id"))
        mine |= Q(id__in=waiting, **({} if workflow is None else {"workflow": workflow}))
    return (
        Q(started_by=user)
        | Q(id__in=Subquery(approvals.filter(mine).values("run_id")))
        | Q(id__in=Subquery(acted.values("run_id")))
    )


async def takes_part(tenant_id: int, user: str, run_id: str) -> bool:
    """True if a tenant has a run with this id, and a user takes part in it."""
    mine = await runs_of(tenant_id, user)
    return await Run.filter(mine, id=run_id, tenant_id=tenant_id).exists()
