import json
from typing import Any

import pytest
from proflow_compiler.design import Design
from proflow_compiler.reader import Reading, read

NODES: list[dict[str, Any]] = [
    {"id": "start", "type": "start", "label": "开始"},
    {"id": "ok", "type": "approval", "label": "审批", "config": {"approverIds": 7}},
    {"id": "end", "type": "end", "label": "结束"},
]
EDGES: list[dict[str, Any]] = [
    {"source": "start", "target": "ok"},
    {"source": "ok", "target": "end"},
]


def reading(value: Any, path: str = "flow.json", select: str | None = None) -> Reading:
    return read(json.dumps(value).encode(), path, select=select)


def design(value: Any, path: str = "flow.json", select: str | None = None) -> Design:
    found = reading(value, path, select)
    assert [one for one in found.diagnostics if one.level != "info"] == []
    (one,) = found.designs
    return one


def canonical(found: Design) -> tuple[Any, ...]:
    nodes = [(one.id, one.type, one.label, one.config) for one in found.nodes.values()]
    return nodes, [(one.source, one.target, one.handle, one.when) for one in found.edges]


def react_flow(inner: str) -> list[dict[str, Any]]:
    place = {"position": {"x": 1, "y": 2.5}, "width": 150, "height": 40, "selected": False}
    return [
        {
            **place,
            "id": node["id"],
            "type": node["type"],
            "data": {
                "label": node["label"],
                **({inner: node["config"]} if inner else node["config"]),
            }
            if "config" in node
            else {"label": node["label"]},
        }
        for node in NODES
    ]


SHAPES: dict[str, Any] = {
    "react flow, data": {
        "nodes": react_flow(""),
        "edges": [
            {**edge, "id": "e", "sourceHandle": None, "targetHandle": None} for edge in EDGES
        ],
        "viewport": {"x": 0, "y": 0, "zoom": 1},
    },
    "react flow, data.config": {"nodes": react_flow("config"), "edges": EDGES},
    "flow view, data.content": {"nodes": react_flow("content"), "edges": EDGES},
    "flow view, titles": {
        "nodes": [
            {**node, "label": None, "data": {"meta": {"title": node["label"]}}} for node in NODES
        ],
        "edges": EDGES,
    },
    "types in data": {
        "nodes": [{**node, "type": "custom", "data": {"type": node["type"]}} for node in NODES],
        "edges": EDGES,
    },
    "types in data.name": {
        "nodes": [{**node, "type": "default", "data": {"name": node["type"]}} for node in NODES],
        "edges": EDGES,
    },
    "maps": {
        "nodes": {node["id"]: node for node in NODES},
        "edges": dict(enumerate(EDGES)),
    },
    "maps without ids": {
        "nodes": {node["id"]: {**node, "id": node["id"]} for node in NODES},
        "edges": dict(enumerate(EDGES)),
    },
    "flow editor": {
        "flattenNodes": {
            node["id"]: {key: value for key, value in node.items() if key != "id"} for node in NODES
        },
        "flattenEdges": dict(enumerate(EDGES)),
    },
    "react flow 9": {"elements": [NODES[0], EDGES[0], *NODES[1:], EDGES[1]]},
    "data": {"code": 200, "message": "ok", "data": {"nodes": NODES, "edges": EDGES}},
    "graph": {"graph": {"nodes": NODES, "edges": EDGES}},
    "design": {"design": {"nodes": NODES, "edges": EDGES}},
    "diagram": {"diagram": {"nodes": NODES, "edges": EDGES}},
    "workflow.graph": {"workflow": {"graph": {"nodes": NODES, "edges": EDGES}}},
    "data.graph": {"data": {"graph": {"nodes": NODES, "edges": EDGES}}},
    "edges null": {"nodes": NODES, "edges": EDGES, "retries": None},
    "with $schema": {"$schema": "./design.schema.json", "nodes": NODES, "edges": EDGES},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_all_shapes_read_as_the_same_design(shape: str) -> None:
    guide = design({"nodes": NODES, "edges": EDGES})
    assert canonical(design(SHAPES[shape])) == canonical(guide)


@pytest.mark.parametrize(
    ("spelling", "kind"),
    [("审批", "approval"), ("userTask", "approval"), ("抄送", "cc"), ("if-else", "condition")],
)
def test_aliases_are_read(spelling: str, kind: str) -> None:
    config = {"to": "u1"} if kind == "cc" else {}
    value = {"nodes": [{"id": "a", "type": spelling, "config": config}]}
    assert design(value).nodes["a"].type == kind


@pytest.mark.parametrize(("written", "mode"), [("OR", "any"), ("AND", "all"), ("quorum", "quorum")])
def test_approval_modes_are_read(written: str, mode: str) -> None:
    config = {"approvalMode": written, "approverIds": ["a", 2]}
    read_config = design({"nodes": [{"id": "a", "type": "approval", "config": config}]})
    dumped = read_config.nodes["a"].config.model_dump()
    assert (dumped["approval_mode"], dumped["approver_ids"]) == (mode, ["a", "2"])


def test_numbers_are_ids_in_nodes_and_edges_alike() -> None:
    value = {
        "nodes": [{"id": 1, "type": "start"}, {"id": "2", "type": "end"}],
        "edges": [{"source": "1", "target": 2}],
    }
    found = design(value)
    assert list(found.nodes) == ["1", "2"]
    assert (found.edges[0].source, found.edges[0].target) == ("1", "2")


def test_notes_their_edges_and_groups_are_left_out_and_said_so() -> None:
    value = {
        "nodes": [
            *NODES,
            {"id": "n", "type": "stickyNote", "data": {"text": "?"}},
            {"id": "g", "type": "group", "data": {"label": "part"}},
        ],
        "edges": [*EDGES, {"source": "n", "target": "ok"}],
    }
    value["nodes"][1] = {**NODES[1], "parentId": "g", "parentNode": "g"}
    found = reading(value)
    assert {(one.code, one.level) for one in found.diagnostics} == {("PF107", "info")}
    assert len(found.diagnostics) == 3
    assert list(found.designs[0].nodes) == ["start", "ok", "end"]
    assert found.designs[0].nodes["ok"].parent is None
    assert len(found.designs[0].edges) == 2


def test_keys_of_the_canvas_are_ignored_in_data_but_not_in_config() -> None:
    data = {"label": "x", "layoutDirection": "vertical", "handler": "work", "colour": "red"}
    assert design({"nodes": [{"id": "a", "type": "task", "data": data}]})
    found = reading({"nodes": [{"id": "a", "type": "task", "config": data}]})
    assert found.designs == []
    keys = {one.pointer.rpartition("/")[2] for one in found.diagnostics}
    assert keys == {"label", "layoutDirection", "colour"}


def test_a_null_in_data_is_a_key_that_was_not_given() -> None:
    data = {"approvalMode": None, "approverIds": None, "timeout": None}
    found = design({"nodes": [{"id": "a", "type": "approval", "data": data}]}).nodes["a"]
    assert found.config_pointers == {}


def test_the_content_of_a_message_is_no_config() -> None:
    data = {"to": "u1", "content": {"template": "welcome"}}
    found = design({"nodes": [{"id": "a", "type": "notify", "data": data}]}).nodes["a"]
    assert found.config.model_dump()["content"] == {"template": "welcome"}
    inside = {"content": {"to": "u1", "content": "hello"}}
    found = design({"nodes": [{"id": "a", "type": "notify", "data": inside}]}).nodes["a"]
    assert found.config.model_dump()["content"] == "hello"


def test_config_pointers_lead_to_the_values_in_the_file() -> None:
    found = design(SHAPES["flow view, data.content"]).nodes["ok"]
    assert found.pointer == "/nodes/1"
    assert found.pointer_to("approverIds") == "/nodes/1/data/content/approverIds"
    assert found.pointer_to("timeout") == "/nodes/1"


def test_settings_beside_the_graph_and_in_its_wrapper_are_read() -> None:
    found = design(
        {
            "id": 12,
            "name": "outer",
            "data": {"name": "inner", "retries": 2, "nodes": NODES, "edges": EDGES},
        }
    )
    assert (found.id, found.name, found.settings.retries) == ("design-12", "inner", 2)
    assert found.pointer_to("retries") == "/data/retries"
    assert found.pointer_to("id") == "/id"


def test_a_rule_is_an_expression_whatever_its_form() -> None:
    condition = {"field": "amount", "operator": ">", "value": 100}
    value = {
        "nodes": [
            {"id": "c", "type": "condition"},
            {"id": "a", "type": "end"},
            {"id": "b", "type": "end"},
            {"id": "d", "type": "end"},
        ],
        "edges": [
            {"source": "c", "target": "a", "data": {"when": "event.data.x > 1", "priority": 2}},
            {"source": "c", "target": "b", "data": {"condition": condition, "label": "host"}},
            {"source": "c", "target": "d", "data": {"default": True}},
        ],
    }
    plain, structured, default = design(value).edges
    assert (plain.when, plain.priority, plain.structured) == ("event.data.x > 1", 2, False)
    assert structured.when is not None
    assert "event.data.amount" in structured.when
    assert (structured.structured, structured.when_pointer) == (True, "/edges/1/data/condition")
    assert (default.default, default.when) == (True, None)


def test_edges_of_one_handle_share_a_rule() -> None:
    rule = {"when": "event.data.x > 1"}
    value = {
        "nodes": [{"id": "c", "type": "condition"}, *({"id": i, "type": "end"} for i in "ab")],
        "edges": [
            {"source": "c", "target": "a", "sourceHandle": "yes", "data": rule},
            {"source": "c", "target": "b", "sourceHandle": "yes"},
        ],
    }
    assert len(design(value).edges) == 2


def test_any_handle_means_the_only_outcome() -> None:
    value = {
        "nodes": [
            {"id": "t", "type": "task", "config": {"handler": "x"}},
            {"id": "e", "type": "end"},
        ],
        "edges": [{"source": "t", "target": "e", "sourceHandle": "bottom"}],
    }
    assert design(value).edges[0].handle == "bottom"


@pytest.mark.parametrize(
    "name",
    ['"', "'", "\n", '"""', "${event}", "{{ x }}", "\u202e", "#[]/%", "a b", "__class__", "😀"],
)
def test_ids_and_labels_may_hold_anything(name: str) -> None:
    value = {
        "nodes": [
            {"id": f"x{name}", "type": "start", "label": name * 1000},
            {"id": "e", "type": "end"},
        ],
        "edges": [{"source": f"x{name}", "target": "e"}],
    }
    found = design(value)
    assert f"x{name}" in found.nodes


def test_an_array_of_designs_is_read_by_id() -> None:
    value = [{"id": "one", "nodes": NODES, "edges": EDGES}, {"id": "two", "nodes": NODES}]
    assert [one.id for one in reading(value).designs] == ["one", "two"]
    assert design(value, select="two").id == "two"
    (problem,) = reading(value, select="tow").diagnostics
    assert (problem.code, problem.help) == ("PF006", "did you mean `two`?")


def test_selecting_from_a_single_design_is_an_error() -> None:
    (problem,) = reading({"nodes": NODES, "edges": EDGES}, select="x").diagnostics
    assert problem.code == "PF006"


@pytest.mark.parametrize(
    ("said", "drawn", "allowed"),
    [(None, True, True), (None, False, None), (False, True, False), (True, False, True)],
)
def test_who_draws_a_return_allows_it(said: bool | None, drawn: bool, allowed: bool | None) -> None:
    config = {} if said is None else {"allowReturn": said}
    design = {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "ask", "type": "approval", "config": {"approverIds": ["ann"], **config}},
            {"id": "end", "type": "end"},
        ],
        "edges": [
            {"source": "start", "target": "ask"},
            {"source": "ask", "target": "end"},
            *([{"source": "ask", "sourceHandle": "returned", "target": "end"}] if drawn else []),
        ],
    }
    (found,) = read(json.dumps(design).encode(), "d.json").designs
    assert getattr(found.nodes["ask"].config, "allow_return") == allowed  # noqa: B009
