"""Runs of stored designs: which are started, what they are pinned to, how they end."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from proflow_runtime import Task
from proflow_runtime.context.clock import RealClock
from proflow_runtime.dispatch import crons, starting
from proflow_runtime.dispatch.cancelling import cancellation
from proflow_runtime.dispatch.deployment import Limits, cron_function_id, event_function_id
from proflow_runtime.protocol.app_names import AppNames
from proflow_runtime.store import runs
from proflow_runtime.store.models import InngestTask, Run
from stored.office import drawn, line, office, publish

pytestmark = pytest.mark.anyio


async def book(task: Task) -> Any:
    return {"booked": task.input["days"], "tenant": task.tenant_id}


BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def of_shop(shop: str) -> Any:
    return {"name": "day/over", "data": {"tenant_id": 1, "shop": shop}}


LEAVE = line(
    "leave",
    ("book", "task", {"handler": "book", "input": {"days": "${event.data.days}"}}),
    trigger={"event": "leave/asked"},
)


async def test_an_event_starts_the_published_designs_of_its_tenant(database: str) -> None:
    version = await publish(1, LEAVE)
    await publish(2, LEAVE)
    async with office({"book": book}) as at:
        await at.send("leave/asked", {"tenant_id": 1, "days": 3})
        (run,) = at.runs()
        assert (run.status, run.output) == (
            "Completed",
            {"result": "completed", "output": None, "outcomes": {}},
        )
        kept = await Run.get()
        task = await InngestTask.get()
    assert (kept.tenant_id, kept.workflow, kept.version) == (1, "leave", version.number)
    assert (kept.digest, kept.status, kept.result) == (version.digest, "completed", "completed")
    assert kept.inngest_run_id == run.id
    assert (task.tenant_id, task.status, task.inngest_run_id) == (1, "completed", run.id)


async def test_an_event_delivered_twice_starts_one_run(database: str) -> None:
    await publish(1, LEAVE)
    async with office({"book": book}) as at:
        for _ in range(2):
            await at.send("leave/asked", {"tenant_id": 1, "days": 3}, id="once")
        assert len(at.runs()) == 1
    assert await Run.all().count() == 1


@pytest.mark.parametrize("tenant", [None, 0, -1, True, "1", 1.5, 2**40])
async def test_without_a_tenant_nothing_is_started(database: str, tenant: Any) -> None:
    await publish(1, LEAVE)
    async with office({"book": book}) as at:
        data = {"days": 3} if tenant is None else {"days": 3, "tenant_id": tenant}
        await at.send("leave/asked", data)
        assert at.runs() == []
        (asked,) = at.runs(event_function_id("leave/asked"))
        if tenant != 2**40:  # a tenant, but one that no column holds
            assert asked.error is not None
            message = asked.error["message"]
            assert message.startswith("tenant_id is required")
            assert [step.op for step in asked.steps] == ["Error"]


async def test_a_condition_decides_whether_a_run_starts(database: str) -> None:
    trigger = {"event": "order/made", "if": "event.data.amount > 100"}
    await publish(1, line("large", trigger=trigger))
    async with office() as at:
        for data in ({"amount": 100}, {"amount": 101}, {"amount": "many"}, {}):
            await at.send("order/made", {"tenant_id": 1, **data})
        assert len(at.runs()) == 1


async def test_several_designs_start_by_one_event_in_one_function(database: str) -> None:
    for code in ("one", "two", "three"):
        await publish(1, line(code, trigger={"event": "day/over"}))
    async with office() as at:
        assert len(at.deployment.function_ids) == 3
        await at.send("day/over", {"tenant_id": 1})
        assert sorted(run.workflow for run in await Run.all()) == ["one", "three", "two"]


async def test_a_run_stays_with_the_version_that_it_began_with(database: str) -> None:
    def design(says: str) -> Any:
        nodes = [
            ("wait", "wait", {"event": "go"}),
            ("say", "task", {"handler": "say", "input": {"text": says}}),
        ]
        return line("talk", *nodes, trigger={"event": "talk/begin"})

    said = []

    async def say(task: Task) -> Any:
        said.append(task.input["text"])

    await publish(1, design("old"))
    async with office({"say": say}) as at:
        for _ in range(100):
            await at.engine.send({"name": "talk/begin", "data": {"tenant_id": 1}})
        await at.engine.run_until_idle(ignore_timeouts=lambda wait: True)
        await publish(1, design("new"))
        await at.engine.send({"name": "talk/begin", "data": {"tenant_id": 1}})
        await at.engine.run_until_idle(ignore_timeouts=lambda wait: True)
        await at.send("go", {"tenant_id": 1})
    assert sorted(said) == ["new"] + ["old"] * 100
    assert {run.status for run in await Run.all()} == {"completed"}


async def test_a_run_that_fails_is_closed_and_told_of_once(database: str) -> None:
    told = []

    async def breaks(task: Task) -> Any:
        raise ValueError("no paper")

    async def tell(task: Task) -> Any:
        told.append((task.tenant_id, task.run_id, task.input["error"]["message"]))

    node = ("print", "task", {"handler": "breaks", "retry": {"maxAttempts": 2}})
    await publish(1, line("print", node, trigger={"event": "print"}, onFailure="tell"))
    async with office({"breaks": breaks, "tell": tell}) as at:
        await at.send("print", {"tenant_id": 1})
        (run,) = at.runs()
        assert run.status == "Failed"
    kept, task = await Run.get(), await InngestTask.get()
    assert (kept.status, task.status) == ("failed", "failed")
    assert kept.error["message"] == task.error_message
    assert told == [(1, kept.id, "step `print` failed after 2 attempts: ValueError: no paper")]


async def test_a_cancelling_event_ends_the_runs_it_matches_whether_ids_are_numbers_or_texts(
    database: str,
) -> None:
    cancel = {"event": "order/withdrawn", "match": "data.order"}
    wait = ("pay", "wait", {"event": "order/paid", "match": "data.order"})
    await publish(1, line("order", wait, trigger={"event": "order/made"}, cancelOn=cancel))
    await publish(2, line("order", wait, trigger={"event": "order/made"}, cancelOn=cancel))
    async with office() as at:
        for tenant, order in ((1, 7), (1, "8"), (2, "7")):
            data = {"tenant_id": tenant, "order": order}
            await at.engine.send({"name": "order/made", "data": data})
        await at.engine.run_until_idle(ignore_timeouts=lambda wait: True)
        # A version without the rule changes nothing for runs of the one that has it.
        await publish(1, line("order", wait, trigger={"event": "order/made"}))
        withdrawn = {"tenant_id": 1, "order": "7"}
        await at.engine.send({"name": "order/withdrawn", "data": withdrawn})
        await at.engine.run_until_idle(ignore_timeouts=lambda wait: True)
    found = {(run.tenant_id, run.event["data"]["order"]): run.status for run in await Run.all()}
    assert found == {(1, 7): "cancelled", (1, "8"): "running", (2, "7"): "running"}
    assert await InngestTask.filter(status="cancelled").count() == 1


ANY_ID = ["a\\b", 'a"b', "a\u0000b", "\u200bab", "", "x" * 5_000, True, 0.5]


@pytest.mark.parametrize("order", ANY_ID)
async def test_a_stored_run_is_cancelled_by_whatever_id_it_has(database: str, order: Any) -> None:
    cancel = {"event": "order/withdrawn", "match": "data.order"}
    pay = ("pay", "wait", {"event": "order/paid"})
    await publish(1, line("order", pay, trigger={"event": "order/made"}, cancelOn=cancel))
    async with office() as at:
        for name, one in (
            ("order/made", order),
            ("order/made", "other"),
            ("order/withdrawn", order),
        ):
            await at.engine.send({"name": name, "data": {"tenant_id": 1, "order": one}})
            await at.engine.run_until_idle(ignore_timeouts=lambda wait: True)
    ended = sorted((run.event["data"]["order"] == "other", run.status) for run in await Run.all())
    assert ended == [(False, "cancelled"), (True, "running")]


async def test_runs_with_the_same_idempotency_start_once_a_day(database: str) -> None:
    design = line("order", trigger={"event": "order/made"}, idempotency="event.data.order")
    await publish(1, design)
    await publish(2, design)
    async with office() as at:
        for tenant, order in ((1, "a"), (1, "a"), (1, "b"), (2, "a")):
            await at.send("order/made", {"tenant_id": tenant, "order": order})
        assert len(at.runs()) == 3


async def test_a_cancelling_event_reaches_a_run_that_is_not_begun(database: str) -> None:
    cancel = {"event": "order/withdrawn", "match": "data.order"}
    pay = ("pay", "wait", {"event": "order/paid"})
    await publish(1, line("order", pay, trigger={"event": "order/made"}, cancelOn=cancel))
    async with office() as at:
        for name in ("order/made", "order/withdrawn"):
            await at.engine.send({"name": name, "data": {"tenant_id": 1, "order": "a"}})
        await at.engine.run_until_idle(ignore_timeouts=lambda wait: True)
        assert not at.engine.waits
    run, task = await Run.get(), await InngestTask.get()
    assert (run.status, task.status) == ("cancelled", "cancelled")


async def test_a_run_cancelled_before_it_began_does_nothing_and_tells_nobody(database: str) -> None:
    called = []

    async def work(task: Task) -> Any:
        called.append(task.node_id)

    version = await publish(1, line("work", ("do", "task", {"handler": "work"}), onFailure="work"))
    event = {"name": "work/start", "id": "1", "ts": 1, "data": {"tenant_id": 1}}
    new = runs.NewRun("r", 1, "work", 1, version.digest, event, "proflow-run")
    await runs.create(new)
    assert await runs.withdraw(1, "r")
    assert not await runs.withdraw(1, "r")
    async with office({"work": work}) as at:
        own = {"run": "r", "workflow": "work", "digest": version.digest, "version": 1}
        await at.send("proflow/office/run", {"tenant_id": 1, "_proflow": own})
        assert [run.status for run in at.runs()] == ["Failed"]
        assert [run.status for run in at.runs("proflow-close")] == ["Completed"]
    assert (await Run.get()).status == "cancelled"
    assert called == []


async def test_the_same_value_starts_again_after_a_day(database: str) -> None:
    await publish(1, line("daily", trigger={"event": "day/over"}, idempotency="event.data.shop"))
    async with office() as at:
        for hours in (0, 23, 25, 47, 50):
            start = BEGAN + timedelta(hours=hours)
            at.engine.at(start, lambda: at.engine.send(of_shop("a")))
        await at.engine.run_until_idle(until=BEGAN + timedelta(days=3))
    begun = [run.created_at - BEGAN for run in await Run.all().order_by("created_at")]
    assert begun == [timedelta(hours=hours) for hours in (0, 25, 50)]


async def test_of_events_at_once_with_one_value_one_starts(database: str) -> None:
    await publish(1, line("daily", trigger={"event": "day/over"}, idempotency="event.data.shop"))
    async with office() as at:
        await at.engine.send(*(of_shop(shop) for shop in "abcabcabc"))
        await at.engine.run_until_idle()
        assert len(at.runs()) == 3
    assert sorted(run.event["data"]["shop"] for run in await Run.all()) == ["a", "b", "c"]


async def test_a_tick_heeds_idempotency(database: str) -> None:
    trigger = {"cron": "0 * * * *"}
    await publish(1, line("hourly", trigger=trigger, idempotency="event.data.tenant_id"))
    await publish(2, line("hourly", trigger=trigger, idempotency="event.data.scheduled_at"))
    async with office() as at:
        for _ in range(3):
            await at.engine.run_until_idle(until=at.engine.clock.now() + timedelta(hours=1))
    found = await Run.all().order_by("tenant_id").values_list("tenant_id", flat=True)
    assert found == [1, 2, 2, 2]


async def test_large_events_are_handed_over_in_several_steps(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        await publish(1, line(f"design-{number}", trigger={"event": "large"}))
    monkeypatch.setattr(starting, "BATCH_BYTES", 100_000)
    async with office() as at:
        await at.send("large", {"tenant_id": 1, "text": "é" * 20_000})
        (asked,) = at.runs(event_function_id("large"))
        sent = [step.id for step in asked.steps if step.id and step.id.startswith("start")]
        assert sent == ["start", "start-2", "start-3", "start-4"]
    assert await Run.filter(status="completed").count() == 7


async def test_each_tenant_has_so_many_steps_at_once(database: str) -> None:
    at_work: Counter[int] = Counter()
    most: Counter[int] = Counter()
    both_are_full = asyncio.Event()

    async def work(task: Task) -> Any:
        at_work[task.tenant_id] += 1
        most[task.tenant_id] = max(most[task.tenant_id], at_work[task.tenant_id])
        if at_work == {1: 2, 2: 2}:
            both_are_full.set()
        await both_are_full.wait()
        at_work[task.tenant_id] -= 1

    for tenant in (1, 2):
        await publish(tenant, line("work", ("do", "task", {"handler": "work"})))
    limits = Limits(tenant_concurrency=2)
    async with office({"work": work}, RealClock(), limits=limits) as at, asyncio.timeout(20):
        driving = asyncio.create_task(at.engine.serve())
        await at.engine.send(
            *({"name": "work/start", "data": {"tenant_id": 1 + n % 2}} for n in range(12))
        )
        while await Run.filter(status="completed").count() < 12:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        at.engine.stop()
        await driving
    assert most == {1: 2, 2: 2}


async def test_a_subprocess_that_takes_too_long_ends_with_its_parent(database: str) -> None:
    await publish(1, line("child", ("sleep", "delay", {"duration": "3d"})))
    call = ("call", "subprocess", {"workflow": "child", "timeout": "1d"})
    await publish(1, line("parent", call))
    async with office() as at:
        await at.send("parent/start", {"tenant_id": 1})
    found = {run.workflow: run for run in await Run.all()}
    assert (found["parent"].status, found["child"].status) == ("failed", "cancelled")
    assert found["child"].ended_at == found["parent"].ended_at == BEGAN + timedelta(days=1)


async def test_a_cron_starts_every_tenants_design_once_a_tick(database: str) -> None:
    nightly = line("nightly", trigger={"cron": "0 9 * * *", "timezone": "Asia/Shanghai"})
    for tenant in range(1, 8):
        await publish(tenant, nightly)
    await publish(9, line("hourly", trigger={"cron": "0 * * * *"}))
    async with office() as at:
        cron = cron_function_id("TZ=Asia/Shanghai 0 9 * * *")
        await at.engine.fire_cron(cron)
        await at.engine.run_until_idle()
        assert sorted([run.tenant_id for run in await Run.all()]) == list(range(1, 8))
        assert {run.event["name"] for run in await Run.all()} == {"nightly/scheduled"}


async def test_pages_of_a_cron_are_handed_over_whole(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crons, "PAGE", 2)
    for tenant in range(1, 6):
        await publish(tenant, line("nightly", trigger={"cron": "0 9 * * *"}))
    async with office() as at:
        await at.engine.fire_cron(cron_function_id("0 9 * * *"))
        await at.engine.run_until_idle()
    assert await Run.all().count() == 5


async def test_a_subprocess_is_the_version_published_when_it_is_called(database: str) -> None:
    child = line("child", ("double", "set", {"values": {"twice": "event.data.n * 2"}}))
    child["nodes"][-1]["data"]["config"] = {"output": "${steps.double.output.twice}"}
    parent = line(
        "parent",
        ("wait", "wait", {"event": "go"}),
        ("call", "subprocess", {"workflow": "child", "input": {"n": "${event.data.n}"}}),
    )
    parent["nodes"][-1]["data"]["config"] = {"output": "${steps.call.output.output}"}
    await publish(1, parent)
    async with office() as at:
        await at.engine.send({"name": "parent/start", "data": {"tenant_id": 1, "n": 21}})
        await at.engine.run_until_idle(ignore_timeouts=lambda wait: True)
        await publish(1, child)
        await at.send("go", {"tenant_id": 1})
        run = await Run.get(workflow="parent")
        inner = await Run.get(workflow="child")
    assert (run.status, run.output) == ("completed", 42)
    assert (inner.status, inner.parent, inner.tenant_id) == ("completed", run.id, 1)
    assert inner.event["data"] == {"n": 21, "tenant_id": 1}


async def test_an_unknown_or_foreign_subprocess_is_an_error(database: str) -> None:
    await publish(2, line("child"))
    await publish(1, line("parent", ("call", "subprocess", {"workflow": "child"})))
    async with office() as at:
        await at.send("parent/start", {"tenant_id": 1})
    run = await Run.get()
    assert run.status == "failed"
    assert "there is no published workflow `child`" in run.error["message"]


async def test_a_child_ends_with_its_parent(database: str) -> None:
    await publish(1, line("child", ("sleep", "delay", {"duration": "3d"})))
    await publish(1, line("parent", ("call", "subprocess", {"workflow": "child"})))
    async with office() as at:
        await at.engine.send({"name": "parent/start", "data": {"tenant_id": 1}})
        await at.engine.run_until_idle(until=at.engine.clock.now() + timedelta(hours=1))
        parent = await Run.get(workflow="parent")
        await at.engine.send(cancellation(AppNames("office"), 1, parent.id, cause="test"))
        await at.engine.run_until_idle()
    assert {run.workflow: run.status for run in await Run.all()} == {
        "child": "cancelled",
        "parent": "cancelled",
    }


async def test_workflows_that_call_each_other_come_to_an_end(database: str) -> None:
    await publish(1, line("ping", ("call", "subprocess", {"workflow": "pong"})))
    await publish(1, line("pong", ("call", "subprocess", {"workflow": "ping"})))
    async with office() as at:
        await at.send("ping/start", {"tenant_id": 1})
    found = await Run.all()
    assert {run.status for run in found} == {"failed"}
    assert len(found) == 9
    assert all("nested more than 8 deep" in run.error["message"] for run in found)


async def test_children_of_a_loop_are_runs_of_their_own(database: str) -> None:
    child = line("child")
    child["nodes"][-1]["data"]["config"] = {"output": "${event.data.n}"}
    await publish(1, child)
    call = {"workflow": "child", "input": {"n": "${item}"}}
    nodes = {
        "start": ("start", {}),
        "each": ("foreach", {"items": "event.data.list"}),
        "call": ("subprocess", call),
        "end": ("end", {}),
    }
    parent = drawn("parent", nodes, [("start", "each"), ("each", "end")])
    parent["nodes"][2]["parentId"] = "each"
    await publish(1, parent)
    async with office() as at:
        await at.send("parent/start", {"tenant_id": 1, "list": [5, 6, 7]})
    parents, children = await Run.filter(workflow="parent"), await Run.filter(workflow="child")
    assert [run.status for run in parents] == ["completed"]
    assert sorted(run.output for run in children) == [5, 6, 7]
    assert {run.parent for run in children} == {parents[0].id}


async def test_long_programs_run_in_parts(database: str) -> None:
    tasks = [(f"t{n}", "task", {"handler": "work", "input": n}) for n in range(650)]
    done = []

    async def work(task: Task) -> Any:
        done.append((task.input, task.run_id))
        return task.input

    await publish(1, line("long", *tasks))
    async with office({"work": work}) as at:
        await at.send("long/start", {"tenant_id": 1})
        run = await Run.get()
    assert run.status == "completed"
    assert done == [(n, run.id) for n in range(650)]


# --- what others may try


@pytest.mark.parametrize(
    "own",
    [
        {},
        {"run": "x"},
        {"run": 1, "workflow": "secret"},
        {"run": "x", "workflow": "secret", "event": {"name": 1}},
    ],
)
async def test_an_event_that_asks_nothing_fails_at_once(database: str, own: Any) -> None:
    async with office() as at:
        await at.send("proflow/office/run", {"tenant_id": 1, "_proflow": own})
        (run,) = at.runs()
        assert run.status == "Failed"
        assert [step.op for step in run.steps] == ["Error"]
    assert await Run.all().count() == 0


@pytest.mark.parametrize(
    ("tenant", "changed"),
    [
        (2**40, {}),
        (1, {"run": "r\x00"}),
        (1, {"run": "r" * 65}),
        (1, {"workflow": "w" * 101}),
        (1, {"workflow": "\ud800"}),
        (1, {"version": 2**31}),
        (1, {"version": True}),
        (1, {"business_id": 2**63}),
        (1, {"started_by": "x" * 201}),
        (1, {"digest": ["x"]}),
        (1, {"part": {}}),
    ],
)
async def test_what_no_table_holds_is_refused_at_once(
    database: str, tenant: int, changed: dict[str, Any]
) -> None:
    version = await publish(1, line("plain"))
    own = {"run": "x", "workflow": "plain", "digest": version.digest, "version": 1, **changed}
    async with office() as at:
        await at.send("proflow/office/run", {"tenant_id": tenant, "_proflow": own})
        (run,) = at.runs()
        assert run.status == "Failed"
        assert [step.op for step in run.steps] == ["Error"]
    assert await Run.all().count() == 0


async def test_nobody_takes_the_id_of_another_tenants_run(database: str) -> None:
    wait = line("wait", ("go", "wait", {"event": "go"}))
    own = []
    for tenant in (1, 2):
        version = await publish(tenant, wait)
        own.append({"run": "x", "workflow": "wait", "digest": version.digest, "version": 1})
    async with office() as at:
        for tenant in (1, 2):
            data = {"tenant_id": tenant, "_proflow": own[tenant - 1]}
            await at.engine.send({"name": "proflow/office/run", "data": data})
            await at.engine.run_until_idle(ignore_timeouts=lambda wait: True)
        for name, data in (
            ("proflow/office/cancel", {"tenant_id": 2, "run_id": "x"}),
            ("proflow/office/cancel", {"tenant_id": "1", "run_id": "x"}),
            ("go", {"tenant_id": 2}),
        ):
            await at.engine.send({"name": name, "data": data})
            await at.engine.run_until_idle(ignore_timeouts=lambda wait: True)
        assert [run.error and run.error["message"] for run in at.runs()] == [
            None,
            "run `x` is taken",
        ]
        run = await Run.get()
        assert (run.tenant_id, run.status) == (1, "running")
        await at.send("go", {"tenant_id": 1})
    assert (await Run.get()).status == "completed"


async def test_what_a_design_sends_is_its_tenants_and_says_nothing_below_our_key(
    database: str,
) -> None:
    data = {"tenant_id": 2, "_proflow": {"run": "x", "workflow": "secret"}, "text": "hi"}
    await publish(1, line("sender", ("tell", "emit", {"event": "told", "data": data})))
    for tenant in (1, 2):
        await publish(tenant, line("secret", trigger={"event": "told"}))
    async with office() as at:
        await at.send("sender/start", {"tenant_id": 1})
    secret = await Run.get(workflow="secret")
    assert secret.tenant_id == 1
    assert secret.event["data"] == {"tenant_id": 1, "text": "hi"}


async def test_nobody_runs_the_version_of_another_tenant(database: str) -> None:
    version = await publish(2, line("secret"))
    own = {"run": "x", "workflow": "secret", "digest": version.digest, "version": 1}
    event = {"name": "e", "id": "1", "ts": 1, "data": {"tenant_id": 1}}
    async with office() as at:
        await at.send("proflow/office/run", {"tenant_id": 1, "_proflow": {**own, "event": event}})
        await at.send("proflow/office/run", {"tenant_id": 1, "_proflow": {**own, "part": "p"}})
        assert [run.status for run in at.runs()] == ["Failed", "Failed"]
    assert await Run.all().count() == 0


async def test_what_somebody_writes_below_our_key_is_dropped(database: str) -> None:
    await publish(1, line("plain", trigger={"event": "plain"}))
    async with office() as at:
        await at.send("plain", {"tenant_id": 1, "_proflow": {"run": "x", "depth": 99}})
    run = await Run.get()
    assert run.event["data"] == {"tenant_id": 1}
    assert run.status == "completed"


async def test_a_second_run_of_inngest_does_not_take_a_run_over(database: str) -> None:
    version = await publish(1, line("once"))
    own = {"run": "x", "workflow": "once", "digest": version.digest, "version": version.number}
    async with office() as at:
        for _ in range(2):
            await at.send("proflow/office/run", {"tenant_id": 1, "_proflow": own})
        first, second = at.runs()
    assert (first.status, second.status) == ("Completed", "Failed")
    run = await Run.get()
    assert (run.inngest_run_id, run.status) == (first.id, "completed")
