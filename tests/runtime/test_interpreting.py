"""The interpreter runs what a definition says: one op of each kind that holds or repeats others."""

import json
from typing import Any

import inngest
import pytest
from proflow_runtime import Registry, Task, functions_of
from proflow_runtime.local import LocalEngine, RunRecord
from proflow_schemas.definition import FORMAT, Definition

from .driving import answer, executions, open_ended, requests, start

pytestmark = pytest.mark.anyio

Json = dict[str, Any]


async def echo(task: Task) -> Any:
    return task.input


async def broken(task: Task) -> None:
    raise inngest.NonRetriableError("no such order")


def op(fn: str, node: str, **fields: Any) -> Json:
    return {"fn": fn, "id": node, "node": node, **fields}


def task(node: str, input: Any = None, handler: str = "echo", **fields: Any) -> Json:
    return op("task-step", node, handler=handler, input=input, **fields)


def branch(node: str, **cases: list[Json]) -> Json:
    found = [{"outcomes": [outcome], "steps": steps} for outcome, steps in cases.items()]
    return op("branch", node, cases=found)


def end(node: str = "end", output: Any = None, **fields: Any) -> Json:
    return op("end", node, output=output, **fields)


def definition(*steps: Json, id: str = "x", functions: Json | None = None) -> Definition:
    return Definition.model_validate_json(
        json.dumps(
            {
                "format": FORMAT,
                "id": id,
                "name": id,
                "triggers": [{"event": f"{id}/start"}],
                "canvas": {"nodes": [], "edges": []},
                "functions": functions or {},
                "steps": steps,
            }
        )
    ).with_digest()


async def run(
    client: inngest.Inngest, *definitions: Definition, data: Json | None = None
) -> RunRecord:
    registry = Registry({"echo": echo, "broken": broken})
    functions = [one for each in definitions for one in functions_of(each, client, registry)]
    async with LocalEngine(client, functions) as engine:
        return await start(engine, {"tenant_id": 1, **(data or {})})


async def test_a_caught_error_takes_its_case(client: inngest.Inngest) -> None:
    route = branch(
        "pay",
        error=[task("tell", "${steps.pay.error.message}"), end("unpaid", "${steps.tell.output}")],
        default=[end("paid")],
    )
    found = await run(client, definition(task("pay", handler="broken", catch=True), route))
    assert found.output == {
        "result": "completed", "output": "no such order", "outcomes": {"pay": "error"},
    }  # fmt: skip


async def test_an_inclusive_choice_starts_tasks_of_a_region(client: inngest.Inngest) -> None:
    rules = [
        {"outcome": "sms", "when": "event.data.amount > 10"},
        {"outcome": "call", "when": "event.data.amount > 100"},
    ]
    tasks: list[Json] = [
        {"name": way, "after": [{"source": "how", "outcomes": [way]}], "steps": [task(way)]}
        for way in ("mail", "sms", "call")
    ]
    both = [{"source": "sms"}, {"source": "call"}]
    tasks.append({"name": "any", "after": both, "needs": 1, "leaves": True, "steps": [task("any")]})
    tasks[0]["leaves"] = True
    chosen = op("choose", "how", rules=rules, default="mail", every=True)
    made = definition(chosen, op("region", "how", tasks=tasks), end())
    found = await run(client, made, data={"amount": 500})
    assert list(executions(found)) == ["sms", "call", "any"]
    found = await run(client, made, data={"amount": 1})
    assert list(executions(found)) == ["mail"]


async def test_a_repeated_block_comes_again_and_is_left_by_its_exits(
    client: inngest.Inngest,
) -> None:
    returned = [op("again", "boss", to="draft", limit=2)]
    block = [
        task("draft"),
        op("approval-step", "boss"),
        branch(
            "boss",
            approved=[op("leave", "draft?exit", exit="approved")],
            rejected=[op("leave", "draft?exit", exit="rejected")],
            returned=returned,
        ),
    ]
    after = branch("draft?exit", approved=[task("send"), op("call", "x", function="out")])
    made = definition(
        op("repeat", "draft", steps=block),
        after,
        functions={"out": [end("sent")]},
    )
    registry = Registry({"echo": echo})
    async with LocalEngine(client, functions_of(made, client, registry)) as engine:
        found = await start(engine)
        await answer(engine, "boss", outcome="returned")
        await answer(engine, "boss", approved=True)
        assert found.status == "Completed"
        assert list(executions(found)) == [
            "draft", "boss/wait", "boss/notify", "draft#2", "boss#2/wait", "boss#2/notify", "send",
        ]  # fmt: skip


async def test_containers_run_their_blocks_for_items_and_rounds(client: inngest.Inngest) -> None:
    cells = op("foreach", "cells", items="row", steps=[task("cell", "${item + 1}")], result="cell")
    rows = op(
        "foreach",
        "rows",
        items="[[1, 2], [3]]",
        maxConcurrency=1,
        steps=[cells, end("row", "${steps.cells.output}")],
        **{"as": "row"},
    )
    poll = op(
        "loop",
        "poll",
        maxIterations=5,
        steps=[task("ask", "${iteration}")],
        result="ask",
        **{"while": "iteration < 2"},
    )
    output = {"rows": "${steps.rows.output}", "poll": "${steps.poll.output}"}
    found = await run(client, definition(rows, poll, end(output=output)))
    assert found.output is not None
    assert found.output["output"] == {"rows": [[2, 3], [4]], "poll": 1}
    assert list(executions(found)) == ["cell[0][0]", "cell[0][1]", "cell[1][0]", "ask", "ask#2"]


async def test_containers_that_fail_take_the_case_of_errors(client: inngest.Inngest) -> None:
    each = op("foreach", "each", items="[1]", steps=[task("pay", handler="broken")], catch=True)
    loop = op("loop", "loop", maxIterations=3, steps=[task("ask", handler="broken")], catch=True)
    route = branch("each", error=[loop, branch("loop", error=[end("both")])])
    found = await run(client, definition(each, route))
    assert found.output is not None
    assert found.output["outcomes"] == {"each": "error", "loop": "error"}


async def test_an_end_of_a_container_is_none_of_the_run(client: inngest.Inngest) -> None:
    each = op("foreach", "each", items="[1, 2]", steps=[end("over", status="odd")])
    found = await run(client, definition(each, end("end", "${steps.each.output}")))
    assert found.output == {"result": "completed", "output": [None, None], "outcomes": {}}


async def test_a_subprocess_runs_another_workflow(client: inngest.Inngest) -> None:
    call = op("invoke-step", "call", workflow="child", input={"n": "${event.data.n}"}, timeout=60)
    child = definition(end("end", "${event.data.n * 2}", status="doubled"), id="child")
    made = definition(call, end(output="${steps.call.output}"))
    found = await run(client, made, child, data={"n": 21})
    assert found.output is not None
    assert found.output["output"] == {"result": "doubled", "output": 42}


async def test_an_item_may_be_ended_early_in_one_arm(client: inngest.Inngest) -> None:
    arms = [
        {"name": "a", "steps": [op("sleep-step", "nap", seconds=5), end("slow", "slow")]},
        {"name": "b", "steps": [op("approval-step", "boss")]},
    ]
    each = op(
        "foreach", "each", items="[1, 2]", steps=[op("parallel", "split", arms=arms), task("last")]
    )
    made = definition(each, end(output="${steps.each.output}"))
    async with LocalEngine(client, functions_of(made, client, Registry({"echo": echo}))) as engine:
        found = await start(engine)
        for data in requests(engine, "boss"):
            reply = {"tenant_id": 1, "approval_id": data["approval_id"], "approved": True}
            await engine.send({"name": "approval/response", "data": reply})
        await engine.run_until_idle(ignore_timeouts=open_ended)
        assert found.output is not None
        assert found.output["output"] == ["slow", "slow"]
        assert executions(found)["last[0]"] == executions(found)["last[1]"] == 1
