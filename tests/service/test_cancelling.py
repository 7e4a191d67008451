"""Ending runs by hand: before Inngest has begun them, while they wait, and more than once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import inngest
import pytest
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.local import LocalEngine
from proflow_runtime.service import ProFlow
from proflow_runtime.service.problems import Problem
from proflow_runtime.store.models import InngestTask, Run
from stored.office import Engined, line, publish

pytestmark = pytest.mark.anyio
WAITS = line("waits", ("go", "wait", {"event": "go"}))


@asynccontextmanager
async def served() -> AsyncIterator[tuple[ProFlow, LocalEngine]]:
    client = inngest.Inngest(app_id="house", is_production=False)
    async with LocalEngine(client, []) as engine:
        proflow = ProFlow(client, Registry({}), target=Engined(engine))
        await proflow.deployment.refresh()
        yield proflow, engine


async def moved(proflow: ProFlow, engine: LocalEngine) -> None:
    """What is in the outbox is sent, and what it does is done."""
    await proflow.delivery.deliver()
    await engine.run_until_idle(ignore_timeouts=lambda wait: True)


@pytest.mark.parametrize("sent", [False, True])
async def test_a_run_is_cancelled_before_inngest_has_begun_it(database: str, sent: bool) -> None:
    await publish(1, WAITS)
    async with served() as (proflow, engine):
        run_id = await proflow.start(tenant_id=1, workflow="waits")
        if sent:
            await proflow.delivery.deliver()
        await proflow.cancel(1, run_id)
        assert (await Run.get()).status == "cancelled"
        await moved(proflow, engine)
        assert not engine.waits
    assert (await Run.get()).status == "cancelled"
    assert (await InngestTask.get()).status == "cancelled"


async def test_a_cancellation_that_was_lost_can_be_asked_for_again(database: str) -> None:
    await publish(1, WAITS)
    async with served() as (proflow, engine):
        run_id = await proflow.start(tenant_id=1, workflow="waits")
        await moved(proflow, engine)
        await proflow.cancel(1, run_id)
        await proflow.cancel(1, run_id)
        assert (await Run.get()).status in ("running", "waiting")
        await moved(proflow, engine)
        assert (await Run.get()).status == "cancelled"
        with pytest.raises(Problem, match="cancelled already"):
            await proflow.cancel(1, run_id)
