"""The list of what waits in vain, with what mends each, and its counts in the metrics."""

from datetime import timedelta
from typing import Any

import pytest
from proflow_runtime.context import clock
from proflow_runtime.protocol.app_names import AppNames
from proflow_runtime.store import outbox, people, runs
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models import (
    Approval,
    DesignVersion,
    NodeStateRow,
    OutboxEvent,
    Person,
    Run,
)
from service.house import House, house, until
from stored.office import line, publish

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("database")]
HOUR = timedelta(hours=1)
ASKED = line("ask", ("boss", "approval", {"approverIds": ["ben"]}))


async def listed(at: House, **query: Any) -> list[Any]:
    async with await at.admin("root", 1) as root:
        answer = await root.get("/api/operations/stuck", params=query)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert sum(found["counts"].values()) == len(found["items"])
        items: list[Any] = found["items"]
        return items


async def mended(at: House, item: Any, **given: Any) -> None:
    """Do what an item says mends it."""
    act = item["act"]
    async with await at.admin("root", 1) as root:
        answer = await root.request(act["method"], f"/api{act['path']}", json=act["body"] | given)
        assert answer.status_code in (200, 201, 202), answer.text


async def counted(at: House, reason: str) -> float:
    with at.proflow.metrics.watching(at.proflow):
        at.proflow.stuck._counted = None
        text = (await at.proflow.metrics.text()).decode()
    (found,) = [one for one in text.splitlines() if f'proflow_stuck{{reason="{reason}"}}' in one]
    return float(found.rpartition(" ")[2])


async def waiting(at: House, **start: Any) -> Approval:
    run = await at.proflow.start(tenant_id=1, workflow="ask", **start)

    async def found() -> Any:
        return await Approval.get_or_none(run_id=run)

    approval: Approval = await until(found, within=30.0)
    return approval


async def test_it_is_for_administrators_and_empty_where_all_is_well() -> None:
    await publish(1, ASKED)
    async with house() as at:
        await waiting(at)
        assert await listed(at) == []
        async with await at.user("ben") as member:
            assert (await member.get("/api/operations/stuck")).status_code == 403
            answer = await member.post("/api/operations/events/x/send")
            assert answer.status_code == 403


async def test_approvals_without_a_voter_and_of_leavers() -> None:
    for user in ("ann", "ben", "cat"):
        await people.add(1, user, user)
    await people.add(1, "root", "Root", roles=["admin"])
    await publish(1, ASKED)
    await publish(1, line("nobody", ("boss", "approval", {"approverIds": ["benn"]})))
    async with house() as at:
        await waiting(at)
        assert await listed(at) == []
        run = await at.proflow.start(tenant_id=1, workflow="nobody")
        (item,) = await until(lambda: listed(at), within=30.0)
        assert (item["reason"], item["run_id"], item["node"], item["workflow"]) == (
            "approval-without-voter",
            run,
            "boss",
            "nobody",
        )
        assert await counted(at, "approval-without-voter") == 1
        await mended(at, item, to="cat")
        assert await listed(at) == []
        await Person.filter(user="ben").delete()
        (item,) = await listed(at)
        assert item["message"] == "it waits for `ben`, who does not exist"
        await mended(at, item, to="ann")
        assert await listed(at, reason="approval-without-voter") == []


async def test_blocked_runs() -> None:
    await publish(1, line("row", ("late", "task", {"handler": "late"})))
    async with house() as at:
        run = await at.proflow.start(tenant_id=1, workflow="row")
        (item,) = await until(lambda: listed(at), within=30.0)
        assert (item["reason"], item["run_id"], item["node"]) == ("run-blocked", run, "late")
        assert "there is no handler `late`" in item["message"]
        assert await counted(at, "run-blocked") == 1
        await mended(at, item)
        await at.proflow.cancel(1, run)

        async def gone() -> Any:
            return await listed(at) == []

        assert await until(gone, within=30.0)


async def test_runs_that_were_handed_over_and_not_begun() -> None:
    version = await publish(1, ASKED)
    async with house(stuck_after=3600.0) as at:
        await runs.create(
            runs.NewRun(
                id="lost",
                tenant_id=1,
                workflow="ask",
                version=version.number,
                digest=version.digest,
                event={"name": "ask/start", "id": "start:lost", "ts": 1, "data": {"tenant_id": 1}},
                function_id="proflow-run",
            )
        )
        assert await listed(at) == []
        await Run.filter(id="lost").update(created_at=clock.now() - 2 * HOUR)
        data = {
            "tenant_id": 1,
            "_proflow": {
                "run": "lost",
                "workflow": "ask",
                "version": version.number,
                "digest": version.digest,
            },
        }
        async with transaction() as client:
            await outbox.put(client, "run:lost", 1, AppNames("house").run, data)
            lost = {"sent_at": clock.now(), "due_at": None}
            await OutboxEvent.filter(id="run:lost").update(**lost)
        (item,) = await listed(at)
        assert (item["reason"], item["run_id"], item["event_id"]) == (
            "not-begun",
            "lost",
            "run:lost",
        )
        assert await counted(at, "not-begun") == 1
        await mended(at, item)

        async def begun() -> Any:
            return await Approval.exists(run_id="lost")

        assert await until(begun, within=30.0)
        assert await listed(at) == []


async def test_decisions_that_have_not_resumed_their_runs() -> None:
    await publish(1, ASKED)
    async with house(stuck_after=3600.0) as at:
        approval = await waiting(at)

        async def shown() -> Any:
            return await NodeStateRow.exists(run_id=approval.run_id, node="boss", status="waiting")

        await until(shown, within=30.0)
        ago = clock.now() - 2 * HOUR
        await NodeStateRow.filter(run_id=approval.run_id).update(started_at=ago)
        data = {**approval.answer_data, "tenant_id": 1, "outcome": "approved", "decided_by": "ben"}
        async with transaction() as client:
            event = f"approval:{approval.id}"
            await outbox.put(client, event, 1, approval.answer_event, data)
            await OutboxEvent.filter(id=event).update(sent_at=ago, due_at=None)  # and lost
            decided = {"status": "approved", "resolved_at": ago + timedelta(minutes=1)}
            await Approval.filter(id=approval.id).update(**decided)
        (item,) = await listed(at)
        assert (item["reason"], item["approval_id"]) == ("not-resumed", approval.id)
        assert await counted(at, "not-resumed") == 1
        await mended(at, item)

        async def over() -> Any:
            return (await Run.get(id=approval.run_id)).status == "completed"

        assert await until(over, within=30.0)
        assert await listed(at) == []


async def test_undelivered_events_of_the_own_tenant() -> None:
    async with house(stuck_after=3600.0) as at:
        for tenant, name in ((1, "ours"), (2, "theirs")):
            async with transaction() as client:
                await outbox.put(client, name, tenant, "hr/asked", {"tenant_id": tenant})
            now = clock.now()
            await OutboxEvent.filter(id=name).update(failed_at=now, sent_at=None, failure="no")
        (item,) = await listed(at)
        assert (item["reason"], item["event_id"]) == ("undelivered", "ours")
        assert item["message"] == "Inngest has refused `hr/asked`: no"
        assert await counted(at, "undelivered") == 2
        async with await at.admin("root", 1) as root:
            assert (await root.post("/api/operations/events/theirs/send")).status_code == 404
        await mended(at, item)

        async def sent() -> Any:
            return (await OutboxEvent.get(id="ours")).sent_at is not None

        assert await until(sent, within=30.0)
        assert await listed(at) == []


async def test_crons_that_have_started_nothing() -> None:
    daily = line("daily", ("wait", "delay", {"duration": "1s"}), trigger={"cron": "0 0 * * *"})
    version = await publish(1, daily)
    async with house() as at:
        assert await listed(at) == []  # it was published after its last tick
        ago = clock.now() - timedelta(days=3)
        await DesignVersion.filter(id=version.id).update(published_at=ago)
        (item,) = await listed(at)
        assert (item["reason"], item["workflow"]) == ("missed-cron", "daily")
        assert await counted(at, "missed-cron") == 1
        for _ in range(2):
            await mended(at, item)
        assert await listed(at) == []
        (run,) = await Run.all()
        assert run.event["data"]["scheduled_at"] == item["act"]["body"]["data"]["scheduled_at"]
