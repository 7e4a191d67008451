"""Approvals, choices, computed values, times and ends."""

from datetime import timedelta
from typing import Any

import inngest
import pytest
from proflow_runtime import ApprovalPolicy, Flow, Reminders, Result, Task
from proflow_runtime.local import LocalEngine
from proflow_runtime.status import InMemoryRecorder, recording

from .conftest import Register
from .driving import answer, open_ended, requests, start, started

pytestmark = pytest.mark.anyio


def asking(**settings: Any) -> Any:
    async def body(flow: Flow) -> Result:
        decision = await flow.approve("boss", **settings)
        said = "[steps.boss.outcome, steps.boss.decidedBy, steps.boss.comment]"
        return flow.end("end", decision.outcome, output=flow.get(said))

    return body


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ({"approved": True}, "approved"),
        ({"approved": False}, "rejected"),
        ({"outcome": "returned"}, "returned"),
        ({"outcome": "returned", "approved": False}, "returned"),
        ({"outcome": "timeout"}, "timeout"),
        ({"outcome": "approved", "approved": True}, "approved"),
    ],
)
async def test_an_answer_decides(
    client: inngest.Inngest, register: Register, said: dict[str, Any], outcome: str
) -> None:
    async with LocalEngine(client, [register(asking())]) as engine:
        run = await start(engine)
        await answer(engine, "boss", **said, comment="so be it", decided_by=12)
        assert run.output == {
            "result": outcome,
            "output": [outcome, 12, "so be it"],
            "outcomes": {"boss": outcome},
        }


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({}, "has neither `approved` nor `outcome`"),
        ({"approved": "yes"}, "has an `approved` that is not true or false"),
        ({"approved": 1}, "has an `approved` that is not true or false"),
        ({"outcome": "maybe"}, "has the unknown outcome `maybe`"),
        ({"outcome": ["approved"]}, "has the unknown outcome `['approved']`"),
        ({"outcome": "rejected", "approved": True}, "says both `approved` and `rejected`"),
        ({"outcome": "approved", "approved": False}, "says both `rejected` and `approved`"),
    ],
)
async def test_an_answer_that_does_not_decide_fails_the_run(
    client: inngest.Inngest, register: Register, said: dict[str, Any], complaint: str
) -> None:
    async with LocalEngine(client, [register(asking())]) as engine:
        run = await start(engine)
        await answer(engine, "boss", **said)
        assert run.error is not None
        assert run.error["message"] == f"the answer to approval `boss` {complaint}"


@pytest.mark.parametrize(
    ("action", "outcome", "decided_by"),
    [
        ("route", "timeout", None),
        ("approve", "approved", "timeout"),
        ("reject", "rejected", "timeout"),
    ],
)
async def test_a_timeout_is_acted_on(
    client: inngest.Inngest, register: Register, action: str, outcome: str, decided_by: str | None
) -> None:
    body = asking(timeout=timedelta(hours=8), timeout_action=action)
    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output["output"] == [outcome, decided_by, None]
        assert run.ended_at is not None
        assert run.started_at is not None
        assert run.ended_at - run.started_at == timedelta(hours=8)


async def test_a_reminder_keeps_waiting(client: inngest.Inngest, register: Register) -> None:
    body = asking(timeout=timedelta(hours=8), timeout_action="remind")
    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        await engine.run_until_idle(
            until=engine.clock.now() + timedelta(days=300), ignore_timeouts=open_ended
        )
        assert not run.ended
        (wait,) = engine.waits
        assert wait.timeout == timedelta(days=366)


async def test_an_approval_reuses_the_triggers_id(
    client: inngest.Inngest, register: Register
) -> None:
    body = asking(match="data.approval_id", event="oa/answer")
    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine, {"tenant_id": 1, "approval_id": 42})
        assert requests(engine, "boss")[0]["approval_id"] == 42
        data = {"tenant_id": 1, "approval_id": "42", "approved": True}
        await engine.send({"name": "oa/answer", "data": data})
        await engine.run_until_idle()
        assert run.output["result"] == "approved"


async def test_policy_and_approvers_travel_to_the_host(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        await flow.approve(
            "boss",
            approvers=["user:1"],
            approver_expression=flow.get("event.data.more"),
            policy=ApprovalPolicy(
                mode="quorum",
                pass_ratio=0.5,
                self_approval="forbid",
                fallback_approvers=("role:admin",),
                allow=("transfer", "return"),
                reminders=Reminders(after=timedelta(hours=1)),
            ),
        )
        return flow.end("end")

    function = register(body, initiator="event.data.by")
    async with LocalEngine(client, [function]) as engine:
        await start(engine, {"tenant_id": 1, "more": ["user:2", 3], "by": "user:9"})
        (data,) = requests(engine, "boss")
        assert data["approvers"] == ["user:1", "user:2", "3"]
        assert data["initiator"] == "user:9"
        assert data["policy"] == {
            "mode": "quorum",
            "passRatio": 0.5,
            "timeoutAction": "route",
            "reminders": {"after": 3600},
            "fallbackApprovers": ["role:admin"],
            "selfApproval": "forbid",
            "allow": ["transfer", "return"],
        }


@pytest.mark.parametrize("node", ['say "hi"', "it's", "a\\b", "a\nb", "审批", "a/b#c[1]%"])
async def test_an_approval_of_any_name_can_be_answered(
    client: inngest.Inngest, register: Register, node: str
) -> None:
    async def body(flow: Flow) -> Result:
        return flow.end("end", (await flow.approve(node)).outcome)

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        await answer(engine, node, approved=True)
        assert run.output["result"] == "approved"


async def test_the_first_rule_that_holds_is_taken(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        rules = {"large": "event.data.amount > 100.0", "medium": "event.data.amount > 10.0"}
        outcome = flow.choose("size", rules, default="small")
        flow.set("sum", {"twice": "event.data.amount * 2.0", "who": "tenant_id"})
        flow.choose("sum", {"x": "steps.size.outcome == 'small'"}, default="y", after="default")
        return flow.end("end", outcome, output=flow.get("steps.sum.output"))

    for amount, outcome, choice in ((101, "large", "y"), (11, "medium", "y"), (10, "small", "x")):
        async with LocalEngine(client, [register(body)]) as engine:
            run = await start(engine, {"tenant_id": 5, "amount": amount})
            assert run.output == {
                "result": outcome,
                "output": {"twice": amount * 2, "who": 5},
                "outcomes": {"size": outcome, "sum?default": choice},
            }


async def test_rules_that_compare_a_number_with_a_text_are_told_of(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        flow.choose("kind", {"a": "event.data.n == '7'", "b": "event.data.n == 7"})
        flow.choose_every("all", {"x": "event.data.t != 7", "y": "event.data.t == '7'"})
        flow.set("v", {"n": "event.data.n"})
        flow.choose("v", {"z": "steps.v.output.n == 'x'"}, default="w", after="default")

        async def again() -> None:
            flow.set("in", {"k": "iteration"})

        await flow.loop("l", again, condition="iteration != 'x' && iteration < 1", max_iterations=3)
        await flow.loop("m", again, condition="iteration == 'x'", max_iterations=3)
        return flow.end("end")

    recorder = InMemoryRecorder()
    with recording(recorder):
        async with LocalEngine(client, [register(body)]) as engine:
            await start(engine, {"tenant_id": 5, "n": 7, "t": "7"})
    (run,) = recorder.runs.values()
    said = "a number never equals a text"
    assert {name: state.notes for name, state in run.nodes.items()} == {
        "kind": (f"rule `a`: `event.data.n`: {said}",),
        "all": (f"rule `x`: `event.data.t`: {said}",),
        "v": (f"rule `z`: `steps.v.output.n`: {said}",),
        "v?default": (),
        "l": (f"`while`: `iteration`: {said}",),
        "m": (f"`while`: `iteration`: {said}",),
        "in": (),
        "end": (),
    }
    assert run.nodes["all"].outcome == ["x", "y"]


async def test_a_rule_that_can_never_hold_is_told_of_where_the_run_fails(
    client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        flow.choose("kind", {"a": "event.data.n == '7'"})
        return flow.end("end")

    recorder = InMemoryRecorder()
    with recording(recorder):
        async with LocalEngine(client, [register(body)]) as engine:
            await start(engine, {"tenant_id": 5, "n": 7})
    (run,) = recorder.runs.values()
    assert run.nodes["kind"].status == "failed"
    assert run.nodes["kind"].notes == ("rule `a`: `event.data.n`: a number never equals a text",)


NUMBER = 1834567890123456789


@pytest.mark.parametrize("number", [NUMBER, 1e300, -(2.0**53)])
async def test_a_run_that_begins_with_a_rounded_number_fails_at_once(
    client: inngest.Inngest, register: Register, number: float
) -> None:
    async def body(flow: Flow) -> Result:
        return flow.end("end", output=flow.get("event.data.order.id"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine, {"tenant_id": 5, "order": {"id": number}})
        assert run.status == "Failed"
        assert run.error is not None
        assert run.error["message"].startswith("`event.data.order.id`: ")
        assert run.error["message"].endswith(
            " is beyond ±(2^53 − 1), and may have been rounded on its way; send it as a text"
        )
        assert [step.op for step in run.steps] == ["Error"]


@pytest.mark.parametrize("kind", ["wait", "approval"])
async def test_a_run_that_is_resumed_with_a_rounded_number_fails(
    client: inngest.Inngest, register: Register, kind: str
) -> None:
    async def body(flow: Flow) -> Result:
        if kind == "wait":
            await flow.wait("w", "paid")
        else:
            await flow.approve("w", event="paid", match="data.key")
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine, {"tenant_id": 5, "key": 1})
        data = {"tenant_id": 5, "key": 1, "approved": True, "lines": [{"id": NUMBER}]}
        await engine.send({"name": "paid", "data": data})
        await engine.run_until_idle()
        assert run.status == "Failed"
        assert run.error is not None
        assert "`data.lines[0].id`: 1834567890123456800 is beyond" in run.error["message"]
        assert "`w`" in run.error["message"]


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ("event.data.n > 5", "no rule of `size` holds, and it has no default"),
        ("event.data.m > 5", "rule `big` of `size`: `event.data` has no field `m`"),
        ("steps.x.outcome == 'y'", "rule `big` of `size`: the step `x` has not run"),
        ("event.data.n", "rule `big` of `size`: the condition gives a number, not true or false"),
        ("initiator == 'me'", "rule `big` of `size`: there is nothing called `initiator` here: "
         "`event.data` has no field `by`"),
    ],
)  # fmt: skip
async def test_a_choice_that_cannot_be_made_fails_the_run(
    client: inngest.Inngest, register: Register, rule: str, complaint: str
) -> None:
    async def body(flow: Flow) -> Result:
        flow.choose("size", {"big": rule})
        return flow.end("end")

    async with LocalEngine(client, [register(body, initiator="event.data.by")]) as engine:
        run = await start(engine, {"tenant_id": 1, "n": 1})
        assert run.error is not None
        assert run.error["message"].startswith(complaint)


@pytest.mark.parametrize(
    ("until", "seconds"),
    [
        ("2026-01-01T02:00:00Z", 7200),
        ("2026-01-01T10:00:00+08:00", 7200),
        ("2026-01-01T02:00:00", 7200),
        ("2026-01-02", 86400),
        ("2025-01-01T00:00:00Z", 0),
        (1767225600000 + 5000, 5),
    ],
)
async def test_a_run_sleeps_until_a_time(
    client: inngest.Inngest, register: Register, until: Any, seconds: int
) -> None:
    async def done(task: Task) -> None: ...

    async def body(flow: Flow) -> Result:
        await flow.sleep_until("nap", flow.get("event.data.until"))
        await flow.run("after", done)
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine, {"tenant_id": 1, "until": until})
        assert started(run)["after"] == seconds


@pytest.mark.parametrize(
    ("until", "complaint"),
    [
        ("tomorrow", "`tomorrow` is not an ISO 8601 time"),
        (True, "not a text or a number"),
        (None, "not a text or a number"),
        (10**15, "is after the year 9999"),
        (0, "is before the year 2000"),
        ("2040-01-01", "is more than 366 days ahead"),
    ],
)
async def test_a_time_that_is_none_fails_the_run(
    client: inngest.Inngest, register: Register, until: Any, complaint: str
) -> None:
    async def body(flow: Flow) -> Result:
        await flow.sleep_until("nap", flow.get("event.data.until"))
        return flow.end("end")

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine, {"tenant_id": 1, "until": until})
        assert run.error is not None
        assert run.error["message"].startswith("time of `nap`: ")
        assert complaint in run.error["message"]


async def test_an_end_can_fail_the_run(client: inngest.Inngest, register: Register) -> None:
    async def body(flow: Flow) -> Result:
        return flow.fail("no-budget", "refused", output=flow.text("short of ${event.data.n}"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine, {"tenant_id": 1, "n": 3})
        assert run.error is not None
        assert run.error["message"] == "the run failed at `no-budget` with `refused`: short of 3"
