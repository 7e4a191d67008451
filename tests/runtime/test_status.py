"""What is recorded of a run's nodes, and what a canvas then shows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import inngest
import pytest
from proflow_runtime import Flow, Result, Retry, Task, status
from proflow_runtime.local import LocalEngine
from proflow_runtime.node_states import node_states
from proflow_runtime.status import InMemoryRecorder, NodeState, Snapshot, recording
from proflow_schemas.definition import Canvas, CanvasEdge, CanvasNode

from .conftest import Register
from .driving import answer, start

pytestmark = pytest.mark.anyio

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def canvas(nodes: str, *edges: str) -> Canvas:
    """`start:start a:task each/b:task any:join:1`, and edges such as `a -> b`, `a approved-> b`,
    `a returned-> b back`."""
    made = []
    for edge in edges:
        left, target = edge.split("-> ")
        source, _, outcome = left.strip().partition(" ")
        target, _, back = target.partition(" ")
        made.append(
            CanvasEdge(source=source, target=target, outcome=outcome or None, back=bool(back))
        )
    drawn = []
    for node in nodes.split():
        place, kind, *needs = node.split(":")
        parent, _, name = place.rpartition("/")
        drawn.append(
            CanvasNode(
                id=name,
                type=kind,
                label=name,
                parent=parent or None,
                needs=int(needs[0]) if needs else None,
            )
        )
    return Canvas(nodes=drawn, edges=made)


def shown(drawn: Canvas, recorded: dict[str, NodeState], run: status.RunStatus) -> dict[str, str]:
    return {name: state.status for name, state in node_states(drawn, recorded, run).items()}


def done(outcome: str = "default") -> NodeState:
    return NodeState("completed", outcome)


FORK = canvas(
    "start:start fork:parallel a:task ok:approval join:join last:task end:end",
    "start -> fork", "fork -> a", "fork -> ok", "a -> join", "ok approved-> join", "join -> last",
    "last -> end",
)  # fmt: skip


def test_nodes_that_run_nothing_follow_from_the_others() -> None:
    recorded = {"a": done(), "ok": NodeState("waiting")}
    assert shown(FORK, recorded, "running") == {
        "start": "completed", "fork": "completed", "a": "completed", "ok": "waiting",
        "join": "pending", "last": "pending", "end": "pending",
    }  # fmt: skip
    recorded = {"a": done(), "ok": done("approved"), "last": done(), "end": done()}
    assert set(shown(FORK, recorded, "completed").values()) == {"completed"}


def test_a_node_that_is_next_is_running_before_it_is_recorded() -> None:
    assert shown(FORK, {"a": done(), "ok": done("approved")}, "running")["last"] == "running"


def test_an_undrawn_outcome_settles_nothing() -> None:
    recorded = {"a": done(), "ok": done("rejected")}
    assert shown(FORK, recorded, "completed") == {
        "start": "completed", "fork": "completed", "a": "completed", "ok": "completed",
        "join": "skipped", "last": "skipped", "end": "skipped",
    }  # fmt: skip


def test_skipping_travels_on_to_where_something_was_taken() -> None:
    drawn = canvas(
        "start:start c:condition a:task b:task b2:task merge:task end:end",
        "start -> c", "c x-> a", "c y-> b", "b -> b2", "b2 -> merge", "a -> merge", "merge -> end",
    )  # fmt: skip
    found = shown(drawn, {"c": done("x"), "a": done()}, "running")
    assert found["b"] == found["b2"] == "skipped"
    assert found["merge"] == "running"


def test_a_failed_run_cancels_what_was_open_and_skips_what_never_started() -> None:
    recorded = {"a": NodeState("failed"), "ok": NodeState("waiting")}
    found = shown(FORK, recorded, "failed")
    assert found["a"] == "failed"
    assert found["ok"] == "cancelled"
    assert found["join"] == found["last"] == "skipped"


def test_choices_carry_on_but_are_not_shown() -> None:
    drawn = canvas(
        "start:start a:task a?default:choice b:task c:task",
        "start -> a", "a -> a?default", "a?default x-> b", "a?default y-> c",
    )  # fmt: skip
    found = shown(drawn, {"a": done(), "a?default": done("y"), "c": done()}, "completed")
    assert found == {"start": "completed", "a": "completed", "b": "skipped", "c": "completed"}


def test_a_join_that_was_left_early_is_completed() -> None:
    drawn = canvas(
        "start:start a:task b:delay any:join:1 after:task",
        "start -> a", "start -> b", "a -> any", "b -> any", "any -> after",
    )  # fmt: skip
    recorded = {"a": done(), "b": NodeState("waiting"), "after": NodeState("running")}
    assert shown(drawn, recorded, "running")["any"] == "completed"


def test_a_start_and_a_join_have_times() -> None:
    recorded = {
        "a": replace(done(), ended_at=T0 + timedelta(hours=1)),
        "ok": replace(done("approved"), ended_at=T0 + timedelta(hours=3)),
    }
    states = node_states(FORK, recorded, "running", T0)
    assert states["fork"].started_at == T0
    assert states["join"].started_at == T0 + timedelta(hours=3)


async def echo(task: Task) -> Any:
    return task.input


async def test_a_run_is_recorded_as_it_moves(client: inngest.Inngest, register: Register) -> None:
    async def flaky(task: Task) -> None:
        if task.attempt < 3:
            raise RuntimeError(f"no luck {task.attempt}")

    async def body(flow: Flow) -> Result:
        await flow.run("a", flaky, retry=Retry(4, initial_interval=60))
        await flow.approve("boss")
        await flow.sleep("nap", timedelta(hours=1))
        return flow.end("end")

    recorder = InMemoryRecorder()
    async with LocalEngine(client, [register(body)], trace=True) as engine:
        with recording(recorder):
            begin = engine.clock.now()
            await engine.send({"name": "x/start", "data": {"tenant_id": 3}})
            await engine.run_until_idle(until=begin + timedelta(minutes=1))
            (recorded,) = recorder.runs.values()
            assert recorded.nodes["a"] == NodeState(
                "running", None, 2, {"name": "RuntimeError", "message": "no luck 2"}, begin
            )
            await engine.run_until_idle(until=begin + timedelta(hours=1))
            boss = recorded.nodes["boss"]
            assert (boss.status, boss.ended_at) == ("waiting", None)
            await answer(engine, "boss", approved=True)
        assert recorded.nodes["a"] == NodeState(
            "completed", "default", 3, None, begin, begin + timedelta(minutes=3)
        )
        boss = recorded.nodes["boss"]
        assert (boss.outcome, boss.ended_at) == ("approved", begin + timedelta(hours=1))
        assert recorded.nodes["nap"].ended_at == begin + timedelta(hours=2)
        assert (recorded.status, recorded.tenant_id) == ("completed", 3)
        assert recorded.result is not None
        assert recorded.result["result"] == "completed"


async def test_a_failure_is_recorded_with_the_node_to_blame(
    client: inngest.Inngest, register: Register
) -> None:
    async def broken(task: Task) -> None:
        raise inngest.NonRetriableError("no such order")

    async def body(flow: Flow) -> Result:
        await flow.run("pay", broken)
        return flow.end("end")

    recorder = InMemoryRecorder()
    async with LocalEngine(client, [register(body)]) as engine:
        with recording(recorder):
            await start(engine)
    (recorded,) = recorder.runs.values()
    assert recorded.status == "failed"
    assert recorded.error == "step `pay` failed after 1 attempt: no such order"
    pay = recorded.nodes["pay"]
    error = {"name": "NonRetriableError", "message": "no such order"}
    assert (pay.status, pay.attempts, pay.error) == ("failed", 1, error)


async def test_a_recorder_is_called_once_per_request_and_cannot_harm_the_run(
    client: inngest.Inngest, register: Register, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Snapshot] = []

    async def broken(snapshot: Snapshot) -> None:
        seen.append(snapshot)
        raise OSError("the disk is full")

    async def body(flow: Flow) -> Result:
        await flow.run("a", echo)

        async def left() -> None:
            await flow.run("b", echo)

        async def right() -> None:
            await flow.run("c", echo)

        await flow.parallel(left, right)
        return flow.end("end")

    async with LocalEngine(client, [register(body)], trace=True) as engine:
        with recording(broken):
            run = await start(engine)
        assert run.status == "Completed"
        assert len(seen) == len(engine.requests)
    assert "the disk is full" in caplog.text


def test_a_node_never_goes_back() -> None:
    recorder = InMemoryRecorder()
    snapshot = Snapshot("r", "x", None, "", 1, T0, "running", {"a": NodeState("completed", "x")})
    recorder(snapshot)
    later = T0 + timedelta(seconds=1)
    recorder(replace(snapshot, at=later, nodes={"a": NodeState("running", attempts=2)}))
    assert recorder.runs["r"].nodes["a"] == NodeState("completed", "x", 2, None, T0, T0)
