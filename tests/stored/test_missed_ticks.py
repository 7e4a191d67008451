"""Ticks of crons that did not come are made up for, once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import inngest
import pytest
from proflow_runtime import Task
from proflow_runtime.context import clock
from proflow_runtime.dispatch.deployment import cron_function_id
from proflow_runtime.dispatch.missed import GRACE
from proflow_runtime.store import outbox
from proflow_runtime.store.database import connect
from proflow_runtime.store.models import Run
from stored.office import Office, line, office, publish

pytestmark = pytest.mark.anyio
CRON = "0 9 * * *"
NINE = datetime(2026, 1, 2, 9, tzinfo=UTC)
NIGHTLY = line("nightly", ("a", "task", {"handler": "work"}), trigger={"cron": CRON})


async def work(task: Task) -> Any:
    return task.node_id


async def delivered(at: Office) -> int:
    """Send what waits in the outbox; how many events that were."""
    events = await outbox.claim_due()
    await at.engine.send(
        *(inngest.Event(name=one.name, id=one.id, data=one.data) for one in events)
    )
    await outbox.mark_sent(events)
    await at.engine.run_until_idle()
    return len(events)


async def test_the_last_tick_that_was_missed_starts_each_run_once(database: str) -> None:
    virtual = clock.VirtualClock(NINE - timedelta(days=1))
    async with office({"work": work}, clock=virtual) as at:
        token = clock.activate(virtual)
        try:
            for tenant in (1, 2):
                await publish(tenant, NIGHTLY)
            await at.deployment.refresh()
            assert await at.deployment.missed.make_up() == 0
            virtual.advance_to(NINE + GRACE - timedelta(seconds=1))
            assert await at.deployment.missed.make_up() == 0
            virtual.advance_to(NINE + timedelta(days=2, hours=1))
            await publish(3, NIGHTLY)
            assert await at.deployment.missed.make_up() == 2
            assert await at.deployment.missed.make_up() == 0
            assert await delivered(at) == 2
            runs = await Run.all().order_by("tenant_id")
            assert [(run.tenant_id, run.status) for run in runs] == [
                (1, "completed"),
                (2, "completed"),
            ]
            last = NINE + timedelta(days=2)
            assert {run.event["data"]["scheduled_at"] for run in runs} == {"2026-01-04T09:00:00Z"}

            await at.engine.fire_cron(cron_function_id(CRON), last)  # it comes after all
            await at.engine.run_until_idle()
            assert await Run.filter(tenant_id__in=[1, 2]).count() == 2
        finally:
            clock.deactivate(token)


async def test_a_tick_that_came_is_not_made_up_for(database: str) -> None:
    virtual = clock.VirtualClock(NINE - timedelta(days=1))
    async with office({"work": work}, clock=virtual) as at:
        token = clock.activate(virtual)
        try:
            await publish(1, NIGHTLY)
            await at.deployment.refresh()
            assert await at.deployment.missed.make_up() == 0
            await at.engine.run_until_idle(until=NINE + timedelta(hours=1))
            started = await Run.all().count()
            assert started >= 1
            assert await at.deployment.missed.make_up() == 0
            assert await Run.all().count() == started
        finally:
            clock.deactivate(token)


async def test_one_of_several_processes_makes_up_for_a_tick(database_url: str) -> None:
    virtual = clock.VirtualClock(NINE - timedelta(days=1))
    token = clock.activate(virtual)
    try:
        async with connect(database_url), office({"work": work}, clock=virtual) as at:
            await publish(1, NIGHTLY)
            await at.deployment.missed.make_up()
            virtual.advance_to(NINE + timedelta(hours=1))

            async def process() -> int:
                async with connect(database_url):
                    return await at.deployment.missed.make_up()

            counts = await asyncio.gather(*(asyncio.create_task(process()) for _ in range(4)))
            assert sum(counts) == 1
    finally:
        clock.deactivate(token)
