"""What is not drawn of an approval in a container ends its item, and not the run."""

import json
from typing import Any

import pytest
from parity.comparing import differences
from parity.driving import Story, drive
from parity.environments import graph_of
from parity.playing import TARGETS, Target
from proflow_compiler.pipeline import compile_design
from proflow_compiler.reader import read
from proflow_runtime.values import JSON
from reference import Answer, Outside, play

HOUR = 3600


def lines(held: list[dict[str, Any]], edges: list[dict[str, Any]], **each: Any) -> dict[str, Any]:
    """A foreach or a loop that holds some nodes, and an end with its output."""
    config: dict[str, Any] = {"items": "event.data.lines"}
    kind = each.pop("kind", "foreach")
    return {
        "id": "each",
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "lines", "type": kind, "data": each or config},
            *({**node, "parentId": "lines"} for node in held),
            {"id": "end", "type": "end", "data": {"output": "${steps.lines.output}"}},
        ],
        "edges": [
            {"source": "start", "target": "lines"},
            *edges,
            {"source": "lines", "target": "end"},
        ],
    }


def task(name: str, **config: Any) -> dict[str, Any]:
    return {"id": name, "type": "task", "data": {"handler": "work", **config}}


def approval(name: str, **config: Any) -> dict[str, Any]:
    return {"id": name, "type": "approval", "data": config}


def edge(source: str, target: str, **more: Any) -> dict[str, Any]:
    return {"source": source, "target": target, **more}


SIDE_BY_SIDE = (
    [approval("buyer"), approval("seller"), task("book")],
    [edge("buyer", "book"), edge("seller", "book")],
)


def told(drawn: dict[str, Any], target: Target, outside: Outside) -> Story:
    """What a target tells of a run; the reference must say the same."""
    (one,) = read(json.dumps(drawn).encode(), "each.json").designs
    definition, problems = compile_design(one)
    assert definition is not None, problems
    story = drive(definition, target, outside)
    graph = graph_of(drawn)
    assert differences(graph, play(graph, outside), story) == []
    return story


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("late", ["approved", "rejected", "returned", ""])
def test_a_rejection_ends_its_item_and_others_go_on(target: Target, late: str) -> None:
    """What else was open in the item may be answered later, in whatever way."""
    answers = {
        "buyer[0]": Answer("rejected", HOUR),
        "seller[0]": Answer(late, 2 * HOUR),
        "buyer[1]": Answer("approved", 3 * HOUR),
        "seller[1]": Answer("approved", 4 * HOUR),
    }
    answers = {step: answer for step, answer in answers.items() if answer.outcome}
    outside = Outside({"tenant_id": 1, "lines": [1, 2]}, answers, outputs={"book": "booked"})
    story = told(lines(*SIDE_BY_SIDE), target, outside)
    assert (story.status, story.result, story.ended) == ("completed", "completed", 4 * HOUR)
    assert story.output == [None, "booked"]
    assert "book[0]" not in story.steps


@pytest.mark.parametrize("target", TARGETS)
def test_the_next_item_begins_as_one_is_ended(target: Target) -> None:
    answers = {
        "buyer[0]": Answer("rejected", HOUR),
        "seller[0]": Answer("approved", 10 * HOUR),
        "seller[1]": Answer("approved", HOUR),
        "buyer[1]": Answer("approved", 2 * HOUR),
    }
    outside = Outside({"tenant_id": 1, "lines": [1, 2]}, answers, outputs={"book": "booked"})
    drawn = lines(*SIDE_BY_SIDE, items="event.data.lines", maxConcurrency=1)
    story = told(drawn, target, outside)
    assert (story.output, story.ended) == ([None, "booked"], 3 * HOUR)
    assert story.steps["seller[1]"] == (HOUR, 2 * HOUR)


@pytest.mark.parametrize("target", TARGETS)
def test_an_iteration_is_ended_and_the_next_begins(target: Target) -> None:
    """The executions of what was left count: those of the next iteration have ids of their own."""
    answers = {
        "buyer": Answer("rejected", HOUR),
        "seller": Answer("approved", 5 * HOUR),
        "seller#2": Answer("approved", HOUR),
        "buyer#2": Answer("approved", 2 * HOUR),
    }
    outside = Outside({"tenant_id": 1}, answers, outputs={"book": "booked", "book#2": "other"})
    drawn = lines(*SIDE_BY_SIDE, kind="loop", maxIterations=2)
    story = told(drawn, target, outside)
    assert (story.output, story.ended) == ("booked", 3 * HOUR)
    assert story.steps["buyer#2"] == (HOUR, 3 * HOUR)
    assert story.nodes["book"][0] == "completed"


@pytest.mark.parametrize("target", TARGETS)
def test_a_step_that_is_at_work_is_tried_no_more(target: Target) -> None:
    retry = {"maxAttempts": 5, "initialInterval": "2h", "multiplier": 1}
    held = [task("fork"), approval("buyer"), task("book", retry=retry), task("file")]
    drawn = lines(
        held,
        [
            edge("fork", "buyer"),
            edge("fork", "book"),
            edge("buyer", "file"),
            edge("book", "file"),
        ],
    )
    outside = Outside(
        {"tenant_id": 1, "lines": [1]},
        {"buyer[0]": Answer("rejected", HOUR)},
        failures={"book[0]": 3},
        outputs={"fork": 1, "book": 2, "file": 3},
    )
    story = told(drawn, target, outside)
    assert (story.status, story.output, story.ended) == ("completed", [None], HOUR)
    assert story.nodes["book"][0] == "cancelled"


@pytest.mark.parametrize("target", TARGETS)
def test_an_item_of_an_item_ends_alone(target: Target) -> None:
    drawn = lines([], [])
    drawn["nodes"][2:2] = [
        {
            "id": "parts",
            "type": "foreach",
            "parentId": "lines",
            "data": {"items": "item", "as": "part"},
        },
        *({**node, "parentId": "parts"} for node in SIDE_BY_SIDE[0]),
        {**task("done"), "parentId": "lines"},
    ]
    drawn["edges"] += [*SIDE_BY_SIDE[1], edge("parts", "done")]
    answers: dict[str, Answer] = {}
    for index, item in enumerate(("[0][0]", "[0][1]", "[1][0]")):
        answers[f"buyer{item}"] = Answer("rejected" if index == 1 else "approved", HOUR + index)
        answers[f"seller{item}"] = Answer("approved", 2 * HOUR + index)
    outside = Outside(
        {"tenant_id": 1, "lines": [[1, 2], [3]]}, answers, outputs={"book": 1, "done": "done"}
    )
    story = told(drawn, target, outside)
    assert story.output == ["done", "done"]
    assert {"book[0][0]", "book[1][0]"} <= story.steps.keys()
    assert "book[0][1]" not in story.steps


@pytest.mark.parametrize("target", TARGETS)
def test_a_timeout_of_a_wait_ends_its_item(target: Target) -> None:
    held = [
        {"id": "paid", "type": "wait", "data": {"event": "paid", "timeout": "1h"}},
        approval("buyer"),
        task("book"),
    ]
    drawn = lines(held, [edge("paid", "book"), edge("buyer", "book")])
    outside = Outside(
        {"tenant_id": 1, "lines": [1]},
        {"buyer[0]": Answer("approved", 2 * HOUR)},
        outputs={"book": 1},
    )
    story = told(drawn, target, outside)
    assert (story.status, story.output, story.ended) == ("completed", [None], HOUR)


@pytest.mark.parametrize("target", TARGETS)
def test_an_end_that_terminates_still_ends_the_run(target: Target) -> None:
    drawn = lines(*SIDE_BY_SIDE)
    stop = {"status": "refused", "terminate": True}
    drawn["nodes"].append({"id": "stop", "type": "end", "parentId": "lines", "data": stop})
    drawn["edges"].append(edge("seller", "stop", sourceHandle="rejected"))
    answers = {
        "buyer[0]": Answer("rejected", HOUR),
        "seller[1]": Answer("rejected", 2 * HOUR),
    }
    outside = Outside({"tenant_id": 1, "lines": [1, 2]}, answers, outputs={"book": 1})
    story = told(drawn, target, outside)
    assert (story.status, story.result, story.ended) == ("completed", "refused", 2 * HOUR)


def test_what_an_item_ends_with_is_told_of_its_outcome() -> None:
    outside = Outside({"tenant_id": 1, "lines": [1]}, {"buyer[0]": Answer("rejected", HOUR)})
    drawn = lines([approval("buyer"), task("book")], [edge("buyer", "book")])
    outcomes: dict[str, JSON] = told(drawn, TARGETS[0], outside).outcomes
    assert outcomes == {"buyer[0]": "rejected"}
