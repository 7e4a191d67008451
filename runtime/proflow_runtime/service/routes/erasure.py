"""The routes by which administrators export and erase what is stored of their tenant and its people."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from proflow_runtime.context.permissions import ADMINISTER_TENANT
from proflow_runtime.service.auth import Principal
from proflow_runtime.service.facade import ProFlow
from proflow_runtime.service.problems import RESPONSES, Problem
from proflow_runtime.service.routes.common import Body, principal
from proflow_runtime.store import erasure

TAG = "tenants"
LINES = "application/x-ndjson"
Person = Annotated[str, Path(max_length=200, description="The id of the person")]


class Erased(BaseModel):
    """`pseudonym` stands for the person from now on."""

    pseudonym: str
    rows: int


class ErasedTenant(BaseModel):
    rows: int


class Confirmation(Body):
    tenant_id: int = Field(description="The tenant that is erased: that of the administrator")


def add(router: APIRouter, proflow: ProFlow) -> None:
    """Add the routes of exports and erasures to a router."""
    who = principal(proflow)

    @router.get("/export", tags=[TAG], responses=RESPONSES, response_class=StreamingResponse)
    async def export_tenant(principal: Principal = who) -> StreamingResponse:
        """Export all rows of the tenant: one JSON object `{table, row}` a line."""
        principal.require(ADMINISTER_TENANT)
        rows = erasure.export_tenant(principal.tenant_id)
        return StreamingResponse(_lines(rows), media_type=LINES)

    @router.get(
        "/people/{user}/export", tags=[TAG], responses=RESPONSES, response_class=StreamingResponse
    )
    async def export_person(user: Person, principal: Principal = who) -> StreamingResponse:
        """Export the rows that name a person: one JSON object `{table, row}` a line."""
        principal.require(ADMINISTER_TENANT)
        rows = erasure.export_person(principal.tenant_id, user)
        return StreamingResponse(_lines(rows), media_type=LINES)

    @router.post("/people/{user}/erase", tags=[TAG], responses=RESPONSES)
    async def erase_person(user: Person, principal: Principal = who) -> Erased:
        """Replace a person by a pseudonym everywhere, and remove what the person wrote.

        It is refused (409) while approvals wait for the person, or runs that the person has started
        are open.
        """
        principal.require(ADMINISTER_TENANT)
        try:
            pseudonym, rows = await erasure.erase_person(principal.tenant_id, user)
        except erasure.StillOpenError as error:
            raise Problem(409, "still-open", str(error)) from None
        return Erased(pseudonym=pseudonym, rows=rows)

    @router.post("/erase", tags=[TAG], responses=RESPONSES)
    async def erase_tenant(body: Confirmation, principal: Principal = who) -> ErasedTenant:
        """Delete all rows of the tenant, tokens included; refused (409) while runs are open."""
        principal.require(ADMINISTER_TENANT)
        if body.tenant_id != principal.tenant_id:
            raise Problem(422, "other-tenant", "`tenant_id` is not your tenant")
        try:
            rows = await erasure.erase_tenant(principal.tenant_id)
        except erasure.StillOpenError as error:
            raise Problem(409, "still-open", str(error)) from None
        await proflow.deployment.refresh()
        return ErasedTenant(rows=rows)


async def _lines(rows: AsyncIterator[tuple[str, dict[str, Any]]]) -> AsyncIterator[str]:
    async for table, row in rows:
        yield json.dumps({"table": table, "row": row}) + "\n"
