"""Going on from a failure: at the step that failed, with all that the run has."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from proflow_runtime.handlers.task import Task
from proflow_runtime.store.models import (
    Approval,
    AuditEntry,
    InngestTask,
    OutboxEvent,
    Run,
    StepResult,
)
from service.going_on import Virtual, Works, virtual
from stored.office import drawn, line, publish

pytestmark = pytest.mark.anyio
FIXTURES = Path(__file__).parents[2] / "fixtures"


async def failed(at: Virtual, client: httpx.AsyncClient, workflow: str, **data: Any) -> str:
    started = await client.post("/api/runs", json={"workflow": workflow, "data": data})
    assert started.status_code == 201, started.text
    await at.settle()
    run: str = started.json()["run_id"]
    return run


async def status_of(client: httpx.AsyncClient, run: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/api/runs/{run}")).json()
    return found


async def read_clause(task: Task) -> Any:
    return {"clause": task.input["clause"]["deep"]["text"]}


def approving(code: str = "erp") -> dict[str, Any]:
    """The last step fails after all approvals."""
    return {
        "id": code,
        "nodes": [
            {"id": "start", "type": "start", "data": {}},
            {"id": "a", "type": "approval", "data": {"label": "经理审批", "approverIds": ["wang"]}},
            {
                "id": "t",
                "type": "task",
                "data": {
                    "label": "写入ERP",
                    "handler": "read_clause",
                    "input": {"clause": "${event.data.c}"},
                },
            },
            {"id": "end", "type": "end", "data": {}},
        ],
        "edges": [
            {"id": "1", "source": "start", "target": "a"},
            {"id": "2", "source": "a", "target": "t"},
            {"id": "3", "source": "t", "target": "end"},
        ],
    }


async def test_nobody_is_asked_again_and_an_administrator_corrects_the_data(database: str) -> None:
    await publish(1, approving())
    async with virtual({"read_clause": read_clause}) as at:
        ann, wang = await at.user("ann"), await at.user("wang")
        root, bob = await at.admin("root", 1), await at.user("bob")
        run = await failed(at, ann, "erp", c={})
        (approval,) = (await wang.get("/api/approvals")).json()["items"]
        acted = await wang.post(f"/api/approvals/{approval['id']}/acts", json={"act": "approve"})
        assert acted.status_code == 200, acted.text
        await at.settle()
        before = await status_of(ann, run)
        assert before["status"] == "failed"
        tries = (await ann.get(f"/api/runs/{run}/nodes/t/attempts")).json()
        assert [one["number"] for one in tries] == [1, 2, 3, 4, 5]
        error = tries[-1]["error"]
        assert (error["name"], error["message"]) == ("KeyError", "'deep'")
        assert error["traceback"].endswith("KeyError: 'deep'")
        assert f'{Path(__file__).name}", line ' in error["traceback"]
        assert "proflow_runtime" not in error["traceback"]
        assert (await bob.get(f"/api/runs/{run}/nodes/t/attempts")).status_code == 404

        body = {"data": {"c": {"deep": {"text": "§ 7"}}}, "reason": "the clause was missing"}
        assert (await ann.post(f"/api/runs/{run}/retry", json=body)).status_code == 403
        again = await root.post(f"/api/runs/{run}/retry", json=body)
        assert (again.status_code, again.json()) == (201, {"run_id": run})
        assert (await root.post(f"/api/runs/{run}/retry")).status_code == 409
        await at.settle()
        after = await status_of(ann, run)
        assert (after["status"], after["attempt"]) == ("completed", 2)
        assert after["nodes"]["a"] == before["nodes"]["a"]
        assert after["nodes"]["t"]["status"] == "completed"
        assert (await wang.get("/api/approvals")).json()["items"] == []
        assert await Approval.all().count() == 1
        runs = (await ann.get(f"/api/runs/{run}/attempts")).json()
        assert [(one["number"], one["status"], one["started_by"]) for one in runs] == [
            (1, "failed", "ann"),
            (2, "completed", "root"),
        ]
        assert runs[0]["inngest_run_id"] == before["inngest_run_id"]
        assert runs[1]["inngest_run_id"] == after["inngest_run_id"]
        assert runs[0]["inngest_run_id"] != runs[1]["inngest_run_id"]
        assert "'deep'" in runs[0]["error"]["message"]
    task = await InngestTask.get()
    assert (task.status, task.inngest_run_id) == ("completed", after["inngest_run_id"])
    assert task.error_message is None
    entry = await AuditEntry.get(act="retried")
    assert (entry.actor, entry.comment, entry.run_id) == ("root", "the clause was missing", run)
    assert entry.details["data"]["old"]["c"] == {}
    assert entry.details["data"]["new"]["c"] == {"deep": {"text": "§ 7"}}
    assert entry.details["data"]["new"]["initiator_id"] == "ann"
    assert await StepResult.all().count() == 0
    requested = await OutboxEvent.filter(name="proflow/house/answer").count()
    assert requested == 1


FORKED = drawn(
    "forked",
    {
        "start": ("start", {}),
        "fork": ("parallel", {}),
        "a": ("task", {"handler": "work"}),
        "nap": ("delay", {"duration": "1h"}),
        "b": ("task", {"handler": "work"}),
        "ask": ("approval", {"approverIds": ["wang"]}),
        "all": ("join", {"mode": "all"}),
        "each": ("foreach", {"items": "event.data.items"}),
        "last": ("task", {"handler": "work", "input": {"d": "${event.data.items}"}}),
        "end": ("end", {"output": {"each": "${steps.each.output}"}}),
    },
    [
        ("start", "fork"),
        ("fork", "a"),
        ("fork", "nap"),
        ("fork", "ask"),
        ("nap", "b"),
        ("a", "all"),
        ("b", "all"),
        ("ask", "all"),
        ("all", "each"),
        ("each", "last"),
        ("last", "end"),
    ],
)
FORKED["nodes"].append(
    {
        "id": "item",
        "type": "task",
        "parentId": "each",
        "data": {"config": {"handler": "work", "input": {"i": "${item}"}}},
    }
)


async def approve_all(at: Virtual, user: httpx.AsyncClient) -> int:
    found = (await user.get("/api/approvals")).json()["items"]
    for one in found:
        acted = await user.post(f"/api/approvals/{one['id']}/acts", json={"act": "approve"})
        assert acted.status_code == 200, acted.text
    await at.settle()
    return len(found)


@pytest.mark.parametrize("broken", ["a", "b", "item", "last"])
async def test_every_effect_happens_once_wherever_the_run_has_failed(
    database: str, broken: str
) -> None:
    await publish(1, FORKED)
    works = Works({broken})
    async with virtual({"work": works.work}) as at:
        ann, wang = await at.user("ann"), await at.user("wang")
        run = await failed(at, ann, "forked", items=[1, 2, 3])
        asked = await approve_all(at, wang)
        assert (await status_of(ann, run))["status"] == "failed"
        works.broken.clear()
        assert (await ann.post(f"/api/runs/{run}/retry")).status_code == 201
        await at.settle()
        asked += await approve_all(at, wang)
        found = await status_of(ann, run)
    assert found["status"] == "completed", found["error"]
    assert asked == 1
    assert works.effects == dict.fromkeys(["a", "b", "item[0]", "item[1]", "item[2]", "last"], 1)
    assert found["output"] == {"each": [{"did": f"item[{i}]"} for i in range(3)]}
    assert {state["status"] for state in found["nodes"].values()} == {"completed"}


async def test_an_approval_that_waited_waits_again_with_the_votes_it_had(database: str) -> None:
    both = {"approverIds": ["wang", "li"], "approvalMode": "all"}
    design = drawn(
        "both",
        {
            "start": ("start", {}),
            "ask": ("approval", both),
            "t": ("task", {"handler": "work"}),
            "nap": ("delay", {"duration": "2h"}),
            "join": ("join", {"mode": "all"}),
            "end": ("end", {}),
        },
        [
            *(("start", "ask"), ("start", "nap"), ("nap", "t")),
            *(("ask", "join"), ("t", "join"), ("join", "end")),
        ],
    )
    await publish(1, design)
    works = Works({"t"})
    async with virtual({"work": works.work}) as at:
        ann, wang, li = await at.user("ann"), await at.user("wang"), await at.user("li")
        started = await ann.post("/api/runs", json={"workflow": "both"})
        run = started.json()["run_id"]
        await at.proflow.delivery.deliver()
        await at.engine.run_until_idle(ignore_timeouts=lambda wait: True)
        approval = await Approval.get()
        assert approval.status == "cancelled"  # the run has failed two hours later
        assert (await ann.post(f"/api/runs/{run}/retry")).status_code == 201
        works.broken.clear()
        await at.settle()
        assert await approve_all(at, wang) == 1
        works.broken.add("t")
        # Cancelled by mistake, with one of two votes.
        assert (await ann.post(f"/api/runs/{run}/cancel")).status_code == 202
        await at.settle()
        assert (await status_of(ann, run))["status"] == "cancelled"
        assert (await ann.post(f"/api/runs/{run}/retry")).status_code == 201
        await at.settle()
        assert (await wang.get("/api/approvals")).json()["items"] == []
        assert await approve_all(at, li) == 1
        assert (await status_of(ann, run))["status"] == "completed"
        trail = (await ann.get(f"/api/approvals/{approval.id}")).json()["trail"]
    assert [one["act"] for one in trail].count("reopened") == 2
    assert [one["act"] for one in trail].count("approve") == 2
    assert works.effects == {"t": 1}


async def test_a_delay_ends_when_it_would_have(database: str) -> None:
    await publish(1, line("naps", ("nap", "delay", {"duration": "10h"})))
    async with virtual({}) as at:
        ann = await at.user("ann")
        began = at.engine.clock.now()
        run = (await ann.post("/api/runs", json={"workflow": "naps"})).json()["run_id"]
        await at.proflow.delivery.deliver()
        await at.engine.run_until_idle(until=began + timedelta(hours=4))
        assert (await ann.post(f"/api/runs/{run}/cancel")).status_code == 202
        await at.proflow.delivery.deliver()
        await at.engine.run_until_idle(until=began + timedelta(hours=7))
        assert (await status_of(ann, run))["status"] == "cancelled"
        assert (await ann.post(f"/api/runs/{run}/retry")).status_code == 201
        await at.settle()
        assert (await status_of(ann, run))["status"] == "completed"
        slept = at.engine.clock.now() - began
    assert timedelta(hours=10) <= slept < timedelta(hours=10, minutes=1)


async def test_a_decision_that_came_too_late_for_a_failed_run_is_sent_again(database: str) -> None:
    """The vote was counted while the run was failing: the event found nobody who waits."""
    await publish(1, approving())
    async with virtual({"read_clause": read_clause}) as at:
        ann, wang = await at.user("ann"), await at.user("wang")
        run = await failed(at, ann, "erp", c={"deep": {"text": "x"}})
        (approval,) = (await wang.get("/api/approvals")).json()["items"]
        assert (
            await wang.post(f"/api/approvals/{approval['id']}/acts", json={"act": "approve"})
        ).status_code == 200
        await OutboxEvent.filter(name="proflow/house/answer").delete()  # it was lost
        assert (await ann.post(f"/api/runs/{run}/cancel")).status_code == 202
        await at.settle()
        assert (await ann.post(f"/api/runs/{run}/retry")).status_code == 201
        await at.settle()
        found = await status_of(ann, run)
        assert found["status"] == "completed"
        assert (await wang.get("/api/approvals")).json()["items"] == []


async def test_a_subprocess_goes_on_too(database: str) -> None:
    await publish(
        1, line("child", ("c1", "task", {"handler": "work"}), ("c2", "task", {"handler": "work"}))
    )
    call = {"workflow": "child", "input": {}}
    parent = line(
        "parent",
        ("p1", "task", {"handler": "work"}),
        ("one", "subprocess", call),
        ("two", "subprocess", call),
        ("p2", "task", {"handler": "work"}),
    )
    await publish(1, parent)
    works = Works({"c2"})
    async with virtual({"work": works.work}) as at:
        ann = await at.user("ann")
        run = await failed(at, ann, "parent")
        child = await Run.get(parent=run)
        assert child.status == "failed"
        root = await at.admin("root", 1)
        refused = await root.post(f"/api/runs/{child.id}/retry")
        assert (refused.status_code, refused.json()["run"]) == (409, run)
        assert (await ann.post(f"/api/runs/{run}/retry")).status_code == 201
        await at.settle()
        assert (await status_of(ann, run))["status"] == "failed"
        works.broken = {"p2"}
        assert (await ann.post(f"/api/runs/{run}/retry")).status_code == 201
        await at.settle()
        assert (await status_of(ann, run))["status"] == "failed"
        works.broken.clear()
        assert (await ann.post(f"/api/runs/{run}/retry")).status_code == 201
        await at.settle()
        found = await status_of(ann, run)
    assert (found["status"], found["attempt"]) == ("completed", 4)
    assert works.effects == {"p1": 1, "c1": 2, "c2": 2, "p2": 1}
    assert await Run.filter(parent=run).count() == 2


async def test_a_failure_that_the_design_handles_stands(database: str) -> None:
    design = drawn(
        "handled",
        {
            "start": ("start", {}),
            "pay": ("task", {"handler": "work"}),
            "back": ("task", {"handler": "work"}),
            "tell": ("task", {"handler": "work"}),
            "end": ("end", {}),
        },
        [
            ("start", "pay"),
            ("pay", "end"),
            ("pay", "back", "error"),
            ("back", "tell"),
            ("tell", "end"),
        ],
    )
    await publish(1, design)
    works = Works({"pay", "tell"})
    async with virtual({"work": works.work}) as at:
        ann = await at.user("ann")
        run = await failed(at, ann, "handled")
        works.broken.clear()
        assert (await ann.post(f"/api/runs/{run}/retry")).status_code == 201
        await at.settle()
        found = await status_of(ann, run)
    assert found["status"] == "completed"
    assert found["nodes"]["pay"]["outcome"] == "error"
    assert works.effects == {"back": 1, "tell": 1}


async def test_an_end_that_fails_has_nothing_to_go_on_with(database: str) -> None:
    design = drawn(
        "bad",
        {"start": ("start", {}), "end": ("end", {"fail": True, "status": "wrong"})},
        [("start", "end")],
    )
    await publish(1, design)
    async with virtual({}) as at:
        ann = await at.user("ann")
        run = await failed(at, ann, "bad")
        refused = await ann.post(f"/api/runs/{run}/retry")
        assert (refused.status_code, refused.json()["code"]) == (409, "failed-by-design")
        other = await ann.post(f"/api/runs/{run}/retry", json={"from": "beginning"})
        assert other.status_code == 201
        assert other.json()["run_id"] != run


async def test_it_goes_on_in_a_new_version_if_that_is_safe(database: str) -> None:
    first = ("first", "task", {"handler": "work"})
    await publish(1, line("two", first, ("t", "task", {"handler": "old"})))
    works = Works()

    async def old(task: Task) -> Any:
        raise KeyError("gone")

    async with virtual({"work": works.work, "old": old}) as at:
        ann, root = await at.user("ann"), await at.admin("root", 1)
        run = await failed(at, ann, "two")
        await publish(1, line("two", first, ("t", "task", {"handler": "work"})))
        await publish(1, line("two", ("new", "task", {"handler": "work"}), first))
        assert (await ann.post(f"/api/runs/{run}/retry", json={"version": 2})).status_code == 403
        unsafe = await root.post(f"/api/runs/{run}/retry", json={"version": 3})
        assert (unsafe.status_code, unsafe.json()["code"]) == (409, "version-unsafe")
        assert unsafe.json()["positions"][0]["node"] == "t"
        none = await root.post(f"/api/runs/{run}/retry", json={"version": 9})
        assert (none.status_code, none.json()["code"]) == (409, "no-version")
        good = await root.post(f"/api/runs/{run}/retry", json={"version": 2})
        assert good.status_code == 201, good.text
        await at.settle()
        found = await status_of(ann, run)
    assert (found["status"], found["version"]) == ("completed", 2)
    assert works.effects == {"first": 1, "t": 1}
    assert (await AuditEntry.get(act="retried")).details["old_version"] == 1


async def test_data_that_the_workflow_does_not_take_changes_nothing(database: str) -> None:
    design = approving()
    design["nodes"][0]["data"] = {
        "input": {"type": "object", "properties": {"n": {"type": "integer"}}}
    }
    await publish(1, design)
    async with virtual({"read_clause": read_clause}) as at:
        root = await at.admin("root", 1)
        run = await failed(at, root, "erp", c={})
        await root.post(f"/api/runs/{run}/cancel")
        await at.settle()
        for data in ({"n": "x"}, {"n": 2**60}, {"tenant_id": 2}):
            refused = await root.post(f"/api/runs/{run}/retry", json={"data": data})
            assert refused.status_code == 422, data
        found = await status_of(root, run)
        assert (found["status"], found["attempt"]) == ("cancelled", 1)
        other = await at.admin("root", 2)
        assert (await other.post(f"/api/runs/{run}/retry")).status_code == 404
        assert (await other.get(f"/api/runs/{run}/attempts")).status_code == 404
        assert (await other.get(f"/api/runs/{run}/nodes/t/attempts")).status_code == 404
    assert json.dumps((await Run.get()).event["data"]["c"]) == "{}"


async def test_a_run_that_our_database_has_forgotten_is_added_again(database: str) -> None:
    """Our database was restored to a time before the run."""
    design = approving()
    design["nodes"].insert(1, {"id": "nap", "type": "delay", "data": {"duration": "1h"}})
    design["edges"][0] = {"source": "start", "target": "nap"}
    design["edges"].append({"source": "nap", "target": "a"})
    await publish(1, design)
    async with virtual({"read_clause": read_clause}) as at:
        ann, wang = await at.user("ann"), await at.user("wang")
        answer = await ann.post(
            "/api/runs", json={"workflow": "erp", "data": {"c": {"deep": {"text": "x"}}}}
        )
        await at.proflow.delivery.deliver()
        await at.engine.run_until_idle(until=at.engine.clock.now() + timedelta(minutes=5))
        run = answer.json()["run_id"]
        assert (await status_of(ann, run))["status"] == "waiting"
        await Run.all().delete()
        await InngestTask.all().delete()
        # Another process, which has not seen the run.
        at.proflow.deployment._interpreter._seen.clear()
        at.proflow._recorder._remembered.clear()
        await at.settle()
        assert await approve_all(at, wang) == 1
        found = await status_of(ann, run)
    assert (found["status"], found["started_by"]) == ("completed", "ann")
    assert (await InngestTask.get()).status == "completed"


async def test_a_run_that_inngest_has_forgotten_goes_on(database: str) -> None:
    """Inngest was restored to a time before the run: it is cancelled by force, and retried."""
    await publish(1, approving())
    async with virtual({"read_clause": read_clause}) as at:
        ann, wang, root = (
            await at.user("ann"),
            await at.user("wang"),
            await at.admin("r", 1),
        )
        run = await failed(at, ann, "erp", c={"deep": {"text": "x"}})
    async with virtual({"read_clause": read_clause}) as at:  # with no memory of the run
        ann, wang, root = (
            await at.user("ann"),
            await at.user("wang"),
            await at.admin("r", 1),
        )
        assert (await root.post(f"/api/runs/{run}/cancel")).status_code == 202
        await at.settle()
        assert (await status_of(ann, run))["status"] == "waiting"
        assert (await ann.post(f"/api/runs/{run}/cancel?force=true")).status_code == 403
        assert (await root.post(f"/api/runs/{run}/cancel?force=true")).status_code == 202
        assert (await status_of(ann, run))["status"] == "cancelled"
        await at.settle()
        assert (await ann.post(f"/api/runs/{run}/retry")).status_code == 201
        await at.settle()
        assert await approve_all(at, wang) == 1
        assert (await status_of(ann, run))["status"] == "completed"
