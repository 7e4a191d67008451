"""What published designs are started and cancelled by: looked up when an event arrives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Literal, NamedTuple, TypeAlias

from proflow_schemas.times import UTC_NAME
from tortoise.expressions import Q

from proflow_runtime.store.models.designs import Trigger

Kind = Literal["event", "cron", "cancel"]
ZONED = "TZ="
"""What the key of a cron begins with that has a time zone of its own."""
MOST_TENANTS = 2**31 - 1
"""The greatest id of a tenant that a column holds."""


Zones: TypeAlias = Callable[[Collection[int]], Awaitable[dict[int, str]]]
"""The time zones of tenants."""


class Key(NamedTuple):
    """What a function of Inngest is registered for: an event's name, or a cron with its time zone."""

    kind: Kind
    key: str

    def in_zone(self, timezone: str) -> Key:
        """The key of a tenant of this time zone: a cron that names none has the tenant's."""
        return Key("cron", in_zone(self.key, timezone)) if self.kind == "cron" else self


def in_zone(cron: str, timezone: str) -> str:
    """A cron with its time zone, unless it has one; Inngest reads one without any in UTC."""
    if cron.startswith(ZONED) or timezone == UTC_NAME:
        return cron
    return f"{ZONED}{timezone} {cron}"


async def matching(tenant_id: int, kind: Kind, key: str) -> list[Trigger]:
    """A tenant's triggers of one key, in a lasting order. Their conditions are not looked at."""
    if not 0 < tenant_id <= MOST_TENANTS:
        return []
    return await Trigger.filter(kind=kind, key=key, tenant_id=tenant_id).order_by("id")


async def of_workflow(tenant_id: int, workflow: str) -> list[Trigger]:
    """What a tenant's published design is started and cancelled by."""
    return await Trigger.filter(tenant_id=tenant_id, workflow=workflow).order_by("id")


async def keys(zones: Zones) -> set[Key]:
    """All keys of all tenants; a cron without a time zone has that of each tenant."""
    zoned = Trigger.filter(Q(kind__not="cron") | Q(key__startswith=ZONED))
    found = {Key(*row) for row in await zoned.distinct().values_list("kind", "key")}
    plain = Trigger.filter(kind="cron").exclude(key__startswith=ZONED)
    rows = await plain.distinct().values_list("key", "tenant_id")
    of_tenants = await zones({tenant_id for _, tenant_id in rows})
    return found | {Key("cron", in_zone(cron, of_tenants[tenant_id])) for cron, tenant_id in rows}


async def keys_of(tenant_id: int, zones: Zones, *, besides: str) -> set[Key]:
    """The keys of a tenant's published designs, without one of them."""
    rows = Trigger.filter(tenant_id=tenant_id).exclude(workflow=besides)
    zone = (await zones([tenant_id]))[tenant_id]
    found = {Key(*row) for row in await rows.distinct().values_list("kind", "key")}
    return {key.in_zone(zone) for key in found}


async def is_known(kind: Kind, key: str) -> bool:
    """Whether anybody's design has such a trigger."""
    return await Trigger.filter(kind=kind, key=key).exists()


async def cron_page(
    key: str, zones: Zones, *, after: int = 0, limit: int = 500
) -> tuple[list[Trigger], int | None]:
    """All tenants' triggers of a cron in its time zone, by their ids, which are above `after`.

    Also where the next page begins; None: there is none.
    """
    cron = key.split(" ", 1)[1] if key.startswith(ZONED) else key
    rows = Trigger.filter(kind="cron", key__in=[key, cron], id__gt=after)
    found = await rows.order_by("id").limit(limit)
    of_tenants = await zones({one.tenant_id for one in found if one.key == cron})
    due = [
        one for one in found if one.key != cron or in_zone(cron, of_tenants[one.tenant_id]) == key
    ]
    return due, found[-1].id if len(found) == limit else None
