"""What the fixes of joins, loops and reads say and write, case by case."""

import json
from typing import Any

import pytest
from proflow_compiler.diagnostics import Diagnostic
from proflow_compiler.diagnostics.patching import patched
from proflow_compiler.diagnostics.rendering import render
from proflow_compiler.pipeline import compile_reading
from proflow_compiler.reader import read

Design = dict[str, Any]
APPROVAL = {"approverIds": ["1"]}
LETTERS: dict[str, tuple[str, dict[str, Any]]] = {
    "s": ("start", {}),
    "a": ("approval", APPROVAL),
    "t": ("task", {"handler": "work"}),
    "n": ("notify", {"to": "user:1"}),
    "c": ("condition", {}),
    "j": ("join", {}),
    "k": ("join", {"mode": "all"}),
    "o": ("join", {"mode": "one"}),
    "e": ("end", {}),
    "x": ("end", {"terminate": True}),
}


def drawn(edges: str, **data: dict[str, Any]) -> Design:
    """Draw `s>a1 a1>e1 a1/rejected>x1 c1?>t1`: the first letter of a node is its type."""
    lines = []
    for edge in edges.split():
        source, target = edge.split(">")
        name, _, handle = source.partition("/")
        line: dict[str, Any] = {"source": name.rstrip("?"), "target": target}
        if handle:
            line["sourceHandle"] = handle
        if name.endswith("?"):
            line["data"] = {"when": "event.data.more"}
        lines.append(line)
    ids = dict.fromkeys(end for line in lines for end in (line["source"], line["target"]))
    nodes = [
        {"id": id, "type": LETTERS[id[0]][0], "data": {**LETTERS[id[0]][1], **data.get(id, {})}}
        for id in ids
    ]
    return {"nodes": nodes, "edges": lines}


def found(design: Any) -> list[Diagnostic]:
    text = json.dumps(design, indent=1)
    compilation = compile_reading(read(text.encode(), "a.json"), handlers={"work": None})
    return [*compilation.reading.diagnostics, *compilation.diagnostics]


def titles(design: Any, code: str) -> list[list[str]]:
    return [[fix.title for fix in one.fixes] for one in found(design) if one.code == code]


def fixed(design: Any, code: str, index: int = 0) -> Any:
    fix = next(one for one in found(design) if one.code == code).fixes[index]
    after = json.loads(patched(json.dumps(design, indent=1), fix.edits))
    assert code not in {one.code for one in found(after)}
    return after


def node(design: Any, id: str) -> Any:
    return next(one for one in design["nodes"] if one["id"] == id)


BOTH = "s>a1 s>a2 a1>k1 a2>k1 k1>t1 t1>e1 "


def test_a_rejection_is_let_stop_the_run_before_going_on_is_proposed() -> None:
    design = drawn(BOTH + "a1/rejected>n1 a2/rejected>n1 n1>e2")
    assert titles(design, "PF210") == [
        [
            "let a rejection stop the run: set `terminate` at `e2`",
            "go on at `k1` without the other branch: set the mode `active`",
        ]
    ]
    after = fixed(design, "PF210")
    assert node(after, "e2")["data"] == {"terminate": True}
    assert node(after, "e1")["data"] == {}


def test_the_end_behind_the_join_never_stops_the_run() -> None:
    design = drawn(BOTH + "a1/rejected>n1 n1>e1")
    assert titles(design, "PF210")[0][0] == "let a rejection stop the run: draw an `end` for it"
    after = fixed(design, "PF210")
    assert node(after, "e1")["data"] == {}
    assert node(after, "rejected")["data"] == {"status": "rejected", "terminate": True}
    assert [one["target"] for one in after["edges"] if one["source"] == "n1"] == ["rejected"]


def test_nothing_is_proposed_where_a_rejection_leads_into_what_follows() -> None:
    assert titles(drawn(BOTH + "a1/rejected>t1"), "PF210") == [[]]


def test_a_choice_goes_on_without_the_branch_before_it_stops() -> None:
    design = drawn("s>c1 s>t1 c1?>t2 c1>e2 t1>k1 t2>k1 k1>e1")
    assert titles(design, "PF210") == [
        [
            "go on at `k1` without the other branch: set the mode `active`",
            "let what leaves `k1` out stop the run: set `terminate` at `e2`",
        ]
    ]


def test_a_join_of_one_waits_for_all_or_takes_the_first() -> None:
    design = drawn("s>t1 s>t2 t1>o1 t2>o1 o1>e1")
    assert node(fixed(design, "PF211"), "o1")["data"] == {"mode": "active"}
    assert node(fixed(design, "PF211", 1), "o1")["data"] == {"mode": "any"}


def test_an_unclear_join_is_given_a_mode() -> None:
    design = drawn("s>a1 s>a2 a1>j1 a2>j1 j1>e1 a1/rejected>n1 n1>x1")
    assert [node(fixed(design, "PF218", index), "j1")["data"] for index in (0, 1)] == [
        {"mode": "all"},
        {"mode": "active"},
    ]


def test_branches_that_meet_in_a_node_are_joined_before_it() -> None:
    design = drawn("s>a1 s>a2 a1>t1 a2>t1 t1>e1 a1/rejected>e2")
    for index, one in enumerate(design["nodes"]):
        one["position"] = {"x": 100 * index, "y": 50 * index}
    after = fixed(design, "PF218", 1)
    assert after["nodes"][-1] == {
        "id": "join",
        "type": "join",
        "position": {"x": 225, "y": 112},
        "data": {"mode": "active"},
    }
    into = [one["source"] for one in after["edges"] if one["target"] == "join"]
    assert (into, after["edges"][-1]) == (["a1", "a2"], {"source": "join", "target": "t1"})
    stopped = fixed(design, "PF218", 0)
    assert node(stopped, "join")["data"] == {"mode": "all"}
    assert node(stopped, "e2")["data"] == {"terminate": True}


@pytest.mark.parametrize("shape", ["map", "react flow 9", "wrapped"])
def test_a_join_is_drawn_in_every_shape(shape: str) -> None:
    design = drawn("s>a1 s>a2 a1>t1 a2>t1 t1>e1 a1/rejected>e2")
    nodes, edges = design["nodes"], design["edges"]
    match shape:
        case "map":
            by_id = {one["id"]: one for one in nodes}
            whole: Any = {"nodes": by_id, "edges": {f"e{i}": one for i, one in enumerate(edges)}}
        case "react flow 9":
            whole = {"elements": [*nodes, *edges]}
        case _:
            whole = {"data": {"graph": design}}
    for index in (0, 1):
        fixed(whole, "PF218", index)


def test_a_circle_begins_where_one_comes_back_to() -> None:
    design = drawn("s>c1 c1?>a1 c1>t1 t1>a1 a1>e1 a1/rejected>t1")
    assert titles(design, "PF206")[0] == [
        "let `c1` lead to `t1`, where the circle begins",
        "enter the circle at `t1` only: remove the edge from `c1` to `a1`",
        "let `c1` lead to `a1`, where the circle begins",
    ]


def test_a_way_back_leads_to_what_every_run_comes_over() -> None:
    design = drawn("s>c1 c1?>a1 c1>t1 t1>a1 a1>e1 a1/returned>t1")
    design["edges"][-1]["data"] = {"loop": {"max": 3}}
    after = fixed(design, "PF207")
    assert after["edges"][-1]["target"] == "c1"


def test_a_way_back_beside_others_returns_or_stays_in_its_branch() -> None:
    design = drawn("s>t1 t1>a1 t1>a2 a1>e1 a2>e1 a1/rejected>t1")
    assert titles(design, "PF208") == [
        [
            "go back when `a1` is returned, and let a rejection stop the run",
            "repeat only this branch: lead back to `a1`",
        ]
    ]
    assert fixed(design, "PF208")["edges"][-1]["sourceHandle"] == "returned"
    assert fixed(design, "PF208", 1)["edges"][-1]["target"] == "a1"


def test_a_bound_is_written_as_it_is_taken_anyway() -> None:
    design = drawn("s>t1 t1>a1 a1>e1 a1/returned>t1")
    (one,) = (one for one in found(design) if one.code == "PF216")
    assert [fix.safe for fix in one.fixes] == [True]
    assert fixed(design, "PF216")["edges"][-1]["data"] == {"loop": {"max": 10}}


def test_a_rejection_that_a_setting_leads_back_is_drawn() -> None:
    design = drawn("s>t1 t1>a1 a1>e1", a1={"rejectTo": "t1"})
    after = fixed(design, "PF216")
    assert "rejectTo" not in node(after, "a1")["data"]
    assert after["edges"][-1] == {
        "source": "a1",
        "target": "t1",
        "sourceHandle": "rejected",
        "data": {"loop": {"max": 10}},
    }


READ = "s>c1 c1?>t1 t1>t2 c1>t2 t2>e1"


@pytest.mark.parametrize(
    ("given", "written", "title"),
    [
        ("${steps.t1.output}", "${has(steps.t1) ? steps.t1.output : null}", "read null"),
        (
            "${steps.t1.outcome}",
            '${has(steps.t1) ? steps.t1.outcome : ""}',
            "read an empty text",
        ),
        (
            "it is ${steps.t1.output.x}, ${event.data.y}",
            'it is ${has(steps.t1) ? steps.t1.output.x : ""}, ${event.data.y}',
            "read an empty text",
        ),
        (
            "${event.data.b ? steps.t1.output : 1}",
            "${has(steps.t1) ? (event.data.b ? steps.t1.output : 1) : null}",
            "read null",
        ),
    ],
)
def test_a_read_asks_first_whether_it_is_there(given: str, written: str, title: str) -> None:
    design = drawn(READ, t2={"input": {"x": given}})
    assert titles(design, "PF304") == [[f"{title} where `t1` is missing"]]
    assert node(fixed(design, "PF304"), "t2")["data"]["input"] == {"x": written}


def test_a_rule_does_not_hold_where_what_it_reads_is_missing() -> None:
    design = drawn("s>c1 c1?>t1 t1>c2 c1>c2 c2?>e1 c2>e2")
    edge = next(one for one in design["edges"] if one["source"] == "c2" and "data" in one)
    edge["data"] = {"when": "steps.t1.output.a || steps.t1.output.b"}
    after = fixed(design, "PF304")
    index = design["edges"].index(edge)
    written = "has(steps.t1) && (steps.t1.output.a || steps.t1.output.b)"
    assert after["edges"][index]["data"] == {"when": written}


@pytest.mark.parametrize(
    ("rule", "mended"),
    [
        ("size(event.data.items)", "size(event.data.items) != 0"),
        ("workflow.id", 'workflow.id != ""'),
        ("1 + 1", None),
    ],
)
def test_a_read_that_is_no_condition_is_compared(rule: str, mended: str | None) -> None:
    design = drawn("s>t1 t1>c1 c1?>e1 c1>e2")
    design["edges"][2]["data"] = {"when": rule}
    assert titles(design, "PF302") == [[] if mended is None else [f"write `{mended}`"]]


def test_an_end_is_drawn_where_none_completes_the_run() -> None:
    design = drawn("s>t1 s>t2 t2>x1")
    assert titles(design, "PF205") == [["complete the run when `t1` is done: draw an `end`"]]
    assert fixed(design, "PF205")["edges"][-1] == {"source": "t1", "target": "end"}


def test_nobody_is_named_an_approver_where_nobody_is_read() -> None:
    design = drawn("s>c1 c1?>t1 t1>a1 c1>a1 a1>e1")
    node(design, "a1")["data"] = {
        "approverType": "expression",
        "approverIds": "steps.t1.output.boss",
    }
    assert titles(design, "PF304") == [[]]


def test_what_can_never_be_read_has_no_fix() -> None:
    assert titles(drawn("s>t1 t1>t2 t2>e1", t1={"input": "${steps.t2.output}"}), "PF304") == [[]]


def test_a_join_that_can_never_run_goes_on_without_the_rest() -> None:
    design = drawn("s>c1 c1?>t1 c1>t2 t1>k1 t2>k1 k1>e1 t1>x1 t2>x1")
    assert titles(design, "PF204") == [
        ["go on at `k1` without the other branch: set the mode `active`"]
    ]


def test_these_fixes_are_told_in_sarif() -> None:
    design = drawn(BOTH + "a1/rejected>n1 n1>e1")
    text = json.dumps(design, indent=1)
    source = read(text.encode(), "a.json").source
    (run,) = json.loads(render(found(design), source, "sarif"))["runs"]
    (result,) = (one for one in run["results"] if one["ruleId"] == "PF210")
    assert [one["description"]["text"] for one in result["fixes"]] == [
        "let a rejection stop the run: draw an `end` for it",
        "go on at `k1` without the other branch: set the mode `active`",
    ]


def test_fixes_of_many_problems_take_no_longer_than_those_of_a_few() -> None:
    edges = "".join(
        f"j{i}>a{i} j{i}>t{i} a{i}>k{i} t{i}>k{i} a{i}/rejected>n{i} n{i}>e{i} k{i}>j{i + 1} "
        for i in range(60)
    )
    offered = [one for one in titles(drawn(f"s>j0 {edges} j60>e60"), "PF210") if one]
    assert 0 < len(offered) <= 20
