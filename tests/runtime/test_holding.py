"""What a run holds: at most 32 MiB, with the event and what is computed; both targets."""

import json
from itertools import pairwise
from typing import Any

import pytest
from parity.playing import TARGETS, Target, play
from proflow_compiler.pipeline import compile_design
from proflow_compiler.reader import read
from proflow_runtime import Registry, Task
from proflow_schemas.definition import Definition

MEBIBYTE = 2**20
BIG = "x" * (3 * MEBIBYTE - 2000)
"""As much as an event may hold."""
TASK = {"type": "task", "data": {"handler": "give"}}


async def give(task: Task) -> Any:
    return "x" * (3 * MEBIBYTE)


def line(*nodes: dict[str, Any], edges: list[dict[str, Any]] | None = None) -> Definition:
    """Nodes in a row, between a start and an end; `edges` besides."""
    named = [{"id": f"n{index}", **node} for index, node in enumerate(nodes)]
    names = ["start", *(node["id"] for node in named if "parentId" not in node), "end"]
    drawn = [{"id": "start", "type": "start"}, *named, {"id": "end", "type": "end"}]
    design = {
        "id": "holding",
        "nodes": [*drawn, {"id": "caught", "type": "end", "data": {"status": "caught"}}]
        if edges
        else drawn,
        "edges": [{"source": a, "target": b} for a, b in pairwise(names)] + (edges or []),
    }
    (found,) = read(json.dumps(design).encode(), "holding.json").designs
    definition, problems = compile_design(found)
    assert definition is not None, problems
    return definition


def run(definition: Definition, target: Target, **data: Any) -> dict[str, Any]:
    registry = Registry({"give": give})
    return play(definition, target, data={"tenant_id": 1, **data}, registry=registry)


@pytest.mark.parametrize("target", TARGETS)
def test_the_step_whose_output_is_too_much_fails_and_is_not_tried_again(target: Target) -> None:
    told = run(line(*[TASK] * 12), target)
    assert told["status"] == "failed"
    message = told["error"]["message"]
    assert message.startswith("step `n10` failed after 1 attempt: the run would hold 34,60")
    assert message.endswith(" bytes, more than the 32 MiB that a run may hold")
    assert told["nodes"]["n9"]["status"] == "completed"
    assert told["nodes"]["n10"]["attempts"] == 1


@pytest.mark.parametrize("target", TARGETS)
def test_an_event_that_is_too_large_fails_its_node_at_once(target: Target) -> None:
    emit = {
        "type": "emit",
        "data": {"event": "x/y", "data": {"a": "${event.data.a}", "b": "<" * 5999}},
    }
    told = run(line(emit), target, a=BIG)
    assert told["error"]["message"] == (
        "step `n0` failed after 1 attempt: event `x/y` would have 3,149,756 bytes of data, more than"
        " the 3 MiB that an event may have"
    )
    assert told["nodes"]["n0"]["attempts"] == 1
    assert [step["node"] for step in told["steps"]] == ["n0"]
    assert run(line(emit), target, a=BIG[:-6000])["status"] == "completed"


@pytest.mark.parametrize("target", TARGETS)
def test_a_subprocess_that_would_be_given_too_much_takes_its_error_edge(target: Target) -> None:
    call = {
        "type": "subprocess",
        "data": {"workflow": "other", "input": {"a": "${event.data.a}", "b": "x" * 3000}},
    }
    told = run(line(call), target, a=BIG)
    assert "step `n0` failed: the event that starts it would have 3,14" in told["error"]["message"]
    edge = {"source": "n0", "target": "caught", "sourceHandle": "error"}
    assert run(line(call, edges=[edge]), target, a=BIG)["result"] == "caught"


@pytest.mark.parametrize("target", TARGETS)
def test_the_step_whose_output_is_too_much_can_take_its_error_edge(target: Target) -> None:
    edge = {"source": "n10", "target": "caught", "sourceHandle": "error"}
    told = run(line(*[TASK] * 11, edges=[edge]), target)
    assert (told["status"], told["result"]) == ("completed", "caught")


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_computed_counts_too(target: Target) -> None:
    copy = {"type": "set", "data": {"values": {"v": "event.data.big + 'x'"}}}
    told = run(line(*[copy] * 12), target, big=BIG)
    assert told["status"] == "failed"
    assert told["error"]["message"].startswith("the output of `n9`: the run would hold 34,58")
    assert told["nodes"]["n9"]["status"] == "failed"


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_computed_again_counts_once(target: Target) -> None:
    loop = {"id": "again", "type": "loop", "data": {"maxIterations": 20}}
    copy = {"id": "copy", "type": "set", "parentId": "again"}
    copy["data"] = {"values": {"v": "event.data.big + 'x'"}}
    told = run(line(loop, copy), target, big=BIG)
    assert told["status"] == "completed"


@pytest.mark.parametrize("target", TARGETS)
def test_what_items_compute_counts_for_each(target: Target) -> None:
    each = {"id": "each", "type": "foreach", "data": {"items": "event.data.l"}}
    copy = {"id": "copy", "type": "set", "parentId": "each"}
    copy["data"] = {"values": {"v": "event.data.big + 'x'"}}
    definition = line(each, copy)
    data = {"l": [0] * 9, "big": BIG}
    assert run(definition, target, **data)["status"] == "completed"
    told = run(definition, target, **{**data, "l": [0] * 10})
    assert told["error"]["message"].startswith("the output of `copy`: the run would hold")


@pytest.mark.parametrize("target", TARGETS)
def test_an_output_that_shares_parts_with_itself_is_refused_by_its_size(target: Target) -> None:
    async def doubled(task: Task) -> Any:
        value: Any = ["x"]
        for _ in range(100):
            value = [value, value]
        return value

    definition = line(TASK)
    data = {"tenant_id": 1}
    told = play(definition, target, data=data, registry=Registry({"give": doubled}))
    assert told["error"]["message"].startswith("step `n0` failed after 1 attempt: the output has ")
    assert told["error"]["message"].endswith(" bytes, more than the 4 MiB that a step may")


@pytest.mark.parametrize("target", TARGETS)
def test_inputs_and_results_are_bounded(target: Target) -> None:
    big = BIG
    many = {"type": "task", "data": {"handler": "give", "input": ["${event.data.big}"] * 11}}
    told = run(line(many), target, big=big)
    assert "its input: the values together have more than 32 MiB" in told["error"]["message"]
    end = {"type": "end", "data": {"output": ["${event.data.big}", "${event.data.big}"]}}
    design = {
        "id": "result",
        "nodes": [{"id": "start", "type": "start"}, {"id": "end", **end}],
        "edges": [{"source": "start", "target": "end"}],
    }
    (found,) = read(json.dumps(design).encode(), "result.json").designs
    definition, _ = compile_design(found)
    assert definition is not None
    told = run(definition, target, big=big)
    assert told["error"]["message"].startswith("output of `end`: the value has 6,287,")
