"""Parts of a long program: one run for whoever looks at it, several functions for Inngest."""

from collections.abc import Mapping
from typing import Any

import inngest
import pytest
from proflow_runtime import Registry, Task, functions_of
from proflow_runtime.local import LocalEngine, RunRecord
from proflow_runtime.status import InMemoryRecorder, recording
from proflow_schemas.definition import Definition

from .driving import answer, executions, open_ended, requests, start

pytestmark = pytest.mark.anyio

Json = dict[str, Any]


def task(node: str, **more: Any) -> Json:
    return {"fn": "task-step", "id": node, "node": node, "handler": "work", **more}


def end(node: str = "end", **more: Any) -> Json:
    return {"fn": "end", "id": node, "node": node, **more}


def part(node: str, name: str) -> Json:
    return {"fn": "part-step", "id": f"{node}/{name}", "node": node, "part": name}


def definition(steps: list[Json], parts: Mapping[str, Json], **more: Any) -> Definition:
    return Definition.model_validate(
        {
            "id": "x",
            "name": "X",
            "triggers": [{"event": "x/start"}],
            "canvas": {"nodes": [], "edges": []},
            "steps": steps,
            "parts": parts,
            **more,
        }
    ).with_digest()


class Host:
    """Handlers that note who called them."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []

    async def work(self, task: Task) -> Any:
        self.tasks.append(task)
        if task.node_id.startswith("bad"):
            raise inngest.NonRetriableError("no such order")
        return {"node": task.node_id, "got": task.input}

    def functions(
        self, definition: Definition, client: inngest.Inngest
    ) -> list[inngest.Function[Any]]:
        return functions_of(definition, client, Registry({"work": self.work}))


def status_of(engine: LocalEngine) -> dict[str, str]:
    """The status of every run, by function."""
    return {run.function_id.split("-", 1)[1]: run.status for run in engine.runs.values()}


def parts_of(engine: LocalEngine, run: RunRecord) -> list[RunRecord]:
    return [one for one in engine.runs.values() if one.id != run.id]


async def test_a_part_reads_what_it_was_handed_and_hands_back_what_is_read_later(
    client: inngest.Inngest,
) -> None:
    host = Host()
    made = definition(
        [
            task("a"),
            part("b", "part-1"),
            end(output="${steps.c.output.got}"),
        ],
        {
            "part-1": {
                "reads": ["a"],
                "keeps": ["c"],
                "steps": [
                    task("b", input="${steps.a.output.node}"),
                    task("c", input="${steps.b.output.got} ${event.data.n} ${run.id}"),
                ],
            }
        },
    )
    async with LocalEngine(client, host.functions(made, client)) as engine:
        run = await start(engine, {"tenant_id": 1, "n": 7})
    assert run.output == {"result": "completed", "output": f"a 7 {run.id}", "outcomes": {}}
    assert list(executions(run)) == ["a", "b/part-1"]
    assert {task.run_id for task in host.tasks} == {run.id}
    assert [task.idempotency_key for task in host.tasks] == [f"{run.id}:{n}" for n in "abc"]


async def test_an_approval_in_a_part_is_the_runs(client: inngest.Inngest) -> None:
    decided = {
        "fn": "branch", "id": "ask", "node": "ask",
        "cases": [{"outcomes": ["rejected"], "steps": [end("refused", status="rejected")]}],
    }  # fmt: skip
    made = definition(
        [part("ask", "part-1"), end()],
        {"part-1": {"steps": [{"fn": "approval-step", "id": "ask", "node": "ask"}, decided]}},
    )
    for approved, result in ((True, "completed"), (False, "rejected")):
        async with LocalEngine(client, Host().functions(made, client)) as engine:
            run = await start(engine)
            assert requests(engine, "ask")[0]["approval_id"] == f"{run.id}:ask"
            assert requests(engine, "ask")[0]["run_id"] == run.id
            await answer(engine, "ask", approved=approved)
        taken = "approved" if approved else "rejected"
        assert run.output == {"result": result, "output": None, "outcomes": {"ask": taken}}


async def test_a_failure_in_a_part_fails_the_run_with_the_same_message(
    client: inngest.Inngest,
) -> None:
    host = Host()
    made = definition(
        [part("a", "part-1"), task("never"), end()],
        {"part-1": {"steps": [task("a"), task("bad")]}},
    )
    async with LocalEngine(client, host.functions(made, client)) as engine:
        run = await start(engine)
    assert run.status == "Failed"
    assert run.error is not None
    assert run.error["message"] == "step `bad` failed after 1 attempt: no such order"
    assert [task.node_id for task in host.tasks] == ["a", "bad"]


async def test_a_part_ends_with_the_run_that_is_cancelled(client: inngest.Inngest) -> None:
    made = definition(
        [part("ask", "part-1"), end()],
        {"part-1": {"steps": [{"fn": "approval-step", "id": "ask", "node": "ask"}]}},
    )
    async with LocalEngine(client, Host().functions(made, client)) as engine:
        run = await start(engine)
        await engine.cancel(run.id)
        await engine.run_until_idle(ignore_timeouts=open_ended)
        assert status_of(engine) == {"x": "Cancelled", "x-part-1": "Cancelled"}


async def test_an_end_in_a_part_that_terminates_stops_the_other_part(
    client: inngest.Inngest,
) -> None:
    host = Host()
    made = definition(
        [
            {
                "fn": "parallel", "id": "fork", "node": "fork",
                "arms": [
                    {"name": "ask", "steps": [part("ask", "part-1"), task("after")]},
                    {"name": "a", "steps": [part("a", "part-2")]},
                ],
            },
            end(),
        ],
        {
            "part-1": {"steps": [{"fn": "approval-step", "id": "ask", "node": "ask"}]},
            "part-2": {"steps": [task("a"), end("over", status="enough", terminate=True)]},
        },
    )  # fmt: skip
    async with LocalEngine(client, host.functions(made, client)) as engine:
        run = await start(engine)
        assert run.output == {"result": "enough", "output": None, "outcomes": {}}
        assert status_of(engine)["x-part-1"] == "Cancelled"
    assert [task.node_id for task in host.tasks] == ["a"]


async def test_parts_of_parts_and_ends_of_several_combine(client: inngest.Inngest) -> None:
    made = definition(
        [
            {
                "fn": "parallel", "id": "fork", "node": "fork",
                "arms": [
                    {"name": "a", "steps": [part("a", "part-1"), end("one")]},
                    {"name": "b", "steps": [part("b", "part-3")]},
                ],
            },
        ],
        {
            "part-1": {"keeps": ["a"], "steps": [part("a", "part-2")]},
            "part-2": {"keeps": ["a"], "steps": [task("a")]},
            "part-3": {"steps": [task("b"), end("two", status="late")]},
        },
    )  # fmt: skip
    async with LocalEngine(client, Host().functions(made, client)) as engine:
        run = await start(engine)
        assert run.output == {"result": "late", "output": None, "outcomes": {}}
        assert {one.status for one in engine.runs.values()} == {"Completed"}
        assert len(parts_of(engine, run)) == 3


async def test_states_of_nodes_in_parts_are_those_of_the_one_run(client: inngest.Inngest) -> None:
    made = definition(
        [task("a"), part("b", "part-1"), task("bad"), end()],
        {"part-1": {"steps": [task("b")]}},
    )
    recorder = InMemoryRecorder()
    with recording(recorder):
        async with LocalEngine(client, Host().functions(made, client)) as engine:
            run = await start(engine)
    assert list(recorder.runs) == [run.id]
    recorded = recorder.runs[run.id]
    assert recorded.status == "failed"
    assert {name: state.status for name, state in recorded.nodes.items()} == {
        "a": "completed",
        "b": "completed",
        "bad": "failed",
    }


async def test_nobody_else_starts_a_part(client: inngest.Inngest) -> None:
    host = Host()
    made = definition([part("a", "part-1"), end()], {"part-1": {"steps": [task("a")]}})
    async with LocalEngine(client, host.functions(made, client)) as engine:
        await engine.send({"name": "x/part-1", "data": {"tenant_id": 1}})
        await engine.run_until_idle()
        (run,) = engine.runs.values()
    assert (run.status, host.tasks) == ("Failed", [])
    assert run.error is not None
    assert run.error["message"] == "this function is a part of a workflow, which starts it"
