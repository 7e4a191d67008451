"""A host's own things in a service: its functions, its lifespan, its channels; and two services."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import httpx
import inngest
import pytest
from fastapi import FastAPI
from proflow_runtime import Task, handler
from proflow_runtime.handlers.lifespan import LifespanError
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.local import LocalEngine
from proflow_runtime.service import ProFlow, facade
from proflow_runtime.status import Snapshot
from proflow_runtime.store import get_task_status
from proflow_runtime.store.database import connect
from proflow_runtime.store.models import Run
from proflow_runtime.store.tasks import AskInngest, ReportedRun
from stored.office import Engined, line, publish

pytestmark = pytest.mark.anyio
WORKS = line("works", ("work", "task", {"handler": "work"}))
TELLS = line("tells", ("tell", "notify", {"channel": "sms", "to": "139", "content": "n"}))
CONNECTED: ContextVar[str] = ContextVar("connected", default="nobody")


@handler
async def work(task: Task) -> str:
    return CONNECTED.get()


def lifespan_of(name: str) -> Callable[[], Any]:
    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        CONNECTED.set(name)
        yield

    return lifespan


async def moved(proflow: ProFlow, engine: LocalEngine) -> None:
    """What is in the outbox is sent, and what it does is done."""
    await proflow.delivery.deliver()
    await engine.run_until_idle(ignore_timeouts=lambda wait: True)


@asynccontextmanager
async def served(name: str, **given: Any) -> AsyncIterator[tuple[ProFlow, LocalEngine]]:
    client = inngest.Inngest(app_id=name, is_production=False)
    async with LocalEngine(client, []) as engine:
        proflow = ProFlow(
            client,
            Registry({"work": work}),
            target=Engined(engine),
            lifespan=lifespan_of(name),
            **given,
        )
        async with proflow.running():
            yield proflow, engine


async def within(folder: Path, name: str, scene: Callable[[], Awaitable[None]]) -> None:
    """A scene in a task and a database of its own."""
    async with connect(f"sqlite://{folder}/{name}.db"):
        await scene()


async def test_two_services_in_one_process_share_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = asyncio.Barrier(2)
    seen: dict[str, list[str]] = {"one": [], "two": []}

    def run_lookup(client: inngest.Inngest) -> AskInngest:
        async def ask(run_id: str) -> ReportedRun:
            return ReportedRun(run_id, 1, "failed", f"asked {client.app_id}")

        return ask

    monkeypatch.setattr(facade, "run_lookup", run_lookup)

    async def scene(name: str) -> None:
        async with served(name) as (proflow, engine):

            def record(snapshot: Snapshot) -> None:
                seen[name].append(snapshot.run_id)

            async def send(task: Task) -> str:
                return f"by {name}"

            proflow.recorders.add(record)
            if name == "one":
                proflow.register_channel("sms", send)
            await publish(1, WORKS)
            await proflow.deployment.refresh()
            await meeting.wait()
            run_id = await proflow.start(tenant_id=1, workflow="works")
            await moved(proflow, engine)
            assert set(seen[name]) == {run_id}
            assert (await Run.get(id=run_id)).status == "completed"
            (ran,) = [
                step
                for run in engine.runs.values()
                for step in run.steps
                if step.id == "work" and step.status == "completed"
            ]
            assert ran.output == name  # the handler's function is the same, the lifespan is not
            await meeting.wait()
            assert ("sms" in proflow.registry.channels) == (name == "one")
            if name == "one":
                await publish(1, TELLS)
                told = await proflow.start(tenant_id=1, workflow="tells")
                await moved(proflow, engine)
                assert (await Run.get(id=told)).status == "completed"
            else:
                await publish(1, TELLS)
                told = await proflow.start(tenant_id=1, workflow="tells")
                await moved(proflow, engine)
                assert (await Run.get(id=told)).status != "completed"
            for asked in (get_task_status, proflow.task_status):
                found = await asked("elsewhere", 1)
                assert found is not None
                assert found["error_message"] == f"asked {name}"
            await meeting.wait()
        await meeting.wait()
        assert await get_task_status("elsewhere", 1) is None

    async with asyncio.TaskGroup() as group:
        for name in ("one", "two"):
            group.create_task(within(tmp_path, name, lambda name=name: scene(name)))  # type: ignore[misc]
    assert not set(seen["one"]) & set(seen["two"])


async def test_the_hosts_own_functions_are_served_beside_ours(sqlite_database: str) -> None:
    client = inngest.Inngest(app_id="host", is_production=False)
    seen: list[str] = []

    async def failed(ctx: inngest.Context) -> None:
        seen.append(f"failed in {CONNECTED.get()}")

    @client.create_function(
        fn_id="welcome", trigger=inngest.TriggerEvent(event="user/joined"), on_failure=failed
    )
    async def welcome(ctx: inngest.Context) -> str:
        seen.append(CONNECTED.get())
        return "hello"

    proflow = ProFlow(
        client, Registry({"work": work}), functions=[welcome], lifespan=lifespan_of("host")
    )
    app = FastAPI()
    proflow.mount(app)
    async with proflow.running():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://host") as http:
            shown = (await http.get(proflow.settings.serve_path)).json()
            assert shown["function_count"] == 3
            call = {
                "ctx": {"attempt": 0, "run_id": "R", "stack": {"stack": []}, "disable_immediate_execution": False, "use_api": False, "fn_id": "x"},
                "event": {"name": "user/joined", "data": {}, "id": "E", "ts": 1},
                "events": [{"name": "user/joined", "data": {}, "id": "E", "ts": 1}],
                "steps": {},
                "use_api": False,
            }  # fmt: skip
            where = f"{proflow.settings.serve_path}?fnId=host-welcome&stepId=step"
            answer = await http.post(where, json=call)
            assert (answer.status_code, answer.json()) == (200, "hello")
    assert seen == ["host"]
    assert CONNECTED.get() == "nobody"
    assert not await proflow.deployment.refresh()


@pytest.mark.parametrize(
    ("ids", "complaint"),
    [(["a", "a"], "two of `functions` have the id `a`"), (["proflow-run"], "one of ours")],
)
async def test_functions_whose_ids_are_taken_are_refused(ids: list[str], complaint: str) -> None:
    client = inngest.Inngest(app_id="host", is_production=False)

    async def body(ctx: inngest.Context) -> None: ...

    trigger = inngest.TriggerEvent(event="x")
    functions = [client.create_function(fn_id=one, trigger=trigger)(body) for one in ids]
    with pytest.raises(ValueError, match=complaint):
        ProFlow(client, Registry(), functions=functions)


async def test_a_service_whose_lifespan_fails_does_not_start(sqlite_database: str) -> None:
    client = inngest.Inngest(app_id="host", is_production=False)

    async def lifespan() -> AsyncIterator[None]:
        raise OSError("no database")
        yield

    with pytest.raises(LifespanError, match="cannot be opened: OSError: no database"):
        async with ProFlow(client, Registry(), lifespan=lifespan).running():
            raise AssertionError("it runs")
