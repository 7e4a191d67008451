"""The routes for administrators: what is stuck in the tenant, and sending events again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from proflow_runtime.context.permissions import ADMINISTER_TENANT
from proflow_runtime.service.auth import Principal
from proflow_runtime.service.facade import ProFlow
from proflow_runtime.service.problems import RESPONSES
from proflow_runtime.service.routes.common import Limit, principal
from proflow_runtime.service.stuck import REASONS, Reason

TAG = "operations"
EventId = Annotated[str, Path(min_length=1, max_length=200)]


class Remedy(BaseModel):
    """The request that mends it; `path` is below the API's prefix, `<user>` is to be chosen."""

    title: str
    method: str
    path: str
    body: dict[str, Any]

    model_config = ConfigDict(from_attributes=True)


class StuckItem(BaseModel):
    """Something that waits in vain."""

    reason: Reason
    message: str
    since: datetime
    workflow: str | None
    run_id: str | None
    node: str | None
    approval_id: int | None
    event_id: str | None
    act: Remedy

    model_config = ConfigDict(from_attributes=True)


class StuckItems(BaseModel):
    """What is stuck; `counts` has the number of items in this list, for each reason."""

    items: list[StuckItem]
    counts: dict[Reason, int] = Field(description="Of these items, by reason")


class Again(BaseModel):
    event_id: str


def add(router: APIRouter, proflow: ProFlow) -> None:
    """Add the routes of operations to a router."""
    who = principal(proflow)

    @router.get("/operations/stuck", tags=[TAG], responses=RESPONSES)
    async def list_stuck(
        reason: Annotated[Reason | None, Query(description="Only what is stuck for it")] = None,
        limit: Limit = 200,
        principal: Principal = who,
    ) -> StuckItems:
        """List what waits in vain, at most `limit` of each reason; only for administrators."""
        principal.require(ADMINISTER_TENANT)
        found = await proflow.stuck.listed(principal.tenant_id, reason, limit)
        counts = {name: sum(one.reason == name for one in found) for name in REASONS}
        return StuckItems(
            items=[StuckItem.model_validate(one) for one in found],
            counts=counts,
        )

    @router.post(
        "/operations/events/{event_id}/send", status_code=202, tags=[TAG], responses=RESPONSES
    )
    async def send_event_again(event_id: EventId, principal: Principal = who) -> Again:
        """Send an event of the outbox again, with the same id; only for administrators."""
        principal.require(ADMINISTER_TENANT)
        await proflow.send_again(principal.tenant_id, event_id)
        return Again(event_id=event_id)
