"""Who asks, who else there is, and what a run is drawn as, over HTTP."""

import pytest
from proflow_runtime.store import people
from service.house import house
from stored.office import line

pytestmark = pytest.mark.anyio


async def test_one_is_told_who_one_is(database: str) -> None:
    async with house({}) as at:
        await people.add(1, "ann", "安", roles=["admin"])
        ann = await at.user("ann")
        assert (await ann.get("/api/me")).json() == {
            "tenant_id": 1,
            "user": "ann",
            "name": "安",
            "roles": ["admin"],
            "permissions": [],
        }
        unknown = await at.user("x-9")
        assert (await unknown.get("/api/me")).json()["name"] == "x-9"


async def test_people_are_found_by_id_and_name_within_the_tenant(database: str) -> None:
    async with house({}) as at:
        await people.add(1, "ann", "安")
        await people.add(1, "bob", "Robert 100%")
        await people.add(2, "ann-of-two", "安")
        ann = await at.user("ann")
        everybody = (await ann.get("/api/people")).json()
        assert [one["user"] for one in everybody["items"]] == ["ann", "bob"]
        found = (await ann.get("/api/people", params={"search": "安"})).json()
        assert found == {"items": [{"user": "ann", "name": "安"}], "total": 1}
        by_id = (await ann.get("/api/people", params={"search": "BO"})).json()
        assert [one["user"] for one in by_id["items"]] == ["bob"]
        assert (await ann.get("/api/people", params={"search": "0%"})).json()["total"] == 1
        assert (await ann.get("/api/people", params={"search": "_"})).json()["total"] == 0


async def test_a_run_is_drawn_as_the_version_it_is_pinned_to(database: str) -> None:
    async with house({}) as at:
        ann = await at.user("ann", 1, "designs:write")
        first = line("leave", ("nap", "delay", {"duration": "1h"}))
        later = line("leave", ("rest", "delay", {"duration": "1h"}))
        draft = (await ann.post("/api/designs", json={"design": first})).json()
        assert (await ann.post("/api/designs/leave/publish")).status_code == 200
        run = (await ann.post("/api/runs", json={"workflow": "leave"})).json()["run_id"]
        saved = {"design": later, "revision": draft["revision"]}
        assert (await ann.put("/api/designs/leave", json=saved)).status_code == 200
        assert (await ann.post("/api/designs/leave/publish")).status_code == 200
        drawn = (await ann.get(f"/api/runs/{run}/drawing")).json()["picture"]
        assert "nap" in [one["id"] for one in drawn["nodes"]]
        assert (await ann.delete("/api/designs/leave?force=true")).status_code == 204
        assert (await ann.get(f"/api/runs/{run}/drawing")).status_code == 200
        stranger = await at.admin("eve", 2)
        assert (await stranger.get(f"/api/runs/{run}/drawing")).status_code == 404
