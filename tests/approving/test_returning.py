"""One of several approvals that are open at once returns to before all of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from approving.desk import Desk
from proflow_runtime.approvals import ActRefused, ApprovalService
from proflow_runtime.context import clock
from proflow_runtime.flow.approvals import OpenRequest
from proflow_runtime.store.models import Approval, AuditEntry
from proflow_runtime.store.models.approvals import Assignment
from proflow_schemas.definition import RequestedPolicy
from stored.office import drawn, office, publish

pytestmark = pytest.mark.anyio


def review(**money: Any) -> dict[str, Any]:
    """A draft that `ben` and `cat` look at, at the same time; `ben` may return it."""
    asked = {"approverType": "user", "allowReturn": True}
    return drawn(
        "review",
        {
            "start": ("start", {}),
            "draft": ("set", {"values": {"n": "1"}}),
            "fork": ("parallel", {}),
            "legal": ("approval", {**asked, "approverIds": ["ben"]}),
            "money": ("approval", {**asked, "approverIds": ["cat"], **money}),
            "both": ("join", {"mode": "all"}),
            "end": ("end", {}),
        },
        [
            ("start", "draft"),
            ("draft", "fork"),
            ("fork", "legal"),
            ("fork", "money"),
            ("legal", "both", "approved"),
            ("money", "both", "approved"),
            ("legal", "draft", "returned"),
            ("money", "draft", "returned"),
            ("both", "end"),
        ],
        trigger={"event": "review/start"},
    )


@asynccontextmanager
async def reviewing(service: ApprovalService | None = None, **money: Any) -> AsyncIterator[Desk]:
    """A run that waits for both."""
    await publish(1, review(**money))
    approvals = service or ApprovalService(app_id="office")
    async with office(
        opener=approvals.open, closer=approvals.close_left, ended=approvals.run_ended
    ) as at:
        token = clock.activate(at.engine.clock)
        try:
            desk = Desk(at, approvals)
            given = {"tenant_id": 1, "initiator_id": "ann"}
            await at.engine.send({"name": "review/start", "data": given})
            await desk.settle()
            yield desk
        finally:
            clock.deactivate(token)


async def asked(step: str) -> Approval:
    return await Approval.get(step=step)


async def inbox(desk: Desk, user: str) -> list[str]:
    return [one.step for one in (await desk.service.inbox(1, user)).items]


async def statuses() -> dict[str, str]:
    return {one.step: one.status for one in await Approval.all().order_by("id")}


async def test_the_others_are_closed_and_asked_anew(database: str) -> None:
    async with reviewing() as desk:
        assert await inbox(desk, "cat") == ["money"]
        await desk.act("ben", "return", await asked("legal"), comment="shorter")
        assert await statuses() == {
            "legal": "returned",
            "money": "cancelled",
            "legal#2": "open",
            "money#2": "open",
        }
        assert (await inbox(desk, "ben"), await inbox(desk, "cat")) == (["legal#2"], ["money#2"])
        assignments = await Assignment.filter(approval_id=(await asked("money")).id)
        assert [one.status for one in assignments] == ["closed"]
        trail = await AuditEntry.filter(approval_id=(await asked("money")).id).order_by("id")
        assert [(one.act, one.actor) for one in trail] == [
            ("opened", "system"),
            ("resolved", "system"),
        ]
        await desk.act("cat", "approve", await asked("money#2"))
        assert await desk.result() is None
        await desk.act("ben", "approve", await asked("legal#2"))
        assert await desk.result() == "completed"
        assert len(await statuses()) == 4


async def test_nobody_votes_on_what_was_closed(database: str) -> None:
    async with reviewing() as desk:
        await desk.act("ben", "return", await asked("legal"))
        for act in ("approve", "reject", "return"):
            with pytest.raises(ActRefused) as refused:
                await desk.act("cat", act, await asked("money"))
            assert (refused.value.status, refused.value.code) == (409, "already-decided")
            message = "it is not needed any more: the part of the run that it belongs to has ended"
            assert str(refused.value) == message
        assert (await statuses())["money"] == "cancelled"


async def test_each_may_return_in_its_turn(database: str) -> None:
    async with reviewing() as desk:
        await desk.act("ben", "return", await asked("legal"))
        await desk.act("cat", "return", await asked("money#2"))
        assert await statuses() == {
            "legal": "returned",
            "money": "cancelled",
            "legal#2": "cancelled",
            "money#2": "returned",
            "legal#3": "open",
            "money#3": "open",
        }
        for user, step in (("ben", "legal#3"), ("cat", "money#3")):
            await desk.act(user, "approve", await asked(step))
        assert await desk.result() == "completed"


async def test_what_was_decided_before_stays_decided(database: str) -> None:
    async with reviewing() as desk:
        await desk.act("cat", "approve", await asked("money"))
        await desk.act("ben", "return", await asked("legal"))
        assert await statuses() == {
            "legal": "returned",
            "money": "approved",
            "legal#2": "open",
            "money#2": "open",
        }


async def test_votes_on_both_at_once_are_taken_or_refused(database: str) -> None:
    """Whichever comes first, the run is where the votes that were taken have led it."""
    async with reviewing() as desk:
        legal, money = await asked("legal"), await asked("money")

        async def act(user: str, act: str, approval: Approval) -> bool:
            try:
                await desk.service.act(1, user, approval.id, act)
            except ActRefused as refused:
                if refused.code != "already-decided":
                    raise
                return False
            return True

        taken = await asyncio.gather(act("ben", "return", legal), act("cat", "approve", money))
        assert taken == [True, True]  # nothing has been closed yet
        await desk.settle()
        found = await statuses()
        assert found["legal#2"] == found["money#2"] == "open"
        assert not await act("cat", "approve", money)
        for user, step in (("ben", "legal#2"), ("cat", "money#2")):
            await desk.act(user, "approve", await asked(step))
        assert await desk.result() == "completed"


async def test_a_vote_while_the_seats_are_closed_is_refused(database: str) -> None:
    """It waits for the approval's lock, and finds it closed."""
    votes: list[Any] = []

    class Closing(ApprovalService):
        async def close_left(self, tenant_id: int, run_id: str, steps: Any) -> None:
            money = await asked("money")
            voting = [self.act(1, "cat", money.id, "approve") for _ in range(5)]
            closing = super().close_left(tenant_id, run_id, steps)
            _, *found = await asyncio.gather(closing, *voting, return_exceptions=True)
            votes.extend(found)

    async with reviewing(Closing(app_id="office")) as desk:
        await desk.act("ben", "return", await asked("legal"))
        taken = [one for one in votes if not isinstance(one, BaseException)]
        assert len(taken) <= 1
        assert all(one.code == "already-decided" for one in votes if one not in taken)
        assert (await statuses())["money"] == ("approved" if taken else "cancelled")
        for user, step in (("ben", "legal#2"), ("cat", "money#2")):
            await desk.act(user, "approve", await asked(step))
        assert await desk.result() == "completed"
        assert len(await statuses()) == 4


async def test_the_time_of_a_closed_approval_runs_out_for_nobody(database: str) -> None:
    async with reviewing(
        timeout="2h", timeoutAction="reject", reminders={"after": "1h", "every": "1h"}
    ) as desk:
        await desk.wait(timedelta(minutes=90))
        await desk.act("ben", "return", await asked("legal"))
        reminded = (await asked("money")).reminders_sent
        await desk.wait(timedelta(minutes=60))
        assert (await statuses())["money"] == "cancelled"
        assert (await asked("money")).reminders_sent == reminded
        assert await desk.result() is None
        await desk.wait(timedelta(minutes=70))
        assert (await statuses())["money#2"] == "rejected"
        assert await desk.result() == "rejected"
        assert (await statuses())["legal#2"] == "cancelled"


async def test_an_approval_with_several_approvers_is_closed_with_all_its_seats(
    database: str,
) -> None:
    async with reviewing(approverIds=["cat", "dan", "eve"], approvalMode="sequential") as desk:
        money = await asked("money")
        await desk.act("cat", "approve", money)
        assert await inbox(desk, "dan") == ["money"]
        await desk.act("ben", "return", await asked("legal"))
        assignments = await Assignment.filter(approval_id=money.id).order_by("position")
        assert [one.status for one in assignments] == ["approved", "closed", "closed"]
        assert (await inbox(desk, "dan"), await inbox(desk, "cat")) == ([], ["money#2"])


async def test_closing_is_for_what_was_left_alone(database: str) -> None:
    async with reviewing() as desk:
        money = await asked("money")
        await desk.service.close_left(2, money.run_id, ["money"])
        await desk.service.close_left(1, "another", ["money"])
        await desk.service.close_left(1, money.run_id, [])
        assert await statuses() == {"legal": "open", "money": "open"}
        await desk.service.close_left(1, money.run_id, ["money"])
        await desk.service.close_left(1, money.run_id, ["money"])
        assert (await statuses())["money"] == "cancelled"
        assert await AuditEntry.filter(approval_id=money.id, act="resolved").count() == 1


async def test_what_is_being_opened_as_it_is_closed_is_asked_of_nobody(database: str) -> None:
    """Whichever of the two comes first."""
    async with reviewing() as desk:
        money = await asked("money")
        for number in range(20):
            request = OpenRequest(
                1,
                money.run_id,
                "review",
                "money",
                f"money#{number + 10}",
                ("user:cat",),
                "ann",
                "approval/response",
                {},
                RequestedPolicy(),
                {},
            )
            closing = desk.service.close_left(1, money.run_id, [request.step])
            await asyncio.gather(desk.service.open(request), closing)
            assert (await asked(request.step)).status == "cancelled"
        assert await inbox(desk, "cat") == ["money"]
