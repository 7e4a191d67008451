"""Who may do what over HTTP, and what is refused: clearly, in one form, and with nothing changed."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from proflow_runtime.context import clock
from proflow_runtime.store import tokens
from proflow_runtime.store.models import Run
from service.house import House, house, until
from stored.office import line

pytestmark = pytest.mark.anyio
IMPORTS = Path(__file__).parents[2] / "fixtures" / "imports"
LEAVE = line("leave", ("nap", "delay", {"duration": "1h"}))


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    told = answer.json()
    assert told["status"] == answer.status_code
    assert told["detail"]
    assert told["title"]
    return told["status"], told["code"]


async def with_leave(at: House) -> httpx.AsyncClient:
    """A designer, who has published `leave`."""
    designer = await at.user("ann", 1, "designs:write")
    assert (await designer.post("/api/designs", json={"design": LEAVE})).status_code == 201
    assert (await designer.post("/api/designs/leave/publish")).status_code == 200
    return designer


async def test_without_a_valid_token_nothing_is_reachable(database: str) -> None:
    async with house() as at:
        old = await tokens.create(
            1, "ann", name="old", expires_at=clock.now() - timedelta(seconds=1)
        )
        gone = await tokens.create(1, "ann", name="gone")
        await tokens.revoke(1, gone.token.id)
        wrong = "pf_" + "x" * 43
        for token in (None, "", "pf_", wrong, old.plain, gone.plain, "\u00e4", old.plain * 2):
            client = at.client()
            given = [] if token is None else [(b"authorization", f"Bearer {token}".encode())]
            for path, methods in at.app.openapi()["paths"].items():
                if not path.startswith("/api"):
                    continue
                for method in methods:
                    plain = path.replace("{", "").replace("}", "")
                    answer = await client.request(method, plain, headers=given)
                    assert answer.status_code in (401, 422), (method, path)
                    if method == "get" and "_id" not in path and "number" not in path:
                        assert problem(answer) == (401, "unauthenticated")
                        assert answer.headers["www-authenticate"] == "Bearer"


async def test_members_run_designers_draw_and_administrators_do_all(database: str) -> None:
    async with house() as at:
        await with_leave(at)
        member, admin = await at.user("ben"), await at.admin("root", 1)
        draft = {"design": LEAVE}
        for method, path, body in (
            ("post", "/api/designs", draft),
            ("put", "/api/designs/leave", draft),
            ("delete", "/api/designs/leave", None),
            ("post", "/api/designs/leave/publish", None),
            ("post", "/api/designs/leave/unpublish", None),
        ):
            answer = await member.request(method, path, json=body)
            assert problem(answer) == (403, "forbidden"), path
        started = await member.post("/api/runs", json={"workflow": "leave"})
        run = started.json()["run_id"]
        other, reader = await at.user("cat"), await at.user("dan", 1, "runs:read")
        for act in ("cancel", "retry"):
            assert problem(await other.post(f"/api/runs/{run}/{act}")) == (404, "not-found")
            assert problem(await reader.post(f"/api/runs/{run}/{act}")) == (403, "forbidden")
        assert (await admin.post(f"/api/runs/{run}/cancel")).status_code == 202

        async def cancelled() -> bool:
            return bool((await member.get(f"/api/runs/{run}")).json()["status"] == "cancelled")

        await until(cancelled)
        assert problem(await member.post(f"/api/runs/{run}/cancel")) == (409, "already-over")
        start = {"from": "beginning"}
        again = await member.post(f"/api/runs/{run}/retry", json=start)
        assert again.status_code == 201
        assert again.json()["run_id"] != run
        assert (await member.post(f"/api/runs/{run}/retry", json=start)).json() == again.json()
        goes_on = await member.post(f"/api/runs/{run}/retry")
        assert (goes_on.status_code, goes_on.json()) == (201, {"run_id": run})
        assert problem(await member.post(f"/api/runs/{run}/retry")) == (409, "not-failed")


async def test_bodies_have_an_end(database: str) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(800):
            read += 65536
            yield b"x" * 65536

    async with house() as at:
        ann = await at.user("ann", 1, "designs:write")
        headers = {"content-type": "application/json"}
        whole = await ann.post("/api/designs/check", content=b"x" * 50_000_000, headers=headers)
        assert problem(whole) == (413, "body-too-large")
        streamed = await ann.post("/api/designs/check", content=endless(), headers=headers)
        assert problem(streamed) == (413, "body-too-large")


async def test_what_is_no_request_is_told(database: str) -> None:
    async with house() as at:
        ann = await at.user("ann", 1, "designs:write")
        headers = {"content-type": "application/json"}
        for body in (b"{", b"\xff\xfe", b"[" * 100_000, b'{"design": NaN}', b"[]", b'"x"'):
            answer = await ann.post("/api/designs/check", content=body, headers=headers)
            assert problem(answer)[0] in (400, 422), body[:20]
        answer = await ann.post("/api/designs/check", json={"design": {}, "more": 1})
        assert problem(answer) == (422, "invalid-request")
        assert answer.json()["errors"][0]["pointer"] == "/body/more"
        assert problem(await ann.get("/api/nothing"))[0] == 404
        assert problem(await ann.patch("/api/designs/leave"))[0] == 404
        for name in ("x" * 101, "%00", "'; DROP TABLE x; --", "审批"):
            assert problem(await ann.get(f"/api/designs/{name}"))[0] in (404, 422)
            assert problem(await ann.get(f"/api/runs/{name}"))[0] in (404, 422)
        for cursor in ("x", "e30", "W10", "WyJ4IiwgMV0"):
            answer = await ann.get("/api/runs", params={"cursor": cursor})
            assert problem(answer) == (422, "invalid-cursor")


async def test_groups_in_groups_in_groups_are_refused(database: str) -> None:
    nodes: list[Any] = [{"id": "start", "type": "start"}]
    parent = None
    for number in range(3000):
        inner = {"id": f"g{number}", "type": "loop", "data": {"maxIterations": 1000}}
        nodes.append({**inner, "parentId": parent} if parent else inner)
        parent = f"g{number}"
    async with house() as at:
        ann = await at.user("ann", 1, "designs:write")
        answer = await ann.post("/api/designs/check", json={"design": {"nodes": nodes}})
        assert (answer.status_code, answer.json()["ok"]) == (200, False)
        many = [{"id": f"n{number}", "type": "task"} for number in range(10_001)]
        answer = await ann.post("/api/designs/check", json={"design": {"nodes": many}})
        assert problem(answer) == (413, "design-too-large")


async def test_a_graph_below_other_keys_is_bounded_too(database: str) -> None:
    nodes = [
        {"id": f"n{number}", "type": "set", "data": {"values": {}}} for number in range(10_001)
    ]
    async with house() as at:
        ann = await at.user("ann", 1, "designs:write")
        for design in ({"graph": {"nodes": nodes}}, {"nodes": json.dumps(nodes), "edges": "[]"}):
            for asked in ("check", "drawing"):
                answer = await ann.post(f"/api/designs/{asked}", json={"design": design})
                assert problem(answer) == (413, "design-too-large")


@pytest.mark.parametrize("case", sorted(one.name for one in IMPORTS.iterdir()))
async def test_files_of_other_canvases_are_told_what_check_tells(case: str, database: str) -> None:
    text = (IMPORTS / case / "design.json").read_text(encoding="utf-8")
    expected = (IMPORTS / case / "expected.txt").read_text(encoding="utf-8")
    async with house() as at:
        ann = await at.user("ann", 1, "designs:write")
        body = {"design": json.loads(text)}
        answer = await ann.post("/api/designs/check", json=body)
        assert answer.status_code == 200
        found = answer.json()
        for one in found["diagnostics"]:
            told = f"{one['level']}[{one['code']}]: {one['message']}\n"
            assert told in expected or one["code"] in ("PF305", "PF310", "PF312", "PF321")
        asked = [one for one in found["diagnostics"] if one["code"] in ("PF305", "PF321")]
        handled = not any(one["level"] == "error" for one in asked)
        assert found["ok"] == (handled and "error[" not in expected)


async def test_what_a_rejection_may_do_is_offered_in_order(database: str) -> None:
    nodes: list[Any] = [
        {"id": "start", "type": "start"},
        *({"id": id, "type": "approval", "data": {"approverIds": ["1"]}} for id in "ab"),
        {"id": "both", "type": "join", "data": {"mode": "all"}},
        {"id": "done", "type": "end"},
        {"id": "refused", "type": "end", "data": {"status": "rejected"}},
    ]
    ends = [("start", "a"), ("start", "b"), ("a", "both"), ("b", "both"), ("both", "done")]
    edges: list[Any] = [{"source": one, "target": other} for one, other in ends]
    edges += ({"source": id, "target": "refused", "sourceHandle": "rejected"} for id in "ab")
    async with house() as at:
        ann = await at.user("ann", 1, "designs:write")
        design = {"id": "twofold", "nodes": nodes, "edges": edges}
        answer = await ann.post("/api/designs/check", json={"design": design})
        (told,) = (one for one in answer.json()["diagnostics"] if one["code"] == "PF210")
        stop, go_on = told["fixes"]
        assert stop == {
            "title": "let a rejection stop the run: set `terminate` at `refused`",
            "safe": False,
            "edits": [{"op": "add", "pointer": "/nodes/5/data/terminate", "value": True}],
        }
        assert go_on["edits"] == [
            {"op": "replace", "pointer": "/nodes/3/data/mode", "value": "active"}
        ]


async def test_a_design_with_errors_is_saved_but_not_published(database: str) -> None:
    async with house() as at:
        ann = await at.user("ann", 1, "designs:write")
        broken = {**line("broken"), "concurrency": {"limit": 3}}
        assert (await ann.post("/api/designs", json={"design": broken})).status_code == 201
        answer = await ann.post("/api/designs/broken/publish")
        assert problem(answer) == (422, "design-has-errors")
        (told,) = answer.json()["diagnostics"]
        assert told["code"] == "PF312"
        edit = {"op": "remove", "pointer": "/concurrency"}
        title = "run without `concurrency`: remove it"
        assert told["fixes"] == [{"title": title, "safe": False, "edits": [edit]}]
        checked = await ann.post("/api/designs/check", json={"design": broken})
        assert checked.json()["diagnostics"] == [told]
        unknown = line("unknown", ("a", "task", {"handler": "nobody"}))
        assert (await ann.post("/api/designs", json={"design": unknown})).status_code == 201
        answer = await ann.post("/api/designs/unknown/publish")
        assert [one["code"] for one in answer.json()["diagnostics"]] == ["PF305"]


async def test_two_who_edit_at_once_notice_each_other(database: str) -> None:
    async with house() as at:
        ann = await with_leave(at)
        first = (await ann.get("/api/designs/leave")).json()
        body = {"design": LEAVE, "revision": first["revision"]}
        assert (await ann.put("/api/designs/leave", json=body)).status_code == 200
        answer = await ann.put("/api/designs/leave", json=body)
        assert problem(answer) == (409, "edited-meanwhile")
        assert answer.json()["revision"] == first["revision"] + 1
        answer = await ann.post("/api/designs", json={"design": LEAVE})
        assert problem(answer) == (409, "design-exists")


async def test_a_key_starts_one_run(database: str) -> None:
    async with house() as at:
        ann = await with_leave(at)
        body = {"workflow": "leave", "key": "order-7"}
        answers = await asyncio.gather(*(ann.post("/api/runs", json=body) for _ in range(50)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["run_id"] for answer in answers}) == 1
        assert await Run.all().count() == 1


async def test_data_that_a_workflow_does_not_take_is_refused(database: str) -> None:
    design = line("order")
    schema = {"type": "object", "properties": {"amount": {"type": "number"}}}
    design["nodes"][0]["data"]["config"] = {"input": {**schema, "required": ["amount"]}}
    async with house() as at:
        ann = await at.user("ann", 1, "designs:write")
        await ann.post("/api/designs", json={"design": design})
        assert (await ann.post("/api/designs/order/publish")).status_code == 200
        answer = await ann.post("/api/runs", json={"workflow": "order", "data": {"amount": "x"}})
        assert problem(answer) == (422, "invalid-input")
        assert answer.json()["errors"][0]["pointer"] == "/data/amount"
        assert await Run.all().count() == 0


@pytest.mark.parametrize("given", [[1], {"a": 1}, {}])
async def test_a_run_that_no_event_could_cancel_is_refused(database: str, given: Any) -> None:
    cancel = {"event": "order/withdrawn", "match": "data.order.id"}
    async with house() as at:
        ann = await at.user("ann", 1, "designs:write")
        await ann.post("/api/designs", json={"design": {**line("order"), "cancelOn": cancel}})
        assert (await ann.post("/api/designs/order/publish")).status_code == 200
        body = {"workflow": "order", "data": {"order": {"id": given}}}
        answer = await ann.post("/api/runs", json=body)
        assert problem(answer) == (422, "invalid-input")
        (told,) = answer.json()["errors"]
        assert told["pointer"] == "/data/order/id"
        assert "is no id, and no event could cancel this run" in told["message"]
        assert await Run.all().count() == 0


async def test_runs_are_listed_page_by_page(database: str) -> None:
    async with house() as at:
        ann = await with_leave(at)
        ids = [
            (await ann.post("/api/runs", json={"workflow": "leave"})).json()["run_id"]
            for _ in range(5)
        ]
        seen: list[str] = []
        cursor = None
        while True:
            given = {"limit": 2, **({"cursor": cursor} if cursor else {})}
            page = (await ann.get("/api/runs", params=given)).json()
            seen += [one["run_id"] for one in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert seen == ids[::-1]
        later = (clock.now() + timedelta(hours=1)).isoformat()
        assert (await ann.get("/api/runs", params={"since": later})).json()["items"] == []


async def test_what_is_sent_out_is_what_is_described(database: str) -> None:
    async with house() as at:
        anybody = at.client()
        described = (await anybody.get("/api/openapi.json")).json()
        assert len([path for path in described["paths"] if path.startswith("/api")]) > 20
        assert (await anybody.get("/health")).json()["status"] == "ok"
        metrics = (await anybody.get("/metrics")).text
        assert "proflow_outbox_unsent 0.0" in metrics
        page = await anybody.get("/")
        assert page.status_code in (200, 404)


async def test_one_tenant_does_not_fill_up_inngest(database: str) -> None:
    async with house({}, max_keys=2) as at:
        ann, eve = (
            await at.user("ann", 1, "designs:write"),
            await at.user("eve", 2, "designs:write"),
        )

        async def publish(client: Any, code: str, event: str) -> Any:
            design = line(code, ("nap", "delay", {"duration": "1h"}), trigger={"event": event})
            body = {"design": design}
            if (await client.put(f"/api/designs/{code}", json=body)).status_code == 404:
                assert (await client.post("/api/designs", json=body)).status_code == 201
            return await client.post(f"/api/designs/{code}/publish")

        for code, event in (("a", "x/one"), ("b", "x/two"), ("c", "x/two"), ("a", "x/one")):
            assert (await publish(ann, code, event)).status_code == 200
        refused = await publish(ann, "d", "x/three")
        assert refused.status_code == 422
        assert refused.json()["code"] == "too-many-triggers"
        # What a design gives up makes room; another tenant has room of its own.
        assert (await publish(ann, "a", "x/three")).status_code == 200
        assert (await publish(eve, "d", "x/one")).status_code == 200
