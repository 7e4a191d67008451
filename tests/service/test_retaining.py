"""How long things are kept, and what is exported and erased of tenants and people."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from proflow_runtime.context import clock
from proflow_runtime.handlers.task import Task
from proflow_runtime.service.retaining import Retaining
from proflow_runtime.store import people, retention, tenant_settings
from proflow_runtime.store.database import connection
from proflow_runtime.store.models import (
    MODELS,
    Approval,
    Assignment,
    AuditEntry,
    Design,
    InngestTask,
    NodeChange,
    Person,
    Run,
    StepAttemptRow,
    StoredDefinition,
)
from proflow_runtime.tenants.retention import Retention
from service.going_on import Virtual, virtual
from stored.office import line, publish

pytestmark = pytest.mark.anyio
ORDER = line(
    "order",
    ("ask", "approval", {"approverIds": ["wang", "li"], "approvalMode": "all"}),
    ("pay", "task", {"handler": "pay", "input": {"by": "${initiator}", "apiKey": "s3cret"}}),
)


async def pay(task: Task) -> Any:
    task.logger.info("paid by %s", "somebody")
    return {"paid": True, "access_token": "s3cret", "by": task.input["by"]}


async def act(client: httpx.AsyncClient, comment: str | None = None) -> None:
    (one,) = (await client.get("/api/approvals")).json()["items"]
    body = {"act": "approve", "comment": comment}
    answer = await client.post(f"/api/approvals/{one['id']}/acts", json=body)
    assert answer.status_code == 200, answer.text


async def ordered(at: Virtual, tenant: int, *, ends: bool = True) -> str:
    run = await at.proflow.start(tenant_id=tenant, workflow="order", initiator="ann")
    await at.settle()
    if ends:
        await act(await at.user("wang", tenant), "wang agrees")
        await act(await at.user("li", tenant))
        await at.settle()
        assert (await Run.get(id=run)).status == "completed"
    return run


async def counts(tenant_id: int) -> dict[str, int]:
    found = {}
    for model in MODELS:
        if "tenant_id" in model._meta.fields_map:
            found[model.__name__] = await model.filter(tenant_id=tenant_id).count()
    return found


async def test_secrets_are_not_kept_and_log_lines_are(database: str) -> None:
    def hide(node: str, value: Any) -> Any:
        return {**value, "by": node} if isinstance(value, dict) else value

    await publish(1, ORDER)
    async with virtual({"pay": pay}, redact=hide) as at:
        run = await ordered(at, 1)
        ann = await at.user("ann")
        (made,) = (await ann.get(f"/api/runs/{run}/nodes/pay/attempts")).json()
    assert made["input"] == {"by": "pay", "apiKey": "•••"}
    assert made["output"] == {"paid": True, "access_token": "•••", "by": "pay"}
    assert [(one["level"], one["message"]) for one in made["logs"]] == [
        ("info", "paid by somebody")
    ]
    assert made["error"] is None
    rows = await connection().execute_query_dict("SELECT * FROM proflow_step_attempts")
    assert "s3cret" not in str(rows)


async def test_only_what_is_old_and_over_is_deleted_by_tenant_and_kind(database: str) -> None:
    for tenant in (1, 2):
        await publish(tenant, ORDER)
    async with virtual({"pay": pay}) as at:
        for tenant in (1, 2):
            await ordered(at, tenant)
        opened = await ordered(at, 1, ends=False)
        now = at.engine.clock.now()
        retaining = Retaining(Retention(steps="90d"))
        await tenant_settings.save(1, {"retention": {"runs": "30d", "audit": "400d"}}, by="root")
        before = await counts(2)
        audit = await AuditEntry.filter(tenant_id=1).count()
        assert await retaining.purge(now + timedelta(days=29)) == 0
        await retaining.purge(now + timedelta(days=100))
    assert await Run.filter(tenant_id=1).values_list("id", flat=True) == [opened]
    assert await InngestTask.filter(tenant_id=1).count() == 1
    assert await Approval.filter(tenant_id=1).count() == 1
    assert await Assignment.filter(tenant_id=1).count() == 2
    assert await NodeChange.filter(tenant_id=1).exclude(run_id=opened).count() == 0
    assert await NodeChange.filter(tenant_id=1, run_id=opened).count() > 0
    assert await AuditEntry.filter(tenant_id=1).count() == audit
    after = await counts(2)
    assert before["StepAttemptRow"] == 2  # of the task, and of the request of the approval
    assert after == {**before, "StepAttemptRow": 0}


async def test_deleting_takes_small_batches(database: str, monkeypatch: Any) -> None:
    await publish(1, ORDER)
    monkeypatch.setattr(retention, "BATCH", 2)
    async with virtual({"pay": pay}) as at:
        for _ in range(5):
            await ordered(at, 1)
    before = clock.now() + timedelta(days=1)
    assert await retention.count(1, "runs", before) == 5
    assert await retention.delete_batch(1, "runs", before, 2) == 2
    assert await retention.count(1, "runs", before) == 3
    assert await retention.delete(1, "runs", before) == 3
    assert await StepAttemptRow.all().count() == 0


async def test_a_person_is_exported_and_erased(database: str) -> None:
    await publish(1, ORDER)
    await publish(2, ORDER)
    for tenant in (1, 2):
        await people.add(tenant, "wang", "王伟", roles=["boss"])
        await people.add(tenant, "li", "李娜")
    async with virtual({"pay": pay}) as at:
        run = await ordered(at, 1)
        await ordered(at, 2)
        root, member = await at.admin("root", 1), await at.user("bob")
        assert (await member.get("/api/people/wang/export")).status_code == 403
        assert (await member.post("/api/people/wang/erase")).status_code == 403
        exported = await root.get("/api/people/wang/export")
        rows = [json.loads(one) for one in exported.text.splitlines()]
        tables = {row["table"] for row in rows}
        assert {"proflow_people", "proflow_roles", "proflow_assignments", "proflow_audit"} <= tables
        assert "hash" not in exported.text
        assert {row["row"]["tenant_id"] for row in rows} == {1}

        other = await ordered(at, 1, ends=False)
        refused = await root.post("/api/people/wang/erase")
        assert (refused.status_code, refused.json()["code"]) == (409, "still-open")
        assert (await root.post("/api/people/ann/erase")).json()["code"] == "still-open"
        await root.post(f"/api/runs/{other}/cancel")
        await at.settle()
        named = await root.post("/api/people/wang/erase")
        assert (named.status_code, "`order`" in named.json()["detail"]) == (409, True)
        changed = {**ORDER, "nodes": [{**one} for one in ORDER["nodes"]]}
        changed["nodes"][1] = {**changed["nodes"][1], "data": {"approverIds": ["li"]}}
        await publish(1, changed)
        await Design.filter(tenant_id=1).update(draft=changed)
        for person in ("wang", "ann"):
            erased = await root.post(f"/api/people/{person}/erase")
            assert erased.status_code == 200, erased.text
        left = (await root.get("/api/people/wang/export")).text.splitlines()
        assert [json.loads(one)["table"] for one in left] == ["proflow_versions"]
        found = (await root.get(f"/api/runs/{run}")).json()
        assert found["started_by"] == erased.json()["pseudonym"]
        assert found["status"] == "completed"
    for model in MODELS:
        if "tenant_id" in model._meta.fields_map:
            table = model._meta.db_table
            for tenant, there in ((1, False), (2, True)):
                kept = str(
                    await connection().execute_query_dict(
                        f"SELECT * FROM {table} WHERE tenant_id = {tenant}"
                    )
                )
                if table in ("proflow_versions", "proflow_definitions"):
                    continue  # of an earlier version
                for text in ("'wang'", '"wang"', "'ann'", '"ann"', "wang agrees", "王伟"):
                    assert there or text not in kept, (table, text)
    assert await Person.filter(tenant_id=2, user="wang").exists()
    assert (await AuditEntry.filter(tenant_id=2, actor="wang", act="approve").first()) is not None


async def test_a_tenant_is_exported_and_erased(database: str) -> None:
    await publish(1, ORDER)
    await publish(2, line("other", ("nap", "delay", {"duration": "1h"})))
    async with virtual({"pay": pay}) as at:
        await ordered(at, 1)
        root, two = await at.admin("root", 1), await at.admin("root", 2)
        exported = (await root.get("/api/export")).text.splitlines()
        there = await counts(1)
        assert len(exported) == sum(there.values())
        opened = await ordered(at, 1, ends=False)
        body = {"tenant_id": 1}
        assert (await two.post("/api/erase", json=body)).status_code == 422
        assert (await root.post("/api/erase", json=body)).status_code == 409
        await root.post(f"/api/runs/{opened}/cancel")
        await at.settle()
        before = await counts(2)
        assert (await root.post("/api/erase", json=body)).status_code == 200
        assert (await root.get("/api/me")).status_code == 401
        assert not any((await counts(1)).values())
        assert await counts(2) == before
        assert await StoredDefinition.all().count() == 1
