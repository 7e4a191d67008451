"""Items that are repeated instead of run: every request has the answer of a process that kept nothing."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import inngest
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parity.playing import TARGETS, Target, source_of
from proflow_compiler.pipeline import compile_design
from proflow_compiler.reader import read
from proflow_runtime import Registry, Task, status
from proflow_runtime.context import clock
from proflow_runtime.flow.item_replays import ItemReplay, KeptReplays, Repeater
from proflow_runtime.flow.memos import hashed
from proflow_runtime.local import VirtualClock
from proflow_runtime.local.sdk import SdkApp
from proflow_runtime.protocol.wire import Answer, request_body
from proflow_runtime.simulation import generated_functions, interpreted_functions

ITEMS = [0, 1, 2, 3, 1, 0]
Memos = dict[str, Any]


async def work(task: Task) -> Any:
    raise AssertionError("no request is for a step")


async def _none() -> list[int]:
    return []


def design(**config: Any) -> Any:
    """A foreach whose items go different ways: by what a step has returned before it, and inside."""
    inside = {
        "a": {"type": "task", "data": {"handler": "work"}},
        "which": {"type": "condition"},
        "b": {"type": "task", "data": {"handler": "work"}},
        "caught": {"type": "task", "data": {"handler": "work"}},
        "s": {"type": "set", "data": {"values": {"v": "steps.a.output.n + index"}}},
        "c": {"type": "task", "data": {"handler": "work"}},
        "pause": {"type": "delay", "data": {"duration": "5m"}},
        "both": {"type": "parallel"},
        "p": {"type": "task", "data": {"handler": "work"}},
        "q": {"type": "task", "data": {"handler": "work"}},
        "done": {"type": "end", "data": {"output": {"n": "${steps.a.output.n}", "i": "${item}"}}},
    }
    nodes = [
        {"id": "start", "type": "start"},
        {"id": "first", "type": "task", "data": {"handler": "work"}},
        {"id": "each", "type": "foreach", "data": {"items": "event.data.l", **config}},
        *({"id": name, "parentId": "each", **one} for name, one in inside.items()),
        {"id": "after", "type": "task", "data": {"handler": "work"}},
        {"id": "end", "type": "end", "data": {"output": "${steps.each.output}"}},
    ]
    drawn = [
        ("start", "first", {}),
        ("first", "each", {}),
        ("each", "after", {}),
        ("after", "end", {}),
        ("a", "which", {}),
        ("which", "b", {"data": {"when": "steps.a.output.n > steps.first.output.n"}}),
        ("which", "s", {"data": {"when": "item == 1"}}),
        ("which", "pause", {"data": {"when": "item == 2"}}),
        ("which", "both", {"data": {"default": True}}),
        ("b", "done", {}),
        ("b", "caught", {"sourceHandle": "error"}),
        ("s", "c", {}),
        ("c", "done", {}),
        ("both", "p", {}),
        ("both", "q", {}),
    ]
    edges = [{"source": source, "target": target, **more} for source, target, more in drawn]
    (found,) = read(
        json.dumps({"id": "repeated", "nodes": nodes, "edges": edges}).encode(), "d"
    ).designs
    definition, problems = compile_design(found)
    assert definition is not None, problems
    return definition


STEPS = ["first", *(f"{node}[{i}]" for i in range(len(ITEMS)) for node in ("a", "b", "c"))]
STEPS += [f"{node}[{i}]" for i in range(len(ITEMS)) for node in ("caught", "pause", "p", "q")]
STEPS += ["after"]
N = st.integers(0, 3).map(lambda n: {"data": {"n": n}})
FAILED = st.just({"data": {"__error__": {"name": "E", "message": "m", "attempts": 2}}})
GIVEN_UP = st.just({"error": {"name": "E", "message": "m", "stack": None}})


def memo(step: str) -> st.SearchStrategy[Any]:
    if step.startswith("pause"):
        return st.none()
    return st.one_of(N, FAILED, GIVEN_UP) if step.startswith("b") else N


@st.composite
def conversations(draw: st.DrawFn) -> list[Memos]:
    """The outputs in the requests of a run: more and more of them, now and then others."""
    order = draw(st.permutations(STEPS[1:]))
    values = {step: draw(memo(step)) for step in STEPS}
    found = []
    count = 0
    for _ in range(draw(st.integers(2, 8))):
        count = draw(st.integers(count, min(len(order), count + 12)))
        if draw(st.integers(0, 9)) == 0:
            changed = draw(st.sampled_from(STEPS))
            values[changed] = draw(memo(changed))
        found.append({step: values[step] for step in ["first", *order[:count]]})
    return found


class Process:
    """Functions, what they record, and how often the SDK tells its middleware of new code."""

    def __init__(self, target: Target, definition: Any) -> None:
        process = self
        self._told = 0

        class Middleware(inngest.Middleware):
            async def before_execution(self) -> None:
                process._told += 1

        client = inngest.Inngest(app_id="app", is_production=False, middleware=[Middleware])
        makes = (
            interpreted_functions(definition)
            if target == "interpreter"
            else generated_functions(source_of(definition.to_json()))
        )
        (function,) = makes(client, Registry({"work": work}, tenants=_none))
        self._app = SdkApp(client, [function])
        self._id = function.id

    async def ask(self, memos: Memos, run: str) -> tuple[Answer, list[Any], int]:
        steps = {hashed(step): memo for step, memo in memos.items()}
        event = json.dumps({"name": "x", "id": "1", "ts": 1, "data": {"tenant_id": 1, "l": ITEMS}})
        body = request_body(
            attempt=0,
            max_attempts=5,
            plan_only=True,
            function_uuid="f",
            job_id="j",
            queue_id="q",
            request_id="r",
            run_id=run,
            current=len(steps),
            stack=list(steps),
            event=event,
            events=f"[{event}]",
            memos=[f"{json.dumps(name)}:{json.dumps(one)}" for name, one in steps.items()],
            version=2,
        )
        snapshots: list[Any] = []

        def record(one: status.Snapshot) -> None:
            order = list(one.items)
            snapshots.append((replace(one, results=dict), one.results(set()), order))

        self._told = 0
        with status.recording(record):
            answer = await self._app.post(self._id, "step", body, "j", "r")
        return answer, snapshots, self._told


async def compare(process: Process, requests: Sequence[Memos], run: str) -> None:
    """Ask what a process answers that keeps what it has done, and one that does not."""
    token = clock.activate(VirtualClock())
    try:
        for memos in requests:
            found = await process.ask(memos, run)
            with keeping_nothing():
                expected = await process.ask(memos, run)
            assert found == expected
    finally:
        clock.deactivate(token)


@contextmanager
def keeping_nothing() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KeptReplays, "of", lambda self, key, event, steps: {})
        patch.setattr(KeptReplays, "keep", lambda self, key, index, one: None)
        yield


@pytest.fixture
def repeated(monkeypatch: pytest.MonkeyPatch) -> list[ItemReplay]:
    """The items that were repeated."""
    found: list[ItemReplay] = []
    repeat = Repeater._repeat

    def counted(self: Repeater, known: ItemReplay) -> Any:
        found.append(known)
        return repeat(self, known)

    monkeypatch.setattr(Repeater, "_repeat", counted)
    return found


CONFIGS: dict[str, dict[str, Any]] = {
    "all at once": {},
    "two at a time": {"maxConcurrency": 2},
    "by another name": {"as": "row"},
}


def n(value: int) -> Any:
    return {"data": {"n": value}}


def firsts(count: int, value: int = 1) -> Memos:
    """The outputs of the first steps of so many items."""
    return {"first": n(0), **{f"a[{index}]": n(value) for index in range(count)}}


TALKS: dict[str, list[Memos]] = {
    "nothing is new": [firsts(count) for count in (0, 0, 1, 1, 4, 4)],
    "one more each time": [firsts(count) for count in range(len(ITEMS) + 1)],
    "an older request comes late": [firsts(count) for count in (1, 2, 1, 3, 2, 0)],
    "a step has another output": [firsts(6), firsts(6), firsts(6, 0), firsts(6)],
    "a step before the list has another output": [
        {**firsts(6), "first": n(before), "s": n(1)} for before in (0, 0, 3, 0)
    ],
    "items end": [
        {**firsts(6), **{f"b[{index}]": n(9) for index in range(ended)}}
        for ended in (0, 1, 6, 3, 6)
    ],
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("talk", TALKS)
def test_each_request_has_its_own_answer(target: Target, talk: str) -> None:
    process = Process(target, design())
    asyncio.run(compare(process, TALKS[talk], "run"))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("config", CONFIGS)
def test_answers_do_not_depend_on_what_is_kept(
    target: Target, config: str, repeated: list[ItemReplay]
) -> None:
    process = Process(target, design(**CONFIGS[config]))
    runs = 0

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(conversations())
    def asked(requests: Sequence[Memos]) -> None:
        nonlocal runs
        runs += 1

        asyncio.run(compare(process, requests, f"run{runs}"))

    asked()
    assert sum(one.step is None for one in repeated) > 10
    assert sum(one.step is not None for one in repeated) > 10


def kept_of(size: int) -> ItemReplay:
    return ItemReplay({}, None, None, None, 1, {}, {}, {}, size, {})


def test_what_is_kept_is_bounded() -> None:
    event = inngest.Event(name="x")
    kept = KeptReplays(max_bytes=10 * kept_of(1_000).cost)
    for run in ("one", "two", "three"):
        for index in range(4):
            kept.of(run, event, {})
            kept.keep(run, index, kept_of(1_000))
    assert [len(kept.of(run, event, {})) for run in ("one", "two", "three")] == [0, 4, 4]
    for index in range(20):  # more than there is room for in all
        kept.keep("three", index, kept_of(1_000))
    assert [len(kept.of(run, event, {})) for run in ("two", "three")] == [0, 10]
    kept.keep("three", 0, kept_of(1_000_000))
    assert sorted(kept.of("three", event, {})) == list(range(1, 10))
    assert not kept.of("three", event, {"before": {}})
    kept.keep("three", 0, kept_of(1_000))
    assert sorted(kept.of("three", event, {"before": {}})) == [0]
