"""The routes of a tenant's settings."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from proflow_runtime.context.permissions import ADMINISTER_TENANT
from proflow_runtime.service.auth import Principal
from proflow_runtime.service.facade import ProFlow, StoredSettings
from proflow_runtime.service.problems import RESPONSES
from proflow_runtime.service.routes.common import Body, audited, principal
from proflow_runtime.tenants import TenantSettings

TAG = "tenants"


class Settings(BaseModel):
    """The settings of a tenant.

    `timezone` applies to designs that name none: the host's or the tenant's own, or the default.
    """

    settings: TenantSettings
    revision: int = Field(description="Counts the saves; 0 if there were none")
    timezone: str


class SavedSettings(Body):
    settings: TenantSettings
    revision: int | None = Field(
        default=None, ge=0, le=2**31 - 1, description="The revision that was edited"
    )


def add(router: APIRouter, proflow: ProFlow) -> None:
    """Add the routes of a tenant's settings to a router."""
    who = principal(proflow)

    async def shown(tenant_id: int, stored: StoredSettings) -> Settings:
        zone = await proflow.zones.of(tenant_id)
        return Settings(settings=stored.given, revision=stored.revision, timezone=zone)

    @router.get("/settings", tags=[TAG], responses=RESPONSES)
    async def get_settings(principal: Principal = who) -> Settings:
        """Get the tenant's settings."""
        stored = await proflow.tenant_settings(principal.tenant_id)
        return await shown(principal.tenant_id, stored)

    @router.put("/settings", tags=[TAG], responses=RESPONSES)
    async def save_settings(body: SavedSettings, principal: Principal = who) -> Settings:
        """Replace the tenant's settings, for crons at once and for runs that begin later.

        This needs `tenant:admin`; with `revision`, only if nobody else has saved them since.
        """
        principal.require(ADMINISTER_TENANT)
        stored = await proflow.set_tenant_settings(
            principal.tenant_id, body.settings, by=principal.user, revision=body.revision
        )
        given = body.settings.model_dump(mode="json", exclude_none=True)
        await audited(principal, "settings-saved", stored.revision, settings=given)
        return await shown(principal.tenant_id, stored)
