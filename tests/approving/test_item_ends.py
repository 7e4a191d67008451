"""Approvals of an item that has ended, or has failed, are asked for no more."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from approving.desk import Desk
from proflow_runtime import Task
from proflow_runtime.approvals import ActRefused, ApprovalService
from proflow_runtime.context import clock
from proflow_runtime.store.models import Approval
from proflow_runtime.values import JSON
from stored.office import Edge, drawn, office, publish

pytestmark = pytest.mark.anyio


async def _check(task: Task) -> JSON:
    if task.input == "bad":
        raise ValueError("bad")
    return task.node_id


@asynccontextmanager
async def each_line(held: dict[str, Any], *edges: Edge, **nodes: Any) -> AsyncIterator[Desk]:
    """A run that goes through two lines, with what is held for each; it waits for people."""
    canvas = drawn(
        "review",
        {
            "start": ("start", {}),
            "lines": ("foreach", {"items": "event.data.lines"}),
            "end": ("end", {}),
            **held,
            **nodes,
        },
        [("start", "lines"), ("lines", "end"), *edges],
        trigger={"event": "review/start"},
    )
    for node in canvas["nodes"]:
        if node["id"] in held:
            node["parentId"] = "lines"
    await publish(1, canvas)
    approvals = ApprovalService(app_id="office")
    async with office(
        {"check": _check},
        opener=approvals.open,
        closer=approvals.close_left,
        ended=approvals.run_ended,
    ) as at:
        token = clock.activate(at.engine.clock)
        try:
            desk = Desk(at, approvals)
            given = {"tenant_id": 1, "initiator_id": "ann", "lines": ["good", "bad"]}
            await at.engine.send({"name": "review/start", "data": given})
            await desk.settle()
            yield desk
        finally:
            clock.deactivate(token)


def asks(user: str) -> tuple[str, dict[str, Any]]:
    return "approval", {"approverType": "user", "approverIds": [user]}


async def statuses() -> dict[str, str]:
    return {one.step: one.status for one in await Approval.all().order_by("step")}


async def test_a_rejection_closes_what_is_open_in_its_item(database: str) -> None:
    held = {"legal": asks("ben"), "money": asks("cat"), "check": ("task", {"handler": "check"})}
    async with each_line(held, ("legal", "check"), ("money", "check")) as desk:
        await desk.act("ben", "reject", await Approval.get(step="legal[0]"))
        assert await statuses() == {
            "legal[0]": "rejected",
            "legal[1]": "open",
            "money[0]": "cancelled",
            "money[1]": "open",
        }
        with pytest.raises(ActRefused) as refused:
            await desk.act("cat", "approve", await Approval.get(step="money[0]"))
        assert refused.value.code == "already-decided"
        assert (
            str(refused.value)
            == "it is not needed any more: the part of the run that it belongs to has ended"
        )
        await desk.act("cat", "approve", await Approval.get(step="money[1]"))
        await desk.act("ben", "approve", await Approval.get(step="legal[1]"))
        assert await desk.result() == "completed"


async def test_a_failure_that_is_caught_closes_what_is_open_in_all_items(database: str) -> None:
    check = ("task", {"handler": "check", "input": "${item}", "retry": {"maxAttempts": 1}})
    held = {"legal": asks("ben"), "money": asks("cat"), "check": check}
    edges = [("legal", "check"), ("lines", "after", "error"), ("after", "end")]
    async with each_line(held, *edges, after=asks("dan")) as desk:
        await desk.act("ben", "approve", await Approval.get(step="legal[1]"))
        assert await statuses() == {
            "after": "open",
            "legal[0]": "cancelled",
            "legal[1]": "approved",
            "money[0]": "cancelled",
            "money[1]": "cancelled",
        }
        await desk.act("dan", "approve", await Approval.get(step="after"))
        assert await desk.result() == "completed"
