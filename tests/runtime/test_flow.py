"""What the primitives do to a run, on the local engine."""

from datetime import timedelta
from typing import Any

import inngest
import pytest
from proflow_runtime import ApprovalPolicy, Flow, Result, Task, current_tenant
from proflow_runtime.local import LocalEngine

from .conftest import Register
from .driving import answer, executions, requests, sent, start, started

pytestmark = pytest.mark.anyio


async def echo(task: Task) -> Any:
    return {"input": task.input, "tenant": current_tenant(), "key": task.idempotency_key}


async def test_a_sequential_run_costs_one_request_per_step(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        await flow.run("a", echo, {"n": flow.get("event.data.n")})
        await flow.sleep("nap", timedelta(hours=1))
        await flow.run("b", echo, [flow.text("got ${steps.a.output.input.n}")])
        await flow.send("tell", "some/event", {"of": flow.get("steps.b.output.input")})
        return flow.end("end", output=flow.get("steps.b.output.tenant"))

    async with LocalEngine(client, [register(body)], trace=True) as engine:
        run = await start(engine, {"tenant_id": 7, "n": 3})
        assert run.output == {"result": "completed", "output": 7, "outcomes": {}}
        assert len(engine.requests) == 5
        assert started(run) == {"a": 0, "nap": 0, "b": 3600, "tell": 3600}
        assert run.steps[0].output["key"] == f"{run.id}:a"
        assert [event["data"] for event in sent(engine, "some/event")] == [
            {"of": ["got 3"], "tenant_id": 7}
        ]


async def test_an_approval_is_requested_and_answered(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        decision = await flow.approve(
            "boss",
            approvers=["role:boss"],
            policy=ApprovalPolicy(mode="all"),
            timeout=timedelta(days=1),
        )
        if decision.outcome != "approved":
            return flow.stop("boss", decision.outcome)
        await flow.run("after", echo)
        return flow.end("end", output=flow.get("[steps.boss.decidedBy, steps.boss.comment]"))

    async with LocalEngine(client, [register(body)]) as engine:
        await engine.send({"name": "x/start", "data": {"tenant_id": 1}})
        await engine.run_until_idle(ignore_timeouts=lambda wait: True)
        (run,) = engine.runs.values()
        assert requests(engine, "boss") == [
            {
                "tenant_id": 1,
                "approval_id": f"{run.id}:boss",
                "run_id": run.id,
                "workflow_id": "x",
                "node_id": "boss",
                "approvers": ["role:boss"],
                "initiator": None,
                "policy": {"mode": "all", "timeout": 86400, "timeoutAction": "route"},
                "answer_with": "approval/response",
            }
        ]
        await answer(engine, "boss", approved=True, decided_by="user:1", comment="fine")
        assert run.output == {
            "result": "completed",
            "output": ["user:1", "fine"],
            "outcomes": {"boss": "approved"},
        }
        assert executions(run) == {"boss/wait": 1, "boss/notify": 1, "after": 1}


async def test_an_outcome_that_leads_nowhere_ends_the_run_with_it(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result | None:
        async def left() -> Result | None:
            decision = await flow.approve("boss")
            return None if decision.outcome == "approved" else flow.stop("boss", decision.outcome)

        async def right() -> None:
            await flow.sleep("long", timedelta(days=30))
            await flow.run("late", echo)

        if ended := await flow.parallel(left, right):
            return ended
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        await engine.send({"name": "x/start", "data": {"tenant_id": 1}})
        await engine.run_until_idle(until=engine.clock.now() + timedelta(hours=1))
        await answer(engine, "boss", approved=False)
        (run,) = engine.runs.values()
        assert run.output == {
            "result": "rejected",
            "output": None,
            "outcomes": {"boss": "rejected"},
        }
        assert run.ended_at == engine.clock.now()
        assert "late" not in executions(run)
