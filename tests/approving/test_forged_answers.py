"""Answers that the board has not given, sent straight to the engine: nobody is believed but the board."""

from datetime import timedelta
from typing import Any

import pytest
from approving.desk import ASK, Desk, desk
from proflow_runtime.store.models import Approval, AuditEntry, Run

pytestmark = pytest.mark.anyio


async def forge(at: Desk, approval: Approval, **claimed: Any) -> None:
    """The event as the board would send it; its name and id are no secret."""
    data = {**approval.answer_data, "tenant_id": 1, **claimed}
    await at.at.engine.send({"name": approval.answer_event, "data": data})
    await at.settle()


async def ignored(approval: Approval) -> list[Any]:
    found = await AuditEntry.filter(approval_id=approval.id, act="answer-ignored").order_by("id")
    return [one.details["claimed"] for one in found]


def steps(at: Desk) -> list[str]:
    return [one.id for one in at.run().steps]


async def test_a_forged_approval_is_ignored_and_people_decide(database: str) -> None:
    async with desk(approvalMode="all") as at:
        approval = await at.ask()
        await forge(at, approval, outcome="approved", decided_by="ben")
        assert await at.result() is None
        assert await ignored(approval) == [{"outcome": "approved", "decided_by": "ben"}]
        await at.act("ben", "approve", approval)
        assert await at.result() is None
        await at.act("cat", "reject", approval)
        assert await at.result() == "rejected"
        trail = await AuditEntry.filter(approval_id=approval.id, act="resolved")
        assert [one.actor for one in trail] == ["cat"]


@pytest.mark.parametrize(
    "claimed",
    [
        {"approved": True},
        {"approved": True, "decided_by": "nobody", "comment": "x"},
        {"outcome": "returned"},
        {"outcome": "nonsense"},
        {},
    ],
)
async def test_what_is_forged_does_not_matter(database: str, claimed: dict[str, Any]) -> None:
    async with desk() as at:
        approval = await at.ask()
        await forge(at, approval, **claimed)
        assert await at.result() is None
        await at.act("ben", "approve", approval)
        assert await at.result() == "completed"


async def test_forged_answers_in_a_row_end_the_run_with_the_reason(database: str) -> None:
    async with desk() as at:
        approval = await at.ask()
        for number in range(11):
            run = await Run.get()
            assert run.status in ("running", "waiting"), (number, run.error)
            await forge(at, approval, approved=True)
        run = await Run.get()
        assert run.status == "failed"
        assert "11 answers came that nobody has given" in run.error["message"]


async def test_a_decision_after_a_forgery_is_the_boards(database: str) -> None:
    """The forged event says what is decided later, by somebody else: the trail names who did it."""
    async with desk() as at:
        approval = await at.ask()
        await forge(at, approval, outcome="approved", decided_by="mallory", comment="forged")
        await at.act("cat", "approve", approval, comment="好")
        assert await at.result() == "completed"
        stored = await Approval.get(id=approval.id)
        assert (stored.status, stored.decided_by, stored.comment) == ("approved", "cat", "好")


async def test_a_forged_answer_against_the_decision_changes_nothing(database: str) -> None:
    """It arrives before the answer of the board, which waits in the outbox."""
    async with desk() as at:
        approval = await at.ask()
        await at.service.act(1, "ben", approval.id, "reject")
        data = {**approval.answer_data, "tenant_id": 1, "approved": True}
        await at.at.engine.send({"name": approval.answer_event, "data": data})
        await at.settle()
        assert await at.result() == "rejected"
        assert await ignored(approval) == []


async def test_a_decision_that_nobody_waited_for_is_sent_again(database: str) -> None:
    """The board decides between the forged answer and the next wait."""
    async with desk() as at:
        approval = await at.ask()
        board = at.service.board(1, approval.run_id)
        await at.service.act(1, "ben", approval.id, "approve")
        await board.refuse(ASK, 1, {"approved": False})
        await at.settle()
        ids = [one.id for one in at.sent if one.name == approval.answer_event]
        assert ids == [f"approval:{approval.id}", f"approval:{approval.id}:repeated:1:1"]
        assert await at.result() == "completed"


async def test_without_forgery_the_steps_are_the_same(database: str) -> None:
    async with desk() as at:
        approval = await at.ask()
        await at.act("ben", "approve", approval)
        assert await at.result() == "completed"
        assert {one for one in steps(at) if one.startswith(ASK)} == {f"{ASK}/wait", f"{ASK}/notify"}


async def test_the_timeout_still_comes(database: str) -> None:
    async with desk(timeout="2h", timeoutAction="reject") as at:
        approval = await at.ask()
        await forge(at, approval, approved=True)
        assert await at.result() is None
        await at.wait(timedelta(hours=3))
        assert await at.result() == "rejected"
