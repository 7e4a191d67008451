"""Pictures and node types over HTTP."""

import pytest
from service.house import house
from stored.office import line

pytestmark = pytest.mark.anyio
DESIGN = line("leave", ("wait", "delay", {"duration": "1h"}))


async def test_a_member_gets_a_picture_and_the_node_types(database: str) -> None:
    async with house({}) as at:
        ann = await at.user("ann")
        drawn = await ann.post("/api/designs/drawing", json={"design": DESIGN})
        assert drawn.status_code == 200, drawn.text
        assert "wait" in [one["id"] for one in drawn.json()["picture"]["nodes"]]
        types = await ann.get("/api/node-types")
        assert "approval" in [one["type"] for one in types.json()]
        keys = (await ann.get("/api/drawing-keys")).json()
        assert ["data", "nodeType"] in keys["types"]
        assert {"nodes": "flattenNodes", "edges": "flattenEdges"} in keys["shapes"]


async def test_nobody_draws_without_a_token(database: str) -> None:
    async with house({}) as at, at.client() as stranger:
        drawn = await stranger.post("/api/designs/drawing", json={"design": DESIGN})
        assert drawn.status_code == 401
        for path in ("node-types", "drawing-keys"):
            assert (await stranger.get(f"/api/{path}")).status_code == 401
