"""The route of the log of administration."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from proflow_runtime.context.permissions import ADMINISTER_TENANT
from proflow_runtime.service.auth import Principal
from proflow_runtime.service.facade import ProFlow
from proflow_runtime.service.problems import RESPONSES
from proflow_runtime.service.routes.common import Cursor, Following, Limit, bad_cursor, principal
from proflow_runtime.store import administration
from proflow_runtime.store.pages import CursorError

TAG = "operations"


class AuditEntry(BaseModel):
    """An act of administration: who did what to what, when, and from where."""

    id: int
    at: datetime
    actor: str
    act: str
    subject: str
    details: Any
    address: str | None


def add(router: APIRouter, proflow: ProFlow) -> None:
    """Add the route of the log of administration to a router."""
    who = principal(proflow)

    @router.get("/operations/audit", tags=[TAG], responses=RESPONSES)
    async def list_audit(
        cursor: Cursor = None, limit: Limit = 50, principal: Principal = who
    ) -> Following[AuditEntry]:
        """List what was administrated in the tenant, the newest first; this needs `tenant:admin`."""
        principal.require(ADMINISTER_TENANT)
        try:
            found = await administration.listed(principal.tenant_id, after=cursor, limit=limit)
        except CursorError as error:
            raise bad_cursor(error) from None
        return Following(
            items=[
                AuditEntry(**{name: getattr(one, name) for name in AuditEntry.model_fields})
                for one in found.items
            ],
            next=found.next,
        )
