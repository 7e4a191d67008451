"""What nodes stand in, ways back, and outcomes by which nodes with errors are left."""

import json
from typing import Any

import pytest
from proflow_compiler.design import Design
from proflow_compiler.graph import build_graph
from proflow_compiler.reader import Reading, read

BEGIN: dict[str, Any] = {"id": "begin", "type": "start"}
DONE: dict[str, Any] = {"id": "done", "type": "end"}
EACH: dict[str, Any] = {"id": "each", "type": "foreach", "data": {"items": "event.data.x"}}


def reading(value: Any) -> Reading:
    return read(json.dumps(value).encode(), "flow.json")


def design(value: Any) -> Design:
    found = reading(value)
    assert [one for one in found.diagnostics if one.level != "info"] == []
    (one,) = found.designs
    return one


def task(name: str, **keys: Any) -> dict[str, Any]:
    return {"id": name, "type": "task", "data": {"handler": "work"}, **keys}


def parents(found: Design) -> dict[str, str | None]:
    return {name: node.parent for name, node in found.nodes.items() if node.parent is not None}


@pytest.mark.parametrize("key", ["parentId", "parentNode"])
def test_a_node_stands_in_its_container_whatever_the_canvas_calls_it(key: str) -> None:
    value = {"nodes": [BEGIN, EACH, task("one", **{key: "each"}), DONE]}
    assert parents(design(value)) == {"one": "each"}


def test_nodes_of_maps_stand_in_containers_too() -> None:
    nodes = [BEGIN, EACH, task("one", parentId="each", parentNode="each"), DONE]
    for shape in (
        {"nodes": {node["id"]: node for node in nodes}},
        {"flattenNodes": {node["id"]: node for node in nodes}, "flattenEdges": {}},
        {"elements": nodes},
    ):
        assert parents(design(shape)) == {"one": "each"}


def test_groups_and_other_nodes_between_a_node_and_its_container_do_not_count() -> None:
    value = {
        "nodes": [
            task("deep", parentId="g"),
            {"id": "g", "type": "group", "parentId": "h"},
            {"id": "h", "type": "frame", "parentNode": "around"},
            task("around", parentId="each"),
            EACH,
            {"id": "free", "type": "group"},
            task("out", parentId="free"),
        ]
    }
    assert parents(design(value)) == {"deep": "each", "around": "each"}


def test_a_container_in_a_container_holds_its_own() -> None:
    loop = {"id": "poll", "type": "loop", "parentId": "each"}
    value = {
        "nodes": [BEGIN, EACH, loop, task("look", parentId="poll"), DONE],
        "edges": [{"source": "begin", "target": "each"}, {"source": "each", "target": "done"}],
    }
    found = design(value)
    assert parents(found) == {"poll": "each", "look": "poll"}
    assert [level.container for level in build_graph(found).levels()] == [None, "each", "poll"]


def test_a_broken_container_is_the_only_thing_that_is_reported() -> None:
    broken = {"id": "each", "type": "foreach", "data": {"items": 3}}
    value = {
        "nodes": [BEGIN, broken, task("one", parentId="each"), DONE],
        "edges": [{"source": "begin", "target": "each"}, {"source": "each", "target": "done"}],
    }
    assert [one.code for one in reading(value).diagnostics] == ["PF101"]


def test_thousands_of_nodes_in_each_other_are_read_at_once() -> None:
    groups = [{"id": f"g{i}", "type": "group", "parentId": f"g{i + 1}"} for i in range(3000)]
    value = {"nodes": [task("deep", parentId="g0"), *groups, {**EACH, "id": "g3000"}]}
    assert parents(design(value)) == {"deep": "g3000"}


@pytest.mark.parametrize(("written", "bound"), [(3, 3), (3.0, 3), (1, 1)])
def test_a_way_back_has_a_bound(written: float, bound: int) -> None:
    value = {
        "nodes": [task("a"), task("b")],
        "edges": [
            {"source": "a", "target": "b"},
            {"source": "b", "target": "a", "data": {"loop": {"max": written}}},
        ],
    }
    back = design(value).edges[1]
    assert (back.loop, back.loop_pointer) == (bound, "/edges/1/data/loop")


@pytest.mark.parametrize("written", [None, False])
def test_an_edge_without_a_bound_leads_forward(written: Any) -> None:
    value = {
        "nodes": [task("a"), DONE],
        "edges": [{"source": "a", "target": "done", "data": {"loop": written}}],
    }
    assert design(value).edges[0].loop is None


def exits(handle: str | None) -> list[str]:
    value = {
        "nodes": [task("a"), DONE],
        "edges": [{"source": "a", "target": "done", "sourceHandle": handle}],
    }
    return [exit_.outcome for exit_ in build_graph(design(value)).exits["a"]]


@pytest.mark.parametrize(
    ("handle", "outcome"),
    [
        (None, "default"),
        ("default", "default"),
        ("error", "error"),
        *((any_, "default") for any_ in ("bottom", "a", "success", "source-1", "mirror", "order")),
    ],
)
def test_any_handle_means_the_usual_outcome_but_error_means_error(
    handle: str | None, outcome: str
) -> None:
    assert exits(handle) == [outcome]


@pytest.mark.parametrize(
    "handle",
    [
        "eror",
        "Error",
        "err",
        "failed",
        "onError",
        "on_error",
        "失败",
        "支付失败",
        "failure",
        "catch",
    ],
)
def test_what_seems_to_be_an_error_is_not_taken_for_the_usual_outcome(handle: str) -> None:
    value = {
        "nodes": [task("a"), DONE],
        "edges": [{"source": "a", "target": "done", "sourceHandle": handle}],
    }
    (problem,) = reading(value).diagnostics
    assert (problem.code, problem.help) == ("PF106", "did you mean `error`?")


def test_in_a_riveredge_process_handles_still_mean_nothing() -> None:
    value = {
        "nodes": [
            BEGIN,
            {
                "id": "ok",
                "type": "approval",
                "data": {"approver_type": "user", "approver_ids": [1]},
            },
            {"id": "cc", "type": "cc", "data": {"approver_ids": [2]}},
            DONE,
            {"id": "other", "type": "end"},
        ],
        "edges": [
            {"source": "begin", "target": "ok"},
            {"source": "ok", "target": "cc"},
            {"source": "cc", "target": "done", "sourceHandle": "err"},
            {"source": "cc", "target": "other", "sourceHandle": "right"},
        ],
    }
    (found,) = reading(value).designs
    assert [edge.target for edge in found.edges if edge.source == "cc"] == ["done"]
