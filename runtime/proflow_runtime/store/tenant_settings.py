"""Stores the settings of tenants as JSON; `proflow_runtime.tenants` interprets them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from tortoise.exceptions import IntegrityError

from proflow_runtime.context import clock
from proflow_runtime.store.database import transaction
from proflow_runtime.store.designs import EditedMeanwhileError
from proflow_runtime.store.models.settings import TenantSettingsRow
from proflow_runtime.store.triggers import MOST_TENANTS


async def get(tenant_id: int) -> TenantSettingsRow | None:
    """Get the settings of a tenant, or None if it has saved none."""
    if not 0 < tenant_id <= MOST_TENANTS:
        return None
    return await TenantSettingsRow.get_or_none(tenant_id=tenant_id)


async def of_tenants(tenant_ids: Collection[int]) -> dict[int, Mapping[str, Any]]:
    """Get the settings of several tenants by their ids, without tenants that have saved none."""
    if not tenant_ids:
        return {}
    rows = await TenantSettingsRow.filter(tenant_id__in=list(tenant_ids))
    return {row.tenant_id: row.body for row in rows}


async def save(
    tenant_id: int, body: Mapping[str, Any], *, by: str | None, revision: int | None = None
) -> TenantSettingsRow:
    """Replace the settings of a tenant.

    Args:
        tenant_id: The tenant.
        body: The settings as JSON.
        by: The id of the user who saves them.
        revision: The revision that was edited, 0 if there was none; None saves in any case.

    Raises:
        EditedMeanwhileError: If somebody else has saved the settings since `revision`.
    """
    async with transaction():
        row = await TenantSettingsRow.select_for_update().get_or_none(tenant_id=tenant_id)
        known = 0 if row is None else row.revision
        if revision is not None and revision != known:
            raise EditedMeanwhileError(known)
        now = clock.now()
        if row is None:
            try:
                return await TenantSettingsRow.create(
                    tenant_id=tenant_id, body=dict(body), updated_at=now, updated_by=by
                )
            except IntegrityError as error:  # the first settings were saved at the same time
                raise EditedMeanwhileError(1) from error
        row.body, row.revision = dict(body), known + 1
        row.updated_at, row.updated_by = now, by
        await row.save()
    return row
