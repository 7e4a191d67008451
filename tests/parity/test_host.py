"""Fixtures in a host: its own handlers on its own database, crons that tick, failures that are
logged. Both targets."""

import asyncio
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import inngest
import pytest
from fixtures.cases import DESIGNS
from parity.playing import TARGETS, Target, compiled, play
from proflow_compiler.emit import Imports, emit_module
from proflow_runtime import Registry, functions_of
from proflow_runtime.handlers import interception
from proflow_runtime.handlers.task import Handler, Task
from proflow_runtime.local import LocalEngine, RunRecord, VirtualClock

from fixtures import erp

HANDLERS = Registry.from_module(erp)


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("ERP_FOLDER", str(tmp_path))
    erp.create(
        [
            (1, "zhang.wei@example.com", True),
            (1, "li.na@example.com", False),
            (2, "chen.jie@example.com", True),
        ]
    )
    (tmp_path / "bucket").mkdir()
    return tmp_path


def location(fixture: str) -> str:
    return str(DESIGNS / fixture / "design.json")


@pytest.mark.parametrize("target", TARGETS)
def test_an_approved_purchase_is_paid_once_and_the_applicant_told(target: Target) -> None:
    data = {"tenant_id": 1, "amount": 25000, "order_id": "PO-1", "applicant": "li.na@example.com"}
    answers = ["manager=approved@+1h", "directors=approved@+1d"]
    definition = compiled(location("purchase-approval"))
    run = play(definition, target, data=data, answers=answers, registry=HANDLERS)
    assert (run["status"], run["simulated"]) == ("completed", [])
    assert erp.select("select tenant_id, purchase, amount from payments") == [(1, "PO-1", 25000.0)]
    assert erp.select("select * from archived") == [("PO-1", 1)]
    assert erp.select("select * from messages") == [(1, "li.na@example.com", "approved")]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("failing", "logged"), [(2, 0), (3, 1)])
def test_a_failure_is_logged_once_and_only_after_the_last_attempt(
    target: Target, failing: int, logged: int
) -> None:
    definition = compiled(location("ai-task-with-retries"))
    run = play(
        definition,
        target,
        data={"tenant_id": 1, "prompt": "你好"},
        fails=[f"call-ai=boom*{failing}"],
        registry=HANDLERS,
    )
    tried = [step["at"] for step in run["steps"] if step["node"] == "call-ai"]
    assert tried == [f"2026-01-05T00:00:{second}.000Z" for second in ("00", "05", "15")]
    assert run["status"] == ("failed" if logged else "completed")
    rows = erp.select("select run_id, message from failures")
    assert [run_id for run_id, _ in rows] == [run["run_id"]] * logged
    assert all("boom" in message for _, message in rows)


def functions(fixture: str, target: Target, client: inngest.Inngest) -> list[Any]:
    definition = compiled(location(fixture))
    if target == "interpreter":
        return functions_of(definition, client, HANDLERS)
    own = ModuleType("parity_client")
    own.client = client  # type: ignore[attr-defined]
    sys.modules[own.__name__] = own
    try:
        source = emit_module(definition, Imports("parity_client:client", "fixtures.erp"))
        module: dict[str, Any] = {"__name__": "generated"}
        exec(compile(source, "generated.py", "exec"), module)
    finally:
        del sys.modules[own.__name__]
    return list(module["FUNCTIONS"])


def ticked(fixture: str, target: Target, start: str, hours: float) -> list[RunRecord]:
    """The runs of a design, its own crons ticking, within some hours."""

    async def runs() -> list[RunRecord]:
        client = inngest.Inngest(app_id="host", is_production=False)
        clock = VirtualClock(datetime.fromisoformat(start))
        async with LocalEngine(client, functions(fixture, target, client), clock=clock) as engine:
            with interception.intercepting(sent_nowhere):
                await engine.run_until_idle(until=clock.now() + timedelta(hours=hours))
        return list(engine.runs.values())

    async def sent_nowhere(task: Task, handler: Handler) -> Any:
        return task.input if task.node_id == "send-email" else await handler(task)

    return asyncio.run(runs())


@pytest.mark.parametrize("target", TARGETS)
def test_a_cron_of_tenants_runs_once_per_tenant_at_nine_in_shanghai(target: Target) -> None:
    runs = ticked("scheduled-email", target, "2026-01-05T00:59:30+00:00", hours=24)
    mails = [run for run in runs if run.function_id == "host-scheduled-email"]
    assert [run.function_id for run in runs[:1]] == ["host-scheduled-email-fan-out"]
    nine = datetime(2026, 1, 5, 9, tzinfo=UTC) - timedelta(hours=8)
    assert [(run.event["data"]["tenant_id"], run.started_at) for run in mails] == [
        (1, nine),
        (2, nine),
    ]
    sent = [step.output["to"] for run in mails for step in run.steps if step.id == "send-email"]
    assert [str(one) for one in sent] == ["['zhang.wei@example.com']", "['chen.jie@example.com']"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_cron_of_the_system_backs_up_nightly_and_prunes(target: Target, host: Path) -> None:
    runs = ticked("database-backup", target, "2026-01-01T00:00:00+00:00", hours=24 * 20)
    assert {run.status for run in runs} == {"Completed"}
    assert len(runs) == 20
    assert [run.output["output"]["removed"] for run in runs] == [0] * 14 + [1] * 6
    kept = sorted(os.listdir(host / "bucket"))
    assert kept == [f"erp-2026-01-{day:02}.dump" for day in range(7, 21)]
