"""The stored outputs of a request: what replaces the SDK's own does the same, and costs little."""

from typing import Any

import inngest
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inngest._internal import step_lib
from inngest._internal.step_lib.base import Output
from proflow_runtime import Flow, Result, Task
from proflow_runtime.flow import memos
from proflow_runtime.flow.memos import LazyMemos
from proflow_runtime.local import LocalEngine

from .conftest import Register
from .driving import start

TEXTS = st.sampled_from(["", "{", "[1]", '{"data": 1}', "null", "data", "文"])
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
ERRORS = st.fixed_dictionaries(
    {"message": TEXTS, "name": TEXTS}, optional={"stack": st.none() | TEXTS}
)
RAW = st.one_of(
    st.fixed_dictionaries({"data": JSONS}),
    st.fixed_dictionaries({"error": ERRORS}),
    st.fixed_dictionaries({"data": JSONS, "error": ERRORS}),
    JSONS,
)
NAMES = st.sampled_from("abcdef")


async def work(task: Task) -> Any:
    return {"n": task.input}


@given(st.dictionaries(NAMES, RAW), st.lists(NAMES | st.just("values"), max_size=8))
def test_the_outputs_are_those_of_the_sdk(raw: dict[str, Any], acts: list[str]) -> None:
    theirs, ours = memos._SDKS_OWN.from_raw(raw), LazyMemos.from_raw(raw)
    for act in acts:
        if act == "values":
            assert list(theirs.values()) == list(ours.values())
        else:
            assert theirs.pop(act) == ours.pop(act)
        assert theirs.size == ours.size


def test_what_a_middleware_changes_is_kept() -> None:
    ours = LazyMemos.from_raw({"a": {"data": 1}, "b": {"data": 2}})
    for one in ours.values():
        one.data = "changed"
    popped = ours.pop("a")
    assert isinstance(popped, Output)
    assert popped.data == "changed"
    assert [one.data for one in ours.values()] == ["changed"]


def test_the_installed_sdk_is_the_one_that_is_meant() -> None:
    assert memos.install()
    assert step_lib.StepMemos is LazyMemos
    assert issubclass(LazyMemos, inngest.StepMemos)


def test_another_sdk_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Another(memos._SDKS_OWN):  # type: ignore[misc, name-defined]
        def pop(self, hashed_id: str) -> Any:
            return self._memos.pop(hashed_id, None)

    monkeypatch.setattr(step_lib, "StepMemos", Another)
    assert not memos.install()  # somebody else has replaced it
    monkeypatch.setattr(memos, "_SDKS_OWN", Another)
    assert not memos.install()  # it behaves differently
    assert step_lib.StepMemos is Another


@pytest.mark.anyio
@pytest.mark.parametrize("lazily", [True, False])
async def test_runs_do_not_depend_on_it(
    client: inngest.Inngest, register: Register, monkeypatch: pytest.MonkeyPatch, lazily: bool
) -> None:
    async def body(flow: Flow) -> Result:
        for number in range(5):
            await flow.run(f"s{number}", work, number)
        return flow.end("end", output=flow.get("steps.s0.output.n + steps.s4.output.n"))

    function = register(body)
    if not lazily:
        monkeypatch.setattr(step_lib, "StepMemos", memos._SDKS_OWN)
    async with LocalEngine(client, [function]) as engine:
        run = await start(engine)
        assert run.status == "Completed"
        assert run.output["output"] == 4
        assert [step.id for step in run.steps] == [f"s{number}" for number in range(5)]


@pytest.mark.anyio
async def test_a_middleware_that_loads_outputs_is_asked_for_each(
    client: inngest.Inngest, register: Register
) -> None:
    class Loading(inngest.MiddlewareSync):
        def transform_input(
            self, ctx: Any, function: inngest.Function[Any], steps: inngest.StepMemos
        ) -> None:
            for one in steps.values():
                one.data = {"n": 40}

    async def body(flow: Flow) -> Result:
        await flow.run("a", work, 1)
        await flow.run("b", work, 2)
        return flow.end("end", output=flow.get("steps.a.output.n + steps.b.output.n"))

    client.middleware = [Loading]
    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine)
        assert run.output["output"] == 80


@pytest.mark.anyio
async def test_a_request_makes_no_model_of_most_outputs(
    client: inngest.Inngest, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, made = 30, 0
    model = memos._model

    def counted(raw: object) -> Output:
        nonlocal made
        made += 1
        return model(raw)

    async def body(flow: Flow) -> Result:
        for number in range(steps):
            await flow.run(f"s{number}", work, number)
        return flow.end("end")

    monkeypatch.setattr(memos, "_model", counted)
    async with LocalEngine(client, [register(body)]) as engine:
        assert (await start(engine)).status == "Completed"
    assert 0 < made <= steps  # at most the last output of each request
