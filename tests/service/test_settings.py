"""What tenants set, over HTTP."""

import pytest
from proflow_runtime.dispatch.deployment import cron_function_id
from proflow_runtime.store.models import Trigger
from proflow_schemas.times import TimeError
from service.house import house
from stored.office import line

pytestmark = pytest.mark.anyio

EVENING = line("evening", trigger={"cron": "0 18 * * *"})


async def test_an_administrator_sets_the_time_zone_of_a_tenant(database: str) -> None:
    async with house(timezone="Europe/Berlin") as at:
        boss, ann = await at.admin("boss", 1), await at.user("ann", 1, "designs:write")
        unset = {"timezone": None, "retention": None}
        nothing = {"settings": unset, "revision": 0, "timezone": "Europe/Berlin"}
        assert (await ann.get("/api/settings")).json() == nothing
        given = {"settings": {"timezone": "Asia/Shanghai"}, "revision": 0}
        assert (await ann.put("/api/settings", json=given)).status_code == 403
        saved = await boss.put("/api/settings", json=given)
        expected = {
            "settings": {**unset, "timezone": "Asia/Shanghai"},
            "revision": 1,
            "timezone": "Asia/Shanghai",
        }
        assert (saved.status_code, saved.json()) == (200, expected)
        assert (await ann.get("/api/settings")).json() == expected
        late = await boss.put("/api/settings", json=given)
        assert (late.status_code, late.json()["revision"]) == (409, 1)
        stranger = await at.admin("eve", 2)
        assert (await stranger.get("/api/settings")).json() == nothing
        back = await boss.put("/api/settings", json={"settings": {}})
        assert back.json() == {**nothing, "revision": 2}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"timezone": "Asia/Beijing"}, "did you mean `Asia/Shanghai`?"),
        ({"timezone": ""}, "no time zone"),
        ({"timezone": "../../etc/passwd"}, "no time zone"),
        ({"timezone": "Asia/Shanghai\0"}, "no time zone"),
        ({"timezone": 8}, "string"),
        ({"timzone": "UTC"}, "timzone"),
    ],
)
async def test_what_cannot_be_set_is_refused(
    sqlite_database: str, settings: dict[str, object], says: str
) -> None:
    async with house() as at:
        boss = await at.admin("boss", 1)
        answer = await boss.put("/api/settings", json={"settings": settings})
        assert answer.status_code == 422
        assert says in answer.text
        assert (await boss.get("/api/settings")).json()["revision"] == 0


async def test_crons_follow_the_tenants_time_zone(database: str) -> None:
    async with house() as at:
        boss = await at.admin("boss", 1)
        assert (await boss.post("/api/designs", json={"design": EVENING})).status_code == 201
        warned = (await boss.post("/api/designs/check", json={"design": EVENING})).json()
        assert [one["code"] for one in warned["diagnostics"]] == ["PF323"]
        assert (await boss.post("/api/designs/evening/publish")).status_code == 200
        known = at.proflow.deployment.function_ids
        assert cron_function_id("0 18 * * *") in known
        given = {"settings": {"timezone": "Asia/Shanghai"}}
        assert (await boss.put("/api/settings", json=given)).status_code == 200
        added = at.proflow.deployment.function_ids - known
        assert added == {cron_function_id("TZ=Asia/Shanghai 0 18 * * *")}
        assert (await Trigger.get()).key == "0 18 * * *"
        silent = (await boss.post("/api/designs/check", json={"design": EVENING})).json()
        assert silent["diagnostics"] == []
        later = line("later", trigger={"cron": "30 8 * * 1"})
        assert (await boss.post("/api/designs", json={"design": later})).status_code == 201
        assert (await boss.post("/api/designs/later/publish")).status_code == 200
        assert cron_function_id("TZ=Asia/Shanghai 30 8 * * 1") in at.proflow.deployment.function_ids


async def test_a_default_that_does_not_exist_is_refused_when_the_service_is_made() -> None:
    with pytest.raises(TimeError, match="no time zone `Asia/Beijing`"):
        async with house(timezone="Asia/Beijing"):
            pass
