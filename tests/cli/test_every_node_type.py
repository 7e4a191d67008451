"""Every registered node type, through everything that has to know types: none may be forgotten."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import Proflow
from proflow_runtime.service.drawings import node_types
from proflow_schemas.node_types import NODE_TYPES, NodeType

KINDS = list(NODE_TYPES.values())
DATA = {"tenant_id": 1, "rounds": 2, "lines": [1, 2], "a": 1, "b": 2, "order_id": 7}
"""What the examples read."""


def every_type(function: Any) -> Any:
    return pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)(function)


def node(name: str, type: str, **data: Any) -> dict[str, Any]:
    return {"id": name, "type": type, "data": data}


def design(kind: NodeType) -> dict[str, Any]:
    """The example of a type's record, as `it`, in a design that has what it needs around it."""
    it = {**json.loads(kind.example), "id": "it", "label": "it"}
    nodes, chain = [node("begin", "start"), it, node("done", "end")], ["begin", "it", "done"]
    if kind.name == "start":
        nodes, chain = [it, node("done", "end")], ["it", "done"]
    if kind.kind == "end":
        nodes, chain = [node("begin", "start"), it], ["begin", "it"]
    for name in dict.fromkeys(re.findall(r"steps\.(\w+)", kind.example)):
        nodes.append(node(name, "task", handler="work"))
        chain.insert(1, name)
    edges: list[dict[str, Any]] = [
        {"source": one, "target": other} for one, other in pairwise(chain)
    ]
    if kind.container:
        nodes.append({**node("inside", "set", values={"one": "1"}), "parentId": "it"})
    if kind.rules:
        nodes.append(node("otherwise", "end"))
        edges[-1]["data"] = {"when": "event.data.a > 0"}
        edges.append({"source": "it", "target": "otherwise"})
    if kind.name in ("join", "parallel"):
        nodes += [node(name, "task", handler="work") for name in ("one", "two")]
        ways = ("begin", "it") if kind.name == "join" else ("it", "done")
        edges = [one for one in edges if (one["source"], one["target"]) != ways]
        for name in ("one", "two"):
            edges += [
                {"source": ways[0], "target": name},
                {"source": name, "target": ways[1]},
            ]
    return {"id": "walk", "nodes": nodes, "edges": edges}


@pytest.fixture
def drawn(kind: NodeType, tmp_path: Path) -> Path:
    """The design in a file, beside that of a workflow which it may run."""
    path = tmp_path / "walk.json"
    path.write_text(json.dumps(design(kind)), encoding="utf-8")
    if kind.calls:
        child = {
            "id": json.loads(kind.example)["data"]["workflow"],
            "nodes": [node("begin", "start"), node("done", "end")],
            "edges": [{"source": "begin", "target": "done"}],
        }
        (tmp_path / "child.json").write_text(json.dumps(child), encoding="utf-8")
    return path


def data_for(kind: NodeType) -> str:
    read = re.findall(r"event\.data\.(\w+)", kind.example)
    return json.dumps({**dict.fromkeys(read, "x"), "initiator_id": 1, **DATA})


@every_type
def test_it_is_checked_and_compiled(kind: NodeType, drawn: Path, inside: Proflow) -> None:
    assert inside("check", drawn).code == 0
    module = inside("compile", drawn)
    assert module.code == 0
    compile(module.out, "walk.py", "exec")
    definition = inside("compile", drawn, "--target", "definition")
    assert definition.code == 0
    types = {one["id"]: one["type"] for one in definition.json["canvas"]["nodes"]}
    assert types["it"] == kind.name


@every_type
def test_both_targets_run_it_alike(kind: NodeType, drawn: Path, inside: Proflow) -> None:
    answer = ["--answer", f"it={kind.default}"] if kind.answered else []
    given = ["run", drawn, "--data", data_for(kind), "--at", "2026-01-05T00:00:00Z", *answer]
    interpreted, generated = (
        inside(*given, "--format", "json", "--target", target)
        for target in ("interpreter", "generated")
    )
    assert interpreted.code == 0
    assert interpreted.json == generated.json
    assert interpreted.json["status"] == "completed"
    assert interpreted.json["nodes"]["it"]["status"] == "completed"
    text = inside(*given)
    assert text.code == 0
    assert "it" in text.out


@every_type
def test_what_works_can_be_made_to_fail(kind: NodeType, drawn: Path, inside: Proflow) -> None:
    done = inside("run", drawn, "--data", data_for(kind), "--fail", "it=boom", "--format", "json")
    if not kind.works:
        assert done.code == 2
        assert f"is of type {kind.name}, which has no work that can fail" in done.err
        return
    assert done.json["status"] == "failed"
    assert done.json["nodes"]["it"]["status"] == "failed"
    assert done.json["nodes"]["it"]["error"]["message"] == "boom"


@every_type
def test_all_its_outcomes_are_tried(kind: NodeType, drawn: Path, inside: Proflow) -> None:
    done = inside("run", drawn, "--data", data_for(kind), "--all-outcomes", "--format", "json")
    assert done.code in (0, 1)
    found = done.json
    assert "it" not in found["uncovered_nodes"]
    if kind.answered:
        taken = {run["decisions"]["it"] for run in found["runs"]}
        assert taken >= set(kind.outcomes) - {"returned", "timeout"}


@every_type
def test_a_run_at_it_is_a_position_of_a_diff(kind: NodeType, drawn: Path, inside: Proflow) -> None:
    done = inside("diff", drawn, drawn, "--format", "json")
    assert done.code == 0
    positions = [one["node"] for one in done.json["positions"]]
    assert ("it" in positions) == (kind.kind in ("step", "waits"))
    if kind.kind not in ("step", "waits"):
        return
    changed, value = drawn.with_name("changed.json"), design(kind)
    gone = {**value, "nodes": [one for one in value["nodes"] if one["id"] != "it"]}
    gone["edges"] = [one for one in value["edges"] if "it" not in (one["source"], one["target"])]
    before = next(one["source"] for one in value["edges"] if one["target"] == "it")
    gone["edges"].append({"source": before, "target": "done"})
    changed.write_text(json.dumps(gone), encoding="utf-8")
    lost = inside("diff", drawn, changed, "--format", "json")
    assert lost.code == 1
    (at,) = (one for one in lost.json["positions"] if one["node"] == "it")
    assert not at["survives"]


@every_type
def test_it_is_drawn(kind: NodeType, drawn: Path, inside: Proflow) -> None:
    for format in ("mermaid", "dot", "svg"):
        done = inside("graph", drawn, "--format", format)
        assert done.code == 0
        assert "it" in done.out


@every_type
def test_the_api_describes_it(kind: NodeType) -> None:
    (told,) = (one for one in node_types() if one["type"] == kind.name)
    for words in (told["title"], told["summary"], *told["fields"].values()):
        assert words["zh"]
        assert words["en"]
    assert told["kind"] == kind.kind
    keys = told["config"].get("properties", {}).keys()
    assert told["fields"].keys() == keys
