"""Runs that a deployment cannot continue are held, seen, and continued by one that can."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import inngest
import pytest
from proflow_runtime.context.clock import RealClock
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.handlers.task import Handler, Task
from proflow_runtime.local import LocalEngine
from proflow_runtime.protocol.app_names import AppNames
from proflow_runtime.service import ProFlow, ProFlowSettings
from proflow_runtime.service.app import standalone
from proflow_runtime.store.models import Run, StoredDefinition
from service.house import House, until
from stored.office import Engined, drawn, line, publish

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("database")]


async def work(task: Task) -> Any:
    return {"done": task.node_id}


BOTH: Mapping[str, Handler] = {"work": work, "late": work}
ROW = line(
    "row",
    ("first", "task", {"handler": "work"}),
    ("second", "task", {"handler": "late"}),
    ("third", "task", {"handler": "work"}),
)


class Site:
    """A local engine that goes on while the service is deployed again with other handlers."""

    def __init__(self, client: inngest.Inngest, engine: LocalEngine) -> None:
        self.client, self.engine = client, engine

    @asynccontextmanager
    async def deployed(self, handlers: Mapping[str, Handler]) -> AsyncIterator[House]:
        proflow = ProFlow(
            self.client,
            Registry(handlers),
            settings=ProFlowSettings(tick=0.1),
            target=Engined(self.engine),
        )
        async with proflow.running():
            yield House(proflow, standalone(proflow, functions=False), self.engine)


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    client = inngest.Inngest(app_id="house", is_production=False)
    async with LocalEngine(client, [], clock=RealClock()) as engine:
        driving = asyncio.create_task(engine.serve())
        try:
            yield Site(client, engine)
        finally:
            engine.stop()
            await driving


async def blocked(at: House, run: str, count: int = 1) -> Any:
    async def found() -> Any:
        status = await at.proflow.status(1, run)
        assert status["status"] not in ("failed", "completed"), status
        return status if len(status["blocked"]) == count else None

    return await until(found, within=40.0)


async def ended(at: House, run: str) -> Any:
    async def over() -> Any:
        status = await at.proflow.status(1, run)
        return status if status["status"] in ("failed", "completed") else None

    return await until(over, within=40.0)


async def test_a_missing_handler_holds_its_node_and_a_deploy_continues_the_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await publish(1, ROW)
    async with site() as where:
        async with where.deployed({"work": work}) as at:
            with caplog.at_level(logging.WARNING, "proflow.stored"):
                run = await at.proflow.start(tenant_id=1, workflow="row")
                status = await blocked(at, run)
            (reason,) = status["blocked"]
            assert (reason["node"], reason["reason"], reason["subject"]) == (
                "second",
                "handler",
                "late",
            )
            assert reason["message"] == "there is no handler `late` in this deployment"
            assert status["nodes"]["first"]["status"] == "completed"

            async def waits() -> Any:
                return (await at.proflow.status(1, run))["nodes"]["second"]["status"] == "waiting"

            await until(waits)
            await asyncio.sleep(0.5)  # several ticks change nothing
            assert len(await Run.all()) == 1
            (record,) = [one for one in caplog.records if one.name == "proflow.stored"]
            about = (record.__dict__[key] for key in ("run_id", "tenant_id", "node_id"))
            assert tuple(about) == (run, 1, "second")
        async with where.deployed(BOTH) as at:
            status = await ended(at, run)
            assert (status["status"], status["blocked"]) == ("completed", [])
            assert status["nodes"]["third"]["status"] == "completed"


async def test_runs_that_do_not_call_it_and_runs_that_have_passed_it_go_on() -> None:
    await publish(
        1,
        drawn(
            "fork",
            {
                "start": ("start", {}),
                "which": ("condition", {}),
                "second": ("task", {"handler": "late"}),
                "boss": ("approval", {"approverIds": ["ben"]}),
                "end": ("end", {}),
            },
            [("start", "which"), ("second", "boss"), ("boss", "end")],
        )
        | {
            "edges": [
                {"source": "start", "target": "which"},
                {"source": "which", "target": "second", "data": {"when": "event.data.late"}},
                {"source": "which", "target": "end", "data": {"default": True}},
                {"source": "second", "target": "boss"},
                {"source": "boss", "target": "end"},
            ]
        },
    )
    async with site() as where:
        async with where.deployed(BOTH) as at:
            passed = await at.proflow.start(tenant_id=1, workflow="fork", data={"late": True})

            async def asked() -> Any:
                return (await at.proflow.approvals.inbox(1, "ben")).items

            (approval,) = await until(asked)
        async with where.deployed({"work": work}) as at:
            other = await at.proflow.start(tenant_id=1, workflow="fork", data={"late": False})
            assert (await ended(at, other))["status"] == "completed"
            await at.proflow.approvals.act(1, "ben", approval.id, "approve")
            assert (await ended(at, passed))["status"] == "completed"


async def test_blocked_branches_do_not_hold_up_others() -> None:
    await publish(
        1,
        drawn(
            "wide",
            {
                "start": ("start", {}),
                "fork": ("parallel", {}),
                "a": ("task", {"handler": "late"}),
                "b": ("notify", {"channel": "sms", "to": "1", "content": "x"}),
                "c": ("task", {"handler": "work"}),
                "join": ("join", {}),
                "end": ("end", {}),
            },
            [
                ("start", "fork"),
                *(("fork", name) for name in "abc"),
                *((name, "join") for name in "abc"),
                ("join", "end"),
            ],
        ),
    )
    async with site() as where:
        async with where.deployed({"work": work}) as at:
            run = await at.proflow.start(tenant_id=1, workflow="wide")
            status = await blocked(at, run, 2)
            assert {one["reason"]: one["subject"] for one in status["blocked"]} == {
                "handler": "late",
                "channel": "sms",
            }

            async def done() -> Any:
                return (await at.proflow.status(1, run))["nodes"]["c"]["status"] == "completed"

            await until(done)
            at.proflow.register_channel("sms", work)
            status = await blocked(at, run, 1)
            assert status["blocked"][0]["subject"] == "late"
        async with where.deployed(BOTH) as at:
            at.proflow.register_channel("sms", work)
            assert (await ended(at, run))["status"] == "completed"


async def test_an_administrator_lets_a_run_try_again() -> None:
    await publish(1, ROW)
    async with site() as where, where.deployed({"work": work}) as at:
        run = await at.proflow.start(tenant_id=1, workflow="row")
        since = (await blocked(at, run))["blocked"][0]["since"]
        member, root = await at.user("ben"), await at.admin("root", 1)
        assert (await member.post(f"/api/runs/{run}/unblock")).status_code == 403
        assert (await root.get(f"/api/runs/{run}")).json()["blocked"][0]["node"] == "second"
        for _ in range(2):
            assert (await root.post(f"/api/runs/{run}/unblock")).status_code == 202
            await asyncio.sleep(0.3)
            assert (await blocked(at, run))["blocked"][0]["since"] == since
        stranger = await at.admin("eve", 2)
        assert (await stranger.post(f"/api/runs/{run}/unblock")).status_code == 404
    async with site() as where, where.deployed(BOTH) as at:
        finished = await at.proflow.start(tenant_id=1, workflow="row")
        assert (await ended(at, finished))["status"] == "completed"
        root = await at.admin("root", 1)
        answer = await root.post(f"/api/runs/{finished}/unblock")
        assert (answer.status_code, answer.json()["code"]) == (409, "not-blocked")


async def test_a_definition_of_a_newer_program_blocks_the_run_until_it_can_be_read() -> None:
    version = await publish(1, ROW)
    stored = await StoredDefinition.get(digest=version.digest)
    body = dict(stored.body)
    async with site() as where:
        async with where.deployed(BOTH) as at:
            run = await at.proflow.start(tenant_id=1, workflow="row")
            assert (await ended(at, run))["status"] == "completed"
            event = (await Run.get(id=run)).event
        stored.body = {**body, "format": "proflow/definition@99"}
        await stored.save()
        async with where.deployed(BOTH) as at:
            await at.engine.send(
                {
                    "name": AppNames("house").run,
                    "data": {
                        "tenant_id": 1,
                        "_proflow": {
                            "run": "second-run",
                            "workflow": "row",
                            "version": version.number,
                            "digest": version.digest,
                            "event": event,
                        },
                    },
                }
            )

            async def begun() -> Any:
                return await Run.exists(id="second-run")

            await until(begun)
            (reason,) = (await blocked(at, "second-run"))["blocked"]
            assert (reason["node"], reason["reason"]) == (None, "format")
            assert "proflow/definition@99" in reason["message"]
        stored.body = body
        await stored.save()
        async with where.deployed(BOTH) as at:
            assert (await ended(at, "second-run"))["status"] == "completed"


async def test_a_definition_that_cannot_be_read_fails_the_run_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    version = await publish(1, ROW)
    stored = await StoredDefinition.get(digest=version.digest)
    async with site() as where, where.deployed(BOTH) as at:
        run = await at.proflow.start(tenant_id=1, workflow="row")
        assert (await ended(at, run))["status"] == "completed"
        event = (await Run.get(id=run)).event
    stored.body = {**stored.body, "steps": [{"op": "nonsense"}]}
    await stored.save()
    async with site() as where, where.deployed(BOTH) as at:
        data = {
            "run": "broken",
            "workflow": "row",
            "version": version.number,
            "digest": version.digest,
            "event": event,
        }
        with caplog.at_level(logging.WARNING, "proflow.stored"):
            await at.engine.send(
                {"name": AppNames("house").run, "data": {"tenant_id": 1, "_proflow": data}}
            )

            async def begun() -> Any:
                return await Run.exists(id="broken")

            await until(begun)
            status = await ended(at, "broken")
    assert status["status"] == "failed"
    assert f"the definition `{version.digest}` cannot be read" in status["error"]["message"]
    assert any(
        one.__dict__.get("run_id") == "broken" and one.levelname == "WARNING"
        for one in caplog.records
        if one.name == "proflow.stored"
    )


async def test_what_was_blocked_and_then_done_is_not_done_again_as_the_run_goes_on() -> None:
    done: list[str] = []
    broken = True

    async def counted(task: Task) -> Any:
        done.append(task.node_id)
        return {"done": task.node_id}

    async def last(task: Task) -> Any:
        if broken:
            raise inngest.NonRetriableError("not yet")
        return await counted(task)

    nodes = [(name, "task", {"handler": name}) for name in ("first", "late", "last")]
    await publish(1, line("row", *nodes))
    handlers = {"first": counted, "last": last}
    async with site() as where:
        async with where.deployed(handlers) as at:
            run = await at.proflow.start(tenant_id=1, workflow="row")
            await blocked(at, run)
        async with where.deployed({**handlers, "late": counted}) as at:
            assert (await ended(at, run))["status"] == "failed"
            assert done == ["first", "late"]
            broken = False
            assert await at.proflow.retry(1, run, by="ann") == run
            status = await ended(at, run)
    assert status["status"] == "completed", status
    assert done == ["first", "late", "last"]
    assert {node["status"] for node in status["nodes"].values()} == {"completed"}


async def test_what_was_still_blocked_is_tried_again_by_the_next_attempt() -> None:
    await publish(1, ROW)
    async with site() as where:
        async with where.deployed({"work": work}) as at:
            run = await at.proflow.start(tenant_id=1, workflow="row")
            await blocked(at, run)
            await at.proflow.cancel(1, run)

            async def cancelled() -> Any:
                return (await at.proflow.status(1, run))["status"] == "cancelled"

            await until(cancelled, within=40.0)
        async with where.deployed(BOTH) as at:
            assert await at.proflow.retry(1, run, by="ann") == run
            assert (await ended(at, run))["status"] == "completed"
