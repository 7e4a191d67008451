"""What is recorded of runs, against what a simulation of the same run tells."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest
from fixtures.cases import Case, cases
from parity.driving import children_of_grown, driven
from parity.environments import random_outside
from parity.growing import grow
from parity.playing import compiled
from proflow_compiler.pipeline import compile_design
from proflow_compiler.reader import read
from proflow_runtime import status
from proflow_runtime.service.recording import Recorder
from proflow_runtime.service.states import execution_status, history
from proflow_runtime.simulation import interpreted_functions, read_outside, simulate
from proflow_runtime.simulation.report import report
from proflow_runtime.status import Snapshot
from proflow_runtime.store import runs
from proflow_runtime.store.models import Run, StoredDefinition
from proflow_schemas.definition import Definition

pytestmark = pytest.mark.anyio
OF_TENANTS = [case for case in cases() if case.fixture != "database-backup"]


@asynccontextmanager
async def recorded(*definitions: Definition) -> AsyncIterator[list[str]]:
    """What a deployment does around runs; the ids of those that begin."""
    bodies = [
        StoredDefinition(digest=one.digest, body=json.loads(one.to_json())) for one in definitions
    ]
    await StoredDefinition.bulk_create(bodies, ignore_conflicts=True)
    recorder, begun = Recorder(lambda run_id: None), list[str]()

    async def begin(seen: Snapshot) -> None:
        if seen.tenant_id is not None and seen.run_id not in begun:
            begun.append(seen.run_id)
            new = runs.NewRun(
                seen.run_id, seen.tenant_id, seen.workflow_id, 1, seen.digest, {}, "proflow-run"
            )
            await runs.create(new)
            await runs.begin(seen.tenant_id, seen.run_id, seen.run_id)

    async def end(seen: Snapshot) -> None:
        if seen.status == "completed" and seen.tenant_id is not None:
            await recorder.finish(seen.tenant_id, seen.run_id, dict(seen.result or {}))

    with status.recording(begin), status.recording(recorder), status.recording(end):
        yield begun


async def simulated(case: Case) -> dict[str, Any]:
    definition = compiled(case.location)
    children = [compiled(path) for path in case.children]
    world = case.world
    outside = read_outside(
        definition,
        data=json.dumps(world["data"]) if world.get("data") is not None else None,
        at=world.get("at") or "2026-01-05T00:00:00+00:00",
        answers=world.get("answers", ()),
        sends=world.get("sends", ()),
        outputs=world.get("outputs", ()),
        failures=world.get("fails", ()),
    )
    functions = interpreted_functions(definition, *children)
    async with recorded(definition, *children):
        played = await simulate(definition, outside, children=children, functions=functions)
    return report(played)


@pytest.mark.parametrize("case", OF_TENANTS, ids=str)
async def test_what_is_recorded_is_what_is_simulated(
    sqlite_database: str, caplog: pytest.LogCaptureFixture, case: Case
) -> None:
    told = await simulated(case)
    run = await Run.get_or_none(id=told["run_id"])
    if run is None:  # without a tenant, it never began
        assert told["status"] == "failed"
        return
    if told["status"] in ("failed", "cancelled"):  # as the closer does
        await runs.finish(run.tenant_id, run.id, told["status"], error=told["error"])
    found = await execution_status(run.tenant_id, run.id)
    assert found is not None
    for key in ("status", "result", "output", "error"):
        assert found[key] == told[key], key
    shown = {
        node: {key: state[key] for key in told["nodes"][node]}
        for node, state in found["nodes"].items()
    }
    assert shown == told["nodes"]
    assert [one for one in caplog.records if one.name == "proflow.status"] == []


@pytest.mark.parametrize("seed", range(40))
async def test_random_runs_are_recorded_state_for_state(sqlite_database: str, seed: int) -> None:
    random = Random(seed)
    drawing = grow(random.randint(3, 24), random)
    outside = random_outside(drawing, random)
    (design,) = read(json.dumps(drawing.json()).encode(), "design.json").designs
    definition, _ = compile_design(design)
    if definition is None:
        return
    async with recorded(definition, *children_of_grown()) as begun:
        story = await driven(definition, "interpreter", outside)
    found = await execution_status(1, begun[0])
    assert found is not None
    if story.status in ("failed", "cancelled"):
        await runs.finish(1, begun[0], story.status, error=None)
        found = await execution_status(1, begun[0])
    assert found is not None
    assert found["status"] == story.status
    for name, (state, outcome, _, attempts) in story.nodes.items():
        node = found["nodes"][name]
        assert (node["status"], node["outcome"], node["attempts"]) == (state, outcome, attempts)


async def test_the_history_of_a_run_is_told_in_order(database: str) -> None:
    case = next(one for one in OF_TENANTS if one.fixture == "guide-sample")
    told = await simulated(case)
    changes = await history(1, told["run_id"])
    assert changes is not None
    assert [one["revision"] for one in changes] == sorted(one["revision"] for one in changes)
    assert changes[-1]["node"] is None
    assert await history(2, told["run_id"]) is None
    later = await history(1, told["run_id"], after=changes[1]["id"])
    assert later == changes[2:]
