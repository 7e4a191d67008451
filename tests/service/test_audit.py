"""The log of administration: who did what, when, and from where."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from proflow_runtime.context import clock
from proflow_runtime.store import tokens
from proflow_runtime.store.models.runs import Run
from service.house import house, until
from stored.office import line

pytestmark = pytest.mark.anyio


async def test_what_is_administrated_is_in_the_log_of_its_tenant(database: str) -> None:
    ghost = {"approverType": "role", "approverIds": ["ghost"]}
    async with house() as at:
        root, other = await at.admin("root"), await at.admin("eve", 2)
        member = await at.user("cat")
        design = line("ask", ("boss", "approval", ghost))
        before = clock.now()
        assert (await root.post("/api/designs", json={"design": design})).status_code == 201
        assert (await root.post("/api/designs/ask/publish")).status_code == 200
        run = (await member.post("/api/runs", json={"workflow": "ask"})).json()["run_id"]

        async def opened() -> Any:
            return (await member.get("/api/approvals?box=initiated")).json()["items"]

        (approval,) = await until(opened)
        act = {"act": "transfer", "to": "ben"}
        path = f"/api/approvals/{approval['id']}/acts"
        assert (await root.post(path, json=act)).status_code == 200
        saved = {"settings": {"timezone": "Asia/Shanghai"}}
        assert (await root.put("/api/settings", json=saved)).status_code == 200
        assert (await root.post(f"/api/runs/{run}/cancel")).status_code == 202

        async def over() -> bool:
            return (await Run.get(id=run)).status == "cancelled"

        await until(over)
        await asyncio.sleep(0.2)
        assert (await root.post("/api/designs/ask/unpublish")).status_code == 204
        assert (await root.delete("/api/designs/ask?force=true")).status_code == 204
        found = (await root.get("/api/operations/audit")).json()
        seen = [(one["act"], one["subject"]) for one in reversed(found["items"])]
        assert seen == [
            ("design-published", "ask"),
            ("approval-handed-over", str(approval["id"])),
            ("settings-saved", "1"),
            ("run-cancelled", run),
            ("design-unpublished", "ask"),
            ("design-deleted", "ask"),
        ]
        assert {(one["actor"], one["address"]) for one in found["items"]} == {("root", "127.0.0.1")}
        assert all(one["at"] >= before.isoformat()[:19] for one in found["items"])
        first = (await root.get("/api/operations/audit?limit=4")).json()
        rest = (await root.get(f"/api/operations/audit?cursor={first['next']}")).json()
        assert first["items"] + rest["items"] == found["items"]
        assert (await other.get("/api/operations/audit")).json()["items"] == []
        refused = await member.get("/api/operations/audit")
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_every_token_expires(database: str) -> None:
    made = (await tokens.create(1, "ann", name="x")).token
    assert made.expires_at - made.created_at == tokens.LIFETIME
    with pytest.raises(ValueError, match="at most 400 days"):
        await tokens.create(1, "ann", name="x", expires_at=clock.now() + timedelta(days=401))
