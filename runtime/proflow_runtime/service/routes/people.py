"""The routes of people: the user who makes the request, and the tenant's other people."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from proflow_runtime.service.auth import Principal
from proflow_runtime.service.facade import ProFlow
from proflow_runtime.service.problems import RESPONSES
from proflow_runtime.service.routes.common import Limit, Listed, Offset, principal
from proflow_runtime.store import people

TAG = "people"


class Me(BaseModel):
    """The user who makes the request; `name` is the user's id if no name is known.

    `roles` are business roles; what the user may do in this API is in `permissions`.
    """

    tenant_id: int
    user: str
    name: str
    roles: list[str]
    permissions: list[str]


class Colleague(BaseModel):
    user: str
    name: str


def add(router: APIRouter, proflow: ProFlow) -> None:
    """Add the routes of people to a router."""
    who = principal(proflow)

    @router.get("/me", tags=[TAG], responses=RESPONSES)
    async def get_me(principal: Principal = who) -> Me:
        """Get the user who makes the request, with their roles and permissions."""
        name = await people.name_of(principal.tenant_id, principal.user)
        return Me(
            tenant_id=principal.tenant_id,
            user=principal.user,
            name=name or principal.user,
            roles=sorted(principal.roles),
            permissions=sorted(principal.permissions),
        )

    @router.get("/people", tags=[TAG], responses=RESPONSES)
    async def list_people(
        search: Annotated[str, Query(max_length=100)] = "",
        offset: Offset = 0,
        limit: Limit = 50,
        principal: Principal = who,
    ) -> Listed[Colleague]:
        """List the tenant's people by user id; `search` is a part of the user id or name."""
        found = await people.listed(principal.tenant_id, search=search, offset=offset, limit=limit)
        shown = [Colleague(user=one.user, name=one.name) for one in found.items]
        return Listed(items=shown, total=found.total)
