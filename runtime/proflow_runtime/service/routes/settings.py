"""What a tenant has set."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from proflow_runtime.service.auth import ADMIN, Principal
from proflow_runtime.service.facade import ProFlow, StoredSettings
from proflow_runtime.service.problems import RESPONSES
from proflow_runtime.service.routes.common import Body, principal
from proflow_runtime.tenants import TenantSettings

TAG = "tenants"


class Settings(BaseModel):
    """`timezone`: the one that holds for the tenant's designs that name none, whoever set it."""

    settings: TenantSettings
    revision: int = Field(description="Counts the saves; 0: nothing was ever saved")
    timezone: str


class SavedSettings(Body):
    settings: TenantSettings
    revision: int | None = Field(
        default=None, ge=0, le=2**31 - 1, description="The one that was edited"
    )


def add(router: APIRouter, proflow: ProFlow) -> None:
    """The routes of a tenant's settings."""
    who = principal(proflow)

    async def shown(tenant_id: int, stored: StoredSettings) -> Settings:
        zone = await proflow.zones.of(tenant_id)
        return Settings(settings=stored.given, revision=stored.revision, timezone=zone)

    @router.get("/settings", tags=[TAG], responses=RESPONSES)
    async def get_settings(principal: Principal = who) -> Settings:
        """What the tenant has set."""
        stored = await proflow.tenant_settings(principal.tenant_id)
        return await shown(principal.tenant_id, stored)

    @router.put("/settings", tags=[TAG], responses=RESPONSES)
    async def save_settings(body: SavedSettings, principal: Principal = who) -> Settings:
        """Replace what the tenant has set: for crons from now on, else for runs that begin later.

        For administrators; with `revision`, only if nobody else has saved it meanwhile.
        """
        principal.require(ADMIN)
        stored = await proflow.set_tenant_settings(
            principal.tenant_id, body.settings, by=principal.user, revision=body.revision
        )
        return await shown(principal.tenant_id, stored)
