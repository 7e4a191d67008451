"""In-app notifications: who gets them, what they say, and how they are read."""

import asyncio
import json
from typing import Any

import httpx
import pytest
import websockets
from proflow_runtime.handlers.task import Task
from proflow_runtime.store import notifications, people, tokens
from proflow_runtime.store.notifications import Message
from runtime.serving import served
from service.house import SOON, House, house, until
from stored.office import line

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("database")]


async def started(at: House, canvas: dict[str, Any], data: dict[str, Any] | None = None) -> str:
    """Publish a design, and start a run of it as Ann."""
    async with await at.user("ann", 1, "designs:write") as ann:
        saved = await ann.post("/api/designs", json={"design": canvas})
        assert saved.status_code == 201, saved.text
        published = await ann.post(f"/api/designs/{canvas['id']}/publish")
        assert published.status_code == 200, published.text
        asked = {"workflow": canvas["id"], "data": data or {}}
        answer = await ann.post("/api/runs", json=asked)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["run_id"])


async def ended(at: House, run: str) -> Any:
    async def over() -> Any:
        found = await at.proflow.status(1, run)
        return found if found["status"] in ("completed", "failed") else None

    return await until(over)


async def listed(client: httpx.AsyncClient, **query: Any) -> Any:
    answer = await client.get("/api/notifications", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def office() -> None:
    await people.add_department(1, "sales", "Sales", head="bea")
    await people.add(1, "ann", "Ann", department="sales")
    await people.add(1, "bea", "Bea", department="sales")
    await people.add(1, "chen.fang", "Chen Fang", roles=["finance"])
    await people.add(1, "dan", "Dan", roles=["finance"])


async def test_copies_without_a_channel_reach_roles_people_and_the_initiator() -> None:
    await office()
    to = ["role:finance", "chen.fang", "initiator", "manager"]
    node = ("copy", "cc", {"to": to, "content": "已通过 ${event.data.title}"})
    async with house() as at:
        run = await started(at, line("k1", node), {"title": "chairs"})
        found = await ended(at, run)
        assert found["status"] == "completed"
        for name in ("ann", "bea", "chen.fang", "dan"):
            async with await at.user(name) as client:
                (one,) = (kept := await listed(client))["items"]
                assert kept["unread"] == 1
                assert (one["title"], one["body"]) == ("copy", "已通过 chairs")
                assert (one["link"], one["run_id"], one["node"]) == (f"/runs/{run}", run, "copy")
                assert one["read"] is False
        async with await at.user("eve") as eve:
            assert await listed(eve) == {"items": [], "next": None, "unread": 0}


async def test_reading_one_and_reading_all_is_each_users_own() -> None:
    for number in range(5):
        message = Message(f"title {number}", "text")
        await notifications.add(1, ["ann", "bea"], message, key=str(number))
    await notifications.add(2, ["ann"], Message("other tenant", ""), key="0")
    async with house() as at, await at.user("ann") as ann, await at.user("bea") as bea:
        first = await listed(ann, limit=2)
        assert [one["title"] for one in first["items"]] == ["title 4", "title 3"]
        second = await listed(ann, limit=2, cursor=first["next"])
        assert [one["title"] for one in second["items"]] == ["title 2", "title 1"]
        number = first["items"][0]["id"]
        assert (await bea.post(f"/api/notifications/{number}/read")).status_code == 404
        for _ in range(2):
            answer = await ann.post(f"/api/notifications/{number}/read")
            assert (answer.status_code, answer.json()) == (200, {"marked": 1, "unread": 4})
        assert len((await listed(ann, unread=True))["items"]) == 4
        assert (await ann.post("/api/notifications/read")).json() == {"marked": 4, "unread": 0}
        assert all(one["read"] for one in (await listed(ann))["items"])
        assert (await listed(bea))["unread"] == 5
        assert (await ann.get("/api/notifications", params={"cursor": "x"})).status_code == 422
        async with at.client() as nobody:
            assert (await nobody.get("/api/notifications")).status_code == 401


async def test_a_repeated_attempt_notifies_nobody_twice() -> None:
    async with house() as at:
        task = Task({"to": ["ann", "ann"], "subject": "Hi"}, 1, "none", "tell", 1, "none:tell")
        for _ in range(2):
            output = await at.proflow.notifications.send(task)
            assert output == {"users": ["ann"], "unknown": []}
        assert await notifications.unread(1, "ann") == 1


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("https://example.com/x", "https://example.com/x"),
        ("/orders/7", "/orders/7"),
        ("javascript:alert(1)", None),
        ("//evil.example", None),
        ("/\\evil.example", None),
        ("http://[", None),
        (7, None),
    ],
)
async def test_only_addresses_that_a_page_may_show_become_links(link: Any, shown: Any) -> None:
    content = {"title": "T\x00", "text": "B", "link": link}
    async with house() as at:
        task = Task({"to": "ann", "content": content}, 1, "none", "tell", 1, "none:tell")
        await at.proflow.notifications.send(task)
    (row,) = (await notifications.listed(1, "ann")).items
    assert (row.title, row.body, row.link) == ("T\ufffd", "B", shown)


async def test_a_registered_channel_replaces_the_built_in_one_and_other_services_keep_theirs() -> (
    None
):
    sent: list[Any] = []

    async def own(task: Task) -> None:
        sent.append(task.input["to"])

    node = ("tell", "notify", {"to": "ann", "content": "hello"})
    async with house() as at:
        at.proflow.register_channel("inApp", own)
        assert (await ended(at, await started(at, line("t", node))))["status"] == "completed"
    assert sent == ["ann"]
    assert await notifications.unread(1, "ann") == 0


async def test_a_recipient_who_stands_for_nobody_is_logged_and_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await office()
    node = ("tell", "notify", {"to": ["role:nobody", "dan"], "content": "hello"})
    async with house() as at:
        run = await started(at, line("t", node))
        assert (await ended(at, run))["status"] == "completed"
    (record,) = [one for one in caplog.records if one.name == "proflow.notifications"]
    assert record.getMessage() == "nobody is notified for role:nobody"
    assert (record.__dict__["run_id"], record.__dict__["node_id"]) == (run, "tell")


async def test_notifications_arrive_over_the_websocket() -> None:
    async with house() as at, served(at.app) as port:
        plain = (await tokens.create(1, "ann", name="ann")).plain
        address = f"ws://127.0.0.1:{port}/api/notifications/live"
        protocols: Any = ["proflow", f"proflow.token.{plain}"]
        async with websockets.connect(address, subprotocols=protocols) as socket:

            async def heard() -> Any:
                async with asyncio.timeout(SOON):
                    return json.loads(await socket.recv())

            assert await heard() == {"type": "notifications", "unread": 0, "items": []}
            task = Task({"to": "ann", "subject": "Hi"}, 1, "none", "tell", 1, "none:tell")
            await at.proflow.notifications.send(task)
            found = await heard()
            assert (found["unread"], found["items"][0]["title"]) == (1, "Hi")
            headers = {"authorization": f"Bearer {plain}"}
            async with httpx.AsyncClient(headers=headers) as client:
                base = f"http://127.0.0.1:{port}/api/notifications"
                await client.post(f"{base}/read")
            assert (await heard())["unread"] == 0
        with pytest.raises(websockets.ConnectionClosedError):
            async with websockets.connect(address) as socket:
                await socket.recv()
