"""Numbers that Inngest would round are refused by the service, and runs that begin with one fail."""

from typing import Any

import pytest
from proflow_runtime.handlers.task import Task
from proflow_runtime.service.problems import Problem
from proflow_runtime.store.models import Run
from service.house import house, until
from stored.office import line

pytestmark = pytest.mark.anyio
SNOWFLAKE = 1834567890123456789


async def book(task: Task) -> Any:
    return task.input


DESIGN = line(
    "order",
    ("book", "task", {"handler": "book", "input": "${event.data}"}),
    trigger={"event": "order/created"},
)


async def published(at: Any, design: dict[str, Any]) -> Any:
    ann = await at.user("ann", 1, "designs:write")
    answer = await ann.post("/api/designs", json={"design": design})
    assert answer.status_code == 201, answer.text
    answer = await ann.post(f"/api/designs/{design['id']}/publish")
    assert answer.status_code == 200, answer.text
    return ann


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        (f'{{"order_id": {SNOWFLAKE}}}', "/data/order_id"),
        ('{"lines": [{"id": 1}, {"a/b": -9007199254740992}]}', "/data/lines/1/a~1b"),
        ('{"n": 1e300}', "/data/n"),
        ('{"n": 9007199254740992.0}', "/data/n"),
        ('{"n": 1e999}', "/data/n"),
    ],
)
async def test_a_run_is_not_started_with_a_number_that_would_be_rounded(
    database: str, data: str, pointer: str
) -> None:
    async with house({"book": book}) as at:
        ann = await published(at, DESIGN)
        body = f'{{"workflow": "order", "data": {data}}}'
        headers = {"content-type": "application/json"}
        answer = await ann.post("/api/runs", content=body, headers=headers)
        assert answer.status_code == 422
        told = answer.json()
        assert told["code"] == "inexact-number"
        assert pointer in told["detail"]
        assert "send it as a text" in told["detail"]
        assert told["errors"][0]["pointer"] == pointer
        assert "send it as a text" in told["errors"][0]["message"]
        assert await Run.all().count() == 0


@pytest.mark.parametrize(
    ("data", "code", "pointer", "message"),
    [
        ('{"n": NaN}', "invalid-json", "/data/n", "`NaN` is not JSON"),
        ('{"l": [1, -Infinity]}', "invalid-json", "/data/l/1", "`-Infinity` is not JSON"),
        ('{"n": 1, "n": 2}', "duplicate-key", "/data/n", "the key `n` is given twice"),
        (
            '{"l": [{"a/b": 1, "a/b": 1}]}',
            "duplicate-key",
            "/data/l/0/a~1b",
            "`a/b` is given twice",
        ),
        ('{"tenant_id": 2}', "other-tenant", "/data/tenant_id", "for tenant 1, not `2`"),
        ('{"tenant_id": "1"}', "other-tenant", "/data/tenant_id", 'for tenant 1, not `"1"`'),
        ('{"tenant_id": true}', "other-tenant", "/data/tenant_id", "for tenant 1, not `true`"),
    ],
)
async def test_data_that_no_run_can_have_is_refused(
    database: str, data: str, code: str, pointer: str, message: str
) -> None:
    async with house({"book": book}) as at:
        ann = await published(at, DESIGN)
        headers = {"content-type": "application/json"}
        body = f'{{"workflow": "order", "data": {data}}}'
        told = (await ann.post("/api/runs", content=body, headers=headers)).json()
        assert (told["status"], told["code"]) == (422, code)
        assert told["errors"][0]["pointer"] == pointer
        assert message in told["errors"][0]["message"]
        assert await Run.all().count() == 0


async def test_data_may_name_the_tenant_of_the_token(database: str) -> None:
    async with house({"book": book}) as at:
        ann = await published(at, DESIGN)
        answer = await ann.post("/api/runs", json={"workflow": "order", "data": {"tenant_id": 1}})
        assert answer.status_code == 201
        assert (await Run.get()).tenant_id == 1


async def test_the_facade_refuses_them_too(database: str) -> None:
    async with house({"book": book}) as at:
        await published(at, DESIGN)
        with pytest.raises(Problem, match="/data/id: 9007199254740992 is beyond") as caught:
            await at.proflow.start(tenant_id=1, workflow="order", data={"id": 2**53})
        assert caught.value.status == 422


async def test_numbers_that_are_safe_and_texts_come_through_as_they_are(database: str) -> None:
    async with house({"book": book}) as at:
        ann = await published(at, DESIGN)
        data = {"a": 2**53 - 1, "b": -0.5, "c": str(SNOWFLAKE), "d": [1e15, 1000.0, 0.1]}
        answer = await ann.post("/api/runs", json={"workflow": "order", "data": data})
        run = answer.json()["run_id"]

        async def over() -> Any:
            found = (await ann.get(f"/api/runs/{run}")).json()
            return found if found["status"] == "completed" else None

        found = await until(over)
        assert found["result"] == "completed"


async def test_a_run_that_an_event_starts_with_a_rounded_number_fails_and_says_so(
    database: str,
) -> None:
    async with house({"book": book}) as at:
        await published(at, DESIGN)
        root = await at.admin("root", 1)
        data = {"tenant_id": 1, "order_id": SNOWFLAKE}
        await at.engine.send({"name": "order/created", "data": data})

        async def failed() -> Any:
            found = (await root.get("/api/runs", params={"workflow": "order"})).json()["items"]
            return found[0] if found and found[0]["status"] == "failed" else None

        run = await until(failed)
        found = (await root.get(f"/api/runs/{run['run_id']}")).json()
        assert "`event.data.order_id`: 1834567890123456800 is beyond" in found["error"]["message"]
        assert "send it as a text" in found["error"]["message"]
        assert found["nodes"]["book"]["status"] == "skipped"


async def test_the_record_of_a_run_says_where_a_number_was_compared_with_a_text(
    database: str,
) -> None:
    design = line("codes", ("v", "set", {"values": {"n": "event.data.code"}}))
    design["nodes"].append({"id": "other", "type": "end", "data": {"status": "other"}})
    (edge,) = (one for one in design["edges"] if one["source"] == "v")
    edge["data"] = {"when": "steps.v.output.n == 7"}
    design["edges"].append({"source": "v", "target": "other"})
    async with house() as at:
        ann = await published(at, design)
        answer = await ann.post("/api/runs", json={"workflow": "codes", "data": {"code": "7"}})
        run = answer.json()["run_id"]

        async def over() -> Any:
            found = (await ann.get(f"/api/runs/{run}")).json()
            return found if found["status"] == "completed" else None

        found = await until(over)
        assert found["result"] == "other"
        (note,) = found["nodes"]["v"]["notes"]
        assert "`steps.v.output.n`: a number never equals a text" in note
        changes = (await ann.get(f"/api/runs/{run}/events")).json()
        assert any(note in one["notes"] for one in changes if one["node"] == "v")
