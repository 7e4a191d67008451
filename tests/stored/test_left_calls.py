"""What was called in an item or an iteration that is over: it ends, whatever it was about to do."""

from collections.abc import Mapping
from typing import Any

import pytest
from proflow_runtime import Task
from proflow_runtime.dispatch.callees import StoredCallees
from proflow_runtime.dispatch.programs import Programs
from proflow_runtime.flow.callees import Call, Cancelling
from proflow_runtime.protocol.app_names import AppNames
from proflow_runtime.store.models import Run
from stored.left_calls import CHILD, PAYING, in_an_item, of_a_failed_item, out_of_time
from stored.office import Office, line, office, publish

pytestmark = pytest.mark.anyio


class Till:
    def __init__(self) -> None:
        self.paid: list[Any] = []

    async def pay(self, task: Task) -> None:
        self.paid.append(task.run_id)


@pytest.mark.parametrize("caller", [in_an_item, of_a_failed_item, out_of_time])
async def test_children_and_theirs_end_when_their_call_is_left(database: str, caller: Any) -> None:
    till = Till()
    for canvas in (PAYING, CHILD, caller(duration="1m")):
        await publish(1, canvas)
    async with office({"pay": till.pay}) as at:
        await at.send("caller/start", {"tenant_id": 1})
    parent = await Run.get(workflow="caller")
    assert parent.status == "completed"
    children = await Run.filter(workflow="child").order_by("created_at")
    paying = await Run.filter(workflow="paying").order_by("created_at")
    for found in (children, paying):
        assert [run.status for run in found] == ["cancelled", "completed"]
        assert (found[0].ended_at - parent.created_at).total_seconds() == 1
    assert till.paid == [paying[1].id]


def callees(parent: Run) -> StoredCallees:
    return StoredCallees(
        Programs({}),  # type: ignore[arg-type]
        AppNames("office"),
        *(parent.tenant_id, parent.id, parent.digest, parent.version),
    )


async def a_parent(at: Office) -> Run:
    await at.engine.send({"name": "parent/start", "data": {"tenant_id": 1}})
    await at.engine.run_until_idle(until=at.engine.clock.now())
    return await Run.get(workflow="parent")


async def begin(at: Office, parent: Run, call: str, data: Mapping[str, Any]) -> None:
    """Inngest begins what was called; it is late."""
    own = callees(parent).workflow("paying", call).own
    event = {"name": "proflow/office/run", "data": {**data, "tenant_id": 1, "_proflow": dict(own)}}
    await at.engine.send(event)
    await at.engine.run_until_idle()


LONG = line("parent", ("nap", "delay", {"duration": "1h"}))


async def test_a_child_that_was_left_before_it_began_never_begins(database: str) -> None:
    till = Till()
    for canvas in (PAYING, LONG):
        await publish(1, canvas)
    async with office({"pay": till.pay}) as at:
        parent = await a_parent(at)
        call = Call("c", "paying", {"n": 1, "tenant_id": 1, "_proflow": {"depth": 1}})
        cancelling = await callees(parent).leave(call)
        await begin(at, parent, "c", {"n": 1})
    child = await Run.get(workflow="paying")
    assert cancelling == Cancelling("proflow/office/cancel", {"run_id": child.id})
    assert (child.status, child.parent, child.started_at) == ("cancelled", parent.id, None)
    assert child.event["data"] == {"n": 1, "tenant_id": 1}
    assert till.paid == []


async def test_what_is_left_twice_or_is_not_published_any_more_is_left(database: str) -> None:
    await publish(1, LONG)
    await publish(1, PAYING)
    async with office({"pay": Till().pay}) as at:
        parent = await a_parent(at)
        for workflow in ("paying", "paying", "unknown"):
            await callees(parent).leave(Call("c", workflow, {}))
    assert [run.status for run in await Run.filter(parent=parent.id)] == ["cancelled"]


async def test_a_child_of_a_run_that_is_over_never_begins(database: str) -> None:
    till = Till()
    for canvas in (PAYING, LONG):
        await publish(1, canvas)
    async with office({"pay": till.pay}) as at:
        parent = await a_parent(at)
        await at.engine.run_until_idle()
        await begin(at, parent, "c", {})
        late = at.runs()[-1]
    assert late.error is not None
    assert late.error["message"] == f"run `{parent.id}`, which calls it, is over"
    assert till.paid == []
    assert await Run.filter(workflow="paying").count() == 0
