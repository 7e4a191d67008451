"""The example of a host, as its README tells it, on a local engine and a database of its own."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import inngest
import pytest
from proflow_runtime.context.clock import RealClock
from proflow_runtime.local import LocalEngine
from service.house import until
from stored.office import Engined
from tortoise.backends.base.executor import EXECUTOR_CACHE

EXAMPLE = Path(__file__).parents[2] / "examples" / "fastapi_host"
pytestmark = pytest.mark.anyio


@asynccontextmanager
async def running(url: str) -> AsyncIterator[httpx.AsyncClient]:
    from erp.main import create_app

    client = inngest.Inngest(app_id="erp", is_production=False)
    async with LocalEngine(client, [], clock=RealClock()) as engine:
        app = create_app(client, url=url, target=Engined(engine))
        driving = asyncio.create_task(engine.serve())
        try:
            async with app.router.lifespan_context(app):
                transport = httpx.ASGITransport(app)
                async with httpx.AsyncClient(transport=transport, base_url="http://erp") as http:
                    yield http
        finally:
            engine.stop()
            await driving


def signed_in(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def test_an_order_is_approved_by_the_manager_and_by_all_directors(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh(monkeypatch)
    async with running(empty_url) as http:
        await employ()
        design = json.loads((EXAMPLE / "designs" / "purchase-approval.json").read_text())
        path = "/workflows/designs"
        saved = await http.post(path, json={"design": design}, headers=signed_in("key-it"))
        assert saved.status_code == 201, saved.text
        path = "/workflows/designs/purchase-approval/publish"
        published = await http.post(path, headers=signed_in("key-it"))
        assert published.status_code == 200, published.text
        forged = {"workflow": "purchase-approval", "data": {"order_id": 1, "amount": 1}}
        for key in ("key-ann", "key-it"):
            refused = await http.post("/workflows/runs", json=forged, headers=signed_in(key))
            assert (refused.status_code, refused.json()["code"]) == (403, "started-by-host")
        order = await http.post("/orders", json={"amount": 26000}, headers=signed_in("key-ann"))
        assert order.status_code == 201, order.text
        for user in ("boss", "dora", "dirk"):
            await approve(http, user)

        async def done() -> Any:
            seen = await http.get(f"/orders/{order.json()['order']}", headers=signed_in("key-ann"))
            return seen.json() if seen.json()["workflow"] == "completed" else None

        assert (await until(done))["status"] == "paid"
        (voucher,) = await vouchers()
        assert (voucher.tenant_id, voucher.order, voucher.subject) == (1, 1, "1002")
        assert voucher.amount == 26000
        stranger = await http.get("/orders/1", headers=signed_in("key-eve"))
        assert stranger.status_code == 404
        assert (await http.get("/orders/1")).status_code == 401


async def test_its_own_node_type_is_offered_with_a_form_and_checked(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh(monkeypatch)
    async with running(empty_url) as http:
        await employ()
        headers = signed_in("key-it")
        types = (await http.get("/workflows/node-types", headers=headers)).json()
        (voucher,) = (one for one in types if one["type"] == "voucher")
        assert voucher["title"] == {"en": "Voucher", "zh": "生成凭证"}
        assert (voucher["icon"], voucher["kind"]) == ("file-text", "step")
        assert voucher["labels"]["amount"]["zh"] == "金额"
        form = voucher["config"]
        assert {"order", "amount", "subject", "retry", "retries"} == form["properties"].keys()
        assert form["required"] == ["order", "amount"]
        assert ["1001", "1002", "1012"] in [
            one.get("enum") for one in form["properties"]["subject"]["anyOf"]
        ]
        design = json.loads((EXAMPLE / "designs" / "purchase-approval.json").read_text())
        (node,) = (one for one in design["nodes"] if one["id"] == "voucher")
        node["data"]["config"] = {"order": "${event.data.order_id}", "amount": -1}
        body = {"design": design}
        drawn = (await http.post("/workflows/designs/drawing", json=body, headers=headers)).json()
        (problem,) = (one for one in drawn["diagnostics"] if one["level"] == "error")
        assert (problem["code"], problem["node"]) == ("PF324", "voucher")
        assert problem["pointer"].endswith("/data/config/amount")


def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Import the example anew: its models belong to one connection."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    EXECUTOR_CACHE.clear()  # by the connection's name, which is `default` in each database
    for name in [one for one in sys.modules if one.partition(".")[0] == "erp"]:
        monkeypatch.delitem(sys.modules, name)


async def vouchers() -> list[Any]:
    from erp.models import Voucher

    return await Voucher.all()


async def employ() -> None:
    from erp.models import Employee

    people = (
        *((1, "ann", "boss", None), (1, "boss", None, None), (1, "it", None, "it")),
        *((1, "dora", None, "director"), (1, "dirk", None, "director"), (2, "eve", None, "it")),
    )
    for tenant, login, manager, role in people:
        await Employee.create(
            tenant_id=tenant, login=login, api_key=f"key-{login}", manager=manager, role=role
        )


async def approve(http: httpx.AsyncClient, user: str) -> None:
    async def waiting() -> Any:
        found = await http.get("/workflows/approvals", headers=signed_in(f"key-{user}"))
        return found.json()["items"]

    (approval,) = await until(waiting)
    acted = await http.post(
        f"/workflows/approvals/{approval['id']}/acts",
        json={"act": "approve"},
        headers=signed_in(f"key-{user}"),
    )
    assert acted.status_code == 200, acted.text
