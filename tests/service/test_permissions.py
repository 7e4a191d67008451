"""What the permissions of a token give, and that members see what they take part in, and no more."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from proflow_runtime.context import clock
from proflow_runtime.context.permissions import PERMISSIONS
from proflow_runtime.store import people, tasks
from service.house import House, house, until
from stored.office import line

pytestmark = pytest.mark.anyio
SECRET = "sk-do-not-show"
LEAVE = line("leave", ("boss", "approval", {"approverType": "user", "approverIds": ["ben"]}))
SECRETIVE = {
    **line(
        "leave",
        ("boss", "approval", {"approverType": "user", "approverIds": ["ben"]}),
        ("call", "http", {"url": f"https://{SECRET}.test", "headers": {"x-key": SECRET}}),
        ("ask", "ai", {"prompt": f"{SECRET} ${{event.data.days}}"}),
        ("tell", "notify", {"to": [SECRET], "subject": SECRET, "content": SECRET}),
    ),
    "apiKey": SECRET,
}
SECRETIVE["nodes"][0]["data"] = {
    "input": {"type": "object", "properties": {"days": {"type": "integer"}}},
    "note": SECRET,
}


async def published(at: House, design: Any) -> httpx.AsyncClient:
    ann = await at.user("ann", 1, "designs:write")
    saved = await ann.post("/api/designs", json={"design": design})
    assert saved.status_code == 201, saved.text
    answer = await ann.post(f"/api/designs/{design['id']}/publish")
    assert answer.status_code == 200, answer.text
    return ann


async def begun(client: httpx.AsyncClient, workflow: str = "leave", **data: Any) -> str:
    started = await client.post("/api/runs", json={"workflow": workflow, "data": data})
    assert started.status_code == 201, started.text
    return str(started.json()["run_id"])


async def waiting_for(client: httpx.AsyncClient, run: str) -> int:
    async def found() -> Any:
        items = (await client.get("/api/approvals")).json()["items"]
        return next((one["id"] for one in items if one["run_id"] == run), None)

    return int(await until(found))


async def sees(client: httpx.AsyncClient, run: str) -> bool:
    """Whether every way to look at a run shows it; some that do and some that do not are a defect."""
    ways = [
        (await client.get(f"/api/runs/{run}{more}")).status_code
        for more in ("", "/events", "/drawing")
    ]
    listed = (await client.get("/api/runs", params={"limit": 200})).json()["items"]
    ways.append(200 if run in [one["run_id"] for one in listed] else 404)
    shown = (await client.get("/api/tasks", params={"limit": 200})).json()
    (number,) = [row.id for row in (await tasks.listed(1, limit=200)).items][:1]
    ways.append(200 if run in [one["run_id"] for one in shown["items"]] else 404)
    assert shown["total"] == len(shown["items"])
    one_task = (await client.get(f"/api/tasks/{number}")).status_code
    assert one_task == ways[-1]
    assert set(ways) in ({200}, {404}), ways
    return ways[0] == 200


async def test_members_see_the_runs_they_take_part_in(database: str) -> None:
    async with house() as at:
        await published(at, LEAVE)
        cat, ben, dan = await at.user("cat"), await at.user("ben"), await at.user("dan")
        eve, reader = await at.user("eve"), await at.user("rob", 1, "runs:read")
        stand_in, admin = await at.user("sue"), await at.user("root", 1, "tenant:admin")
        run = await begun(cat, days=3)
        assert await sees(cat, run)  # who has started it, before anything else is known of it
        approval = await waiting_for(ben, run)
        now = clock.now()
        await people.delegate(
            *(1, "ben", "sue"), starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=1)
        )
        seen = [await sees(one, run) for one in (ben, stand_in, reader, dan, eve, admin)]
        assert seen == [True, True, True, False, False, False]
        acted = await stand_in.post(f"/api/approvals/{approval}/acts", json={"act": "approve"})
        assert acted.status_code == 200, acted.text
        for given in await people.delegations(1, "ben"):
            await people.end_delegation(1, "ben", given.id)
        # The past counts: ben was asked, sue has decided.
        assert [await sees(one, run) for one in (ben, stand_in, dan)] == [True, True, False]


async def test_a_stand_in_sees_what_waits_and_not_what_is_past(database: str) -> None:
    async with house() as at:
        await published(at, LEAVE)
        cat, ben, sue = await at.user("cat"), await at.user("ben"), await at.user("sue")
        run = await begun(cat)
        approval = await waiting_for(ben, run)
        assert (
            await ben.post(f"/api/approvals/{approval}/acts", json={"act": "reject"})
        ).status_code == 200
        now = clock.now()
        await people.delegate(
            *(1, "ben", "sue"), starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=1)
        )
        assert not await sees(sue, run)


async def test_the_initiator_of_an_event_and_of_a_caller_sees_their_runs(database: str) -> None:
    inner = line("inner", ("nap", "delay", {"duration": "1h"}))
    outer = line(
        "outer",
        ("sub", "subprocess", {"workflow": "inner"}),
        trigger={"event": "outer/asked"},
    )
    async with house() as at:
        await published(at, inner)
        await published(at, outer)
        cat, reader = await at.user("cat"), await at.user("rob", 1, "runs:read")
        dan = await at.user("dan")
        data = {"tenant_id": 1, "initiator_id": "cat"}
        await at.engine.send({"name": "outer/asked", "data": data})

        async def both() -> Any:
            items = (await reader.get("/api/runs")).json()["items"]
            return items if len(items) == 2 else None

        await until(both)
        listed = (await cat.get("/api/runs")).json()["items"]
        assert sorted(one["workflow"] for one in listed) == ["inner", "outer"]
        assert (await dan.get("/api/runs")).json()["items"] == []


async def test_a_task_of_the_host_without_a_run_is_for_readers(database: str) -> None:
    async with house() as at:
        row = await tasks.create(1, task_type="own", function_id="own")
        member, reader = await at.user("cat"), await at.user("rob", 1, "runs:read")
        for client, status, count in ((member, 404, 0), (reader, 200, 1)):
            assert (await client.get(f"/api/tasks/{row.id}")).status_code == status
            assert (await client.get("/api/tasks")).json()["total"] == count


async def test_a_business_role_gives_no_permission(database: str) -> None:
    async with house() as at:
        await published(at, LEAVE)
        for user in ("ben", "cat"):  # a table that names anybody has to name everybody
            await people.add(1, user, user)
        run = await begun(await at.user("cat"))
        names = ["admin", "designer", *PERMISSIONS]
        await people.add(1, "mallory", "Mallory", roles=names)
        mallory = await at.user("mallory")
        me = (await mallory.get("/api/me")).json()
        assert (me["permissions"], me["roles"]) == ([], sorted(names))
        assert not await sees(mallory, run)
        for method, path, body in (
            ("post", "/api/designs", {"design": LEAVE}),
            ("put", "/api/settings", {"settings": {}}),
            ("get", "/api/designs/leave/diff?old=1&new=1", None),
        ):
            answer = await mallory.request(method, path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
        boss = await at.user("ben")
        approval = await waiting_for(boss, run)
        assert (await mallory.get(f"/api/approvals/{approval}")).status_code == 404


@pytest.mark.parametrize("permission", PERMISSIONS)
async def test_no_permission_includes_another(database: str, permission: str) -> None:
    async with house() as at:
        await published(at, LEAVE)
        run = await begun(await at.user("cat"))
        approval = await waiting_for(await at.user("ben"), run)
        who = await at.user("rob", 1, permission)
        found = {
            "runs:read": (await who.get(f"/api/runs/{run}")).status_code == 200,
            "designs:write": (await who.get("/api/designs/leave")).json()["design"] is not None,
            "approvals:admin": (await who.get(f"/api/approvals/{approval}")).status_code == 200,
            "tenant:admin": (await who.put("/api/settings", json={"settings": {}})).status_code
            == 200,
        }
        assert found == {name: name == permission for name in found}


async def test_members_get_what_they_need_of_a_design_and_no_settings_of_steps(
    database: str,
) -> None:
    async with house() as at:
        ann = await published(at, SECRETIVE)
        draft = {**SECRETIVE, "id": "draft"}
        assert (await ann.post("/api/designs", json={"design": draft})).status_code == 201
        member = await at.user("cat")
        run = await begun(member, days=1)
        listed = (await member.get("/api/designs")).json()
        assert ([one["code"] for one in listed["items"]], listed["total"]) == (["leave"], 1)
        assert (await member.get("/api/designs?published=false")).json()["items"] == []
        assert (await member.get("/api/designs/draft")).status_code == 404
        found = (await member.get("/api/designs/leave")).json()
        assert (found["code"], found["name"], found["design"]) == ("leave", "leave", None)
        assert found["input"] == {"type": "object", "properties": {"days": {"type": "integer"}}}
        drawn = (await member.get("/api/designs/leave/versions/1/drawing")).json()
        nodes = {one["id"]: one for one in drawn["picture"]["nodes"]}
        assert {name for name, one in nodes.items() if one.get("redacted")} == {
            "call",
            "ask",
            "tell",
        }
        assert nodes["boss"]["config"]["approverIds"] == ["ben"]
        assert nodes["start"]["config"]["input"] == found["input"]
        assert len(drawn["picture"]["edges"]) == len(SECRETIVE["edges"])
        for path in (
            "designs",
            "designs/leave",
            "designs/leave/versions",
            "designs/leave/versions/1",
            "designs/leave/versions/1/drawing",
            f"runs/{run}",
            f"runs/{run}/drawing",
            f"runs/{run}/events",
        ):
            answer = await member.get(f"/api/{path}")
            assert answer.status_code == 200, path
            assert SECRET not in answer.text, path
        for path in ("designs/leave", "designs/leave/versions/1/drawing"):
            assert SECRET in (await ann.get(f"/api/{path}")).text


async def test_a_key_is_only_good_for_who_has_given_it(database: str) -> None:
    async with house() as at:
        await published(at, LEAVE)
        cat, dan = await at.user("cat"), await at.user("dan")
        body = {"workflow": "leave", "data": {"days": 1}, "key": "order-7"}
        first = (await cat.post("/api/runs", json=body)).json()["run_id"]
        assert (await cat.post("/api/runs", json=body)).json()["run_id"] == first
        other = (await dan.post("/api/runs", json={**body, "data": {"days": 9}})).json()["run_id"]
        host = await at.proflow.start(tenant_id=1, workflow="leave", key="order-7")
        assert len({first, other, host}) == 3
        ben = await at.user("ben")
        for run in (first, other, host):
            await waiting_for(ben, run)
