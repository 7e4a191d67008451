"""Who decides, how many, and in what order."""

import pytest
from approving.desk import desk
from proflow_runtime.store.models import Approval, Assignment, AuditEntry

pytestmark = pytest.mark.anyio
FIVE = ["a", "b", "c", "d", "e"]


async def acts(approval: Approval) -> list[tuple[str, str]]:
    rows = await AuditEntry.filter(approval_id=approval.id).order_by("id")
    return [(row.actor, row.act) for row in rows]


async def statuses(approval: Approval) -> dict[str, str]:
    rows = await Assignment.filter(approval_id=approval.id).order_by("position", "id")
    return {row.user: row.status for row in rows}


async def test_the_first_of_any_decides_and_the_run_goes_on(database: str) -> None:
    async with desk() as at:
        approval = await at.ask()
        assert (approval.status, approval.node, approval.label) == ("open", "ask", "ask")
        await at.act("cat", "approve", approval, comment="fine")
        assert await at.result() == "completed"
        assert [event.name for event in at.sent] == ["proflow/office/answer"]
        assert at.sent[0].id == f"approval:{approval.id}"
        assert await at.refused("ben", "approve", approval) == (409, "already-decided")
    await approval.refresh_from_db()
    assert (approval.status, approval.decided_by, approval.comment) == ("approved", "cat", "fine")
    assert await statuses(approval) == {"ben": "closed", "cat": "approved"}
    assert await acts(approval) == [
        ("system", "opened"),
        ("cat", "approve"),
        ("cat", "resolved"),
    ]


async def test_all_need_everybody(database: str) -> None:
    async with desk(approvalMode="all") as at:
        approval = await at.ask()
        await at.act("ben", "approve", approval)
        assert await at.result() is None
        assert await at.refused("ben", "approve", approval) == (409, "already-decided")
        await at.act("cat", "approve", approval)
        assert await at.result() == "completed"


async def test_one_rejection_of_all_decides_at_once(database: str) -> None:
    async with desk(approvalMode="all") as at:
        approval = await at.ask()
        await at.act("ben", "reject", approval)
        assert await at.result() == "rejected"


@pytest.mark.parametrize(("act", "result"), [("approve", "completed"), ("reject", "rejected")])
async def test_the_third_of_five_decides_sixty_percent(
    database: str, act: str, result: str
) -> None:
    async with desk(approvalMode="quorum", passRatio=60, approverIds=FIVE) as at:
        approval = await at.ask()
        for user in FIVE[:2]:
            await at.act(user, act, approval)
        assert await at.result() is None
        await at.act(FIVE[2], act, approval)
        assert await at.result() == result


async def test_those_in_a_row_are_asked_one_after_the_other(database: str) -> None:
    async with desk(approvalMode="sequential") as at:
        approval = await at.ask()
        assert await statuses(approval) == {"ben": "open", "cat": "queued"}
        assert await at.refused("cat", "approve", approval) == (409, "already-decided")
        await at.act("ben", "approve", approval)
        assert await statuses(approval) == {"ben": "approved", "cat": "open"}
        await at.act("cat", "approve", approval)
        assert await at.result() == "completed"


async def test_who_is_not_asked_is_refused_and_changes_nothing(database: str) -> None:
    async with desk() as at:
        approval = await at.ask()
        assert await at.refused("eve", "approve", approval) == (403, "not-entitled")
        assert await at.refused("ann", "approve", approval) == (403, "not-entitled")
        stranger = Approval(id=approval.id, tenant_id=2)
        assert await at.refused("ben", "approve", stranger) == (404, "unknown-approval")
        assert await at.refused("ben", "bless", approval) == (422, "unknown-act")
    assert await acts(approval) == [("system", "opened")]


async def test_a_transferred_seat_is_the_others(database: str) -> None:
    async with desk(approvalMode="all", allowTransfer=True) as at:
        approval = await at.ask()
        await at.act("ben", "transfer", approval, to="dan")
        assert await at.refused("ben", "approve", approval) == (403, "not-entitled")
        assert await at.refused("dan", "transfer", approval, to="cat") == (409, "already-asked")
        assert await at.refused("dan", "transfer", approval) == (422, "unknown-user")
        await at.act("dan", "transfer", approval, to="ben")
        await at.act("ben", "approve", approval)
        await at.act("cat", "approve", approval)
        assert await at.result() == "completed"


async def test_what_a_design_does_not_allow_is_refused(database: str) -> None:
    async with desk() as at:
        approval = await at.ask()
        for act in ("transfer", "add-sign-before", "add-sign-after"):
            assert await at.refused("ben", act, approval, to="dan") == (403, "not-entitled")
        assert await at.refused("ben", "return", approval) == (403, "not-entitled")
        assert await at.refused("ann", "withdraw", approval) == (403, "not-entitled")


@pytest.mark.parametrize("mode", ["any", "all", "sequential"])
async def test_somebody_added_before_decides_before(database: str, mode: str) -> None:
    async with desk(approvalMode=mode, allowAddSign=True, approverIds=["ben"]) as at:
        approval = await at.ask()
        await at.act("ben", "add-sign-before", approval, to="dan")
        assert await at.refused("ben", "approve", approval) == (409, "already-decided")
        await at.act("dan", "approve", approval)
        assert await at.result() is None
        await at.act("ben", "approve", approval)
        assert await at.result() == "completed"


@pytest.mark.parametrize("mode", ["any", "all", "sequential", "quorum"])
async def test_somebody_added_after_decides_after(database: str, mode: str) -> None:
    ratio = {"passRatio": 1} if mode == "quorum" else {}
    async with desk(approvalMode=mode, allowAddSign=True, approverIds=["ben"], **ratio) as at:
        approval = await at.ask()
        await at.act("ben", "add-sign-after", approval, to="dan")
        assert await at.result() is None
        assert await statuses(approval) == {"ben": "approved", "dan": "open"}
        await at.act("dan", "reject", approval)
        assert await at.result() == "rejected"


async def test_a_return_leads_back_to_an_earlier_node(database: str) -> None:
    async with desk(allowReturn=True) as at:
        approval = await at.ask()
        await at.act("ben", "return", approval, comment="which year?")
        assert await at.result() == "returned"


async def test_who_started_it_may_withdraw_it(database: str) -> None:
    async with desk(allowWithdraw=True) as at:
        approval = await at.ask()
        assert await at.refused("ben", "withdraw", approval) == (403, "not-entitled")
        await at.act("ann", "withdraw", approval)
        assert at.run().status == "Cancelled"
        await approval.refresh_from_db()
        assert approval.status == "withdrawn"
        assert await at.refused("ben", "approve", approval) == (409, "already-decided")


@pytest.mark.parametrize("demanded", ["onReject", "always"])
async def test_a_comment_is_demanded(database: str, demanded: str) -> None:
    async with desk(commentRequired=demanded, approvalMode="all", allowAddSign=True) as at:
        approval = await at.ask()
        if demanded == "always":
            missing = await at.refused("ben", "add-sign-after", approval, to="dan")
            assert missing == (422, "comment-required")
        assert await at.refused("ben", "reject", approval) == (422, "comment-required")
        assert await at.refused("ben", "reject", approval, comment=" ") == (422, "comment-required")
        if demanded == "always":
            assert await at.refused("cat", "approve", approval) == (422, "comment-required")
        else:
            await at.act("cat", "approve", approval)
        await at.act("ben", "reject", approval, comment="too much")
        assert await at.result() == "rejected"


async def test_comments_are_kept_as_they_are(database: str) -> None:
    async with desk() as at:
        approval = await at.ask()
        hostile = "<img src=x onerror=alert(1)>'; DROP TABLE x; -- \x00 \ud800 审批"
        await at.act("ben", "comment", approval, comment=hostile)
        assert await at.refused("eve", "comment", approval, comment="hi") == (403, "not-entitled")
        assert await at.refused("ben", "comment", approval, comment="x" * 4001) == (
            422,
            "comment-too-long",
        )
        (entry,) = await AuditEntry.filter(act="comment")
        assert entry.comment == hostile.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
        seen = await at.service.get(1, "ann", approval.id)
        assert [one["act"] for one in seen["trail"]] == ["opened", "comment"]
