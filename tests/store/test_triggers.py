"""Looking up what an event starts."""

import pytest
from proflow_runtime.store import designs, triggers
from proflow_runtime.tenants import TenantZones
from store.drawn import defined

UTC = TenantZones().of_all
pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("database")]


async def publish(tenant_id: int, code: str, *crons: str, event: str | None = None) -> None:
    await designs.create(tenant_id, code, name=code, draft={}, by=None)
    started_by = [{"event": event}] if event else []
    all_triggers = [*started_by, *({"cron": cron} for cron in crons)]
    settings = {"cancel_on": [{"event": "order/cancelled"}]} if event else {}
    definition = defined(code, triggers=all_triggers, settings=settings)
    await designs.publish(tenant_id, code, canvas={}, definition=definition, by=None)


async def test_an_event_matches_the_designs_of_its_tenant() -> None:
    for tenant in (1, 2):
        for code in ("a", "b"):
            await publish(tenant, code, event="order/placed")
    await publish(1, "c", event="order/Placed")
    found = await triggers.matching(1, "event", "order/placed")
    assert [(one.tenant_id, one.workflow) for one in found] == [(1, "a"), (1, "b")]
    assert [one.workflow for one in await triggers.matching(1, "cancel", "order/cancelled")] == [
        *("a", "b", "c")
    ]
    assert await triggers.matching(3, "event", "order/placed") == []
    assert await triggers.matching(1, "cron", "order/placed") == []


@pytest.mark.parametrize("tenant_id", [0, -1, 2**31, 2**70])
async def test_a_tenant_that_cannot_be_has_no_triggers(tenant_id: int) -> None:
    assert await triggers.matching(tenant_id, "event", "order/placed") == []


@pytest.mark.parametrize("key", ["", "x" * 5000, "nul\x00", "\ud800", "'; --", "订单/已创建"])
async def test_any_name_of_an_event_can_be_looked_up(key: str) -> None:
    assert await triggers.matching(1, "event", key) == []
    assert not await triggers.is_known("event", key)


async def test_keys_are_told_once_however_many_designs_have_them() -> None:
    for tenant in (1, 2, 3):
        await publish(tenant, "a", "0 9 * * *", event="order/placed")
        await publish(tenant, "b", "0 9 * * *", "5 4 * * 1")
    assert await triggers.keys(UTC) == {
        ("event", "order/placed"),
        ("cancel", "order/cancelled"),
        ("cron", "0 9 * * *"),
        ("cron", "5 4 * * 1"),
    }
    assert await triggers.is_known("cron", "5 4 * * 1")
    for tenant in (1, 2, 3):
        await designs.unpublish(tenant, "b")
    assert not await triggers.is_known("cron", "5 4 * * 1")


async def test_a_cron_is_read_in_pages_across_tenants() -> None:
    for tenant in range(1, 8):
        await publish(tenant, "a", "0 9 * * *", "1 1 * * *")
    found: list[int] = []
    following: int | None = 0
    while following is not None:
        page, following = await triggers.cron_page("0 9 * * *", UTC, after=following, limit=3)
        assert len(page) <= 3
        found += [one.tenant_id for one in page]
    assert found == list(range(1, 8))
