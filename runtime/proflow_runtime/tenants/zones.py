"""Finds the time zone of a tenant, which applies to crons and times of designs that name none."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection
from typing import TypeAlias

from proflow_schemas.times import UTC_NAME, is_timezone, timezone_named

from proflow_runtime.context.zones import named_default
from proflow_runtime.store import tenant_settings

TimezoneOf: TypeAlias = Callable[[int], Awaitable[str | None]]
"""An async function of the host that returns the time zone of a tenant.

If it returns None, the tenant's own setting applies, or else the default.
"""

log = logging.getLogger("proflow.service")


class TenantZones:
    """Finds the time zones of tenants: the host's answer, the tenant's setting, or the default."""

    def __init__(self, default: str | None = None, of_tenant: TimezoneOf | None = None) -> None:
        """Create it.

        Args:
            default: The time zone of tenants that have none; None for that of `PROFLOW_TIMEZONE`.
            of_tenant: The host's function, if it stores time zones.

        Raises:
            TimeError: If `default` does not exist.
        """
        if default is not None:
            timezone_named(default)
        self._default = default or named_default()
        self._of_tenant = of_tenant

    async def named(self, tenant_id: int) -> str | None:
        """Get the time zone of a tenant, or None if nobody has set one, which means UTC."""
        return (await self._named([tenant_id]))[tenant_id]

    async def of(self, tenant_id: int) -> str:
        """Get the time zone of a tenant."""
        return await self.named(tenant_id) or UTC_NAME

    async def of_all(self, tenant_ids: Collection[int]) -> dict[int, str]:
        """Get the time zones of several tenants, by their ids."""
        found = await self._named(tenant_ids)
        return {tenant_id: name or UTC_NAME for tenant_id, name in found.items()}

    async def _named(self, tenant_ids: Collection[int]) -> dict[int, str | None]:
        found: dict[int, str | None] = dict.fromkeys(tenant_ids)
        if self._of_tenant is not None:
            for one in tenant_ids:
                found[one] = _usable(one, await self._of_tenant(one))
        missing = [one for one, name in found.items() if name is None]
        for one, body in (await tenant_settings.of_tenants(missing)).items():
            found[one] = _usable(one, body.get("timezone"))
        return {one: name or self._default for one, name in found.items()}


def _usable(tenant_id: int, name: object) -> str | None:
    """Return the name if the tz database has it; otherwise log an error and return None."""
    if name is None:
        return None
    if isinstance(name, str) and is_timezone(name):
        return name
    log.error("tenant %s has the time zone `%.60s`, which does not exist", tenant_id, name)
    return None
