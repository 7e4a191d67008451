"""Items, rounds and regions, nested at random: every step executes once, when it may, as itself."""

import inngest
import pytest
from proflow_runtime.local import LocalEngine, RealClock

from .conftest import Register
from .driving import executions, start, started
from .programs import Work, expected, made, named

pytestmark = pytest.mark.anyio

KINDS = {
    "regions": "work nap ask region region arms end",
    "items": "work nap ask each each arms",
    "loops": "work nap ask repeat rounds arms",
    "failures": "work nap ask trial fatal arms caught rounds",
    "everything": "work nap ask caught trial fatal end stop arms region repeat each rounds",
}


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("kinds", KINDS)
async def test_random_programs_run_as_they_mean(
    client: inngest.Inngest, register: Register, kinds: str, seed: int
) -> None:
    program = made(seed, KINDS[kinds])
    course = expected(program.main, 0)
    async with LocalEngine(client, [register(program.body)], max_requests=5000) as engine:
        engine.subscribe(program.answering(engine))
        run = await start(engine)
        assert run.started_at is not None
        assert run.ended_at is not None
        status = "Failed" if course.status == "failed" else "Completed"
        assert run.status == status, run.error
        assert (run.ended_at - run.started_at).total_seconds() == course.over
        begun = {
            step: (times[0] - run.started_at).total_seconds()
            for step, times in program.attempts.items()
        }
        waited = {
            step: at
            for step, at in started(run).items()
            if step not in begun and not step.endswith("/error")
        }
        assert waited | begun == named(course.starts)
        failures = {op.name: op.failures for op in program.ops() if isinstance(op, Work)}
        for step, times in program.attempts.items():
            assert len(times) <= failures[step.split("[")[0].split("#")[0]] + 1, step
        assert {step: executions(run)[step] for step in waited} == dict.fromkeys(waited, 1)


@pytest.mark.parametrize("seed", range(12))
async def test_steps_execute_once_when_requests_overlap(
    client: inngest.Inngest, register: Register, seed: int
) -> None:
    program = made(seed, "work caught trial trial arms region repeat each rounds")
    program.hurried = True
    for op in program.ops():
        if isinstance(op, Work):
            op.failures = 0
    async with LocalEngine(client, [register(program.body)], clock=RealClock()) as engine:
        await engine.send({"name": "x/start", "data": {"tenant_id": 1}})
        await engine.run_until_idle()
        (run,) = engine.runs.values()
        assert run.status == "Completed", run.error
        assert {step: len(times) for step, times in program.attempts.items()} == dict.fromkeys(
            program.attempts, 1
        )
