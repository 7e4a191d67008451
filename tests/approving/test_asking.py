"""Who is asked, who stands in, who is reminded, and what happens when nobody answers."""

from datetime import timedelta
from typing import Any

import pytest
from approving.desk import desk
from proflow_runtime.approvals import ApprovalService, ApproverSpec, Context, TableResolver
from proflow_runtime.store import people
from proflow_runtime.store.models import Approval, Assignment, AuditEntry, NodeStateRow, Run

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)


async def company() -> None:
    """eve leads everybody; dan the sales, with ben and ann in it; cat keeps the money."""
    await people.add_department(1, "top", "Management", head="eve")
    await people.add_department(1, "sales", "Sales", head="dan", parent="top")
    for user, department in (("ann", "sales"), ("ben", "sales"), ("dan", "sales"), ("eve", "top")):
        await people.add(1, user, user.title(), department=department)
    await people.add(1, "cat", "Cat", manager="eve", roles=["finance", "admin"])
    await people.add(2, "mallory", "Mallory", roles=["finance", "admin"])


@pytest.mark.parametrize(
    ("approver", "users"),
    [
        ("user:7", ["7"]),
        ("7", ["7"]),
        ("role:finance", ["cat"]),
        ("role:nobody", []),
        ("department:sales", ["dan"]),
        ("department:none", []),
        ("manager", ["dan"]),
        ("manager:2", ["eve"]),
        ("manager:3", []),
        ("multiLevelManager", ["dan", "eve"]),
        ("multiLevelManager:1", ["dan"]),
        ("initiator", ["ann"]),
        ("form:boss", ["12"]),
        ("form:bosses", ["x", "y"]),
        ("form:none", []),
        ("initiatorSelect", ["zoe"]),
        ("initiatorSelect:bosses", ["x", "y"]),
        ("moon:base", []),
    ],
)
async def test_the_tables_say_who_somebody_is(
    database: str, approver: str, users: list[str]
) -> None:
    await company()
    data: Any = {"boss": 12, "bosses": ["x", "y", None, True], "approvers": {"ask": "zoe"}}
    context = Context("leave", "ask", "run", "ann", data)
    assert await TableResolver().resolve(1, ApproverSpec.of(approver), context) == users


async def test_managers_that_lead_round_in_a_circle_end(database: str) -> None:
    await people.add(1, "ann", "Ann", manager="ben")
    await people.add(1, "ben", "Ben", manager="ann")
    context = Context("leave", "ask", "run", "ann", {})
    found = await TableResolver().resolve(1, ApproverSpec("multiLevelManager"), context)
    assert found == ["ben", "ann"]


async def test_everybody_is_asked_once(database: str) -> None:
    await company()
    async with desk(approverType=None, approverIds=["cat", "cat", "role:finance", "ben"]) as at:
        await at.ask()
    assert [row.user for row in await Assignment.all().order_by("position")] == ["cat", "ben"]


async def test_the_inbox_is_that_of_the_right_person_and_nobody_elses(database: str) -> None:
    async with desk(approvalMode="sequential") as at:
        approval = await at.ask()

        async def box(user: str, name: Any = "inbox", tenant: int = 1) -> list[int]:
            return [one.id for one in (await at.service.inbox(tenant, user, name)).items]

        assert await box("ben") == [approval.id]
        for user in ("cat", "ann", "eve"):
            assert await box(user) == []
        assert await box("ben", tenant=2) == []
        assert await box("ann", "initiated") == [approval.id]
        await at.act("ben", "approve", approval)
        assert (await box("ben"), await box("ben", "done")) == ([], [approval.id])
        assert await box("cat") == [approval.id]


# --- nobody to ask


@pytest.mark.parametrize(
    ("policy", "result"),
    [
        ({}, None),
        ({"emptyApproverPolicy": "block"}, None),
        ({"emptyApproverPolicy": "autoPass"}, "completed"),
        ({"emptyApproverPolicy": "autoReject"}, "rejected"),
    ],
)
async def test_nobody_to_ask(database: str, policy: Any, result: str | None) -> None:
    async with desk(approverType="role", approverIds=["ghost"], **policy) as at:
        approval = await at.ask()
        assert await at.result() == result
        if result is None:
            assert await at.refused("ben", "approve", approval) == (403, "not-entitled")
            await at.act("root", "transfer", approval, to="ben", permissions=["approvals:admin"])
            await at.act("ben", "approve", approval)
            assert await at.result() == "completed"


@pytest.mark.parametrize(
    "policy",
    [
        {"emptyApproverPolicy": "fallbackUser", "fallbackApproverIds": ["cat"]},
        {"emptyApproverPolicy": "escalateAdmin"},
    ],
)
async def test_somebody_else_to_ask(database: str, policy: Any) -> None:
    await company()
    async with desk(approverType="role", approverIds=["ghost"], **policy) as at:
        approval = await at.ask()
        await at.act("cat", "approve", approval)
        assert await at.result() == "completed"


# --- oneself


async def test_nobody_decides_on_what_they_have_asked_for(database: str) -> None:
    async with desk(approverIds=["ann", "ben"]) as at:
        approval = await at.ask()
        assert await at.refused("ann", "approve", approval) == (403, "not-entitled")
        await at.act("ben", "approve", approval)
        assert await at.result() == "completed"


async def test_unless_it_is_allowed(database: str) -> None:
    async with desk(approverIds=["ann"], selfApproval="allow") as at:
        await at.act("ann", "approve", await at.ask())
        assert await at.result() == "completed"


async def test_one_who_would_ask_themselves_is_skipped(database: str) -> None:
    async with desk(approverIds=["ann"], selfApproval="skip") as at:
        await at.ask()
        assert await at.result() == "completed"
    assert [row.status for row in await Assignment.all()] == ["skipped"]


async def test_a_seat_cannot_be_handed_to_who_asks(database: str) -> None:
    async with desk(allowTransfer=True, allowAddSign=True) as at:
        approval = await at.ask()
        for act in ("transfer", "add-sign-before", "add-sign-after"):
            assert await at.refused("ben", act, approval, to="ann") == (422, "self-approval")


# --- stand-ins


async def test_a_stand_in_acts_for_a_time_and_the_trail_says_for_whom(database: str) -> None:
    async with desk(approverIds=["ben"]) as at:
        now = at.at.engine.clock.now()
        approval = await at.ask()
        await people.delegate(1, "ben", "zoe", starts_at=now + HOUR, ends_at=now + 3 * HOUR)
        assert await at.refused("zoe", "approve", approval) == (403, "not-entitled")
        await at.wait(HOUR)
        inbox = await at.service.inbox(1, "zoe")
        assert [one.id for one in inbox.items] == [approval.id]
        await at.act("zoe", "approve", approval)
        assert await at.result() == "completed"
    entry = await AuditEntry.get(act="approve")
    assert (entry.actor, entry.details) == ("zoe", {"instead_of": "ben"})


async def test_a_stand_in_for_one_workflow_is_none_in_others(database: str) -> None:
    async with desk(approverIds=["ben"]) as at:
        now = at.at.engine.clock.now()
        within = {"starts_at": now - HOUR, "ends_at": now + HOUR}
        await people.delegate(1, "ben", "zoe", workflow="other", **within)
        await people.delegate(2, "ben", "mallory", **within)
        await people.delegate(1, "ben", "yan", workflow="ask", **within)
        await people.delegate(1, "yan", "ben", **within)
        await people.delegate(1, "yan", "xi", **within)
        approval = await at.ask()
        for user in ("zoe", "mallory"):
            assert await at.refused(user, "approve", approval) == (403, "not-entitled")
        await at.act("xi", "approve", approval)
        assert await at.result() == "completed"


# --- time


async def test_reminders_come_after_four_hours_and_on_until_there_are_enough(
    database: str,
) -> None:
    reminders = {"after": "4h", "every": "2h", "max": 2}
    async with desk(reminders=reminders, approverIds=["ben"]) as at:
        approval = await at.ask()
        started = at.at.engine.clock.now()
        await at.wait(timedelta(hours=3, minutes=50))
        assert at.sent == []
        await at.wait(timedelta(hours=24))
        reminded = await AuditEntry.filter(act="reminded").order_by("id")
        assert [one.at - started for one in reminded] == [4 * HOUR, 6 * HOUR]
        assert [event.name for event in at.sent] == ["approval/reminder"] * 2
        assert at.sent[0].data["users"] == ["ben"]
        await at.act("ann", "urge", approval, comment="please")
        assert (at.sent[-1].name, at.sent[-1].data["by"]) == ("approval/reminder", "ann")
        assert await at.refused("cat", "urge", approval) == (403, "not-entitled")
        assert await at.refused("ann", "urge", approval) == (429, "urged-already")
        await at.wait(timedelta(minutes=10))
        await at.act("ann", "urge", approval)


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
async def test_nobody_decides_for_a_run_that_is_over(database: str, status: str) -> None:
    async with desk() as at:
        approval = await at.ask()
        await Run.filter(id=approval.run_id).update(status=status)
        assert await at.refused("ben", "approve", approval) == (409, "already-decided")
        await approval.refresh_from_db()
        assert approval.status == "open"


async def test_nobody_decides_what_the_run_has_gone_on_without(database: str) -> None:
    async with desk() as at:
        approval = await at.ask()
        await NodeStateRow.create(
            run_id=approval.run_id, tenant_id=1, node=approval.node, status="completed"
        )
        assert await at.refused("ben", "approve", approval) == (409, "already-decided")


async def test_somebody_whose_id_is_too_long_is_not_asked_again_and_again(database: str) -> None:
    async with desk(approverIds=["x" * 201]) as at:
        data = {"tenant_id": 1, "initiator_id": "ann"}
        await at.at.engine.send({"name": "ask/start", "data": data})
        await at.settle()
        run = await Run.all().order_by("-created_at").first()
        assert run is not None
        assert run.status == "failed"
        assert "more than 200 characters" in str(run.error)
        assert await Approval.all().count() == 0


@pytest.mark.parametrize(
    ("action", "result", "status"),
    [
        ("route", "timeout", "timeout"),
        ("approve", "completed", "approved"),
        ("reject", "rejected", "rejected"),
    ],
)
async def test_nobody_answers_in_time(database: str, action: str, result: str, status: str) -> None:
    async with desk(timeout="1d", timeoutAction=action) as at:
        approval = await at.ask()
        await at.wait(timedelta(hours=23))
        assert await at.result() is None
        await at.wait(2 * HOUR)
        assert await at.result() == result
        await approval.refresh_from_db()
        assert approval.status == status
        assert await at.refused("ben", "approve", approval) == (409, "already-decided")


async def test_a_timeout_may_be_no_more_than_a_reminder(database: str) -> None:
    async with desk(timeout="1d", timeoutAction="remind") as at:
        approval = await at.ask()
        await at.wait(timedelta(days=2))
        assert [event.name for event in at.sent] == ["approval/reminder"]
        await at.act("ben", "approve", approval)
        assert await at.result() == "completed"


async def test_a_run_that_ends_closes_its_approvals(database: str) -> None:
    async with desk() as at:
        approval = await at.ask()
        await at.at.engine.cancel(at.run().id)
        await at.settle()
        await approval.refresh_from_db()
        assert approval.status == "cancelled"
        assert await at.refused("ben", "approve", approval) == (409, "already-decided")


async def test_nobody_decides_through_others_what_they_may_not_decide(database: str) -> None:
    async with desk(approverIds=["ben"]) as at:
        now = at.at.engine.clock.now()
        await people.delegate(1, "ben", "ann", starts_at=now, ends_at=now + HOUR)
        approval = await at.ask()
        assert await at.refused("ann", "approve", approval) == (403, "not-entitled")


async def test_who_has_a_seat_says_when_they_act_for_another(database: str) -> None:
    async with desk(approvalMode="all", approverIds=["ben", "cat", "dan"]) as at:
        now = at.at.engine.clock.now()
        for user in ("cat", "dan"):
            await people.delegate(1, user, "ben", starts_at=now, ends_at=now + HOUR)
            await people.delegate(1, user, "zoe", starts_at=now, ends_at=now + HOUR)
        approval = await at.ask()
        await at.act("ben", "approve", approval)
        assert await at.refused("ben", "approve", approval) == (409, "already-decided")
        assert await at.refused("ben", "approve", approval, instead_of="eve") == (
            403,
            "not-entitled",
        )
        assert await at.refused("zoe", "approve", approval) == (422, "say-for-whom")
        await at.act("ben", "approve", approval, instead_of="cat")
        assert await at.result() is None
        await at.act("zoe", "approve", approval)
        assert await at.result() == "completed"


async def test_those_who_are_asked_later_are_told_of(database: str) -> None:
    async with desk(approvalMode="sequential", allowTransfer=True, allowAddSign=True) as at:
        approval = await at.ask()
        assert at.sent == []
        await at.act("ben", "add-sign-before", approval, to="dan")
        await at.act("dan", "approve", approval)
        await at.act("ben", "approve", approval)
        await at.act("cat", "transfer", approval, to="eve")
        told = [(event.name, event.data["users"]) for event in at.sent]
        assert told == [("approval/assigned", [user]) for user in ("dan", "ben", "cat", "eve")]


async def test_after_its_time_an_approval_is_not_withdrawn(database: str) -> None:
    async with desk(timeout="1d", timeoutAction="approve", allowWithdraw=True) as at:
        approval = await at.ask()
        at.at.engine.clock.advance_to(at.at.engine.clock.now() + timedelta(days=1))  # type: ignore[attr-defined]
        assert await at.refused("ann", "withdraw", approval) == (409, "already-decided")


@pytest.mark.parametrize("number", [0, -1, 2**63, 2**70])
async def test_numbers_that_no_approval_has_are_unknown(database: str, number: int) -> None:
    async with desk() as at:
        nothing = Approval(id=1, tenant_id=1)
        nothing.id = number
        assert await at.refused("ben", "approve", nothing) == (404, "unknown-approval")


async def test_an_approval_that_cannot_be_seen_to_holds_up_no_other(database: str) -> None:
    failed: list[str] = []
    service = ApprovalService(app_id="office", failed=lambda: failed.append("approval"))
    async with desk(service=service, reminders={"after": "1h", "max": 1}) as at:
        broken, other = await at.ask(), await at.ask()
        await at.ask(tenant_id=1)
        policy = {**broken.policy, "reminders": {"every": "often"}}
        await Approval.filter(id=broken.id).update(policy=policy)
        await at.wait(timedelta(hours=1))
        entries = await AuditEntry.filter(act="reminded").values_list("approval_id", flat=True)
        assert (broken.id in entries, other.id in entries, len(entries)) == (False, True, 2)
        assert set(failed) == {"approval"}
        await Approval.filter(id=broken.id).update(policy=broken.policy)
        assert (await at.act("ben", "approve", broken))["status"] == "approved"
