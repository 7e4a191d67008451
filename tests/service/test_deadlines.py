"""Deadlines of stored designs: kept by the service's own clock."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from proflow_runtime.context import clock
from proflow_runtime.service.deadlines import time_out_due
from proflow_runtime.store.models import InngestTask, Run
from service.going_on import virtual
from stored.office import line, publish

pytestmark = pytest.mark.anyio


def waits(code: str, **timeouts: str) -> dict[str, Any]:
    return line(
        code, ("go", "wait", {"event": "go"}), timeouts=timeouts, trigger={"event": "begin"}
    )


async def nobody(tenant_id: int, run_id: str, status: str) -> None:
    pass


async def test_a_run_that_does_not_end_in_time_is_cancelled_with_that_result(database: str) -> None:
    await publish(1, waits("late", finish="2h"))
    await publish(1, waits("ever"))
    async with virtual({}) as at:
        ann = await at.user("ann")
        run_id = await at.proflow.start(tenant_id=1, workflow="late", initiator="ann")
        other = await at.proflow.start(tenant_id=1, workflow="ever", initiator="ann")
        await at.settle()
        begun = (await Run.get(id=run_id)).started_at
        assert begun is not None
        early = begun + timedelta(minutes=119)
        assert await time_out_due(at.proflow._names, at.proflow._ended, early) == 0
        late = begun + timedelta(minutes=121)
        # Several processes may look at the same moment.
        found = await asyncio.gather(
            *(time_out_due(at.proflow._names, at.proflow._ended, late) for _ in range(3))
        )
        assert sum(found) == 1
        await at.settle()
        status = (await ann.get(f"/api/runs/{run_id}")).json()
        assert (status["status"], status["result"]) == ("cancelled", "timeout")
        assert status["error"]["message"] == "the run did not end within 2h, as its design demands"
        assert status["nodes"]["go"]["status"] == "cancelled"
        assert len(at.engine.waits) == 1  # that of the other run
        assert (await Run.get(id=other)).status == "waiting"
        task = await InngestTask.get(id=(await Run.get(id=run_id)).task_id)
        assert (task.status, task.error_message) == ("cancelled", status["error"]["message"])
        # It may go on, and has its time again.
        assert (await ann.post(f"/api/runs/{run_id}/retry")).status_code == 201
        await at.settle()
        again = await Run.get(id=run_id)
        assert (again.status, again.attempt, again.result) == ("waiting", 2, None)
        assert again.due_at is not None
        await at.engine.send({"name": "go", "data": {"tenant_id": 1}})
        await at.settle()
        done = await Run.get(id=run_id)
    assert (done.status, done.result, done.due_at) == ("completed", "completed", None)


async def test_a_run_that_does_not_begin_in_time_never_begins(database: str) -> None:
    await publish(1, waits("late", start="10m"))
    async with virtual({}) as at:
        asked = await at.proflow.start(tenant_id=1, workflow="late")
        await at.engine.send({"name": "begin", "data": {"tenant_id": 1}})
        # Inngest has the event; but it has not begun the runs.
        at.engine.at(clock.now() + timedelta(days=1), lambda: None)
        soon = clock.now() + timedelta(minutes=11)
        assert await time_out_due(at.proflow._names, nobody, soon) >= 1
        run = await Run.get(id=asked)
        assert (run.status, run.result) == ("cancelled", "timeout")
        assert run.error["message"] == "the run did not begin within 10m, as its design demands"
        await at.settle()
        assert (await Run.get(id=asked)).status == "cancelled"


async def test_a_run_that_has_begun_in_time_may_take_its_time(database: str) -> None:
    await publish(1, waits("late", start="10m"))
    async with virtual({}) as at:
        await at.engine.send({"name": "begin", "data": {"tenant_id": 1}})
        await at.settle()
        assert await time_out_due(at.proflow._names, nobody, clock.now() + timedelta(days=30)) == 0
    assert (await Run.get()).status == "waiting"
