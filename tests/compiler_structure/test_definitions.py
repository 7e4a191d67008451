"""What designs are lowered to: ops, ids, settings, canvas."""

import json
from random import Random
from typing import Any

import pytest
from compiler_structure.drawing import chain, design
from compiler_structure.random_designs import Blocks
from fixtures.cases import DESIGNS, fixtures
from proflow_compiler import DesignError, convert_proflow_to_inngest
from proflow_compiler.design import Design
from proflow_compiler.graph import build_graph
from proflow_compiler.lower import lower
from proflow_compiler.nodes import LOWERINGS
from proflow_compiler.pipeline import compile_file
from proflow_schemas.definition import ApprovalOp, Definition, TaskOp, WaitOp, walk
from proflow_schemas.nodes import NODE_TYPES


def definition(drawn: Design) -> Definition:
    found, problems = lower(build_graph(drawn))
    assert found is not None, problems
    return found


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


def test_every_node_type_has_a_lowering() -> None:
    assert LOWERINGS.keys() == NODE_TYPES.keys()


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
        "event.data.tenant_id == async.data.tenant_id && event.data.order == async.data.order"
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


def test_numbers_of_the_input_are_doubles() -> None:
    schema = {
        "type": "object",
        "properties": {
            "amount": {"type": "number"},
            "lines": {"type": "array", "items": {"properties": {"price": {"type": "number"}}}},
        },
    }
    assert lowered({}, {"input": schema}).doubles == ["amount", "lines.*.price"]
    assert lowered({"input": schema}).doubles == ["amount", "lines.*.price"]


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
    graph = Blocks(Random(seed), 30).draw()
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
