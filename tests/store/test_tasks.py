"""The host's table."""

import asyncio

import pytest
from proflow_runtime import store
from proflow_runtime.context import clock
from proflow_runtime.store import tasks
from proflow_runtime.store.models import InngestTask, Run

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("database")]


async def created(tenant_id: int = 1, **given: object) -> InngestTask:
    settings = {"task_type": "purchase", "function_id": "app-proflow-run", **given}
    return await tasks.create(tenant_id, **settings)  # type: ignore[arg-type]


async def run_of(task: InngestTask, run_id: str, inngest_run_id: str | None = None) -> Run:
    return await Run.create(
        id=run_id,
        tenant_id=task.tenant_id,
        workflow="purchase",
        version=1,
        digest="sha256:0",
        event={},
        task=task,
        inngest_run_id=inngest_run_id,
        created_at=clock.now(),
    )


async def test_the_table_is_the_hosts_to_the_letter() -> None:
    """Names, types, lengths, defaults, indexes."""
    described = InngestTask.describe()
    fields = [described["pk_field"], *described["data_fields"]]
    assert described["table"] == "root_inngest_tasks"
    assert [(one["db_column"], one["db_field_types"][""], one["nullable"]) for one in fields] == [
        ("id", "INT", False),
        ("tenant_id", "INT", False),
        ("task_type", "VARCHAR(50)", False),
        ("business_id", "INT", True),
        ("inngest_function_id", "VARCHAR(100)", False),
        ("inngest_run_id", "VARCHAR(100)", True),
        ("status", "VARCHAR(20)", False),
        ("error_message", "TEXT", True),
        ("created_at", "TIMESTAMP", False),
        ("updated_at", "TIMESTAMP", False),
    ]
    assert [one["db_column"] for one in fields if one["indexed"]] == [
        *("id", "tenant_id", "inngest_run_id")
    ]
    assert [tuple(one.fields) for one in InngestTask._meta.indexes] == [
        ("task_type", "business_id")
    ]


async def test_a_task_goes_from_pending_to_its_end_and_stays_there() -> None:
    task = await created(business_id=7)
    assert (task.status, task.business_id, task.inngest_run_id) == ("pending", 7, None)
    assert await tasks.move(1, task.id, "running", inngest_run_id="01RUN")
    assert not await tasks.move(1, task.id, "running")
    assert await tasks.move(1, task.id, "failed", error_message="no \x00 paper \ud800")
    for late in ("running", "completed", "cancelled", "pending"):
        assert not await tasks.move(1, task.id, late)
    found = await tasks.get(1, task.id)
    assert found is not None
    assert (found.status, found.inngest_run_id) == ("failed", "01RUN")
    assert found.error_message == "no \ufffd paper \ufffd"
    assert found.updated_at > found.created_at


async def test_of_all_ends_that_are_noted_at_once_one_counts() -> None:
    task = await created()
    ends = [tasks.move(1, task.id, end) for end in ("completed", "failed", "cancelled") * 4]
    assert sum(await asyncio.gather(*ends)) == 1


async def test_a_failed_task_can_be_taken_up_again() -> None:
    task = await created()
    assert not await tasks.reopen(1, task.id)
    await tasks.move(1, task.id, "failed", error_message="x", inngest_run_id="01RUN")
    assert await tasks.reopen(1, task.id)
    found = await tasks.get(1, task.id)
    assert found is not None
    assert (found.status, found.error_message, found.inngest_run_id) == ("pending", None, None)
    await tasks.move(1, task.id, "completed")
    assert not await tasks.reopen(1, task.id)


async def test_tasks_are_listed_by_status_type_and_business_id() -> None:
    first = await created(business_id=1)
    second = await created(business_id=2, status="running")
    third = await created(task_type="审批", business_id=2)
    assert [one.id for one in (await tasks.listed(1)).items] == [third.id, second.id, first.id]
    assert [one.id for one in (await tasks.listed(1, status="running")).items] == [second.id]
    assert [one.id for one in (await tasks.listed(1, task_type="审批")).items] == [third.id]
    both = await tasks.listed(1, task_type="purchase", business_id=2)
    assert [one.id for one in both.items] == [second.id]
    page = await tasks.listed(1, offset=1, limit=1)
    assert ([one.id for one in page.items], page.total) == ([second.id], 3)


async def test_a_status_is_found_by_our_id_of_the_run_and_by_inngests() -> None:
    task = await created(business_id=7)
    await run_of(task, "our-run", "01INNGEST")
    other = await created()
    await tasks.move(1, other.id, "running", inngest_run_id="01OTHER")
    for run_id in ("our-run", "01INNGEST"):
        found = await store.get_task_status(run_id, 1)
        assert found is not None
        assert found["task_id"] == task.id
        assert (found["run_id"], found["status"], found["business_id"]) == (run_id, "pending", 7)
    by_task = await store.get_task_status("01OTHER", tenant_id=1)
    assert by_task is not None
    assert (by_task["task_id"], by_task["status"]) == (other.id, "running")
    assert await store.get_task_status("01NOTHING", 1) is None


async def test_inngest_is_asked_about_runs_that_the_table_does_not_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = await created()
    await run_of(task, "our-run", "01INNGEST")
    asked = []

    async def ask(run_id: str) -> tasks.ReportedRun | None:
        asked.append(run_id)
        if run_id != "01ELSEWHERE":
            return None
        return tasks.ReportedRun(run_id, tenant_id=1, status="failed", error="no paper")

    tasks.ask_inngest_with(ask)
    assert (await store.get_task_status("our-run", 1) or {})["status"] == "pending"
    assert asked == []
    found = await store.get_task_status("01ELSEWHERE", 1)
    assert found is not None
    assert (found["status"], found["error_message"], found["task_id"]) == (
        *("failed", "no paper"),
        None,
    )
    assert await store.get_task_status("01NOTHING", 1) is None
    # Not the tenant's, whether Inngest knows it or the table does.
    assert await store.get_task_status("01ELSEWHERE", 2) is None
    assert await store.get_task_status("our-run", 2) is None
    assert asked[:2] == ["01ELSEWHERE", "01NOTHING"]
