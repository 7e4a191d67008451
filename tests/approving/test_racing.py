"""Many at once, and crashes in between: one decision, one event, nobody lost."""

import asyncio
from typing import Any

import pytest
from approving.desk import desk
from proflow_runtime.approvals import ActRefused, ApprovalService
from proflow_runtime.flow.approvals import OpenRequest
from proflow_runtime.store import outbox
from proflow_runtime.store.models import Approval, AuditEntry, OutboxEvent, Run
from proflow_schemas.definition import RequestedPolicy

pytestmark = pytest.mark.anyio
VOTERS = [f"u{number}" for number in range(50)]


@pytest.mark.parametrize(
    ("mode", "needed"), [("any", 1), ("all", 50), ("quorum", 30)], ids=["any", "all", "quorum"]
)
async def test_fifty_votes_at_once_decide_once(database: str, mode: str, needed: int) -> None:
    ratio = {"passRatio": 60} if mode == "quorum" else {}
    async with desk(approvalMode=mode, approverIds=VOTERS, **ratio) as at:
        approval = await at.ask()

        async def vote(user: str) -> bool:
            try:
                await at.service.act(1, user, approval.id, "approve")
            except ActRefused as refused:
                if refused.code != "already-decided":
                    raise
                return False
            return True

        taken = await asyncio.gather(*(vote(user) for user in VOTERS))
        await at.settle()
        assert await at.result() == "completed"
    assert sum(taken) == needed
    voters = await AuditEntry.filter(act="approve").values_list("actor", flat=True)
    assert len(voters) == len(set(voters)) == needed
    assert await AuditEntry.filter(act="resolved").count() == 1
    assert await OutboxEvent.filter(name="proflow/office/answer").count() == 1


async def test_one_who_votes_often_at_once_has_one_vote(database: str) -> None:
    async with desk(approvalMode="all") as at:
        approval = await at.ask()
        votes = [at.service.act(1, "ben", approval.id, "approve") for _ in range(20)]
        results = await asyncio.gather(*votes, return_exceptions=True)
        assert sum(not isinstance(one, BaseException) for one in results) == 1
        assert await at.result() is None


async def test_who_answers_while_being_asked_is_never_lost(database: str) -> None:
    """The answer is on its way before the run knows that its request has been sent."""
    service = ApprovalService(app_id="office")

    class Hasty(ApprovalService):
        async def open(self, request: OpenRequest) -> None:
            await super().open(request)
            approval = await Approval.get(run_id=request.run_id)
            await service.act(1, "ben", approval.id, "approve")

    runs = 100
    async with desk(service=Hasty(app_id="office")) as at:
        events: Any = [{"name": "ask/start", "data": {"tenant_id": 1, "n": n}} for n in range(runs)]
        await at.at.engine.send(*events)
        await at.settle()
        assert await Run.filter(status="completed").count() == runs


async def test_the_same_request_opens_once(database: str) -> None:
    async with desk() as at:
        approval = await at.ask()
        request = OpenRequest(
            tenant_id=1,
            run_id=approval.run_id,
            workflow="ask",
            node="ask",
            step="ask",
            approvers=("user:ben",),
            initiator=None,
            answer_event="approval/response",
            answer_data={},
            policy=RequestedPolicy(),
            data={},
        )
        await asyncio.gather(*(at.service.open(request) for _ in range(5)))
        assert await Approval.all().count() == 1


async def test_an_act_that_fails_half_way_leaves_nothing(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk() as at:
        approval = await at.ask()
        before = await AuditEntry.all().count()

        async def breaks(*_: Any, **__: Any) -> None:
            raise OSError("the disk is full")

        with monkeypatch.context() as patched:
            patched.setattr(outbox, "put", breaks)
            with pytest.raises(OSError, match="full"):
                await at.service.act(1, "ben", approval.id, "approve")
        await approval.refresh_from_db()
        assert (approval.status, await AuditEntry.all().count()) == ("open", before)
        await at.act("ben", "approve", approval)
        assert await at.result() == "completed"
