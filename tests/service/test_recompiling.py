"""Definitions of an older format: compiled again from their drawings, or refused by name."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from proflow_runtime import Task
from proflow_runtime.dispatch.outdated import RefusedDesignError
from proflow_runtime.dispatch.programs import Programs
from proflow_runtime.dispatch.start_request import StartRequest
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.service.compiling import DesignCompiler
from proflow_runtime.service.problems import Problem
from proflow_runtime.service.recompiling import DesignRecompiler
from proflow_runtime.store import designs, formats, runs
from proflow_runtime.store.models import Approval, DesignVersion, Run, StoredDefinition, Trigger
from proflow_schemas.definition import FORMAT
from service.house import House, house, until
from store.older import OLDER, Change, aged, exchanged, made_older, renamed
from stored.office import line, publish

pytestmark = pytest.mark.anyio
LEAVE = line(
    "leave",
    ("book", "task", {"handler": "book"}),
    ("boss", "approval", {"approverIds": ["ann"]}),
    ("tell", "task", {"handler": "book"}),
    trigger={"event": "leave/asked"},
)
DATA = {"tenant_id": 1}


async def book(task: Task) -> Any:
    return {"booked": True}


HANDLERS = {"book": book}


@asynccontextmanager
async def recompiling() -> AsyncIterator[DesignRecompiler]:
    async def replaced(*_: object) -> None:
        pass

    yield DesignRecompiler(
        DesignCompiler(None, max_nodes=100), replaced=replaced, failed=lambda: None, pause=0.01
    )


async def refuse(version: DesignVersion) -> None:
    """Let the drawing of a version be one that is refused now."""
    canvas = {**version.canvas, "edges": version.canvas["edges"][:-1]}
    await DesignVersion.filter(id=version.id).update(canvas=canvas)


async def over(run_id: str) -> Run:
    async def ended() -> Run | None:
        return await Run.get_or_none(id=run_id, status__in=["completed", "failed"])

    found: Run = await until(ended)
    return found


async def test_a_version_is_compiled_again_under_its_number(database: str) -> None:
    version = await publish(1, LEAVE)
    current = version.digest
    old = await made_older(version)
    async with recompiling() as again:
        assert await again.recompile(1, "leave", 1) == current
        assert await again.recompile(1, "leave", 1) == current
    assert (await designs.version(1, "leave", 1)).digest == current
    assert {one.digest for one in await Trigger.all()} == {current}
    assert await StoredDefinition.filter(digest=old).exists()
    assert await formats.formats_of([old, current]) == {old: OLDER, current: FORMAT}


async def test_processes_that_compile_at_once_agree(database: str) -> None:
    version = await publish(1, LEAVE)
    current = version.digest
    await made_older(version)
    async with recompiling() as one, recompiling() as other:
        found = await asyncio.gather(
            *(each.recompile(1, "leave", 1) for each in (one, other) for _ in range(5))
        )
    assert set(found) == {current}
    assert await Trigger.all().count() == 1


async def test_all_that_is_published_is_compiled_again(
    database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("proflow_runtime.service.recompiling.PAGE", 2)
    for tenant in range(1, 6):
        await publish(tenant, LEAVE)
    version = await publish(6, LEAVE)
    for tenant in range(1, 7):
        await made_older(await designs.version(tenant, "leave", 1))
    await refuse(version)
    with caplog.at_level(logging.ERROR, "proflow.service"):
        async with recompiling() as again, again.running():

            async def outdated() -> bool:
                page = await formats.published()
                return [one.tenant_id for one in page if one.is_outdated] == [6] and bool(
                    caplog.records
                )

            await until(outdated)
    (record,) = caplog.records
    assert "`leave` of tenant 6, version 1, cannot run since an upgrade" in record.message
    assert "PF205" in record.message


async def test_a_design_that_breaks_the_compiler_stops_no_other(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await made_older(await publish(1, LEAVE))

    async def broken(*_: object) -> None:
        raise ZeroDivisionError("oh")

    async with recompiling() as again:
        monkeypatch.setattr(again._compiling, "compile", broken)
        with pytest.raises(RefusedDesignError, match="cannot be compiled: ZeroDivisionError"):
            await again.recompile(1, "leave", 1)


async def test_new_runs_take_the_definition_compiled_again(database: str) -> None:
    version = await publish(1, LEAVE)
    current = version.digest
    await made_older(version)
    async with house(HANDLERS) as at:
        run_id = await at.proflow.start(tenant_id=1, workflow="leave")
        await until(lambda: Run.filter(id=run_id, status__not="pending").exists())
        assert (await Run.get(id=run_id)).digest == current


async def test_a_run_handed_over_before_the_upgrade_begins_after_it(database: str) -> None:
    version = await publish(1, LEAVE)
    current = version.digest
    async with house(HANDLERS) as at:
        at.proflow.delivery._send = _nothing
        run_id = await at.proflow.start(tenant_id=1, workflow="leave")
    old = await made_older(version)
    run = await Run.get(id=run_id)
    assert run.digest == old
    async with house(HANDLERS) as at:
        request = StartRequest(run_id, "leave", old, 1, run.event)
        await at.engine.send({"name": "proflow/run", "data": _data(request)})
        await until(lambda: Run.filter(id=run_id, inngest_run_id__isnull=False).exists())
        assert (await Run.get(id=run_id)).digest == current


def without_booking(body: dict[str, Any]) -> None:
    body["steps"] = [one for one in body["steps"] if one["id"] != "book"]


@asynccontextmanager
async def waiting_across_an_upgrade(
    change: Change = renamed, *, refused: bool = False
) -> AsyncIterator[tuple[House, str]]:
    """A run that waits for `ann`, and was begun by a definition of an older format."""
    version = await publish(1, LEAVE)
    digest = await exchanged(version, change)
    async with house(HANDLERS) as at:
        run_id = await at.proflow.start(tenant_id=1, workflow="leave")
        await until(lambda: Run.filter(id=run_id, status="waiting").exists())

        async def only_waits() -> bool:
            """Whether no pass is under way that would see the other program."""
            asked = await Approval.filter(run_id=run_id, status="open").exists()
            return asked and at.engine._dispatcher.idle

        await until(only_waits)
        assert (await Run.get(id=run_id)).digest == digest
        await aged(digest)
        if refused:
            await refuse(version)
        restarted = Programs(Registry(HANDLERS), recompile=at.proflow._recompiling.recompile)
        at.proflow.deployment._interpreter._programs = restarted
        await _approve(at, run_id)
        yield at, run_id


async def test_a_run_in_flight_goes_on_if_the_program_is_the_same(database: str) -> None:
    async with waiting_across_an_upgrade() as (at, run_id):
        run = await over(run_id)
        assert run.status == "completed"
        assert run.digest != (await designs.version(1, "leave", 1)).digest
        nodes = (await at.proflow.status(1, run_id))["nodes"]
        assert (nodes["book"]["attempts"], nodes["tell"]["status"]) == (1, "completed")


async def test_a_run_in_flight_of_another_program_fails_by_name(database: str) -> None:
    async with waiting_across_an_upgrade(without_booking) as (at, run_id):
        run = await over(run_id)
        assert run.status == "failed"
        assert "version 1 of `leave` in the format `proflow/definition@1`" in run.error["message"]
        assert "boss" in (await at.proflow.status(1, run_id))["nodes"]


async def test_a_run_in_flight_of_a_refused_design_fails_by_name(database: str) -> None:
    async with waiting_across_an_upgrade(refused=True) as (_, run_id):
        run = await over(run_id)
        assert run.status == "failed"
        assert "`leave` of tenant 1, version 1, cannot run since an upgrade" in run.error["message"]


async def test_a_design_that_is_refused_now_starts_no_run_and_says_why(database: str) -> None:
    version = await publish(1, LEAVE)
    await made_older(version)
    await refuse(version)
    async with house(HANDLERS) as at:
        with pytest.raises(Problem) as raised:
            await at.proflow.start(tenant_id=1, workflow="leave")
        assert (raised.value.status, raised.value.code) == (409, "design-refused")
        assert [one["code"] for one in raised.value.more["diagnostics"]] == ["PF205", "PF204"]
        await at.engine.send({"name": "leave/asked", "data": DATA})
        await until(lambda: Run.filter(status="failed").exists())
        run = await Run.get()
        assert "`leave` of tenant 1, version 1, cannot run since an upgrade" in run.error["message"]
        assert "PF205" in run.error["message"]


async def test_a_newer_format_is_left_to_a_newer_process(database: str) -> None:
    version = await publish(1, LEAVE)
    await made_older(version, "proflow/definition@3")
    async with house(HANDLERS) as at:
        with pytest.raises(Problem) as raised:
            await at.proflow.start(tenant_id=1, workflow="leave")
        assert (raised.value.status, raised.value.code) == (503, "newer-format")
    assert (await formats.published())[0].is_outdated is False


async def test_events_cancel_runs_of_a_version_that_was_compiled_again(database: str) -> None:
    canvas = {**LEAVE, "cancelOn": [{"event": "leave/withdrawn"}]}
    version = await publish(1, canvas)
    async with house(HANDLERS) as at:
        run_id = await at.proflow.start(tenant_id=1, workflow="leave")
        await until(lambda: Run.filter(id=run_id, status="waiting").exists())
        await made_older(version)
        async with recompiling() as again:
            await again.recompile(1, "leave", 1)
        await at.engine.send({"name": "leave/withdrawn", "data": DATA})
        await until(lambda: Run.filter(id=run_id, status="cancelled").exists())
    assert await runs.get(1, run_id) is not None


async def _nothing(_: object) -> None:
    await asyncio.sleep(60)


def _data(request: Any) -> dict[str, Any]:
    return {"tenant_id": 1, "_proflow": request.own()}


async def _approve(at: House, run_id: str) -> None:
    approval = await until(lambda: Approval.get_or_none(run_id=run_id, status="open"))
    ann = await at.user("ann")
    answer = await ann.post(f"/api/approvals/{approval.id}/acts", json={"act": "approve"})
    assert answer.status_code == 200, answer.text
