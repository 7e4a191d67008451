"""Waiting for events: matching, modes, and what is never lost."""

from datetime import timedelta
from typing import Any

import inngest
import pytest
from local.scripted import RACE, START, App, give, only, runs_of, seconds, watch
from proflow_runtime.local import LocalEngine, StepArmed


def waiting_app(if_exp: str | None) -> App:
    app = App()

    @app.function("f")
    async def f(ctx: inngest.Context) -> Any:
        found = await ctx.step.wait_for_event("w", event="go", if_exp=if_exp, timeout=60_000)
        return found is not None

    return app


@pytest.mark.parametrize(
    ("if_exp", "matches"),
    [
        (None, True),
        ('async.data.key == "k"', True),
        ("async.data.key == 'k'", True),
        ('async.data.key == "other"', False),
        ("async.data.missing == 1", False),
        ("async.data.missing == 1 || true", True),
        ("has(async.data.missing)", False),
        ("async.data.n == 3", True),
        ("async.data.n == 3.0", True),
        ("async.data.n > 2 && async.data.n < 4", True),
        ("async.data.n", False),
        ("async.data.key", False),
        ("async.data.key + 1 == 2", False),
        ("async.data.list[1] == 2", True),
        ("async.data.nothing == null", True),
        ("async.data.key == event.data.key", True),
        ("async.data.n == event.data.key", False),
        ('async.name == "go" && async.ts > 0', True),
        # A literal with an escape is compared unread: it never matches.
        (r'async.data.quoted == "a\"b"', False),
        (r'async.data.key == "\u006b"', False),
        (r'async.data.key == "k" || "\n" == ""', False),
        ("""async.data.quoted == 'a"b'""", True),
        (r"""async.data.key == "k" && r"\d" == r'\d'""", True),
    ],
)
def test_an_event_matches_as_on_the_server(if_exp: str | None, matches: bool) -> None:
    data = {"key": "k", "n": 3, "list": [1, 2], "nothing": None, "quoted": 'a"b'}

    def script(engine: LocalEngine) -> None:
        engine.at(START + seconds(1), lambda: engine.send({"name": "go", "data": data}))

    engine = waiting_app(if_exp).run({"name": "f", "data": {"key": "k"}}, script=script)
    assert only(engine).output is matches


@pytest.mark.parametrize("if_exp", ["this is bad (", "nope.data.x == 1", "async.data.x =="])
def test_a_broken_expression_fails_the_run_at_once(if_exp: str) -> None:
    run = only(waiting_app(if_exp).run("f"))
    assert run.status == "Failed"
    assert run.output["error"]["name"] == "InvalidExpression"
    assert run.ended_at == START


def test_an_event_before_the_wait_is_lost() -> None:
    app = App()

    @app.function("f")
    async def f(ctx: inngest.Context) -> Any:
        await ctx.step.run("notify", lambda: app.client.send(inngest.Event(name="go")))
        return await ctx.step.wait_for_event("w", event="go", timeout=seconds(5)) is not None

    assert only(app.run("f")).output is False


def test_an_answer_given_inside_the_step_beside_an_armed_wait_is_never_lost() -> None:
    app = App()

    @app.function("f")
    async def f(ctx: inngest.Context) -> Any:
        key = ctx.event.data["key"]

        async def notify() -> None:
            await app.client.send(inngest.Event(name="go", data={"key": key}))

        def wait() -> Any:
            match = f'async.data.key == "{key}"'
            return ctx.step.wait_for_event("w", event="go", if_exp=match, timeout=60_000)

        answers = await ctx.group.parallel(
            (wait, lambda: ctx.step.run("notify", notify)), parallel_mode=RACE
        )
        return answers[0] is not None and answers[0].data["key"] == key

    engine = app.run(*({"name": "f", "data": {"key": f"k{n}"}} for n in range(300)))
    assert [run.output for run in engine.runs.values()] == [True] * 300
    assert engine.clock.now() == START


def branches(mode: inngest.ParallelMode) -> list[str]:
    """The steps in order, of two branches of which one waits for an hour."""
    app = App()
    order: list[str] = []

    @app.function("f")
    async def f(ctx: inngest.Context) -> None:
        def step(name: str) -> Any:
            async def work() -> None:
                order.append(name)

            return ctx.step.run(name, work)

        async def left() -> None:
            for name in ("l1", "l2", "l3"):
                await step(name)

        async def right() -> None:
            await ctx.step.sleep("nap", timedelta(hours=1))
            await step("r")

        await ctx.group.parallel((left, right), parallel_mode=mode)

    assert only(app.run("f")).ended_at == START + timedelta(hours=1)
    return order


def test_racing_branches_are_independent_and_others_advance_in_lockstep() -> None:
    assert branches(inngest.ParallelMode.RACE) == ["l1", "l2", "l3", "r"]
    assert branches(inngest.ParallelMode.WAIT) == ["l1", "l2", "r", "l3"]


@pytest.mark.parametrize(
    ("if_exp", "ended"), [("event.data.k == async.data.k", 60), ('async.data.k == "1"', 1)]
)
def test_a_racing_wait_that_reads_the_trigger_loses_its_mode(if_exp: str, ended: int) -> None:
    app = App()
    after: list[timedelta] = []

    @app.function("f")
    async def f(ctx: inngest.Context) -> Any:
        async def left() -> None:
            await ctx.step.wait_for_event("w", event="go", if_exp=if_exp, timeout=seconds(90))
            await ctx.step.run("after", give(None))

        async def right() -> None:
            await ctx.step.sleep("nap", seconds(60))

        await ctx.group.parallel((left, right), parallel_mode=RACE)

    def script(engine: LocalEngine) -> None:
        engine.at(START + seconds(1), lambda: engine.send({"name": "go", "data": {"k": "1"}}))

    run = only(app.run({"name": "f", "data": {"k": "1"}}, script=script))
    after = [step.at - START for step in run.steps if step.id == "after"]
    assert after == [seconds(ended)]


@pytest.mark.parametrize("days", [366, 367])
def test_nothing_waits_longer_than_a_year(days: int) -> None:
    app = App()

    @app.function("wait")
    async def wait(ctx: inngest.Context) -> Any:
        return await ctx.step.wait_for_event("w", event="go", timeout=timedelta(days=days))

    @app.function("sleep")
    async def sleep(ctx: inngest.Context) -> Any:
        return await ctx.step.sleep("s", timedelta(days=days))

    engine = app.run("wait", "sleep")
    for run in engine.runs.values():
        assert run.status == ("Completed" if days == 366 else "Failed")
        if days == 367:
            assert "at most 366" in run.output["message"]


def test_an_armed_wait_tells_all_about_itself() -> None:
    app = waiting_app('async.data.key == "k"')
    seen: list[Any] = []
    engine = app.run("f", script=lambda engine: seen.append(watch(engine)))
    (armed,) = (one for one in seen[0] if isinstance(one, StepArmed))
    wait = armed.wait
    assert (wait.step_id, wait.op, wait.name) == ("w", "WaitForEvent", "go")
    assert wait.expression == 'async.data.key == "k"'
    assert (wait.timeout, wait.armed_at) == (seconds(60), START)
    assert wait.deadline == START + seconds(60)
    assert armed.run is only(engine)


def test_a_parent_that_is_cancelled_leaves_its_child_running() -> None:
    app = App()

    @app.function("child")
    async def child(ctx: inngest.Context) -> str:
        await ctx.step.sleep("nap", seconds(100))
        return "done"

    @app.function("parent", cancel=[inngest.Cancel(event="stop")])
    async def parent(ctx: inngest.Context) -> Any:
        return await ctx.step.invoke("call", function=child)

    def script(engine: LocalEngine) -> None:
        engine.at(START + seconds(10), lambda: engine.send({"name": "stop"}))

    engine = app.run("parent", script=script)
    (child_run,) = runs_of(engine, "child")
    (parent_run,) = runs_of(engine, "parent")
    assert (parent_run.status, parent_run.ended_at) == ("Cancelled", START + seconds(10))
    assert (child_run.status, child_run.ended_at) == ("Completed", START + seconds(100))
    assert child_run.parent is not None
    assert child_run.parent.run_id == parent_run.id
    assert parent_run.steps[0].status == "cancelled"


def test_a_step_reported_again_after_it_has_settled_is_not_executed_again() -> None:
    app = App()
    executed: list[int] = []

    @app.function("f", retries=3)
    async def f(ctx: inngest.Context) -> Any:
        async def flaky() -> str:
            executed.append(ctx.attempt)
            if ctx.attempt == 0:
                raise ValueError("once")
            return "fine"

        async def nap() -> None:
            # Wakes in the very instant of the retry: its request does not know the step's result.
            await ctx.step.sleep("nap", seconds(15))
            await ctx.step.run("more", give(None))

        await ctx.group.parallel((lambda: ctx.step.run("flaky", flaky), nap), parallel_mode=RACE)

    engine = app.run("f", trace=True)
    assert only(engine).status == "Completed"
    stale = [
        one
        for one in engine.requests
        if one.status == 206 and [op["displayName"] for op in one.response] == ["flaky", "more"]
    ]
    assert stale
    assert executed == [0, 1]
    assert [step.id for step in only(engine).steps] == ["flaky", "nap", "flaky", "more"]
    assert sum(one.step != "step" for one in engine.requests) == 3


def test_a_planned_step_keeps_the_height_of_the_stack_it_was_discovered_at() -> None:
    app = App()

    @app.function("f")
    async def f(ctx: inngest.Context) -> None:
        async def chain() -> None:
            await ctx.step.run("b", give(None))
            await ctx.step.run("c", give(None))

        await ctx.group.parallel((lambda: ctx.step.run("a", give(None)), chain), parallel_mode=RACE)

    engine = app.run("f", trace=True)
    targeted = {
        one.response[0]["displayName"]: one.body["ctx"]["stack"]
        for one in engine.requests
        if one.step != "step"
    }
    assert (targeted["a"]["current"], len(targeted["a"]["stack"])) == (0, 0)
    assert (targeted["c"]["current"], len(targeted["c"]["stack"])) == (1, 2)
