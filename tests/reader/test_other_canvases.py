"""`fixtures/imports/<case>/design.json`: files as other canvases and hosts write them.

Beside each stands all that `check` reports: `expected.txt`. `pytest --snapshot-update` writes it
anew.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proflow_compiler.commands.applying_fixes import fix_text
from proflow_compiler.design import Design
from proflow_compiler.diagnostics.patching import patched
from proflow_compiler.diagnostics.rendering import render
from proflow_compiler.pipeline import Compilation, compile_reading
from proflow_compiler.reader import read

IMPORTS = Path(__file__).parents[2] / "fixtures" / "imports"
CASES = sorted(case.name for case in IMPORTS.iterdir())
NOTHING_READS = "PF320"


def text_of(case: str) -> str:
    return (IMPORTS / case / "design.json").read_text(encoding="utf-8")


def compiled(text: str, case: str = "x") -> Compilation:
    return compile_reading(read(text.encode("utf-8", "surrogatepass"), f"{case}/design.json"))


def report(text: str, case: str = "x") -> str:
    found = compiled(text, case)
    every = [*found.reading.diagnostics, *found.diagnostics]
    for format in ("json", "sarif", "github"):
        render(every, found.reading.source, format)  # type: ignore[arg-type]
    return render(every, found.reading.source)


@pytest.mark.parametrize("case", CASES)
def test_reports_what_is_expected(case: str, request: pytest.FixtureRequest) -> None:
    text = report(text_of(case), case)
    expected = IMPORTS / case / "expected.txt"
    if request.config.getoption("--snapshot-update"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_every_fix_mends_what_it_belongs_to(case: str) -> None:
    text = text_of(case)
    found = compiled(text, case)
    for one in [*found.reading.diagnostics, *found.diagnostics]:
        for fix in one.fixes:
            after = compiled(patched(text, fix.edits), case)
            left = [*after.reading.diagnostics, *after.diagnostics]
            assert (one.code, one.node, one.message) not in [
                (other.code, other.node, other.message) for other in left
            ]


def only(text: str) -> Design:
    (one,) = read(text.encode(), "x.json").designs
    return one


def rules(found: Design) -> list[tuple[str, str | None, bool]]:
    """Target, rule and default of each edge of the condition `c`."""
    return [(edge.target, edge.when, edge.default) for edge in found.edges if edge.source == "c"]


def test_graphs_in_columns_are_the_graphs_they_hold() -> None:
    nodes = [{"id": "s", "type": "start"}, {"id": "e", "type": "end", "data": {"label": 'a"\\é'}}]
    edges = [{"source": "s", "target": "e"}]
    plain = only(json.dumps({"nodes": nodes, "edges": edges}))
    for written in (
        {"nodes": json.dumps(nodes), "edges": json.dumps(edges)},
        {"graph": json.dumps({"nodes": nodes, "edges": edges})},
        {"data": {"flow_data": json.dumps({"nodes": json.dumps(nodes), "edges": edges})}},
        {"config": {"nodes": nodes, "edges": json.dumps(edges)}},
    ):
        found = only(json.dumps(written))
        assert [(one.id, one.type, one.label) for one in found.nodes.values()] == [
            (one.id, one.type, one.label) for one in plain.nodes.values()
        ]
        assert [(edge.source, edge.target) for edge in found.edges] == [("s", "e")]


def test_rules_of_a_node_are_those_of_its_edges() -> None:
    found = only(text_of("rules-by-their-ids"))
    high, low, rest = rules(found)
    assert high[1] is not None
    assert "> " in high[1]
    assert low[1] is not None
    assert "< " in low[1]
    assert rest == ("r", None, False)


def test_a_conditions_yes_takes_all_its_edges_and_no_is_the_default() -> None:
    found = only(text_of("yes-and-no-of-a-condition"))
    rule = "event.data.amount > 10"
    assert rules(found) == [("x", rule, False), ("y", rule, False), ("r", None, True)]
    handles = [edge.handle for edge in found.edges if edge.source == "c"]
    assert handles == ["true", "true", "false"]


def test_a_fix_of_a_graph_in_a_text_writes_the_text_anew() -> None:
    text = text_of("text-columns-with-an-error")
    fixed = fix_text(text, compiled, unsafe=True).text
    nodes = json.loads(json.loads(fixed)["nodes"])
    assert nodes[1]["data"]["label"] == "主管"
    assert json.loads(json.loads(fixed)["edges"])[1]["target"] == "e"


@pytest.mark.parametrize(
    ("spelling", "kind"),
    [
        ("form", None),
        ("fork1", "fork"),
        ("trigger", "start"),
        ("humanTask", "approval"),
        ("conditional", "condition"),
        ("strat", "start"),
        ("joni", "join"),
        ("approvalNode", "approval"),
        ("parallelGateway", "parallel"),
        ("card", None),
        ("table", None),
        ("1", None),
        ("loopOverItems", "foreach"),
    ],
)
def test_a_type_is_suggested_only_where_it_can_be_meant(spelling: str, kind: str | None) -> None:
    node = {"id": "a", "type": spelling}
    found = read(json.dumps({"nodes": [node]}).encode(), "x.json").diagnostics
    (help,) = (one.help or "" for one in found if one.code == "PF102")
    assert ("did you mean" in help) == (kind is not None)
    if kind is not None:
        assert f"`{kind}`" in help


CANVAS: dict[str, Any] = {
    "node of React Flow 12": {
        "position": {"x": 0, "y": 0},
        "measured": {"width": 1, "height": 2},
        "width": 1,
        "selected": True,
        "dragging": False,
        "draggable": True,
        "zIndex": 3,
        "origin": [0, 0],
        "sourcePosition": "right",
        "targetPosition": "left",
        "expandParent": True,
        "ariaLabel": "x",
        "domAttributes": {"a": 1},
        "handles": [{"id": "x"}],
    },
    "node of React Flow 9": {
        "position": {"x": 0, "y": 0},
        "__rf": {"width": 1},
        "isHidden": True,
        "className": "a",
        "style": {"width": 1},
        "extent": "parent",
        "positionAbsolute": {"x": 1, "y": 1},
    },
    "node of FlowView": {"select": "SELECT", "selectType": "x", "group": True, "logo": "x"},
}


@pytest.mark.parametrize("name", CANVAS)
def test_nothing_is_said_of_what_canvases_write(name: str) -> None:
    data = {"title": "x", "describe": "x", "logo": "x", "meta": {"title": "x"}, "label": "x"}
    data |= {"layoutDirection": "vertical", "headerColor": "red", "approverNames": ["Li"]}
    design = {
        "nodes": [
            {"id": "s", "type": "start", **CANVAS[name], "data": data},
            {"id": "e", "type": "end", **CANVAS[name], "data": {**data, "status": "success"}},
        ],
        "edges": [
            {
                "id": "1",
                "source": "s",
                "target": "e",
                "type": "smoothstep",
                "animated": True,
                "markerEnd": {"type": "arrow"},
                "labelStyle": {"a": 1},
                "arrowHeadType": "arrow",
                "pathOptions": {"a": 1},
                "style": {"a": 1},
                "targetHandle": "x",
                "label": "x",
                "zIndex": 1,
                "reconnectable": True,
                "data": {"label": "x", "strokeColor": "red"},
            }
        ],
        "viewport": {"x": 0},
        "created_at": "x",
        "updatedBy": "x",
        "is_active": True,
        "$schema": "x",
        "meta": {"a": 1},
        "tags": ["x"],
        "x-own": 1,
        "_own": 2,
    }
    assert compiled(json.dumps(design)).reading.diagnostics == []


def test_a_thousand_nodes_with_a_hosts_own_key_are_told_once() -> None:
    nodes: list[dict[str, Any]] = [
        {"id": f"n{i}", "type": "task", "data": {"handler": "x", "weather": i + 1}}
        for i in range(1000)
    ]
    found = read(json.dumps({"nodes": nodes, "edges": []}).encode(), "x.json").diagnostics
    (one,) = found
    assert one.message == "nothing reads `weather` of `n0`, nor of 999 other nodes"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("id", "type", "data", "config", "nodes", "edges", "rules", "condition"),
                    *("source", "target", "sourceNodeId", "targetNodeId", "from", "to", "cells"),
                    *("when", "field", "operator", "value", "graph", "nodeType", "approverRole"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below = value if isinstance(value, dict) else {}
    below = dict(enumerate(value)) if isinstance(value, list) else below
    found = [at]
    for key, one in below.items():
        found += places(one, (*at, key))
    return found


@settings(deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_change_of_a_file_raises(data: st.DataObject) -> None:
    value = json.loads(text_of(data.draw(st.sampled_from(CASES))))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places(value)))
        put = data.draw(JSON)
        if data.draw(st.booleans()):
            put = json.dumps(put)
        if not place:
            value = put
            break
        holder = value
        for key in place[:-1]:
            holder = holder[key]
        if isinstance(holder, dict) and data.draw(st.booleans()):
            holder[data.draw(st.sampled_from(["condition", "rules", "from", "nodes", "x"]))] = put
        else:
            holder[place[-1]] = put
    text = json.dumps(value)
    found = compiled(text)
    report(text)
    for one in [*found.reading.diagnostics, *found.diagnostics]:
        assert one.line is not None or one in found.diagnostics
        for fix in one.fixes:
            patched(text, fix.edits)


def test_a_group_joins_by_and_or_or_whatever_its_key_is_called() -> None:
    first, second, rest = rules(only(text_of("keys-of-conditions")))
    assert first[1] is not None
    assert "||" not in first[1]
    assert second[1] is not None
    assert " || " in second[1]
    assert rest[1] is None


def test_conditions_with_ids_belong_to_the_edges_that_name_them() -> None:
    found = only(text_of("conditions-by-their-ids"))
    assert found.dialect == "proflow"
    texts = {target: when for target, when, _ in rules(found)}
    assert texts["e"] is None
    assert "> 9" in str(texts["a"])
    assert "< 3" in str(texts["b"])


def test_inputs_are_ports_where_they_are_a_list_and_else_a_misspelling() -> None:
    def told(inputs: Any) -> list[str]:
        node = {"id": "t", "type": "task", "data": {"handler": "work", "inputs": inputs}}
        found = compiled(json.dumps({"nodes": [node], "edges": []}))
        return [one.message for one in found.reading.diagnostics]

    assert told([{"id": "in"}]) == []
    assert told({"k": "${event.data.k}"}) == ["unknown key `inputs`"]
