"""Finds what waits in vain, and why, so that administrators can mend it."""

from __future__ import annotations

from tortoise.expressions import Q, Subquery

from proflow_runtime.store.models.approvals import Assignment


def without_voter(tenant_id: int) -> Q:
    """Select the open approvals of a tenant that are assigned to nobody who may decide now."""
    opened = Assignment.filter(tenant_id=tenant_id, status="open").values("approval_id")
    return Q(tenant_id=tenant_id, status="open") & ~Q(id__in=Subquery(opened))
