"""The functions of all tenants' designs: how many, when they change, and who finds out."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx
import inngest
import pytest
from proflow_runtime.dispatch.deployment import Deployment, cron_function_id, event_function_id
from proflow_runtime.dispatch.start_request import CLOSE, RUN
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.service import ProFlow, ProFlowSettings
from proflow_runtime.service.app import standalone
from proflow_runtime.store import designs
from proflow_runtime.store.models import Run, Trigger
from proflow_runtime.store.triggers import Key
from stored.office import line, office, publish

from benchmarks.lookups import CRONS, EVENTS, populate

pytestmark = pytest.mark.anyio


async def test_of_many_tenants_designs_there_are_as_many_functions_as_keys(database: str) -> None:
    await populate(range(1, 501))
    assert await Trigger.all().count() == 500 * 20
    async with office() as at:
        assert at.deployment.function_ids == {
            RUN,
            CLOSE,
            *map(event_function_id, EVENTS),
            *map(cron_function_id, CRONS),
        }
        assert at.deployment.deployed == 1
        await publish(7, line("one-more", trigger={"event": EVENTS[0]}))
        assert not await at.deployment.published([Key("event", EVENTS[0])])
        assert not await at.deployment.refresh()
        await at.send(EVENTS[0], {"tenant_id": 7})
        assert {run.tenant_id for run in await Run.all()} == {7}
        assert await Run.filter(workflow="one-more").count() == 1
        assert await Run.all().count() == 6 + 1
        assert at.deployment.deployed == 1
        await publish(7, line("new", trigger={"event": "office/founded"}))
        assert await at.deployment.published([Key("event", "office/founded")])
        assert len(at.deployment.function_ids) == 10
        assert at.deployment.deployed == 2


async def test_a_tick_starts_the_design_of_every_tenant(sqlite_database: str) -> None:
    await populate(range(1, 101))
    async with office() as at:
        await at.engine.fire_cron(cron_function_id(CRONS[0]))
        await at.engine.run_until_idle()
    found = await Run.all().values_list("tenant_id", "workflow", "status")
    assert sorted(found) == [(tenant, "design-16", "completed") for tenant in range(1, 101)]


async def test_a_key_that_nobody_has_any_more_keeps_its_function(database: str) -> None:
    await publish(1, line("one", trigger={"event": "one"}))
    async with office() as at:
        await designs.unpublish(1, "one")
        await at.deployment.refresh(force=True)
        assert event_function_id("one") in at.deployment.function_ids
    async with office() as at:  # as after a restart
        assert at.deployment.function_ids == {RUN, CLOSE}


async def test_names_that_look_alike_have_functions_of_their_own() -> None:
    names = [
        "order/made",
        "order-made",
        "Order/Made",
        "订单/已创建",
        "订单/已取消",
        "a" * 300,
        "\ud800",
    ]
    ids = [event_function_id(name) for name in names]
    assert len(set(ids)) == len(names)
    assert all(len(id) < 60 and id.isascii() for id in ids)
    assert cron_function_id("0 9 * * *") != cron_function_id("TZ=Asia/Shanghai 0 9 * * *")


# --- another process


class Process:
    """One of several that serve the functions."""

    def __init__(self) -> None:
        client = inngest.Inngest(app_id="office", is_production=False)
        proflow = ProFlow(client, Registry({}))
        self.deployment = proflow.deployment
        transport = httpx.ASGITransport(standalone(proflow, functions=True))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://office")

    async def asked(self, function_id: str, event: dict[str, Any]) -> httpx.Response:
        """As Inngest calls a function at the beginning of a run."""
        return await self.http.post(
            "/api/inngest",
            params={"fnId": f"office-{function_id}", "stepId": "step"},
            content=json.dumps(
                {
                    "ctx": {
                        "attempt": 0,
                        "disable_immediate_execution": False,
                        "max_attempts": 21,
                        "run_id": "01",
                        "stack": {"stack": [], "current": 0},
                        "use_api": False,
                    },
                    "event": event,
                    "events": [event],
                    "steps": {},
                    "use_api": False,
                    "version": 1,
                }
            ),
            headers={"content-type": "application/json"},
        )


async def test_a_process_serves_what_another_one_has_published(database: str) -> None:
    first, second = Process(), Process()
    for process in (first, second):
        await process.deployment.refresh()
    await publish(1, line("one", trigger={"event": "one"}))
    await first.deployment.published([Key("event", "one")])
    assert second.deployment.function_ids == {RUN, CLOSE}
    event = {"name": "one", "id": "e", "ts": 1, "data": {"tenant_id": 1}}
    answer = await second.asked(event_function_id("one"), event)
    assert answer.status_code == 206, answer.text
    (step,) = answer.json()
    assert (step["displayName"], step["data"][0]["workflow"]) == ("match", "one")
    assert second.deployment.function_ids == first.deployment.function_ids


async def test_a_function_that_nobody_knows_is_refused(database: str) -> None:
    process = Process()
    await process.deployment.refresh()
    answer = await process.asked(
        "on-nothing-12345678", {"name": "x", "id": "x", "ts": 1, "data": {}}
    )
    assert answer.status_code >= 400
    assert process.deployment.deployed == 1


async def test_runs_go_on_when_functions_are_deployed_anew(database: str) -> None:
    await publish(1, line("wait", ("go", "wait", {"event": "go"}), trigger={"event": "begin"}))
    async with office() as at:
        await at.engine.send({"name": "begin", "data": {"tenant_id": 1}})
        await at.engine.run_until_idle(ignore_timeouts=lambda wait: True)
        await publish(2, line("other", trigger={"event": "other"}))
        assert await at.deployment.published([Key("event", "other")])
        await at.send("go", {"tenant_id": 1})
        await at.send("other", {"tenant_id": 2})
    assert {run.workflow: run.status for run in await Run.all()} == {
        "wait": "completed",
        "other": "completed",
    }


class Failing:
    """Cannot be reached at first."""

    def __init__(self) -> None:
        self.functions: Sequence[inngest.Function[Any]] = ()
        self.tried = 0

    async def deploy(self, functions: Sequence[inngest.Function[Any]]) -> None:
        self.tried += 1
        if self.tried == 1:
            raise ConnectionError("nobody there")
        self.functions = functions


async def test_a_deployment_that_failed_is_made_up_for(database: str) -> None:
    target = Failing()
    client = inngest.Inngest(app_id="office", is_production=False)
    deployment = Deployment(client, Registry({}), target)
    with pytest.raises(ConnectionError):
        await deployment.refresh()
    assert await deployment.refresh()
    assert [one.local_id for one in target.functions] == [RUN, CLOSE]


async def test_inngest_is_told_later_when_it_is_not_there(
    database: str, free_tcp_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    there = f"http://127.0.0.1:{free_tcp_port}"
    client = inngest.Inngest(app_id="office", is_production=False, api_base_url=there)
    settings = ProFlowSettings(serve_origin="http://office")
    proflow = ProFlow(client, Registry({}), settings=settings)
    await publish(1, line("one", trigger={"event": "one"}))
    await proflow.deployment.refresh()
    assert "the functions were not registered with Inngest" in caplog.text
    told: list[dict[str, Any]] = []

    async def inngest_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length: ")[1].split("\r\n")[0])
        told.append(json.loads(await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(inngest_server, "127.0.0.1", free_tcp_port):
        for _ in range(2):
            await proflow.served.catch_up()
    (registration,) = told
    assert registration["url"].startswith("http://office/api/inngest")
    assert sorted(one["id"] for one in registration["functions"]) == sorted(
        f"office-{one}" for one in proflow.deployment.function_ids
    )
