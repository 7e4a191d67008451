"""What a canvas is given to draw."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from proflow_compiler.reader import read
from proflow_runtime.service.drawings import Drawing, drawing, drawing_keys, node_types
from proflow_schemas.node_types import NODE_TYPES

HOSTILE = "<img src=x onerror=alert(1)>"


def of_text(text: bytes) -> Drawing:
    return drawing(read(text, "design.json"), handlers=None, timezone=None)


def drawn(nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> tuple[Any, list[Any]]:
    found = of_text(json.dumps({"id": "d", "nodes": nodes, "edges": edges}).encode())
    return found.picture, found.diagnostics


def test_places_nodes_that_have_no_position_apart() -> None:
    picture, diagnostics = drawn(
        [{"id": "s", "type": "start"}, {"id": "e", "type": "end", "label": HOSTILE}],
        [{"source": "s", "target": "e"}],
    )
    start, end = picture["nodes"]
    assert not [one for one in diagnostics if one["level"] == "error"]
    assert start["y"] + start["height"] <= end["y"] or start["x"] + start["width"] <= end["x"]
    assert end["label"] == HOSTILE
    assert [(one["source"], one["target"], one["drawn"]) for one in picture["edges"]] == [
        ("s", "e", True)
    ]


def test_places_children_inside_their_container() -> None:
    picture, _ = drawn(
        [
            {"id": "s", "type": "start"},
            {"id": "all", "type": "foreach", "config": {"items": "event.data.items"}},
            {"id": "one", "type": "set", "parentId": "all", "config": {"values": {"a": "1"}}},
            {"id": "e", "type": "end"},
        ],
        [{"source": "s", "target": "all"}, {"source": "all", "target": "e"}],
    )
    nodes = {one["id"]: one for one in picture["nodes"]}
    child, box = nodes["one"], nodes["all"]
    assert child["parent"] == "all"
    assert child["x"] >= 0
    assert child["x"] + child["width"] <= box["width"]
    assert child["y"] >= 0
    assert child["y"] + child["height"] <= box["height"]


def test_an_unsound_design_has_a_picture_and_the_path_that_shows_it() -> None:
    picture, diagnostics = drawn(
        [
            {"id": "s", "type": "start"},
            {"id": "c", "type": "condition"},
            {"id": "a", "type": "set", "config": {"values": {"a": "1"}}},
            {"id": "j", "type": "join", "config": {"mode": "all"}},
            {"id": "e", "type": "end"},
        ],
        [
            {"source": "s", "target": "c"},
            {"source": "c", "target": "a", "data": {"when": "event.data.x == 1"}},
            {"source": "c", "target": "j", "data": {"default": True}},
            {"source": "a", "target": "j"},
            {"source": "j", "target": "e"},
        ],
    )
    names = {one["id"] for one in picture["nodes"]}
    paths = [one["path"] for one in diagnostics if one["level"] == "error" and one.get("path")]
    assert paths
    assert all(set(path) <= names for path in paths)


def countersign(join: dict[str, Any], *, returning: bool) -> tuple[Any, list[Any]]:
    """Two approvals at once, whose rejections are told; they may be `returning` to the draft."""
    back: list[dict[str, Any]] = [
        {"source": "a", "target": "draft", "sourceHandle": "returned"},
        {
            "source": "b",
            "target": "draft",
            "sourceHandle": "returned",
            "data": {"loop": {"max": 3}},
        },
    ]
    return drawn(
        [
            {"id": "s", "type": "start"},
            {"id": "draft", "type": "task", "config": {"handler": "draft"}},
            {"id": "a", "type": "approval", "config": {"approverIds": ["1"]}},
            {"id": "b", "type": "approval", "config": {"approverIds": ["2"]}},
            {"id": "j", "type": "join", "config": join},
            {"id": "pay", "type": "task", "config": {"handler": "pay"}},
            {"id": "e", "type": "end"},
            {"id": "tell", "type": "notify", "config": {"to": "user:1", "content": "no"}},
            {"id": "x", "type": "end", "config": {"status": "rejected", "terminate": True}},
        ],
        [
            {"source": "s", "target": "draft"},
            {"source": "draft", "target": "a"},
            {"source": "draft", "target": "b"},
            {"source": "a", "target": "j"},
            {"source": "b", "target": "j"},
            {"source": "j", "target": "pay"},
            {"source": "pay", "target": "e"},
            *(back if returning else []),
            {"source": "a", "target": "tell", "sourceHandle": "rejected"},
            {"source": "b", "target": "tell", "sourceHandle": "rejected"},
            {"source": "tell", "target": "x"},
        ],
    )


def test_inferred_back_edges_lead_back_with_the_usual_bound() -> None:
    picture, diagnostics = countersign({"mode": "all"}, returning=True)
    assert [one["code"] for one in diagnostics if one["level"] != "info"] == ["PF216"]
    back = [(one["source"], one["label"]) for one in picture["edges"] if one["back"]]
    assert back == [("a", "returned ≤ 10×"), ("b", "returned ≤ 3×")]
    configs = {one["id"]: one["config"] for one in picture["nodes"]}
    assert configs["j"] == {"mode": "all"}
    assert configs["x"]["terminate"] is True


def test_a_branch_that_walked_away_is_shown_by_a_path_of_the_picture() -> None:
    picture, diagnostics = countersign({}, returning=False)
    (found,) = (one for one in diagnostics if one["level"] == "error")
    assert found["code"] == "PF218"
    assert (found["path"][0], found["path"][-1]) == ("s", "j")
    steps = {(one["source"], one["target"]) for one in picture["edges"]}
    assert set(pairwise(found["path"])) <= steps


def test_what_is_no_design_has_no_picture_but_a_diagnostic() -> None:
    for text in (b"", b"[", b"\xff\xfe", b"{}", b"null", b'{"nodes": 3}', b"[" * 100_000):
        found = of_text(text)
        assert found.diagnostics, text[:20]


SHOWN = ("type", "category", "container", "icon", "shape", "title")
WEB = Path(__file__).parents[2] / "web"
KINDS = WEB / "src" / "canvas" / "node-types.json"
KEYS = WEB / "tests" / "drawing-keys.json"


def test_the_page_knows_the_built_in_types(request: pytest.FixtureRequest) -> None:
    kinds = [{key: one[key] for key in SHOWN} for one in node_types()]
    text = json.dumps(kinds, ensure_ascii=False, indent=2) + "\n"
    if request.config.getoption("--snapshot-update"):
        KINDS.write_text(text, encoding="utf-8")
    assert KINDS.read_text(encoding="utf-8") == text


def test_the_editor_is_tested_with_what_the_service_tells(request: pytest.FixtureRequest) -> None:
    text = json.dumps(drawing_keys(), indent=2) + "\n"
    if request.config.getoption("--snapshot-update"):
        KEYS.write_text(text, encoding="utf-8")
    assert KEYS.read_text(encoding="utf-8") == text


def test_every_node_type_has_a_schema_and_outcomes() -> None:
    found = {one["type"]: one for one in node_types()}
    assert set(found) == set(NODE_TYPES)
    assert "rejected" in found["approval"]["outcomes"]
    assert "approverType" in found["approval"]["config"]["properties"]
    json.dumps(node_types())


def test_positions_that_are_no_finite_numbers_are_replaced() -> None:
    for wrong in ("NaN", "1e999", "-1e300"):
        start = '{"id": "s", "type": "start", "position": {"x": ' + wrong + ', "y": 0}}'
        end = '{"id": "e", "type": "end", "position": {"x": 300, "y": 0}}'
        text = f'{{"nodes": [{start}, {end}], "edges": [{{"source": "s", "target": "e"}}]}}'
        found = of_text(text.encode())
        json.dumps(found.picture, allow_nan=False)
        assert found.picture is None or all(abs(n["x"]) < 1e6 for n in found.picture["nodes"])


def test_positions_of_the_canvas_are_kept_from_each_other() -> None:
    picture, _ = drawn(
        [
            {"id": "s", "type": "start", "position": {"x": 0, "y": 0}},
            {"id": "e", "type": "end", "position": {"x": 400, "y": 120}},
        ],
        [{"source": "s", "target": "e"}],
    )
    start, end = picture["nodes"]
    assert (end["x"] - start["x"], end["y"] - start["y"]) == (400, 120)
