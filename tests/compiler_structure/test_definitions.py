"""What designs are lowered to: ops, ids, settings, canvas."""

import json
from random import Random
from typing import Any

import pytest
from compiler_structure.drawing import Drawn, chain, design
from compiler_structure.random_designs import Blocks, Wild
from fixtures.cases import DESIGNS, fixtures
from proflow_compiler import DesignError, convert_proflow_to_inngest
from proflow_compiler.design import Design
from proflow_compiler.graph import build_graph
from proflow_compiler.lowering import lower
from proflow_compiler.pipeline import compile_file
from proflow_schemas.definition import (
    AgainOp,
    ApprovalOp,
    ChooseOp,
    Definition,
    ForeachOp,
    InvokeOp,
    LeaveOp,
    LoopOp,
    RegionOp,
    RepeatOp,
    TaskOp,
    WaitOp,
    blocks,
    walk,
)


def definition(drawn: Design) -> Definition:
    return lower(build_graph(drawn))[0]


def one_node(spelling: str, config: dict[str, Any], settings: dict[str, Any] | None = None) -> Any:
    """The first op of a design with one node of a type."""
    drawn = design(
        {"s": "start", "x": spelling, "e": "end"}, chain("s", "x", "e"), {"x": config}, settings
    )
    return definition(drawn).steps[0]


def lowered(settings: dict[str, Any], start: dict[str, Any] | None = None) -> Definition:
    return definition(
        design({"s": "start", "e": "end"}, chain("s", "e"), {"s": start or {}}, settings)
    )


@pytest.mark.parametrize(
    ("config", "approvers"),
    [
        ({"approverType": "user", "approverIds": [7, "9"]}, ["user:7", "user:9"]),
        ({"approverType": "role", "approverIds": "finance"}, ["role:finance"]),
        ({"approverType": "department", "approverIds": 3}, ["department:3"]),
        ({"approverType": "manager"}, ["manager"]),
        ({"approverType": "initiator"}, ["initiator"]),
        ({"approverIds": [1, "role:x"]}, ["user:1", "role:x"]),
        ({}, []),
    ],
)
def test_approvers_are_named_with_their_kind(config: dict[str, Any], approvers: list[str]) -> None:
    op = one_node("approval", config)
    assert isinstance(op, ApprovalOp)
    assert op.approval.approvers == approvers


def test_an_approver_expression_becomes_a_value() -> None:
    config = {"approverType": "expression", "approverIds": "event.data.boss"}
    assert one_node("approval", config).approval.approver_expression == "${event.data.boss}"


def test_keys_of_limits_are_the_tenants_own() -> None:
    found = lowered(
        {
            "concurrency": [{"limit": 2}, {"limit": 1, "key": "event.data.order"}],
            "throttle": {"limit": 5, "period": "1m", "key": "event.data.user"},
            "idempotency": "event.data.id",
            "cancelOn": {
                "event": "order/cancelled",
                "match": "data.order",
                "if": "async.data.hard || true",
            },
        }
    ).settings
    tenant = "event.data.tenant_id"
    assert [one.key for one in found.concurrency] == [
        tenant,
        f'string({tenant}) + ":" + string(event.data.order)',
    ]
    assert found.throttle is not None
    assert found.throttle.key == f'string({tenant}) + ":" + string(event.data.user)'
    assert found.idempotency == f'string({tenant}) + ":" + string(event.data.id)'
    assert found.cancel_on[0].condition == (
        "event.data.tenant_id == async.data.tenant_id && event.data.order != null"
        " && (event.data.order == async.data.order"
        " || double(event.data.order) == double(async.data.order)"
        " && (event.data.order == double(event.data.order)"
        " || async.data.order == double(async.data.order)))"
        " && (async.data.hard || true)"
    )


def test_keys_of_a_system_design_are_its_own() -> None:
    found = lowered({"scope": "system", "concurrency": 3, "idempotency": "event.data.id"}).settings
    assert found.concurrency[0].key is None
    assert found.idempotency == "event.data.id"


@pytest.mark.parametrize(
    ("settings", "attempts", "retries"),
    [
        ({}, 5, 4),
        ({"retries": 2}, 3, 4),
        ({"retries": 9}, 10, 9),
        ({"retry": {"maxAttempts": 7}}, 7, 6),
    ],
)
def test_a_function_has_enough_attempts_for_every_step(
    settings: dict[str, Any], attempts: int, retries: int
) -> None:
    found = lowered(settings)
    assert (found.max_attempts, found.settings.retries) == (attempts, retries)


def test_a_designs_pauses_hold_for_steps_without_their_own() -> None:
    settings = {"retry": {"maxAttempts": 3, "initialInterval": "5s"}}
    assert one_node("task", {}, settings).retry.initial_interval == 5
    assert one_node("task", {"retries": 1}, settings).retry.max_attempts == 2


def test_without_a_trigger_an_event_named_after_the_design_starts_it() -> None:
    (trigger,) = lowered({}).triggers
    assert trigger.model_dump()["event"] == "drawn/start"


def test_what_triggers_a_wait_is_armed_together_with_it() -> None:
    drawn = design(
        {"s": "start", "ask": "http", "paid": "wait", "e": "end"},
        chain("s", "ask", "paid", "e"),
        {"ask": {"url": "https://x.example"}},
    )
    op = definition(drawn).steps[0]
    assert isinstance(op, WaitOp)
    assert [one.node for one in op.armed_with] == ["ask"]


def test_what_has_other_successors_is_not_armed_with_a_wait() -> None:
    drawn = design(
        {"s": "start", "ask": "task", "paid": "wait", "log": "task", "e": "end"},
        [*chain("s", "ask", "paid", "e"), *chain("ask", "log", "e")],
    )
    assert isinstance(definition(drawn).steps[0], TaskOp)


def test_what_triggers_a_wait_is_armed_with_it_in_a_task_of_a_region_too() -> None:
    drawn = design(
        {"s": "start", "ask": "task", "w": "wait", "a": "task", "e": "end", "x": "end"},
        [*chain("s", "ask", "w", "e"), *chain("s", "a", "e"), ("w", "x"), ("a", "x")],
    )
    region = next(op for op in definition(drawn).steps if isinstance(op, RegionOp))
    (wait,) = (op for op in walk([region]) if isinstance(op, WaitOp))
    assert [one.node for one in wait.armed_with] == ["ask"]
    after = {task.name: task.after for task in region.tasks}
    assert after["e"][0].source == "w"


@pytest.mark.parametrize("handle", ["error", None])
def test_a_failure_is_an_outcome_where_it_is_drawn_only(handle: str | None) -> None:
    more: list[Drawn] = [] if handle is None else [("x", "no", handle), ("each", "no", handle)]
    drawn = design(
        {"s": "start", "x": "subprocess", "each": "foreach", "t": "task", "e": "end", "no": "end"},
        [*chain("s", "x", "each", "e"), *more, ("s", "no")],
        parents={"t": "each"},
    )
    ops = [op for block in blocks(definition(drawn)) for op in walk(block)]
    caught = {op.node: op.catch for op in ops if isinstance(op, TaskOp | InvokeOp | ForeachOp)}
    assert caught == {"x": handle == "error", "each": handle == "error", "t": False}


def test_a_subprocess_invokes_the_other_workflow() -> None:
    op = one_node("subprocess", {"workflow": "sign", "input": {"a": "${x}"}, "timeout": "2h"})
    assert isinstance(op, InvokeOp)
    assert (op.workflow, op.input, op.timeout, op.catch) == ("sign", {"a": "${x}"}, 7200, False)


def test_a_container_holds_the_ops_of_an_item_and_names_what_it_results_in() -> None:
    drawn = design(
        {"s": "start", "each": "foreach", "a": "task", "b": "task", "poll": "loop", "c": "task"}
        | {"e": "end"},
        [*chain("s", "each", "poll", "e"), ("a", "b")],
        {
            "each": {"items": "event.data.lines", "as": "line", "maxConcurrency": 2},
            "poll": {"while": "iteration < 2", "maxIterations": 5},
        },
        parents={"a": "each", "b": "each", "c": "poll"},
    )
    each, poll, _ = definition(drawn).steps
    assert isinstance(each, ForeachOp)
    assert isinstance(poll, LoopOp)
    assert [op.node for op in each.steps] == ["a", "b"]
    assert (each.items, each.alias, each.max_concurrency) == ("event.data.lines", "line", 2)
    assert (each.result, poll.result) == ("b", "c")
    assert (poll.condition, poll.max_iterations) == ("iteration < 2", 5)


@pytest.mark.parametrize(
    ("kinds", "result"),
    [({"a": "task", "b": "end"}, "a"), ({"a": "task", "b": "task"}, None), ({"a": "end"}, None)],
)
def test_the_result_of_an_item_is_that_of_its_only_sink(
    kinds: dict[str, str], result: str | None
) -> None:
    drawn = design(
        {"s": "start", "each": "foreach", "e": "end", **kinds},
        chain("s", "each", "e"),
        parents=dict.fromkeys(kinds, "each"),
    )
    each = definition(drawn).steps[0]
    assert isinstance(each, ForeachOp)
    assert each.result == result


def test_an_empty_container_has_no_ops() -> None:
    drawn = design({"s": "start", "each": "foreach", "e": "end"}, chain("s", "each", "e"))
    each = definition(drawn).steps[0]
    assert isinstance(each, ForeachOp)
    assert (each.steps, each.result) == ([], None)


def test_a_loop_repeats_from_its_header_and_is_left_by_one_of_its_exits() -> None:
    drawn = design(
        {"s": "start", "draft": "task", "ok": "approval", "e": "end", "no": "end"},
        [
            *chain("s", "draft", "ok", "e"),
            ("ok", "no", "rejected"),
            ("ok", "draft", "returned"),
        ],
        back={4: 3},
    )
    found = definition(drawn)
    repeat = found.steps[0]
    assert isinstance(repeat, RepeatOp)
    assert (repeat.node, repeat.steps[0].node) == ("draft", "draft")
    again = [op for op in walk(repeat.steps) if isinstance(op, AgainOp)]
    assert [(op.node, op.to, op.limit) for op in again] == [("ok", "draft", 3)]
    left = {(op.node, op.exit) for op in walk(repeat.steps) if isinstance(op, LeaveOp)}
    assert left == {("draft?exit", "e"), ("draft?exit", "no")}
    assert found.steps[1].node == "draft?exit"


def test_the_id_of_an_exit_is_none_of_a_node() -> None:
    names = {"s": "start", "d": "task", "ok": "approval", "d?exit": "end", "no": "end"}
    drawn = design(
        names,
        [*chain("s", "d", "ok", "d?exit"), ("ok", "no", "rejected"), ("ok", "d", "returned")],
    )
    left = {op.node for op in walk(definition(drawn).steps) if isinstance(op, LeaveOp)}
    assert left == {"d?exit?"}


def test_a_rejection_may_lead_back() -> None:
    drawn = design(
        {"s": "start", "draft": "task", "ok": "approval", "e": "end"},
        chain("s", "draft", "ok", "e"),
        {"ok": {"rejectTo": "draft"}},
    )
    found = definition(drawn)
    assert [(op.node, op.to, op.limit) for op in walk(found.steps) if isinstance(op, AgainOp)] == [
        ("ok", "draft", 10)
    ]
    back = [(edge.source, edge.target, edge.outcome) for edge in found.canvas.edges if edge.back]
    assert back == [("ok", "draft", "rejected")]


def test_an_inclusive_chooses_every_rule_that_holds() -> None:
    drawn = design(
        {"s": "start", "how": "inclusive", "mail": "task", "sms": "task", "e": "end"},
        [
            ("s", "how"),
            ("how", "mail", "when event.data.mail"),
            ("how", "sms", "default"),
            ("mail", "e"),
            ("sms", "e"),
        ],
    )
    choose, region, _ = definition(drawn).steps
    assert isinstance(choose, ChooseOp)
    assert isinstance(region, RegionOp)
    assert (choose.every, choose.default) == (True, "sms")
    assert [(task.name, task.after[0].outcomes, task.leaves) for task in region.tasks] == [
        ("mail", ["mail"], True),
        ("sms", ["sms"], True),
    ]


def test_edges_are_counted_one_by_one_where_a_join_needs_several() -> None:
    drawn = design(
        {"s": "start", "i": "inclusive", "a": "task", "j": "join", "e": "end"},
        [("s", "i"), ("i", "j", "x"), ("i", "j", "y"), ("i", "a", "z"), ("a", "j"), ("j", "e")],
        {"j": {"mode": 2}},
    )
    region = next(op for op in definition(drawn).steps if isinstance(op, RegionOp))
    join = next(task for task in region.tasks if task.name == "j")
    assert join.needs == 2
    assert [(one.source, one.outcomes) for one in join.after] == [
        ("i", ["x"]),
        ("i", ["y"]),
        ("a", []),
    ]


def test_the_canvas_tells_what_stands_in_a_container_and_what_leads_back() -> None:
    drawn = design(
        {"s": "start", "each": "foreach", "a": "task", "ok": "approval", "e": "end"},
        [*chain("s", "each", "e"), ("a", "ok"), ("ok", "a", "returned")],
        parents={"a": "each", "ok": "each"},
        back={3: 2},
    )
    canvas = definition(drawn).canvas
    assert {one.id: one.parent for one in canvas.nodes} == {
        "s": None,
        "each": None,
        "a": "each",
        "ok": "each",
        "e": None,
    }
    edges = [(one.source, one.target, one.outcome, one.back) for one in canvas.edges]
    assert ("ok", "a", "returned", True) in edges
    assert ("a", "ok", None, False) in edges
    assert len(edges) == 4


def test_the_canvas_has_the_edges_with_the_outcomes_that_take_them() -> None:
    drawn = design(
        {"s": "start", "a": "approval", "t": "task", "x": "end", "e": "end"},
        [
            ("s", "a"),
            ("a", "t"),
            ("a", "x", "rejected"),
            ("t", "x", "when true"),
            ("t", "e", "default"),
        ],
    )
    edges = [(one.source, one.target, one.outcome) for one in definition(drawn).canvas.edges]
    assert edges == [
        ("s", "a", None),
        ("a", "t", "approved"),
        ("a", "x", "rejected"),
        ("t", "t?default", None),
        ("t?default", "x", "x"),
        ("t?default", "e", "e"),
    ]


@pytest.mark.parametrize("seed", range(40))
def test_a_definition_survives_json_and_is_the_same_each_time(seed: int) -> None:
    random = Random(seed)
    graph = Blocks(random, 30).draw() if seed % 2 else Wild(random).draw(20)
    first, second = definition(graph.design), definition(graph.design)
    assert first.to_json() == second.to_json()
    read = Definition.model_validate_json(first.to_json())
    assert read == first
    assert read.with_digest().digest == first.digest


@pytest.mark.parametrize("seed", range(40))
def test_the_order_of_nodes_in_the_file_changes_no_step_id(seed: int) -> None:
    drawn = Blocks(Random(seed), 30).draw().design
    names = list(drawn.nodes)
    Random(seed).shuffle(names)
    shuffled = Design(
        drawn.id,
        drawn.name,
        {name: drawn.nodes[name] for name in names},
        drawn.edges,
        drawn.settings,
    )
    assert ids(definition(shuffled)) == ids(definition(drawn))


def ids(found: Definition) -> set[tuple[str, str, str]]:
    blocks = (found.steps, *found.functions.values())
    steps = {(op.fn, op.id, op.node) for block in blocks for op in walk(list(block))}
    return {one for one in steps if one[0] not in ("call", "parallel")}


@pytest.mark.parametrize("fixture", fixtures())
def test_every_fixture_has_a_definition(fixture: str) -> None:
    compilation = compile_file(str(DESIGNS / fixture / "design.json"))
    assert compilation.definitions
    assert not compilation.has_errors()


def test_a_design_is_converted_in_one_call() -> None:
    drawn = json.loads((DESIGNS / "guide-sample" / "design.json").read_text())
    steps = convert_proflow_to_inngest(drawn)["steps"]
    assert [(one["id"], one["fn"]) for one in steps if one["fn"] == "approval-step"] == [
        ("approve1", "approval-step"),
        ("approve2", "approval-step"),
    ]


def test_a_design_that_cannot_be_converted_says_why() -> None:
    with pytest.raises(DesignError, match="PF201 missing-start") as caught:
        convert_proflow_to_inngest({"nodes": [{"id": "e", "type": "end"}], "edges": []})
    assert caught.value.diagnostics[0].line is not None
