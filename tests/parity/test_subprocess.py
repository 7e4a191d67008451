"""Two designs, one of which runs the other, in one host; both targets."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import inngest
import pytest
from fixtures.cases import DESIGNS
from parity.playing import TARGETS, Target, compiled, source_of
from proflow_runtime import Registry, Task
from proflow_runtime.handlers.channels import standing_in
from proflow_runtime.local import LocalEngine, RunRecord, VirtualClock
from proflow_runtime.simulation import generated_functions, interpreted_functions


async def no_tenants() -> list[int]:
    return []


async def told(task: Task) -> None:
    """A notification has been sent."""


CHANNELS = {"inApp": told}
START = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass
class Host:
    """What the handlers were called with, and what becomes of them."""

    called: list[tuple[str, Any, int | None]]
    failing: bool = False

    def registry(self) -> Registry:
        names = ("activate_contract", "store_signature")
        return Registry({name: self._handler(name) for name in names}, tenants=no_tenants)

    def _handler(self, name: str) -> Callable[[Task], Any]:
        async def handler(task: Task) -> Any:
            self.called.append((name, task.input, task.tenant_id))
            if self.failing:
                raise inngest.NonRetriableError("the archive is closed")

        return handler


def played(
    target: Target, host: Host, *events: tuple[float, str, dict[str, Any]], cancel: bool = False
) -> tuple[RunRecord, RunRecord, list[RunRecord]]:
    """The parent's run, the child's, and all; events are sent so many hours after the start.

    `cancel`: the parent is cancelled after two hours.
    """
    definitions = [
        compiled(str(DESIGNS / name / "design.json")) for name in ("contract", "contract-signing")
    ]
    makers = [
        interpreted_functions(one)
        if target == "interpreter"
        else generated_functions(source_of(one.to_json()))
        for one in definitions
    ]

    async def run() -> list[RunRecord]:
        client = inngest.Inngest(app_id="proflow", is_production=False)
        clock = VirtualClock(START)
        functions = [one for make in makers for one in make(client, host.registry())]
        async with LocalEngine(client, functions, clock=clock) as engine:
            data = {"tenant_id": 7, "contract_id": "C-1"}
            await engine.send(inngest.Event(name="contract/drafted", data=data))
            for hours, name, more in events:
                sent = inngest.Event(name=name, data={**data, **more})
                engine.at(START + timedelta(hours=hours), lambda sent=sent: engine.send(sent))
            engine.at(START + timedelta(hours=1), lambda: engine.send(approval(engine)))
            if cancel:
                parent = next(iter(engine.runs))
                engine.at(START + timedelta(hours=2), lambda: engine.cancel(parent))
            await engine.run_until_idle()
        return list(engine.runs.values())

    with standing_in(CHANNELS):
        runs = asyncio.run(run())
    by_function = {one.function_id: one for one in runs}
    return by_function["proflow-contract"], by_function["proflow-contract-signing"], runs


def approval(engine: LocalEngine) -> inngest.Event:
    (run,) = engine.runs
    data = {"tenant_id": 7, "approval_id": f"{run}:legal", "approved": True}
    return inngest.Event(name="approval/response", data=data)


@pytest.mark.parametrize("target", TARGETS)
def test_a_parent_goes_on_with_what_its_child_came_to(target: Target) -> None:
    host = Host([])
    parent, child, runs = played(target, host, (25, "contract/signed", {"by": "li.na"}))
    assert len(runs) == 2
    assert (parent.status, child.status) == ("Completed", "Completed")
    assert parent.output["result"] == "completed"
    assert child.output["output"] == {"by": "li.na"}
    assert host.called == [
        ("store_signature", {"contract": "C-1", "by": "li.na"}, 7),
        ("activate_contract", {"contract": "C-1", "by": "li.na"}, 7),
    ]
    data = child.event["data"]
    assert (data["tenant_id"], data["contract_id"]) == (7, "C-1")
    assert data["_proflow"].items() >= {"depth": 1, "parent": parent.id}.items()


@pytest.mark.parametrize("target", TARGETS)
def test_a_childs_result_is_the_parents_to_judge(target: Target) -> None:
    host = Host([])
    parent, child, _ = played(target, host)
    assert child.output["result"] == "expired"
    assert parent.output["result"] == "unsigned"
    assert host.called == []
    assert parent.ended_at == START + timedelta(hours=1, days=7)


@pytest.mark.parametrize("target", TARGETS)
def test_a_child_that_fails_is_its_parents_error(target: Target) -> None:
    host = Host([], failing=True)
    parent, child, _ = played(target, host, (25, "contract/signed", {"by": "li.na"}))
    assert (parent.status, child.status) == ("Completed", "Failed")
    assert parent.output["result"] == "failed"
    assert parent.output["outcomes"]["sign"] == "error"
    assert [name for name, *_ in host.called] == ["store_signature"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_child_is_cancelled_with_its_parent(target: Target) -> None:
    host = Host([])
    parent, child, _ = played(target, host, (25, "contract/signed", {"by": "li.na"}), cancel=True)
    assert (parent.status, child.status) == ("Cancelled", "Cancelled")
    assert host.called == []
