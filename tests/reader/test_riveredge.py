"""The reading of RiverEdge's approval processes, on rows as that product writes them."""

import json
from typing import Any

from proflow_compiler.design import Design
from proflow_compiler.reader import Reading, read

Node = dict[str, Any]


def node(name: str, kind: str, **data: Any) -> Node:
    return {
        "id": name,
        "type": kind,
        "position": {"x": 250, "y": 50},
        "data": {"label": name, "layoutDirection": "vertical", **data},
    }


def edges(*pairs: str) -> list[dict[str, str]]:
    return [dict(zip(("source", "target"), pair.split(">"), strict=True)) for pair in pairs]


def row(nodes: list[Node], drawn: list[dict[str, str]], **columns: Any) -> dict[str, Any]:
    return {
        "uuid": "5a0c",
        "tenant_id": 3,
        "code": "leave",
        "name": "请假审批",
        "nodes": {"nodes": nodes, "edges": drawn},
        "config": {},
        "is_active": False,
        **columns,
    }


def reading(value: Any, select: str | None = None) -> Reading:
    return read(json.dumps(value).encode(), "rows.json", select=select)


def design(value: Any, select: str | None = None) -> Design:
    found = reading(value, select)
    assert not [one for one in found.diagnostics if one.level == "error"], found.diagnostics
    (one,) = found.designs
    return one


START, END = node("start", "start"), node("end", "end")


def test_a_row_is_a_design_named_by_its_code() -> None:
    found = design(row([START, END], edges("start>end"), config={"retries": 2, "colour": "red"}))
    assert (found.id, found.name, found.tenant_id) == ("leave", "请假审批", 3)
    assert (found.dialect, found.settings.retries) == ("riveredge", 2)


def test_fields_of_all_times_are_read() -> None:
    old = node(
        "a",
        "approval",
        approver_type="multi_level_manager",
        approval_type="AND",
        approver_ids=[],
        roles=["hr", 5],
        timeout_hours=24,
        empty_approver_policy="auto_pass",
        allowTransfer=True,
        conditions=[],
        departmentScope="submitter",
    )
    found = design(row([START, old, END], edges("start>a", "a>end"))).nodes["a"]
    config = found.config.model_dump(exclude_unset=True)
    assert config == {
        "approver_type": "multiLevelManager",
        "approval_mode": "all",
        "approver_ids": ["hr", "5"],
        "reminders": {"after": "24h"},
        "empty_approver_policy": "autoPass",
        "allow_transfer": True,
    }
    assert found.pointer_to("approverIds") == "/nodes/nodes/1/data/roles"
    assert found.pointer_to("reminders") == "/nodes/nodes/1/data/timeout_hours"


def test_hours_only_remind() -> None:
    approval = node("a", "approval", approverType="user", approverIds=["1"], timeoutHours=8)
    config = design(row([START, approval], edges("start>a"))).nodes["a"].config.model_dump()
    assert config["timeout"] is None
    assert config["reminders"]["after"] == "8h"
    none = node("a", "approval", approverType="user", timeoutHours=0)
    assert (
        design(row([START, none], edges("start>a"))).nodes["a"].config.model_dump()["reminders"]
        is None
    )


def test_a_copy_goes_to_its_approvers() -> None:
    copy = node("c", "cc", approverType="user", approverIds=["7", "8"])
    config = design(row([START, copy, END], edges("start>c", "c>end"))).nodes["c"].config
    assert config.model_dump()["to"] == ["7", "8"]


def test_a_node_without_a_way_on_is_an_end_whose_id_is_free() -> None:
    taken = node("a.end", "end")
    found = design(row([START, node("a", "approval"), taken], edges("start>a")))
    (after,) = [edge.target for edge in found.edges if edge.source == "a"]
    assert after not in ("a.end", "end")
    assert found.nodes[after].type == "end"
    assert found.nodes[after].pointer == found.nodes["a"].pointer


def test_of_several_edges_the_first_counts() -> None:
    found = reading(
        row([START, node("a", "approval"), END], edges("start>a", "start>end", "a>end"))
    )
    (problem,) = found.diagnostics
    assert (problem.code, problem.level, problem.pointer) == (
        "PF107",
        "warning",
        "/nodes/edges/1/target",
    )
    assert [(edge.source, edge.target) for edge in found.designs[0].edges] == [
        ("start", "a"),
        ("a", "end"),
    ]
    assert [edge.index for edge in found.designs[0].edges] == [0, 1]


def conditional(*conditions: Any, key: str = "conditions") -> dict[str, Any]:
    nodes = [START, node("c", "condition", **{key: list(conditions)})]
    nodes += [node(name, "end") for name in ("x", "y", "z")]
    return row(nodes, edges("start>c", "c>x", "c>y", "c>z"))


def taken(found: Design, data: dict[str, Any]) -> str:
    """The target of the condition's edge that its rules choose."""
    from proflow_compiler.graph import build_graph
    from proflow_schemas.expressions import compile

    exits = build_graph(found).exits["c"]
    scope = {"event": {"data": data}}
    for one in exits:
        if one.when is not None and compile(one.when).test(scope):
            return one.edges[0].target
    (default,) = [one for one in exits if one.default]
    return default.edges[0].target


def test_conditions_belong_to_edges_in_order_and_no_match_takes_the_first() -> None:
    found = design(
        conditional(
            {"field": "amount", "operator": "gt", "value": 100, "label": ""},
            {"field": "amount", "operator": "lt", "value": "10"},
            {"field": "kind", "value": "gift"},
        )
    )
    assert taken(found, {"amount": 500, "kind": "gift"}) == "x"
    assert taken(found, {"amount": 5, "kind": "gift"}) == "y"
    assert taken(found, {"amount": 50, "kind": "gift"}) == "z"
    assert taken(found, {"amount": 50, "kind": "order"}) == "x"
    assert taken(found, {}) == "x"
    second = next(edge for edge in found.edges if edge.target == "y")
    assert (second.structured, second.when_pointer) == (True, "/nodes/nodes/1/data/conditions/1")


def test_a_condition_that_cannot_be_read_is_located() -> None:
    good = {"field": "amount", "operator": "gt", "value": 100}
    found = reading(conditional(good, {"operator": "gt", "value": 1}, good, key="condition_list"))
    (problem,) = found.diagnostics
    assert problem.pointer == "/nodes/nodes/1/data/condition_list/1"


def test_nodes_may_be_a_map() -> None:
    value = row([], [])
    value["nodes"] = {"start": START, "end": END, "edges": edges("start>end")}
    assert list(design(value).nodes) == ["start", "end"]


def test_an_exported_array_names_its_designs_by_tenant() -> None:
    rows = [
        row([START, END], edges("start>end"), tenant_id=tenant, code=code)
        for tenant in (3, 4)
        for code in ("leave", "采购")
    ]
    rows.append(row([], [], deleted_at="2026-01-01T00:00:00"))
    found = reading({"total": 5, "items": rows})
    ids = [one.id for one in found.designs]
    assert ids[0] == "leave-t3"
    assert ids[2] == "leave-t4"
    assert len(set(ids)) == 4
    assert ids[1].startswith("cai-gou-t3-")
    assert [one.level for one in found.diagnostics] == ["info"]
    assert [one.tenant_id for one in reading(rows, "leave").designs] == [3, 4]
    assert design(rows, "leave-t4").tenant_id == 4


def test_a_selected_row_is_not_blamed_for_others() -> None:
    rows = [row([START, END], edges("start>end")), row([], [], code="broken")]
    assert reading(rows, "leave").diagnostics == []
    assert [one.code for one in reading(rows).diagnostics] == ["PF003"]


def test_each_row_has_its_own_report() -> None:
    rows = [
        row([START, END], edges("start>end"), tenant_id=tenant, name=name)
        for tenant, name in ((3, "a"), (4, "b"))
    ]
    rows.append(row([], [], code="broken"))
    reports = reading(rows).reports()
    assert [(one.shown_path, one.workflow) for one in reports] == [
        ("rows.json#leave-t3", "leave-t3"),
        ("rows.json#leave-t4", "leave-t4"),
        ("rows.json", None),
    ]
    assert [len(one.diagnostics) for one in reports] == [0, 0, 1]


def test_a_graph_without_its_row_is_told_by_its_fields() -> None:
    graph = row([START, node("a", "approval", approver_type="user"), END], edges("start>a"))[
        "nodes"
    ]
    found = reading(graph)
    (problem,) = found.diagnostics
    assert (problem.code, problem.level) == ("PF111", "info")
    assert found.designs[0].dialect == "riveredge"


def test_the_first_edge_of_each_outcome_counts() -> None:
    value = row(
        [START, node("a", "approval"), END, node("no", "end")], edges("start>a", "a>end", "a>no")
    )
    value["nodes"]["edges"][2]["sourceHandle"] = "rejected"
    assert [(edge.source, edge.target) for edge in design(value).edges][1:] == [
        ("a", "end"),
        ("a", "no"),
    ]


def test_empty_leftovers_of_a_form_do_not_change_the_reading() -> None:
    nodes = [START, node("c", "condition", conditions=[], approval_type=None), END]
    found = reading({"nodes": nodes, "edges": edges("start>c", "c>end")})
    assert found.diagnostics == []
    assert found.designs[0].dialect == "proflow"
