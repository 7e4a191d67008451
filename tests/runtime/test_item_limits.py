"""Lists that are too long for a run are refused before their first item; both targets."""

import json
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from parity.playing import TARGETS, Target, play
from proflow_compiler.pipeline import compile_design
from proflow_compiler.reader import read
from proflow_schemas.definition import Definition, ForeachOp, walk

CONFIGS = {
    "task": {"handler": "quick"},
    "set": {"values": {"v": "index"}},
    "approval": {"approverType": "user", "approverIds": ["1"]},
    "delay": {"duration": "1s"},
}


def looping(
    *inside: str, before: int = 0, nested: bool = False, error: bool = False, **config: Any
) -> Definition:
    """`before` tasks, and a foreach over `event.data.l` with nodes of these types in a row."""
    nodes: list[dict[str, Any]] = [{"id": "start", "type": "start"}]
    outside = [f"b{index}" for index in range(before)]
    nodes += [{"id": name, "type": "task", "data": CONFIGS["task"]} for name in outside]
    nodes.append({"id": "each", "type": "foreach", "data": {"items": "event.data.l", **config}})
    holder = "each"
    if nested:
        inner = {"items": "event.data.m"}
        nodes.append({"id": "inner", "type": "foreach", "parentId": "each", "data": inner})
        holder = "inner"
    names = [f"i{index}" for index in range(len(inside))]
    nodes += [
        {"id": name, "type": kind, "parentId": holder, "data": CONFIGS[kind]}
        for name, kind in zip(names, inside, strict=True)
    ]
    nodes.append({"id": "end", "type": "end"})
    edges = [{"source": a, "target": b} for a, b in pairwise(["start", *outside, "each", "end"])]
    edges += [{"source": a, "target": b} for a, b in pairwise(names)]
    if error:
        nodes.append({"id": "failed", "type": "end", "data": {"status": "too-long"}})
        edges.append({"source": "each", "target": "failed", "sourceHandle": "error"})
    text = json.dumps({"id": "looping", "nodes": nodes, "edges": edges}).encode()
    (design,) = read(text, "looping.json").designs
    definition, problems = compile_design(design)
    assert definition is not None, problems
    return definition


def run(definition: Definition, target: Target, items: int, inner: int = 0) -> dict[str, Any]:
    data = {"tenant_id": 1, "l": [0] * items, "m": [0] * inner}
    return play(definition, target, data=data)


def steps_of(definition: Definition) -> dict[str, tuple[int, int]]:
    """The steps of one item, at least and at most."""
    each = [op for op in walk(definition.steps) if isinstance(op, ForeachOp)]
    return {op.node: (op.least_steps, op.item_steps) for op in each}


def test_the_compiler_says_how_many_steps_an_item_takes() -> None:
    assert steps_of(looping("task")) == {"each": (1, 1)}
    assert steps_of(looping("task", "approval", "set", "delay")) == {"each": (3, 4)}
    assert steps_of(looping("set")) == {"each": (0, 0)}
    assert steps_of(looping("task", "task", nested=True)) == {"each": (0, 0), "inner": (2, 2)}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("inside", "before", "items", "says"),
    [
        (["task"], 0, 300_000, "has 300,000 items of one step each: 300,000 steps, more than"),
        (["task"], 0, 1_000, "has 1,000 items of one step each: 1,000 steps, more than"),
        (["task", "task"], 0, 500, "500 items of 2 steps each: 1,000 steps, more than"),
        (["task"], 10, 990, "990 items of one step each: 990 steps and 10 for the rest"),
        (["set"], 0, 300_000, "has 300,000 items, more than the 10,000 that one may have"),
    ],
)
def test_a_list_that_does_not_fit_fails_before_its_first_item(
    target: Target, inside: list[str], before: int, items: int, says: str
) -> None:
    told = run(looping(*inside, before=before), target, items)
    assert told["status"] == "failed"
    assert says in told["error"]["message"]
    assert told["nodes"]["each"]["status"] == "failed"
    assert [step["node"] for step in told["steps"] if step["node"]] == [
        f"b{index}" for index in range(before)
    ]


@pytest.mark.parametrize("target", TARGETS)
def test_a_list_that_just_fits_runs(target: Target) -> None:
    told = run(looping("task", before=4), target, 995)
    assert (told["status"], len(told["steps"])) == ("completed", 999)
    told = run(looping("task", before=4), target, 996)
    assert "996 steps and 4 for the rest, more than the 999" in told["error"]["message"]


@pytest.mark.parametrize("target", TARGETS)
def test_lists_in_items_count_together(target: Target) -> None:
    definition = looping("task", nested=True)
    assert run(definition, target, 30, 33)["status"] == "completed"
    told = run(definition, target, 30, 34)
    assert told["status"] == "failed"
    assert (
        "has 30 items, which take steps of their own and of the lists in them: 1,020 steps"
        in (told["error"]["message"])
    )
    assert told["steps"] == []
    assert run(definition, target, 990, 0)["status"] == "completed"


@pytest.mark.parametrize("target", TARGETS)
def test_a_list_that_does_not_fit_takes_the_error_edge(target: Target) -> None:
    told = run(looping("task", error=True), target, 1_000)
    assert (told["status"], told["result"]) == ("completed", "too-long")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("most", [1, 7])
def test_items_in_turn_and_nested_ones_run_each_step_once(target: Target, most: int) -> None:
    definition = looping("task", "delay", "task", nested=True, maxConcurrency=most)
    told = run(definition, target, 8, 5)
    assert told["status"] == "completed"
    ids = [step["id"] for step in told["steps"]]
    assert len(ids) == len(set(ids)) == 8 * 5 * 3


def nested(items: str, *, first: bool = True, rule: bool = False) -> Definition:
    """A foreach over `event.data.l`, and in it a task, a foreach over `items` with a task in it.

    `rule`: in place of the inner foreach, a condition leads to three tasks, or to none.
    """
    nodes: list[dict[str, Any]] = [
        {"id": "start", "type": "start"},
        {"id": "each", "type": "foreach", "data": {"items": "event.data.l"}},
        {"id": "end", "type": "end"},
    ]
    edges = [{"source": "start", "target": "each"}, {"source": "each", "target": "end"}]
    inside = ["work"] if first else []
    if rule:
        nodes += [
            {"id": "which", "type": "condition", "parentId": "each"},
            {"id": "none", "type": "set", "parentId": "each", "data": {"values": {"a": "1"}}},
        ]
        inside += ["which", "x", "y", "z"]
        edges.append({"source": "which", "target": "none"})
    else:
        inside.append("inner")
        nodes += [
            {"id": "inner", "type": "foreach", "parentId": "each", "data": {"items": items}},
            {"id": "do", "type": "task", "parentId": "inner", "data": CONFIGS["task"]},
        ]
    tasks = [name for name in inside if name in ("work", "x", "y", "z")]
    nodes += [
        {"id": name, "type": "task", "parentId": "each", "data": CONFIGS["task"]} for name in tasks
    ]
    for source, target in pairwise(inside):
        data = {"data": {"when": "item == 1"}} if source == "which" else {}
        edges.append({"source": source, "target": target, **data})
    text = json.dumps({"id": "nested", "nodes": nodes, "edges": edges}).encode()
    (design,) = read(text, "nested.json").designs
    definition, problems = compile_design(design)
    assert definition is not None, problems
    return definition


def over(definition: Definition, target: Target, found: list[Any]) -> dict[str, Any]:
    return play(definition, target, data={"tenant_id": 1, "l": found})


@pytest.mark.parametrize("target", TARGETS)
def test_lists_in_items_are_counted_before_the_first_item(target: Target) -> None:
    told = over(nested("item"), target, [[0] * 40] * 40)
    assert told["status"] == "failed"
    assert told["steps"] == []
    assert told["error"]["message"].endswith(
        "has 40 items, which take steps of their own and of the lists in them: 1,640 steps, more than"
        " the 999 of a run"
    )


@pytest.mark.parametrize("target", TARGETS)
def test_lists_in_items_count_as_long_as_they_are(target: Target) -> None:
    told = over(nested("item", first=False), target, [[]] * 5_000)
    assert (told["status"], told["steps"]) == ("completed", [])
    told = over(nested("item"), target, [[0] * 30, [], [0] * 7])
    assert (told["status"], len(told["steps"])) == ("completed", 40)


@pytest.mark.parametrize("target", TARGETS)
def test_a_list_that_comes_of_the_item_is_counted_where_it_begins(target: Target) -> None:
    definition = nested("has(steps.work) ? event.data.l.map(x, x) : []")
    assert over(definition, target, [0] * 8)["status"] == "completed"
    told = over(definition, target, [0] * 40)
    assert told["status"] == "failed"
    assert {step["node"] for step in told["steps"]} == {"work"}
    assert "has 40 items of one step each: 40 steps and 9" in told["error"]["message"]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run has 30 steps, so that a few items are many."""
    monkeypatch.setattr("proflow_runtime.flow.containers.MAX_STEPS", 30)
    monkeypatch.setattr("proflow_runtime.flow.counting.MAX_STEPS", 30)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("target", TARGETS)
def test_items_that_may_take_too_many_steps_begin_while_there_is_room(target: Target) -> None:
    """Each item may take four steps and takes one: 26 items are done."""
    told = over(nested("", rule=True), target, [0] * 26)
    assert (told["status"], len(told["steps"])) == ("completed", 26)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("target", TARGETS)
def test_no_item_begins_that_the_run_may_have_no_room_for(target: Target) -> None:
    told = over(nested("", rule=True), target, [1] * 9)
    assert told["status"] == "failed"
    assert (
        "item 8 of 9 may take up to 4 steps, and 2 of the 30 of a run are left"
        in (told["error"]["message"])
    )
    items = Counter(step["id"].partition("[")[2].partition("]")[0] for step in told["steps"])
    assert set(items.values()) == {4}  # each that has begun is done
    assert len(items) == 7
