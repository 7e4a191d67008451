"""What hostile or careless designs and clients do to the service."""

import asyncio
import re
import threading
from typing import Any

import pytest
from proflow_runtime.approvals import ApprovalService
from proflow_runtime.service import Problem, compiling, health
from proflow_runtime.service.heartbeat import Heartbeat
from proflow_runtime.store.models.runs import Run
from service.house import house, until
from stored.office import line

pytestmark = pytest.mark.anyio


def circle(*names: str) -> list[dict[str, Any]]:
    """Designs of which each sends the event that starts the next one."""
    return [
        {
            **line(name, ("tell", "emit", {"event": f"{names[(index + 1) % len(names)]}/go"})),
            "trigger": {"event": f"{name}/go"},
        }
        for index, name in enumerate(names)
    ]


@pytest.mark.parametrize("names", [("bomb",), ("ping", "pong")])
async def test_a_chain_of_events_ends_and_says_who_makes_it(
    database: str, names: tuple[str, ...]
) -> None:
    async with house() as found:
        ann = await found.admin("ann", 1)
        for design in circle(*names):
            made = await ann.post("/api/designs", json={"code": design["id"], "design": design})
            assert made.status_code == 201, made.text
            assert (await ann.post(f"/api/designs/{design['id']}/publish")).status_code == 200
        await ann.post("/api/runs", json={"workflow": names[0], "data": {}})

        async def failed() -> Run | None:
            return await Run.filter(status="failed").first()

        last: Run = await until(failed, within=30)
        assert await Run.all().count() == 9
        assert await Run.filter(status="completed").count() == 8
        message = last.error["message"]
        assert "8 runs have started one another by events" in message
        for name in names:
            assert f"`{name}`" in message


async def test_a_design_cannot_decide_for_people(database: str) -> None:
    forged = {"approval_id": "r:ask", "approved": True, "decided_by": "amy"}
    for event in ("approval/response", "Approval/Response", "proflow/run", "inngest/x"):
        design = line("forge", ("e", "emit", {"event": event, "data": forged}))
        async with house() as found:
            ann = await found.admin("ann", 1)
            await ann.post("/api/designs", json={"code": "forge", "design": design})
            refused = await ann.post("/api/designs/forge/publish")
            assert refused.status_code == 422
            assert "PF407" in refused.text


@pytest.mark.parametrize("reference", ["http://127.0.0.1:9/schema.json", "file:///etc/passwd"])
async def test_a_schema_that_reads_elsewhere_is_refused(database: str, reference: str) -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": reference}}}
    design = {**line("ref"), "input": schema}
    async with house() as found:
        ann = await found.admin("ann", 1)
        await ann.post("/api/designs", json={"code": "ref", "design": design})
        refused = await ann.post("/api/designs/ref/publish")
        assert (refused.status_code, "PF317" in refused.text) == (422, True)


async def test_a_pattern_that_others_backtrack_on_is_answered_at_once(database: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    async with house() as found:
        ann = await found.admin("ann", 1)
        design = {**line("redos"), "input": schema}
        await ann.post("/api/designs", json={"code": "redos", "design": design})
        assert (await ann.post("/api/designs/redos/publish")).status_code == 200
        data = {"a": "a" * 500 + "!"}
        refused = await ann.post("/api/runs", json={"workflow": "redos", "data": data})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid-input")
        data = {"a": "a" * 500}
        assert (
            await ann.post("/api/runs", json={"workflow": "redos", "data": data})
        ).status_code == 201


async def test_answers_are_neither_sniffed_nor_kept(database: str) -> None:
    async with house() as found:
        ann = await found.admin("ann", 1)
        for path in ("/api/runs", "/api/nothing", "/health", "/metrics", "/api/runs/unknown"):
            answer = await ann.get(path)
            assert answer.headers["x-content-type-options"] == "nosniff", path
            assert answer.headers["cache-control"] == "no-store", path


async def test_health_tells_what_is_wrong(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house() as found:
        http = found.client()
        for path in ("/health", "/health/ready"):
            answer = (await http.get(path)).json()
            assert answer["status"] == "ok"
            assert set(answer["checks"]) >= {"database", "migrations", "outbox"}
        assert (await http.get("/health/live")).json()["status"] == "ok"

        async def gone() -> health.Check:
            raise OSError("gone")

        monkeypatch.setattr(health, "_database", gone)
        for path in ("/health", "/health/ready"):
            answer = await http.get(path)
            assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
            assert "gone" in answer.json()["checks"]["database"]["detail"]
            assert answer.headers["retry-after"] == "5"
        assert (await http.get("/health/live")).status_code == 200


async def test_an_engine_that_cannot_store_anything_is_not_ready(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house() as found:
        target: Any = found.proflow.target
        monkeypatch.setattr(type(target), "stalled", lambda self: 60.0, raising=False)
        answer = await found.client().get("/health/ready")
        assert (answer.status_code, answer.json()["checks"]["engine"]["status"]) == (
            503,
            "unavailable",
        )


async def test_requests_are_refused_politely_while_the_database_is_away(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house() as found:
        ann = await found.admin("ann", 1)

        async def gone(*_: Any, **__: Any) -> Any:
            raise ConnectionRefusedError("gone")

        monkeypatch.setattr(ApprovalService, "act", gone)
        monkeypatch.setattr(type(found.proflow), "start", gone)
        answer = await ann.post("/api/runs", json={"workflow": "x", "data": {}})
        assert (answer.status_code, answer.json()["code"]) == (503, "database-unavailable")
        assert answer.headers["retry-after"] == "5"


async def test_standstills_of_the_event_loop_are_reported(database: str) -> None:
    async with house() as found:
        found.proflow.heartbeat.beaten(3.5)
        text = (await found.client().get("/metrics")).text
        lag = re.search(r"^proflow_event_loop_lag_seconds (\S+)$", text, re.MULTILINE)
        assert lag is not None
        assert float(lag[1]) >= 3.5


def test_a_long_standstill_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    beat = Heartbeat()
    beat.beaten(0.4)
    assert not caplog.records
    beat.beaten(2.0)
    assert "stood still for 2.0 s" in caplog.text
    assert beat.longest() == 2.0


async def test_designs_that_take_too_long_do_not_keep_others_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    going_on = threading.Event()
    compiler = compiling.DesignCompiler(None, max_nodes=10)
    monkeypatch.setattr(compiler, "_compiled", lambda *_: going_on.wait(30))
    compiler._waits, compiler._works = 0.2, 0.5
    try:
        codes = await asyncio.gather(
            *(compiler.compile({}) for _ in range(compiling.MOST_AT_ONCE + 1)),
            return_exceptions=True,
        )
        found = sorted((one.status, one.code) for one in codes if isinstance(one, Problem))
        assert found == [
            *[(422, "design-too-costly")] * compiling.MOST_AT_ONCE,
            (503, "compiler-busy"),
        ]
        with pytest.raises(Problem, match="too many"):  # those that go on keep their slots
            await compiler.compile({})
    finally:
        going_on.set()
    await asyncio.sleep(0.2)
    assert await compiler.compile({}) is True
