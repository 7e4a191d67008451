"""Looks up the events and crons that start and cancel runs of published designs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Literal, NamedTuple, TypeAlias

from proflow_schemas.times import UTC_NAME
from tortoise.expressions import Q

from proflow_runtime.store.models.designs import Trigger

Kind = Literal["event", "cron", "cancel"]
ZONED = "TZ="
"""The prefix of a cron that has a time zone of its own."""
MOST_TENANTS = 2**31 - 1
"""The largest id of a tenant that the database can hold."""

Zones: TypeAlias = Callable[[Collection[int]], Awaitable[dict[int, str]]]
"""Returns the time zones of tenants by their ids."""


class Key(NamedTuple):
    """The trigger of an Inngest function: an event's name, or a cron with its time zone."""

    kind: Kind
    key: str

    def in_zone(self, timezone: str) -> Key:
        """Return the key for a tenant in this time zone, which applies to crons that name none."""
        return Key("cron", in_zone(self.key, timezone)) if self.kind == "cron" else self


def in_zone(cron: str, timezone: str) -> str:
    """Add a time zone to a cron that has none, except UTC, which is Inngest's default."""
    if cron.startswith(ZONED) or timezone == UTC_NAME:
        return cron
    return f"{ZONED}{timezone} {cron}"


async def matching(tenant_id: int, kind: Kind, key: str) -> list[Trigger]:
    """List a tenant's triggers with a key, in a stable order; conditions are not evaluated."""
    if not 0 < tenant_id <= MOST_TENANTS:
        return []
    return await Trigger.filter(kind=kind, key=key, tenant_id=tenant_id).order_by("id")


async def of_workflow(tenant_id: int, workflow: str) -> list[Trigger]:
    """List the triggers of a tenant's published design."""
    return await Trigger.filter(tenant_id=tenant_id, workflow=workflow).order_by("id")


async def keys(zones: Zones) -> set[Key]:
    """Collect the keys of all tenants; a cron without a time zone gets that of each tenant."""
    zoned = Trigger.filter(Q(kind__not="cron") | Q(key__startswith=ZONED))
    found = {Key(*row) for row in await zoned.distinct().values_list("kind", "key")}
    plain = Trigger.filter(kind="cron").exclude(key__startswith=ZONED)
    rows = await plain.distinct().values_list("key", "tenant_id")
    of_tenants = await zones({tenant_id for _, tenant_id in rows})
    return found | {Key("cron", in_zone(cron, of_tenants[tenant_id])) for cron, tenant_id in rows}


async def keys_of(tenant_id: int, zones: Zones, *, besides: str) -> set[Key]:
    """Collect the keys of a tenant's published designs, except those of the workflow `besides`."""
    rows = Trigger.filter(tenant_id=tenant_id).exclude(workflow=besides)
    zone = (await zones([tenant_id]))[tenant_id]
    found = {Key(*row) for row in await rows.distinct().values_list("kind", "key")}
    return {key.in_zone(zone) for key in found}


async def is_known(kind: Kind, key: str) -> bool:
    """True if a design of any tenant has such a trigger."""
    return await Trigger.filter(kind=kind, key=key).exists()


async def cron_page(
    key: str, zones: Zones, *, after: int = 0, limit: int = 500
) -> tuple[list[Trigger], int | None]:
    """List one page of all tenants' triggers for a cron in a time zone, by ascending ids.

    Args:
        key: The cron with its time zone.
        zones: Returns the time zones of tenants.
        after: The id after which the page begins.
        limit: How many triggers to read at most.

    Returns:
        The triggers, and the id after which the next page begins, or None at the end.
    """
    cron = key.split(" ", 1)[1] if key.startswith(ZONED) else key
    rows = Trigger.filter(kind="cron", key__in=[key, cron], id__gt=after)
    found = await rows.order_by("id").limit(limit)
    of_tenants = await zones({one.tenant_id for one in found if one.key == cron})
    due = [
        one for one in found if one.key != cron or in_zone(cron, of_tenants[one.tenant_id]) == key
    ]
    return due, found[-1].id if len(found) == limit else None
