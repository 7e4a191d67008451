"""The fixtures on a real Inngest server, and on the local engine in real time: they end as `proflow
run` says. What `LEFT_OUT` names runs in virtual time alone."""

from contextlib import ExitStack
from typing import Any

import pytest
from fixtures.cases import Case, cases
from live.kinds import KINDS
from live.leaving_out import LEFT_OUT, MOST
from live.playing import Boss, Fixture, Hands, answer, answered, left_out
from live.worlds import world
from proflow_runtime.handlers import interception
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.simulation.report import report
from proflow_runtime.simulation.stand_ins import any_channel, completed

pytestmark = pytest.mark.anyio
SHORT = [case for case in cases() if str(case) not in LEFT_OUT]


async def test_what_is_left_out_cannot_be_had_and_nothing_else() -> None:
    reasons = {str(case): await left_out(Fixture(case), MOST) for case in cases()}
    assert {case: reason for case, reason in reasons.items() if reason} == LEFT_OUT


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", SHORT, ids=str)
async def test_a_fixture_ends_as_it_does_when_simulated(
    sqlite_database: str, case: Case, kind: str
) -> None:
    fixture = Fixture(case)
    definitions = [fixture.definition, *fixture.children]
    simulated = await fixture.simulated()
    registry = completed(definitions, Registry(), fixture.tenant_id)
    with ExitStack() as stack:
        stack.enter_context(any_channel(definitions))
        stack.enter_context(interception.intercepting(Hands(fixture)))
        async with world(kind, registry, Boss()) as at:
            for code, canvas in fixture.designs():
                await at.publish(canvas, code, fixture.tenant_id)
            run = await at.proflow.start(
                tenant_id=fixture.tenant_id,
                workflow=fixture.definition.id,
                data=fixture.outside.data,
                initiator="ann",
            )
            for told in answered(simulated, definitions):
                await answer(at, fixture, told)
            expected = _ending(report(simulated))
            if expected["status"] == "waiting":

                async def as_expected() -> bool:
                    return _ending(await at.proflow.status(fixture.tenant_id, run)) == expected

                await at.patiently(as_expected)
            else:
                assert _ending(await at.ended(run, fixture.tenant_id)) == expected


def _ending(told: dict[str, Any]) -> dict[str, Any]:
    """How a run stands, without times."""
    nodes = {
        name: [node["status"], node["outcome"], node["attempts"]]
        for name, node in told["nodes"].items()
    }
    error = None if told["error"] is None else told["error"]["message"]
    kept = {key: told[key] for key in ("status", "result", "output")}
    return {**kept, "error": error, "nodes": nodes}
