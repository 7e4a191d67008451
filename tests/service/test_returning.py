"""An approval returns to before another that is open: on the canvas, and through a crash."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest
from approving.test_returning import review
from proflow_runtime import Task
from proflow_runtime.context.permissions import PERMISSIONS
from proflow_runtime.store.database import connection
from service.house import house, until
from service.test_serving import PATIENCE, process, published

pytestmark = pytest.mark.anyio
MANY = 30


def drafted() -> dict[str, Any]:
    """The review, of a draft that a handler writes."""
    design = review()
    for node in design["nodes"]:
        if node["id"] == "draft":
            node.update(type="task", data={"config": {"handler": "work"}})
    return design


async def work(task: Task) -> Any:
    return task.node_id


async def test_the_canvas_tells_of_the_iteration_that_has_begun(database: str) -> None:
    async with house({"work": work}) as at:
        ann = await at.admin("ann", 1)
        ben, cat = await at.user("ben"), await at.user("cat")
        await ann.post("/api/designs", json={"design": drafted()})
        assert (await ann.post("/api/designs/review/publish")).status_code == 200
        started = await ann.post("/api/runs", json={"workflow": "review"})
        run = f"/api/runs/{started.json()['run_id']}"

        async def shown() -> dict[str, tuple[str, Any]]:
            nodes = (await ann.get(run)).json()["nodes"]
            return {name: (one["status"], one["outcome"]) for name, one in nodes.items()}

        async def opened(user: httpx.AsyncClient) -> Any:
            return (await user.get("/api/approvals")).json()["items"]

        async def act(user: httpx.AsyncClient, act: str, approval: Any) -> httpx.Response:
            return await user.post(f"/api/approvals/{approval['id']}/acts", json={"act": act})

        both = {"legal": ("waiting", None), "money": ("waiting", None)}

        async def waits() -> bool:
            return both.items() <= (await shown()).items()

        (legal,), (money,) = await until(lambda: opened(ben)), await until(lambda: opened(cat))
        await until(waits)
        assert (await act(ben, "return", legal)).status_code == 200

        async def anew() -> Any:
            found = await opened(cat)
            return found if found and found[0]["id"] != money["id"] else None

        (again,) = await until(anew)
        await until(waits)
        assert await shown() == {
            "start": ("completed", None),
            "draft": ("completed", "default"),
            "fork": ("completed", None),
            **both,
            "both": ("pending", None),
            "end": ("pending", None),
        }
        refused = await act(cat, "approve", money)
        assert refused.status_code == 409
        assert (
            refused.json()["detail"]
            == "it is not needed any more: the part of the run that it belongs to has ended"
        )
        assert (await ann.get(f"/api/approvals/{money['id']}")).json()["status"] == "cancelled"
        assert (await act(cat, "approve", again)).status_code == 200

        async def half() -> bool:
            return (await shown())["money"] == ("completed", "approved")

        await until(half)
        assert (await shown())["both"] == ("pending", None)
        (legal,) = await opened(ben)
        assert (await act(ben, "approve", legal)).status_code == 200

        async def over() -> Any:
            found = (await ann.get(run)).json()
            return found if found["status"] == "completed" else None

        found = await until(over)
        assert {one["status"] for one in found["nodes"].values()} == {"completed"}
        assert {found["nodes"][name]["outcome"] for name in ("legal", "money")} == {"approved"}
        assert found["result"] == "completed"


@pytest.mark.long
async def test_runs_that_return_go_on_after_a_kill(
    tmp_path: Path, database: str, anyio_backend: str
) -> None:
    async def steps(*statuses: str) -> list[tuple[int, str]]:
        rows = await connection().execute_query_dict(
            "SELECT id, step, status FROM proflow_approvals ORDER BY id"
        )
        return [(row["id"], row["step"]) for row in rows if row["status"] in statuses]

    async with process(tmp_path, database) as served:
        ben, cat = served.token("ben"), served.token("cat")
        async with served.user(served.token("ann", 1, *PERMISSIONS)) as user:
            await published(user, drafted())
            starts = (user.post("/runs", json={"workflow": "review"}) for _ in range(MANY))
            assert {one.status_code for one in await asyncio.gather(*starts)} == {201}

        async def asked() -> bool:
            return len(await steps("open")) == 2 * MANY

        await until(asked, within=PATIENCE)
        async with served.user(ben) as boss:
            legal = [number for number, step in await steps("open") if step == "legal"]
            acts = [
                boss.post(f"/approvals/{number}/acts", json={"act": "return"}) for number in legal
            ]
            await asyncio.gather(*acts)

        async def under_way() -> bool:
            return served.done().total() > MANY

        await until(under_way, within=PATIENCE)
        await served.end(signal.SIGKILL)
        before = served.done()
        await served.start()

        async def anew() -> bool:
            return [step.partition("#")[2] for _, step in await steps("open")] == ["2"] * 2 * MANY

        await until(anew, within=PATIENCE)
        assert len(await steps("cancelled")) == len(await steps("returned")) == MANY
        for token, node in ((ben, "legal#2"), (cat, "money#2")):
            async with served.user(token) as boss:
                numbers = [number for number, step in await steps("open") if step == node]
                answers = [
                    await boss.post(f"/approvals/{number}/acts", json={"act": "approve"})
                    for number in numbers
                ]
                assert {one.status_code for one in answers} == {200}
                assert len(answers) == MANY

        async def over() -> bool:
            rows = await connection().execute_query_dict("SELECT status FROM proflow_runs")
            return [row["status"] for row in rows] == ["completed"] * MANY

        await until(over, within=PATIENCE)
        done = served.done()
        assert await served.end(signal.SIGTERM) == 0
    assert len(done) == MANY
    # What was executing as it died is executed again; nothing else is.
    assert set(done.values()) <= {2, 3}
    assert done.total() <= 2 * MANY + 10
    assert before.total() < 2 * MANY
