"""Approvals that nobody can decide, and what administrators do with any of them."""

import logging
from typing import Any

import pytest
from approving.desk import ASK, Desk, desk
from proflow_runtime.approvals import ApprovalService
from proflow_runtime.store import people
from proflow_runtime.store.models import Approval, AuditEntry
from stored.office import line, office, publish

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("database")]
ADMIN = {"permissions": ["approvals:admin"]}


@pytest.fixture(autouse=True)
async def company(database: str) -> None:
    for user, roles in (("ann", []), ("ben", []), ("cat", []), ("root", ["admin"])):
        await people.add(1, user, user.title(), roles=roles)


async def inbox(at: Desk, user: str, *permissions: str) -> list[int]:
    return [one.id for one in (await at.service.inbox(1, user, permissions=permissions)).items]


@pytest.mark.parametrize(
    "named",
    [
        {"approverIds": ["benn"]},
        {"approverType": "department", "approverIds": None},
        {"approverType": "manager", "approverIds": None},
        {"approverType": "initiator", "approverIds": None},
        {"approverType": None, "approverIds": None},
        {"approverIds": ["benn"], "emptyApproverPolicy": "block"},
        {
            "approverIds": ["benn"],
            "emptyApproverPolicy": "fallbackUser",
            "fallbackApproverIds": ["catt"],
        },
    ],
)
async def test_an_approval_without_a_voter_is_in_the_administrators_inbox_at_once(
    named: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with desk(**named) as at:
        with caplog.at_level(logging.WARNING, "proflow.approvals"):
            approval = await at.ask()
        assert await inbox(at, "root", "approvals:admin") == [approval.id]
        assert await inbox(at, "ben") == await inbox(at, "root") == []
        (record,) = [one for one in caplog.records if one.name == "proflow.approvals"]
        assert record.getMessage() == f"nobody can decide approval {approval.id} but administrators"
        assert record.__dict__["node_id"] == ASK
        (told,) = [one for one in at.sent if one.name == "approval/assigned"]
        assert told.data["users"] == ["root"]
        done = await at.act("root", "approve", approval, **ADMIN)
        assert [(one["user"], one["status"]) for one in done["assignments"]] == [
            ("root", "approved")
        ]
        assert await at.result() == "completed"
        assert await inbox(at, "root", "approvals:admin") == []


async def test_who_does_not_exist_is_left_out_and_the_trail_says_so() -> None:
    async with desk(approverIds=["ben", "benn"], approvalMode="all") as at:
        approval = await at.ask()
        entry = await AuditEntry.get(approval_id=approval.id, act="opened")
        assert entry.details == {"approvers": ["ben"], "unknown": ["benn"]}
        await at.act("ben", "approve", approval)
        assert await at.result() == "completed"


async def test_an_administrator_who_started_the_run_hands_it_over() -> None:
    async with desk(approverIds=["nobody"]) as at:
        approval = await at.ask(initiator_id="root")
        assert await at.refused("root", "approve", approval, **ADMIN) == (403, "not-entitled")
        await at.act("root", "transfer", approval, to="ben", **ADMIN)
        assert await inbox(at, "root", "approvals:admin") == []
        await at.act("ben", "approve", approval)
        assert await at.result() == "completed"


async def test_an_administrator_hands_over_any_approval_at_any_time() -> None:
    async with desk(approvalMode="all") as at:
        approval = await at.ask()
        asked = {"to": "root", **ADMIN}
        assert await at.refused("root", "transfer", approval, **asked) == (422, "say-for-whom")
        assert await at.refused("root", "transfer", approval, instead_of="ann", **asked) == (
            422,
            "unknown-user",
        )
        await at.act("root", "transfer", approval, instead_of="ben", comment="left", **asked)
        assert await at.refused("ben", "approve", approval) == (403, "not-entitled")
        await at.act("root", "approve", approval)
        await at.act("cat", "approve", approval)
        assert await at.result() == "completed"
    entry = await AuditEntry.get(approval_id=approval.id, act="transfer")
    assert (entry.actor, entry.comment) == ("root", "left")
    assert entry.details == {"instead_of": "ben", "to": "root"}


async def test_a_queued_approver_is_replaced_at_the_same_place() -> None:
    await people.add(1, "dan", "Dan")
    async with desk(approvalMode="sequential") as at:
        approval = await at.ask()
        await at.act("root", "transfer", approval, to="dan", instead_of="cat", **ADMIN)
        assert await at.refused("dan", "approve", approval) == (409, "already-decided")
        await at.act("ben", "approve", approval)
        await at.act("dan", "approve", approval)
        assert await at.result() == "completed"


@pytest.mark.parametrize("act", ["transfer", "add-sign-before", "add-sign-after"])
async def test_nobody_is_added_who_does_not_exist(act: str) -> None:
    async with desk(allowTransfer=True, allowAddSign=True) as at:
        approval = await at.ask()
        assert await at.refused("ben", act, approval, to="dann") == (422, "unknown-user")
        assert await Approval.filter(status="open").count() == 1
        await at.act("ben", "approve", approval)
        assert await at.result() == "completed"


@pytest.mark.parametrize(("named", "expected"), [({}, "ann"), ({"initiator_id": "cat"}, "cat")])
async def test_a_subprocess_keeps_the_initiator_of_its_caller_unless_it_names_another(
    named: dict[str, str], expected: str
) -> None:
    await publish(1, line("child", (ASK, "approval", {"approverIds": ["ben"]})))
    call = ("call", "subprocess", {"workflow": "child", "input": {"amount": 1, **named}})
    await publish(1, line("parent", call, trigger={"event": "parent/start"}))
    service = ApprovalService(app_id="office")
    async with office(opener=service.open) as at:
        await at.engine.send(
            {"name": "parent/start", "data": {"tenant_id": 1, "initiator_id": "ann"}}
        )
        await at.engine.run_until_idle(ignore_timeouts=lambda wait: True)
        approval = await Approval.get()
        assert approval.initiator == expected
        mine = await service.inbox(1, expected, "initiated")
        assert [one.id for one in mine.items] == [approval.id]
