"""Numbers in runs: any JSON number, from a handler or an event, with both targets."""

import json
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from parity.playing import TARGETS, only, play
from proflow_compiler.pipeline import compile_reading
from proflow_compiler.reader import read
from proflow_runtime import Registry, Task
from proflow_schemas.definition import Definition
from proflow_schemas.numbers import MAX_EXACT

NUMBERS = st.one_of(
    st.integers(-MAX_EXACT, MAX_EXACT),
    st.integers(-2000, 2000).map(float),
    st.decimals(-2000, 2000, places=2).map(float),
    st.floats(-(2.0**40), 2.0**40),
)
VALUES = {
    "gross": "steps.t.output.total * 1.13",
    "sum": "1000 + steps.t.output.total + event.data.more",
    "half": "event.data.more / 2",
    "larger": "steps.t.output.total > event.data.more ? steps.t.output.total : event.data.more",
    "mixed": "event.data.more > 0 ? 1 : 1.5",
    "money": "round(steps.t.output.total, 2)",
    "lines": "steps.t.output.lines.map(x, x * 2)[size(steps.t.output.lines) - 1]",
    "text": "string(steps.t.output.total)",
}
TEXT = "${event.data.more}|${event.data.more * 2}"


@cache
def design() -> Definition:
    nodes = [
        {"id": "s", "type": "start"},
        {"id": "t", "type": "task", "data": {"handler": "price", "input": {"n": TEXT}}},
        {"id": "v", "type": "set", "data": {"values": VALUES}},
        {"id": "c", "type": "condition"},
        {"id": "over", "type": "end", "data": {"status": "over", "output": "${steps.v.output}"}},
        {"id": "ok", "type": "end", "data": {"status": "ok", "output": "${steps.v.output}"}},
    ]
    rule = {"when": "steps.t.output.total * 1.13 > 1000 && event.data.more == event.data.more"}
    edges: list[Any] = [
        {"source": "s", "target": "t"},
        {"source": "t", "target": "v"},
        {"source": "v", "target": "c"},
        {"source": "c", "target": "over", "data": rule},
        {"source": "c", "target": "ok"},
    ]
    return only(compile_design_of({"id": "numbers", "nodes": nodes, "edges": edges}))


def compile_design_of(canvas: Any) -> Any:
    return compile_reading(read(json.dumps(canvas).encode(), "design.json"))


def expected(total: float, more: float) -> dict[str, Any] | None:
    """What Python's floats and decimals give; None where that is beyond what is safe."""
    rounded = Decimal(str(total)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    found: dict[str, Any] = {
        "gross": float(total) * 1.13,
        "sum": 1000 + float(total) + float(more),
        "half": more / 2,
        "larger": max(total, more),
        "mixed": 1 if more > 0 else 1.5,
        "money": float(rounded),
        "lines": float(total) * 2,
    }
    if any(abs(one) > MAX_EXACT for one in (*found.values(), more * 2)):
        return None
    shown = int(total) if float(total).is_integer() else total
    return {**found, "text": json.dumps(shown)}


@settings(max_examples=20, deadline=None)
@given(NUMBERS, NUMBERS)
@example(1000, 1000.5)
@example(1000.5, 1000)
@example(0, -0.0)
@example(884.955, 7)
@example(1.005, MAX_EXACT)
@example(0.1, 0.2)
def test_any_number_gives_the_same_with_both_targets(total: float, more: float) -> None:
    given: list[Any] = []

    async def price(task: Task) -> Any:
        given.append(task.input["n"])
        return {"total": total, "lines": [1, total]}

    wanted = expected(total, more)
    for target in TARGETS:
        told = play(
            design(),
            target,
            data={"tenant_id": 1, "more": more},
            registry=Registry({"price": price}),
        )
        if wanted is None:
            assert told["status"] == "failed"
            assert "beyond ±(2^53 − 1)" in told["error"]["message"]
            continue
        assert told["status"] == "completed", told["error"]
        assert told["result"] == ("over" if float(total) * 1.13 > 1000 else "ok")
        assert told["output"] == wanted
        assert all(
            type(one) is int or not float(one).is_integer()
            for name, one in told["output"].items()
            if name != "text"
        )
    assert len(set(given)) == 1 if given else wanted is None


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("output", "where"),
    [
        ({"id": 1834567890123456789}, "the output.id is a number beyond"),
        ({"rows": [{"id": 1e300}]}, "the output.rows[0].id is a number beyond"),
        ({"total": Decimal("1e17")}, "the output.total is a decimal beyond"),
        (
            {"total": Decimal("0.1234567890123456")},
            "the output.total is a decimal of more than 15 significant digits",
        ),
    ],
)
def test_an_output_that_would_be_rounded_fails_its_node_at_once(
    target: Any, output: Any, where: str
) -> None:
    attempts = 0

    async def price(task: Task) -> Any:
        nonlocal attempts
        attempts += 1
        return output

    data = {"tenant_id": 1, "more": 1}
    told = play(design(), target, data=data, registry=Registry({"price": price}))
    assert told["status"] == "failed"
    assert where in told["error"]["message"]
    assert attempts == 1
    assert told["nodes"]["t"]["attempts"] == 1


@pytest.mark.parametrize("target", TARGETS)
def test_a_decimal_of_a_handler_is_a_number(target: Any) -> None:
    async def price(task: Task) -> Any:
        return {"total": Decimal("1000.50"), "lines": [Decimal("2.00")]}

    data = {"tenant_id": 1, "more": 1}
    told = play(design(), target, data=data, registry=Registry({"price": price}))
    assert told["output"]["sum"] == 2001.5
    assert told["output"]["lines"] == 4
    assert told["result"] == "over"


@pytest.mark.parametrize("target", TARGETS)
def test_a_rule_that_compares_a_number_with_a_text_is_false_and_noted(target: Any) -> None:
    nodes = [{"id": "s", "type": "start"}, {"id": "c", "type": "condition"}]
    nodes += [{"id": name, "type": "end", "data": {"status": name}} for name in ("same", "other")]
    edges: list[Any] = [
        {"source": "s", "target": "c"},
        {"source": "c", "target": "same", "data": {"when": "event.data.code == 7"}},
        {"source": "c", "target": "other"},
    ]
    compiled = only(compile_design_of({"id": "codes", "nodes": nodes, "edges": edges}))
    note = "rule `same`: `event.data.code`: a number never equals a text"
    for code, result, notes in (("7", "other", [note]), (7, "same", None), (7.0, "same", None)):
        told = play(compiled, target, data={"tenant_id": 1, "code": code})
        assert told["result"] == result
        assert told["nodes"]["c"].get("notes") == notes
