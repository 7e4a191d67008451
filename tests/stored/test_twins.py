"""Runs of the fixtures, stored: as those of functions of their own, seen from outside and kept."""

import json
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import anyio.to_thread
import inngest
import pytest
from fixtures.cases import Case, cases
from parity.playing import compiled, play
from proflow_compiler.pipeline import compile_reading
from proflow_compiler.reader import read_file
from proflow_runtime import Registry, status
from proflow_runtime.dispatch.deployment import Deployment, cron_function_id
from proflow_runtime.dispatch.running import PIN
from proflow_runtime.dispatch.start_request import RUN, StartRequest
from proflow_runtime.flow.parts import function_id
from proflow_runtime.local import LocalEngine, RunRecord
from proflow_runtime.programs.functions import scheduled_event
from proflow_runtime.service.recording import Recorder
from proflow_runtime.service.states import execution_status
from proflow_runtime.simulation import Serving, read_outside, simulate
from proflow_runtime.simulation.report import report
from proflow_runtime.store import triggers
from proflow_runtime.store.models import InngestTask
from proflow_runtime.tenants import TenantZones
from proflow_schemas.definition import CronTrigger, Definition, InvokeOp, blocks, walk
from stored.office import store

pytestmark = pytest.mark.anyio
OWN = "proflow"
"""How ids of functions begin in simulations, and names of our own events."""
ENGINES_ID = re.compile(r'"[0-9A-Z]{26}"')
"""Of an event that has none of its own, in JSON."""


class Stored(Serving):
    """All workflows, and their parts, are the interpreter's."""

    def function_id(self, run: RunRecord) -> str:
        if run.function_id != f"{OWN}-{RUN}":
            return run.function_id
        request = StartRequest.of(inngest.Event(**run.event))
        if request.part is None:
            return f"{OWN}-{request.workflow}"
        return f"{OWN}-{function_id(request.workflow, request.part)}"

    def run_id(self, run: RunRecord) -> str:
        if run.function_id != f"{OWN}-{RUN}":
            return run.id
        return StartRequest.of(inngest.Event(**run.event)).run_id

    def run(self, engine: LocalEngine, run_id: str) -> RunRecord:
        (found,) = (
            run
            for run in engine.runs.values()
            if self.run_id(run) == run_id and "part" not in run.event["data"].get("_proflow", {})
        )
        return found

    def cron_id(self, definition: Definition) -> str:
        trigger = definition.triggers[0]
        assert isinstance(trigger, CronTrigger)
        return cron_function_id(trigger.with_zone())


class Nowhere:
    """Deploys nothing: the simulation does."""

    async def deploy(self, functions: Sequence[inngest.Function[Any]]) -> None:
        raise AssertionError("nothing was published")


def is_storable(case: Case) -> bool:
    """Whether it may be stored, and all is there that it calls: Inngest words it otherwise if a
    function is missing."""
    called = {
        op.workflow
        for block in blocks(compiled(case.location))
        for op in walk(block)
        if isinstance(op, InvokeOp)
    }
    if called - {compiled(child).id for child in case.children}:
        return False
    return not compile_reading(read_file(case.location), stored=True).has_errors()


STORABLE = [case for case in cases() if is_storable(case)]


async def played(case: Case) -> tuple[dict[str, Any], dict[str, Any]]:
    """The report of a stored run, and what the database says of it."""
    world = dict(case.world)
    data = world.pop("data", None)
    given = {key: world.get(key, ()) for key in ("answers", "sends", "outputs")}
    definition, children = compiled(case.location), [compiled(path) for path in case.children]
    outside = read_outside(
        definition,
        data=None if data is None else json.dumps(data),
        at=world.get("at") or "2026-01-05T00:00:00+00:00",
        failures=world.get("fails", ()),
        **given,
    )
    tenant = outside.data.get("tenant_id", 1)
    for one in (definition, *children):
        await store(tenant, one)
    keys = await triggers.keys(TenantZones().of_all)
    recorder = Recorder(lambda run_id: None)

    def functions(client: inngest.Inngest, registry: Registry) -> list[inngest.Function[Any]]:
        deployment = Deployment(client, registry, Nowhere(), finish=recorder.finish)
        return deployment.functions(keys)

    with status.recording(recorder):
        simulated = await simulate(
            definition, outside, children=children, functions=functions, serving=Stored()
        )
    kept = await execution_status(tenant, simulated.run_id)
    assert kept is not None
    return report(simulated), kept


def comparable(told: dict[str, Any]) -> dict[str, Any]:
    """A report without what must differ: ids of runs and events, and our own step and events."""
    text = json.dumps(told).replace(told["run_id"], "RUN")
    found: dict[str, Any] = json.loads(ENGINES_ID.sub('"EVENT"', text))
    found["steps"] = [step for step in found["steps"] if step["id"] != PIN]
    for step in found["steps"]:
        if isinstance(step["output"], dict):
            step["output"].pop("stack", None)  # it names our own files
    found["events"] = [
        {key: event[key] for key in ("name", "data", "at")}
        for event in found["events"]
        if not event["name"].startswith(f"{OWN}/")
        and event["name"] != scheduled_event(found["workflow"])
    ]
    return found


@cache
def twin(case_name: str) -> dict[str, Any]:
    case = next(one for one in STORABLE if str(one) == case_name)
    children = [compiled(path) for path in case.children]
    return play(compiled(case.location), "interpreter", **case.world, children=children)


def test_most_fixtures_can_be_stored() -> None:
    assert len(STORABLE) > 100


@pytest.mark.parametrize("case", STORABLE, ids=str)
async def test_a_stored_run_is_as_its_twin(case: Case, sqlite_database: str) -> None:
    await compare(case)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("case", {case.fixture: case for case in STORABLE}.values(), ids=str)
async def test_one_of_each_fixture_is_so_on_postgresql(case: Case, database: str) -> None:
    await compare(case)


async def compare(case: Case) -> None:
    told, kept = await played(case)
    expected = comparable(await anyio.to_thread.run_sync(twin, str(case)))
    assert comparable(told) == expected
    for key in ("status", "result", "output"):
        assert kept[key] == told[key], key
    seen = {
        name: {key: node[key] for key in told["nodes"][name]}
        for name, node in kept["nodes"].items()
    }
    assert seen == told["nodes"]
    task = await InngestTask.filter(runs__id=told["run_id"]).get()
    assert task.status == ("running" if told["status"] == "waiting" else told["status"])
