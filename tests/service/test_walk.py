"""From a drawing to a decision, and what another tenant sees of it: nothing."""

from typing import Any

import httpx
import pytest
from proflow_runtime import Task
from service.house import House, house, until
from stored.office import line

pytestmark = pytest.mark.anyio


async def book(task: Task) -> Any:
    return {"booked": task.input}


LEAVE = line(
    "leave",
    ("boss", "approval", {"approverType": "user", "approverIds": ["ben"]}),
    ("book", "task", {"handler": "book", "input": {"days": "${event.data.days}"}}),
)


async def opened(client: httpx.AsyncClient) -> Any:
    return (await client.get("/api/approvals")).json()["items"]


async def test_a_design_is_drawn_published_run_and_decided(database: str) -> None:
    async with house({"book": book}) as at:
        ann, ben = await at.user("ann", 1, "designs:write"), await at.user("ben")
        cat = await at.user("cat")
        saved = await ann.post("/api/designs", json={"name": "请假", "design": LEAVE})
        assert saved.status_code == 201, saved.text
        assert saved.json()["code"] == "leave"
        published = await ann.post("/api/designs/leave/publish")
        assert published.status_code == 200, published.text
        assert published.json()["number"] == 1
        body = {"workflow": "leave", "data": {"days": 3}, "business_id": 7}
        started = await cat.post("/api/runs", json=body)
        assert started.status_code == 201, started.text
        run = f"/api/runs/{started.json()['run_id']}"
        (approval,) = await until(lambda: opened(ben))
        assert await opened(ann) == await opened(cat) == []
        assert (approval["initiator"], approval["status"]) == ("cat", "open")

        async def waiting() -> bool:
            return bool((await cat.get(run)).json()["nodes"]["boss"]["status"] == "waiting")

        await until(waiting)
        acted = await ben.post(
            f"/api/approvals/{approval['id']}/acts", json={"act": "approve", "comment": "好"}
        )
        assert acted.status_code == 200, acted.text
        assert acted.json()["status"] == "approved"

        async def over() -> Any:
            found = (await cat.get(run)).json()
            return found if found["status"] == "completed" else None

        found = await until(over)
        assert {name: node["status"] for name, node in found["nodes"].items()} == {
            "start": "completed",
            "boss": "completed",
            "book": "completed",
            "end": "completed",
        }
        assert found["nodes"]["boss"]["outcome"] == "approved"
        (task,) = (await cat.get("/api/tasks", params={"business_id": 7})).json()["items"]
        assert task["status"] == "completed"
        changes = (await cat.get(f"{run}/events")).json()
        assert changes[-1] | {"id": 0, "at": ""} == changes[-1] | {
            "id": 0,
            "at": "",
            "node": None,
            "status": "completed",
        }
        await _nothing_for_others(at, started.json()["run_id"], approval["id"], task["id"])


async def _nothing_for_others(at: House, run: str, approval: int, task: int) -> None:
    """Every route that names something of tenant 1, as an administrator of tenant 2."""
    eve = await at.admin("eve", 2)
    named = {
        "code": "leave",
        "number": "1",
        "run_id": run,
        "approval_id": str(approval),
        "task_id": str(task),
        "delegation_id": "1",
        "notification_id": "1",
        "event_id": f"run:{run}",
        "node": "boss",
        "user": "cat",
    }
    bodies = {
        ("put", "/api/designs/{code}"): {"design": LEAVE},
        ("post", "/api/approvals/{approval_id}/acts"): {"act": "approve"},
    }
    seen = 0
    for path, methods in at.app.openapi()["paths"].items():
        for method in methods if "{" in path else ():
            answer = await eve.request(
                method,
                path.format(**named),
                json=bodies.get((method, path)),
                params={"old": 1, "new": 1},
            )
            if "{user}" in path:  # any text may be somebody's id: nothing is known of this one
                assert answer.status_code == 200, (method, path, answer.text)
                assert "leave" not in answer.text
                continue
            assert answer.status_code == 404, (method, path, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            seen += 1
    assert seen >= 15
    for path in ("designs", "runs", "approvals", "tasks"):
        assert (await eve.get(f"/api/{path}")).json()["items"] == []
    started = await eve.post("/api/runs", json={"workflow": "leave"})
    assert started.status_code == 404
