"""What published designs are started and cancelled by: looked up when an event arrives."""

from __future__ import annotations

from typing import Literal, NamedTuple

from proflow_runtime.store.models.designs import Trigger

Kind = Literal["event", "cron", "cancel"]
MOST_TENANTS = 2**31 - 1
"""The greatest id of a tenant that a column holds."""


class Key(NamedTuple):
    """What a function of Inngest is registered for."""

    kind: Kind
    key: str


async def matching(tenant_id: int, kind: Kind, key: str) -> list[Trigger]:
    """A tenant's triggers of one key, in a lasting order. Their conditions are not looked at."""
    if not 0 < tenant_id <= MOST_TENANTS:
        return []
    return await Trigger.filter(kind=kind, key=key, tenant_id=tenant_id).order_by("id")


async def of_workflow(tenant_id: int, workflow: str) -> list[Trigger]:
    """What a tenant's published design is started and cancelled by."""
    return await Trigger.filter(tenant_id=tenant_id, workflow=workflow).order_by("id")


async def keys() -> set[Key]:
    """All keys of all tenants."""
    rows = await Trigger.all().distinct().values_list("kind", "key")
    return {Key(*row) for row in rows}


async def keys_of(tenant_id: int, *, besides: str) -> set[Key]:
    """The keys of a tenant's published designs, without one of them."""
    rows = Trigger.filter(tenant_id=tenant_id).exclude(workflow=besides)
    return {Key(*row) for row in await rows.distinct().values_list("kind", "key")}


async def is_known(kind: Kind, key: str) -> bool:
    """Whether anybody's design has such a trigger."""
    return await Trigger.filter(kind=kind, key=key).exists()


async def cron_page(key: str, *, after: int = 0, limit: int = 500) -> list[Trigger]:
    """All tenants' triggers of a cron, those with greater ids than `after` first come first.

    The next page begins after the last one's id; a page that is not full is the last.
    """
    found = Trigger.filter(kind="cron", key=key, id__gt=after)
    return await found.order_by("id").limit(limit)
