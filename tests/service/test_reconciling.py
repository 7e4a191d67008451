"""Nothing that was promised is lost, however many accepted events are."""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import inngest
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from proflow_runtime import Task
from proflow_runtime.context import clock
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.local.records import Event
from proflow_runtime.service import ProFlow
from proflow_runtime.service.delivery import MOST_SENDS
from proflow_runtime.status import OPEN
from proflow_runtime.store import outbox, unseen
from proflow_runtime.store.database import connect
from proflow_runtime.store.models import OutboxEvent, Run
from stored.left_calls import CHILD, PAYING, out_of_time
from stored.lossy import Faults, LossyEngine
from stored.office import Engined, drawn, line, publish

pytestmark = pytest.mark.anyio
ASK = ("approval", {"approverType": "user", "approverIds": ["ben"]})
WORK = ("task", {"handler": "work"})
DAY = timedelta(days=1)


class Trial:
    """A service on an engine that loses events, in virtual time; `done` counts what handlers do."""

    def __init__(self, engine: LossyEngine, proflow: ProFlow, done: Counter[str]) -> None:
        self.engine, self.proflow, self.done = engine, proflow, done

    async def start(self, workflow: str, **data: Any) -> str:
        return await self.proflow.start(tenant_id=1, workflow=workflow, data=data)

    async def send(self, name: str, **data: Any) -> None:
        await self.engine.send({"name": name, "data": {"tenant_id": 1, **data}})

    async def forward(self, duration: timedelta, every: timedelta = timedelta(seconds=5)) -> None:
        """Let time pass; the outbox is looked at from time to time."""
        until = self.engine.clock.now() + duration
        while (now := self.engine.clock.now()) < until:
            await self.engine.run_until_idle(until=min(now + every, until))
            await self.proflow.delivery.deliver()

    async def vote(self, user: str = "ben") -> int:
        found = (await self.proflow.approvals.inbox(1, user)).items
        for approval in found:
            await self.proflow.approvals.act(1, user, approval.id, "approve")
        return len(found)

    async def until_all_over(self, within: timedelta = DAY) -> int:
        """Approve whatever is asked until all runs have ended; the number of votes."""
        votes, until = 0, self.engine.clock.now() + within
        while self.engine.clock.now() < until:
            await self.forward(timedelta(seconds=10))
            votes += await self.vote()
            if not await Run.filter(status__in=OPEN).exists() and not await self.awaited():
                break
        return votes

    async def awaited(self) -> list[str]:
        """What has not had its effect."""
        none = timedelta(0)
        lists = (unseen.not_begun, unseen.not_resumed, unseen.not_ended, unseen.undelivered)
        return [one.id for listed in lists for one in await listed(1, older_than=none)]


@asynccontextmanager
async def trial(faults: Faults, handlers: Mapping[str, Any] | None = None) -> AsyncIterator[Trial]:
    done: Counter[str] = Counter()

    async def work(task: Task) -> str:
        done[task.idempotency_key] += 1
        return task.node_id

    async def breaks(task: Task) -> None:
        raise ValueError("it always does")

    client = inngest.Inngest(app_id="house", is_production=False)
    async with LossyEngine(client, [], faults=faults) as engine:
        registry = Registry({"work": work, "pay": work, "breaks": breaks, **(handlers or {})})
        proflow = ProFlow(client, registry, target=Engined(engine))
        token = clock.activate(engine.clock)
        remove = proflow.recorders.add(proflow._recorder)
        try:
            await proflow.deployment.refresh()
            yield Trial(engine, proflow, done)
        finally:
            remove()
            clock.deactivate(token)


def ours(event: Event) -> bool:
    """What the service and the server send to each other: outsiders are asked to send again."""
    return event["name"].startswith(("proflow/", "inngest/function.failed")) or (
        event["name"] == "inngest/function.cancelled"
    )


BREAKS = ("task", {"handler": "breaks", "retry": {"maxAttempts": 1}})
DESIGNS = (
    line("line", ("a", *WORK), ("b", *WORK)),
    line("leave", ("ask", *ASK), ("book", *WORK)),
    drawn(
        "fork",
        {
            "start": ("start", {}),
            "fork": ("parallel", {}),
            "ask": ASK,
            "one": WORK,
            "join": ("join", {"mode": "all"}),
            "again": ASK,
            "last": WORK,
            "end": ("end", {}),
        },
        [
            *(("start", "fork"), ("fork", "ask"), ("fork", "one"), ("ask", "join", "approved")),
            *(("one", "join"), ("join", "again"), ("again", "last", "approved"), ("last", "end")),
        ],
    ),
    line("order", ("a", *WORK), trigger={"event": "o/made"}),
    line(
        "sleeper",
        ("a", *WORK),
        ("nap", "delay", {"duration": "10d"}),
        trigger={"event": "o/asleep"},
        cancelOn=[{"event": "o/stop", "match": "data.order"}],
    ),
    line("breaks", ("a", *WORK), ("b", *BREAKS)),
    *(PAYING, CHILD, out_of_time(duration="1m")),
)
EFFECTS = {"line": 2, "leave": 1, "fork": 2, "order": 1, "sleeper": 1, "breaks": 1, "paying": 1}
ENDS = {"sleeper": {"cancelled"}, "breaks": {"failed"}, "child": {"completed", "cancelled"}}
ENDS["paying"] = ENDS["child"]


async def mixed(url: str, faults: Faults) -> None:
    async with connect(url), trial(faults) as at:
        for canvas in DESIGNS:
            await publish(1, canvas)
        await at.proflow.deployment.refresh()
        started = [await at.start(one) for one in ("line", "leave", "fork", "breaks") * 3]
        started.append(await at.start("caller"))
        asleep = await at.start("sleeper", order="x")
        for number in range(3):
            await at.send("o/made", order=f"n{number}")
            await at.send("o/asleep", order=f"n{number}")

        async def napping() -> bool:
            await at.forward(timedelta(seconds=20))
            runs = await Run.filter(workflow="sleeper")
            naps = [(await at.proflow.status(1, run.id))["nodes"]["nap"] for run in runs]
            return len(naps) == 4 and all(one["status"] == "waiting" for one in naps)

        while not await napping():  # virtual time
            pass
        await at.proflow.cancel(1, asleep)
        for number in range(3):
            await at.send("o/stop", order=f"n{number}")

        votes = await at.until_all_over()

        runs = await Run.all()
        assert set(started) < {run.id for run in runs}
        by_workflow = Counter(run.workflow for run in runs)
        assert (by_workflow["order"], by_workflow["sleeper"]) == (3, 4)
        for run in runs:
            assert run.status in ENDS.get(run.workflow, {"completed"}), (run.workflow, run.status)
        assert votes == 3 * (1 + 2)
        assert await at.awaited() == []
        assert set(at.done.values()) == {1}
        effects = Counter(key.partition(":")[0] for key in at.done)
        for run in runs:
            if run.workflow in EFFECTS and (run.workflow, run.status) != ("paying", "cancelled"):
                assert effects[run.id] == EFFECTS[run.workflow], run.workflow
        if faults.drop >= 0.3:
            assert at.engine.happened["dropped"] > 0


# Not shrunk: each example takes seconds, and its seed says all.
@settings(max_examples=8, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    seed=st.integers(0, 2**32),
    drop=st.sampled_from([0.0, 0.3, 0.6]),
    delay=st.sampled_from([0.0, 0.5]),
    double=st.sampled_from([0.0, 0.5]),
)
def test_all_runs_end_all_votes_act_and_each_effect_happens_once(
    sqlite_template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    drop: float,
    delay: float,
    double: float,
) -> None:
    path = tmp_path_factory.mktemp("lossy") / "test.db"
    shutil.copyfile(sqlite_template, path)
    faults = Faults(seed, drop, delay, double, concerns=ours)
    asyncio.run(mixed(f"sqlite://{path}", faults))


def lost(event: Event) -> bool:
    return event["name"] in ("proflow/house/run", "proflow/house/answer")


async def test_what_never_has_its_effect_is_given_up_and_listed(database: str) -> None:
    async with trial(Faults(1, drop=1.0, concerns=lost)) as at:
        await publish(1, line("line", ("a", *WORK)))
        run = await at.start("line")
        await at.forward(timedelta(minutes=2))
        (listed,) = await unseen.not_begun(1)
        assert (listed.run_id, listed.failed_at, listed.sends) == (run, None, 4)
        assert await unseen.not_begun(2) == []
        await at.forward(2 * DAY, every=timedelta(minutes=10))
        (listed,) = await unseen.not_begun(1)
        assert listed.failure == f"Inngest has accepted it {MOST_SENDS} times, without effect"
        assert (listed.due_at, (await Run.get(id=run)).status) == (None, "pending")

        at.engine.faults = Faults(1)
        assert not await unseen.send_again(2, listed.id)
        assert await unseen.send_again(1, listed.id)
        await at.forward(timedelta(seconds=10))
        assert (await Run.get(id=run)).status == "completed"
        assert await unseen.not_begun(1) == []
        assert not await unseen.send_again(1, listed.id)


async def test_a_decision_that_was_lost_is_listed_until_the_run_goes_on(database: str) -> None:
    async with trial(Faults(1, drop=1.0, concerns=lost)) as at:
        at.engine.faults = Faults(1)
        await publish(1, line("leave", ("ask", *ASK), ("book", *WORK)))
        run = await at.start("leave")
        await at.forward(timedelta(seconds=10))
        at.engine.faults = Faults(1, drop=1.0, concerns=lost)
        assert await at.vote() == 1
        await at.forward(timedelta(minutes=2))
        (listed,) = await unseen.not_resumed(1)
        assert (listed.run_id, listed.step) == (run, "ask")
        assert (await Run.get(id=run)).status == "waiting"
        at.engine.faults = Faults(1)
        await at.forward(timedelta(minutes=5))
        assert (await Run.get(id=run)).status == "completed"
        assert await unseen.not_resumed(1) == []


async def test_a_run_is_not_begun_twice_by_a_copy_that_comes_much_later(database: str) -> None:
    async with trial(Faults(1)) as at:
        await publish(1, line("line", ("a", *WORK)))
        await publish(1, line("leave", ("ask", *ASK), ("book", *WORK)))
        runs = [await at.start("line"), await at.start("leave")]
        await at.forward(timedelta(seconds=20))
        handed = await OutboxEvent.filter(effect="begun").order_by("created_at")
        await at.forward(2 * DAY, every=timedelta(minutes=10))
        for one in handed:
            await at.engine.send({"name": one.name, "id": one.id, "data": one.data})
        await at.forward(timedelta(seconds=20))
        begun = [one for one in at.engine.runs.values() if one.function_id == "house-proflow-run"]
        assert sorted(one.status for one in begun) == ["Completed", "Failed", "Failed", "Running"]
        statuses = [(await Run.get(id=one)).status for one in runs]
        assert (statuses, set(at.done.values())) == (["completed", "waiting"], {1})
        await at.vote()
        await at.forward(timedelta(seconds=20))
        assert (await Run.get(id=runs[1])).status == "completed"
        assert set(at.done.values()) == {1}


CALLING = (
    line("called", ("a", *WORK)),
    line("calling", ("call", "subprocess", {"workflow": "called"}), ("b", *WORK)),
)


async def test_a_call_that_inngest_has_lost_is_listed_until_its_run_ends(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with trial(Faults(1)) as at:
        for canvas in CALLING:
            await publish(1, canvas)
        with monkeypatch.context() as losing:
            losing.setattr(at.engine._admission, "invoke", lambda *_: True)
            lost = await at.start("calling")
            await at.forward(timedelta(minutes=2))
        kept = await at.start("calling")
        await at.forward(timedelta(minutes=2))
        (listed,) = await unseen.not_begun(1)
        assert (listed.step, listed.name, listed.due_at) == (lost, "inngest/function.invoked", None)
        assert (await Run.get(id=kept)).status == "completed"
        await at.proflow.cancel(1, lost)
        await at.forward(timedelta(minutes=2))
        assert await at.awaited() == []


async def test_a_result_that_inngest_has_lost_is_listed_until_the_caller_ends(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with trial(Faults(1)) as at:
        for canvas in CALLING:
            await publish(1, canvas)
        with monkeypatch.context() as losing:
            losing.setattr(at.engine._execution.waiting, "return_to", lambda *_: None)
            lost = await at.start("calling")
            await at.forward(timedelta(minutes=2))
        child = await Run.get(workflow="called")
        (listed,) = await unseen.not_resumed(1)
        assert (listed.run_id, listed.step, child.status) == (lost, child.id, "completed")
        await at.proflow.cancel(1, lost)
        await at.forward(timedelta(minutes=2))
        assert await at.awaited() == []


async def test_two_processes_send_what_has_no_effect_once_per_pause(database_url: str) -> None:
    sent: list[str] = []

    async def send(events: list[inngest.Event]) -> None:
        await asyncio.sleep(0)
        sent.extend(one.id for one in events)

    async def process() -> None:
        from proflow_runtime.service.delivery import Delivery

        async with connect(database_url):
            await Delivery(send, pauses=[timedelta(hours=1)]).deliver()

    async with connect(database_url):
        async with outbox.transaction() as client:
            for number in range(120):
                effect = outbox.Effect("begun", f"r{number}")
                await outbox.put(client, f"run:{number}", 1, "x", {}, effect=effect)
        await asyncio.gather(*(asyncio.create_task(process()) for _ in range(3)))
        assert Counter(sent) == Counter(f"run:{number}" for number in range(120))
        now = clock.now() - timedelta(seconds=1)
        await OutboxEvent.all().update(due_at=now)
        await asyncio.gather(*(asyncio.create_task(process()) for _ in range(3)))
        assert set(Counter(sent).values()) == {2}
        assert {one.sends for one in await OutboxEvent.all()} == {2}
