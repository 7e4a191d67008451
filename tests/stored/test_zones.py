"""Time zones of tenants: when their crons fire, and what their runs wait for."""

from datetime import UTC, datetime, timedelta

import pytest
from proflow_runtime.context.clock import VirtualClock
from proflow_runtime.dispatch.deployment import CLOSE, RUN, cron_function_id
from proflow_runtime.store import tenant_settings
from proflow_runtime.store.models import Run
from proflow_runtime.tenants import TenantZones
from stored.office import line, office, publish

pytestmark = pytest.mark.anyio

EVENING = "0 18 * * *"
BEGAN = datetime(2026, 1, 5, tzinfo=UTC)


async def set_zone(tenant_id: int, name: str) -> None:
    await tenant_settings.save(tenant_id, {"timezone": name}, by=None)


async def test_a_cron_has_a_function_for_every_zone_of_the_tenants_that_have_it(
    database: str,
) -> None:
    for tenant in range(1, 6):
        await publish(tenant, line("evening", trigger={"cron": EVENING}))
    own = {"cron": EVENING, "timezone": "America/New_York"}
    await publish(1, line("abroad", trigger=own))
    await publish(5, line("drawn", timezone="Asia/Tokyo", trigger={"cron": EVENING}))
    for tenant in (1, 2):
        await set_zone(tenant, "Asia/Shanghai")
    await set_zone(3, "UTC")
    await set_zone(4, "Mars/Olympus")  # of a newer tz database, perhaps
    clock = VirtualClock(BEGAN)
    async with office(clock=clock, zones=TenantZones("Europe/Berlin")) as at:
        zones = ("Asia/Shanghai", "America/New_York", "Europe/Berlin", "Asia/Tokyo")
        assert at.deployment.function_ids == {
            RUN,
            CLOSE,
            cron_function_id(EVENING),
            *(cron_function_id(f"TZ={zone} {EVENING}") for zone in zones),
        }
        await at.engine.run_until_idle(until=BEGAN + timedelta(days=1))
    found = {(run.tenant_id, run.workflow): run.created_at for run in await Run.all()}
    assert await Run.all().count() == len(found) == 7
    assert {key: at.astimezone(UTC).hour for key, at in found.items()} == {
        (1, "evening"): 10,
        (2, "evening"): 10,
        (3, "evening"): 18,
        (4, "evening"): 17,
        (5, "evening"): 17,
        (1, "abroad"): 23,
        (5, "drawn"): 9,
    }


async def test_another_zone_holds_for_the_next_tick(database: str) -> None:
    await publish(1, line("evening", trigger={"cron": EVENING}))
    await publish(2, line("evening", trigger={"cron": EVENING}))
    async with office(clock=VirtualClock(BEGAN)) as at:
        await set_zone(1, "Asia/Shanghai")
        assert await at.deployment.refresh()
        await at.engine.run_until_idle(until=BEGAN + timedelta(days=1))
        first = {run.tenant_id: run.created_at.astimezone(UTC).hour for run in await Run.all()}
        assert first == {1: 10, 2: 18}
        await set_zone(1, "UTC")
        assert not await at.deployment.refresh()
        await at.engine.run_until_idle(until=BEGAN + timedelta(days=2))
    second = await Run.filter(created_at__gt=BEGAN + timedelta(days=1))
    assert {run.tenant_id: run.created_at.astimezone(UTC).hour for run in second} == {1: 18, 2: 18}


async def test_utc_drawn_and_utc_by_default_start_nothing_twice(database: str) -> None:
    await publish(1, line("drawn", trigger={"cron": EVENING, "timezone": "UTC"}))
    await publish(1, line("default", trigger={"cron": EVENING}))
    async with office(clock=VirtualClock(BEGAN)) as at:
        await at.engine.run_until_idle(until=BEGAN + timedelta(days=1))
    assert sorted(run.workflow for run in await Run.all()) == ["default", "drawn"]


async def test_the_host_may_say_where_a_tenant_is(database: str) -> None:
    async def timezone_of(tenant_id: int) -> str | None:
        return {1: "Asia/Tokyo"}.get(tenant_id)

    await set_zone(1, "Asia/Shanghai")
    await set_zone(2, "Asia/Shanghai")
    zones = TenantZones("Europe/Berlin", timezone_of)
    assert await zones.of_all([1, 2, 3]) == {
        1: "Asia/Tokyo",
        2: "Asia/Shanghai",
        3: "Europe/Berlin",
    }
    assert await TenantZones().of(3) == "UTC"
    assert await TenantZones().named(3) is None


@pytest.mark.parametrize("waits", [1, 600])
async def test_a_run_keeps_the_zone_that_it_began_with(database: str, waits: int) -> None:
    """Also in its parts, of which the last one begins after the tenant has moved."""
    before = [(f"a{n}", "delay", {"until": "2026-01-05T06:00"}) for n in range(waits)]
    nodes = [*before, ("evening", "delay", {"until": "2026-01-05T18:00"})]
    await publish(1, line("evening", *nodes, trigger={"event": "begin"}))
    await set_zone(1, "America/New_York")
    clock = VirtualClock(BEGAN)
    async with office(clock=clock) as at:
        await at.engine.send({"name": "begin", "data": {"tenant_id": 1}})
        await at.engine.run_until_idle(until=BEGAN + timedelta(hours=1))
        await set_zone(1, "Asia/Shanghai")
        await at.engine.run_until_idle()
        run = next(run for run in at.runs() if run.event["data"]["_proflow"].get("part") is None)
        assert run.status == "Completed"
        assert run.ended_at is not None
        assert run.ended_at.replace(microsecond=0) == datetime(2026, 1, 5, 23, tzinfo=UTC)
        assert run.steps[0].output["timezone"] == "America/New_York"
