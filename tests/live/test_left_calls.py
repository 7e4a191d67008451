"""What was called in an item or an iteration that is over does nothing more: on a real Inngest server
(`pytest -m live`, with `INNGEST_DEV`), and on the local engine in real time."""

from typing import Any

import inngest
import pytest
from live.kinds import KINDS
from live.modules import modules
from live.worlds import world
from proflow_runtime import Task
from proflow_runtime.store.models import Run
from service.house import until
from stored.left_calls import (
    CHILD,
    PAYING,
    in_an_item,
    in_an_iteration,
    of_a_failed_item,
    out_of_time,
)
from stored.office import line

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("kind", KINDS)]
CALLERS = [in_an_item, of_a_failed_item, out_of_time]
REST = {"duration": "5s"}
"""Longer than what was left would take to pay."""


def paying() -> dict[str, Any]:
    """It tells for what it pays."""
    canvas = line("paying", *(("nap", "delay", {"duration": "3s"}), ("pay", "task", PAY)))
    assert [node["id"] for node in canvas["nodes"]] == [node["id"] for node in PAYING["nodes"]]
    return canvas


PAY = {"handler": "pay", "input": "${event.data.for}"}


class Till:
    """What was paid, and how often something was drafted."""

    def __init__(self) -> None:
        self.paid: list[Any] = []
        self.drafted = 0

    async def pay(self, task: Task) -> None:
        self.paid.append(task.input)

    async def draft(self, task: Task) -> str:
        self.drafted += 1
        return f"draft {self.drafted}"

    @property
    def handlers(self) -> dict[str, Any]:
        return {"pay": self.pay, "draft": self.draft}


@pytest.mark.parametrize("caller", CALLERS)
async def test_what_a_stored_run_has_left_is_not_paid(
    sqlite_database: str, kind: str, caller: Any
) -> None:
    till = Till()
    async with world(kind, till.handlers) as at:
        for canvas in (paying(), CHILD, caller(**REST)):
            await at.publish(canvas)
        run = await at.begin("caller")
        ended = await at.ended(run)
        assert (ended["status"], ended["error"]) == ("completed", None)
        assert till.paid == ["rest"]

        async def closed() -> bool:
            found = await Run.filter(workflow__in=["child", "paying"]).order_by("created_at")
            statuses = [(one.workflow, one.status) for one in found]
            return sorted(statuses) == [
                *(("child", "cancelled"), ("child", "completed")),
                *(("paying", "cancelled"), ("paying", "completed")),
            ]

        await at.patiently(closed)


async def test_what_a_returned_iteration_has_called_is_not_paid(
    sqlite_database: str, kind: str
) -> None:
    till = Till()
    async with world(kind, till.handlers) as at:
        for canvas in (paying(), CHILD, in_an_iteration(**REST)):
            await at.publish(canvas)
        run = await at.begin("caller")

        async def called() -> Any:
            return await Run.filter(workflow="paying", status__not="pending").first()

        await at.patiently(called)
        for act, user in (("return", "ben"), ("approve", "ben"), ("approve", "cat")):
            await at.approve(user, act)
        assert (await at.ended(run))["status"] == "completed"
        assert till.paid == ["draft 2"]


@pytest.mark.parametrize("caller", CALLERS)
async def test_what_a_generated_module_has_left_is_not_paid(kind: str, caller: Any) -> None:
    till = Till()
    over: list[Any] = []

    async def note(task: Task) -> None:
        over.append(task.input)

    watching = caller(**REST)
    for node in watching["nodes"]:
        if node["id"] == "again":
            node["data"]["config"]["workflow"] = "told"
    told = line("told", ("call", "subprocess", CALL), ("note", "task", NOTE))
    handlers = {**till.handlers, "note": note}
    async with modules(kind, handlers, (paying(), CHILD, told, watching)) as client:
        await client.send(inngest.Event(name="caller/start", data={"tenant_id": 1}))
        await patiently(over)
    assert till.paid == ["rest"]


CALL = {"workflow": "child", "input": "${event.data}"}
NOTE = {"handler": "note", "input": "over"}


async def patiently(found: list[Any]) -> None:
    async def any_found() -> bool:
        return bool(found)

    await until(any_found, within=60)
