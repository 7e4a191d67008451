"""What expressions may read, where the types of handlers, items and containers are known."""

import json
from typing import Any

import pytest
from proflow_compiler.graph import build_graph
from proflow_compiler.reader import read
from proflow_compiler.rules import run_checks
from proflow_schemas.handlers import Signature

RECEIPT = {
    "type": "object",
    "properties": {
        "number": {"type": "string"},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
    },
    "additionalProperties": False,
    "$defs": {
        "line": {
            "type": "object",
            "properties": {"price": {"type": "number"}},
            "additionalProperties": False,
        }
    },
}


def found(nodes: list[dict[str, Any]], edges: list[tuple[str, str]], **settings: Any) -> list[str]:
    value = {
        **settings,
        "nodes": [{"id": "begin", "type": "start"}, *nodes, {"id": "done", "type": "end"}],
        "edges": [{"source": source, "target": target} for source, target in edges],
    }
    reading = read(json.dumps(value).encode(), "x.json")
    assert reading.diagnostics == []
    handlers = {"pay": Signature(output=RECEIPT), "work": None}
    diagnostics = run_checks(build_graph(reading.designs[0]), handlers=handlers)
    return [one.message for one in diagnostics]


def task(name: str, handler: str, value: str = "", parent: str | None = None) -> dict[str, Any]:
    place = {} if parent is None else {"parentId": parent}
    return {"id": name, "type": "task", **place, "data": {"handler": handler, "input": value}}


@pytest.mark.parametrize(
    ("read", "message"),
    [
        ("steps.pay.output.number + '!'", None),
        ("steps.pay.output.lines[0].price", None),
        ("steps.pay.output.nummer", "`steps.pay.output` has no field `nummer`"),
        ("steps.pay.output.number + 1", "`+` cannot take a string and a number"),
    ],
)
def test_what_a_handler_returns_types_its_output(read: str, message: str | None) -> None:
    nodes = [task("pay", "pay"), task("tell", "work", f"${{{read}}}")]
    edges = [("begin", "pay"), ("pay", "tell"), ("tell", "done")]
    assert found(nodes, edges) == ([] if message is None else [message])


@pytest.mark.parametrize(
    ("read", "message"),
    [
        ("line.price > 1.0 && item.price > 1.0 && index > 0", None),
        ("line.prise", "`line` has no field `prise`"),
        ("index + ''", "`+` cannot take a number and a string"),
    ],
)
def test_items_of_an_output_whose_type_is_known_are_typed(read: str, message: str | None) -> None:
    each = {
        "id": "each",
        "type": "foreach",
        "data": {"items": "steps.pay.output.lines", "as": "line"},
    }
    nodes = [task("pay", "pay"), each, task("one", "work", f"${{{read}}}", "each")]
    edges = [("begin", "pay"), ("pay", "each"), ("each", "done")]
    assert found(nodes, edges) == ([] if message is None else [message])


def test_of_names_the_innermost_wins() -> None:
    schema = {
        "type": "object",
        "properties": {
            "orders": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"lines": {"type": "array", "items": {"type": "string"}}},
                    "additionalProperties": False,
                },
            }
        },
    }
    nodes = [
        {"id": "outer", "type": "foreach", "data": {"items": "event.data.orders", "as": "order"}},
        {"id": "inner", "type": "foreach", "parentId": "outer", "data": {"items": "item.lines"}},
        task("one", "work", "${item + '!'} ${order.lines.size()} ${order.line}", "inner"),
    ]
    edges = [("begin", "outer"), ("outer", "done")]
    assert found(nodes, edges, input=schema) == ["`order` has no field `line`"]


def test_the_same_text_means_something_else_in_each_container() -> None:
    schema = {
        "properties": {
            "a": {"type": "array", "items": {"type": "string"}},
            "b": {"type": "array", "items": {"type": "object", "properties": {"x": {}}}},
        }
    }
    nodes = [
        {"id": "a", "type": "foreach", "data": {"items": "event.data.a"}},
        {"id": "b", "type": "foreach", "data": {"items": "event.data.b"}},
        task("one", "work", "${item + 'x'}", "a"),
        task("two", "work", "${item + 'x'}", "b"),
    ]
    edges = [("begin", "a"), ("a", "b"), ("b", "done")]
    assert found(nodes, edges, input=schema) == ["`+` cannot take an object and a string"]


def test_thousands_of_containers_are_checked_in_good_time() -> None:
    nodes: list[dict[str, Any]] = []
    edges = []
    before = "begin"
    for index in range(1500):
        name = f"each{index}"
        nodes.append({"id": name, "type": "foreach", "data": {"items": "event.data.x"}})
        nodes.append(task(f"one{index}", "work", "${item} ${index}", name))
        edges.append((before, name))
        before = name
    (message,) = found(nodes, [*edges, (before, "done")])
    assert "steps" in message
