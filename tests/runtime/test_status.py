"""What is recorded of a run's nodes, and what a canvas then shows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import inngest
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from proflow_runtime import Flow, Result, Retry, Task, status
from proflow_runtime.local import LocalEngine
from proflow_runtime.status import InMemoryRecorder, NodeState, Snapshot, recording
from proflow_runtime.status.node_states import node_states
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


def test_an_undrawn_outcome_that_stops_nothing_skips_the_others() -> None:
    drawn = canvas(
        "start:start each:loop each/ok:approval each/no:task end:end",
        "start -> each", "ok rejected-> no", "each -> end",
    )  # fmt: skip
    recorded = {"each": NodeState("running"), "ok": done("approved")}
    assert shown(drawn, recorded, "running")["no"] == "skipped"


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


LOOP = canvas(
    "start:start draft:task fork:parallel a:task b:task boss:approval after:task end:end",
    "start -> draft", "draft -> fork", "fork -> a", "fork -> b", "a -> boss", "b -> boss",
    "boss returned-> draft back", "boss approved-> after", "after -> end",
)  # fmt: skip


def test_a_node_in_a_loop_shows_the_round_that_goes_on() -> None:
    again = NodeState("pending", round=2)
    recorded = {
        "draft": NodeState("running", round=2, started_at=T0),
        "a": again, "b": again, "boss": again,
    }  # fmt: skip
    assert shown(LOOP, recorded, "running") == {
        "start": "completed", "draft": "running", "fork": "pending", "a": "pending",
        "b": "pending", "boss": "pending", "after": "pending", "end": "pending",
    }  # fmt: skip


def test_what_a_loop_leads_to_waits_until_it_is_left() -> None:
    drawn = canvas(
        "start:start a:task c:condition slow:task boss:approval out:task end:end",
        "start -> a", "a -> c", "a -> slow", "c x-> boss", "slow -> boss",
        "boss returned-> a back", "c y-> out", "boss approved-> end", "out -> end",
    )  # fmt: skip
    recorded = {"a": done(), "c": done("y"), "slow": NodeState("running")}
    assert shown(drawn, recorded, "running")["out"] == "pending"
    recorded = {"a": done(), "c": done("y"), "slow": done(), "boss": done("returned")}
    assert shown(drawn, recorded, "running")["out"] == "pending"
    recorded["boss"] = done("approved")
    assert shown(drawn, recorded, "running")["out"] == "running"


def test_a_header_that_runs_nothing_has_the_time_of_its_round() -> None:
    drawn = canvas(
        "start:start meet:join a:task boss:approval end:end",
        "start -> meet", "meet -> a", "a -> boss", "boss returned-> meet back",
        "boss approved-> end",
    )  # fmt: skip
    later = T0 + timedelta(hours=2)
    recorded = {
        "a": NodeState("running", started_at=later, round=2),
        "boss": NodeState("pending", round=2),
    }
    assert node_states(drawn, recorded, "running", T0)["meet"].started_at == later


def test_an_inclusive_takes_several_ways() -> None:
    drawn = canvas(
        "start:start tell:inclusive mail:task sms:task app:task end:end",
        "start -> tell", "tell mail-> mail", "tell sms-> sms", "tell app-> app", "mail -> end",
        "sms -> end", "app -> end",
    )  # fmt: skip
    recorded = {"tell": NodeState("completed", ["mail", "app"]), "mail": done()}
    assert shown(drawn, recorded, "running") == {
        "start": "completed", "tell": "completed", "mail": "completed", "sms": "skipped",
        "app": "running", "end": "pending",
    }  # fmt: skip


def test_an_error_with_a_way_on_is_an_outcome() -> None:
    drawn = canvas(
        "start:start pay:task ok:task undo:task end:end",
        "start -> pay", "pay default-> ok", "pay error-> undo", "ok -> end", "undo -> end",
    )  # fmt: skip
    recorded = {"pay": NodeState("completed", "error", 2, {"name": "E", "message": "no"})}
    found = node_states(drawn, recorded, "running")
    assert (found["pay"].status, found["pay"].outcome) == ("completed", "error")
    assert (found["ok"].status, found["undo"].status) == ("skipped", "running")


EACH = canvas(
    "start:start each:foreach each/fork:parallel each/a:task each/b:approval end:end",
    "start -> each", "fork -> a", "fork -> b", "each -> end",
)  # fmt: skip


def test_a_node_inside_a_foreach_shows_what_its_items_come_to() -> None:
    recorded = {"each": NodeState("running"), "a": done(), "b": NodeState("waiting")}
    items: dict[str, dict[tuple[int, ...], NodeState]] = {
        "a": {(0,): done(), (1,): done()},
        "b": {(0,): done("approved"), (1,): NodeState("waiting")},
    }
    found = node_states(EACH, recorded, "running", T0, items)
    assert {name: state.status for name, state in found.items()} == {
        "start": "completed", "each": "running", "fork": "completed", "a": "completed",
        "b": "waiting", "end": "pending",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("container", "run", "inside"),
    [
        (None, "running", "pending"),
        (NodeState("completed", "default"), "running", "skipped"),
        (NodeState("completed", "error"), "completed", "skipped"),
        (None, "failed", "skipped"),
    ],
)
def test_what_a_container_never_ran_is_open_until_it_is_over(
    container: NodeState | None, run: status.RunStatus, inside: str
) -> None:
    found = shown(EACH, {} if container is None else {"each": container}, run)
    assert {found[name] for name in ("fork", "a", "b")} == {inside}


def test_a_container_inside_a_container_that_is_skipped_is_skipped() -> None:
    drawn = canvas(
        "start:start c:condition each:foreach each/poll:loop poll/nap:delay other:task end:end",
        "start -> c", "c x-> each", "c y-> other", "each -> end", "other -> end",
    )  # fmt: skip
    found = shown(drawn, {"c": done("y")}, "running")
    assert {found[name] for name in ("each", "poll", "nap")} == {"skipped"}


def test_an_early_join_has_the_time_of_the_edge_that_was_enough() -> None:
    times = {name: T0 + timedelta(hours=hours) for name, hours in (("a", 3), ("b", 1), ("c", 2))}
    drawn = canvas(
        "start:start a:task b:task c:task two:join:2 after:join",
        "start -> a", "start -> b", "start -> c", "a -> two", "b -> two", "c -> two",
        "two -> after", "a -> after",
    )  # fmt: skip
    recorded = {name: replace(done(), ended_at=at) for name, at in times.items()}
    found = node_states(drawn, recorded, "running", T0)
    assert found["two"].started_at == times["c"]
    assert found["after"].started_at == times["a"]


@given(st.data())
def test_states_follow_from_the_game_of_tokens(data: st.DataObject) -> None:
    """Every node is settled by hand, in the order of its edges; what runs nothing is then hidden."""
    count = data.draw(st.integers(1, 9))
    kinds = data.draw(
        st.lists(
            st.sampled_from(["task", "join", "parallel", "inclusive"]),
            min_size=count, max_size=count,
        )
    )  # fmt: skip
    names = [f"n{index}" for index in range(count)]
    nodes = [CanvasNode(id="start", type="start", label="")]
    edges: list[CanvasEdge] = []
    states = {"start": NodeState("completed")}
    taken: list[bool] = []
    for index, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        nodes.append(CanvasNode(id=name, type=kind, label=""))
        before = ["start", *names[:index]]
        sources = data.draw(st.lists(st.sampled_from(before), min_size=1, max_size=3))
        first = len(edges)
        for source in sources:
            ruled = source != "start" and kinds[names.index(source)] == "inclusive"
            outcome = data.draw(st.sampled_from("xyz")) if ruled else None
            edges.append(CanvasEdge(source=source, target=name, outcome=outcome))
            at = states[source]
            chosen = outcome is None or (at.outcome is not None and outcome in at.outcome)
            taken.append(at.status == "completed" and chosen)
        ran = any(taken[first:])
        outcomes = data.draw(st.lists(st.sampled_from("xyz"), min_size=1, unique=True))
        states[name] = (
            NodeState("completed", outcomes if kind == "inclusive" else None)
            if ran
            else NodeState("skipped")
        )
    # An outcome without an edge would stop the run: it is left out, unless nothing is left.
    drawn: dict[str, set[str]] = {name: set() for name in names}
    for edge in edges:
        if edge.source in drawn and edge.outcome is not None:
            drawn[edge.source].add(edge.outcome)
    assume(
        all(
            not drawn[name] or drawn[name] & set(states[name].outcome or [])
            for name, kind in zip(names, kinds, strict=True)
            if kind == "inclusive" and states[name].status == "completed"
        )
    )
    recorded = {
        name: state
        for name, state in states.items()
        if state.status == "completed"
        and name != "start"
        and kinds[names.index(name)] in ("task", "inclusive")
    }
    found = node_states(Canvas(nodes=nodes, edges=edges), recorded, "running")
    assert {name: state.status for name, state in found.items()} == {
        name: state.status for name, state in states.items()
    }


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
