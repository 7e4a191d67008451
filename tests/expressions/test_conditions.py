"""Structured conditions agree with a direct reading of them in Python."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proflow_schemas.expressions import (
    OPERATORS,
    ExpressionError,
    TypeScope,
    compile,
    condition_problems,
    condition_to_cel,
    problems,
)
from proflow_schemas.expressions.conditions import listed

MISSING = object()


def holds(condition: Any, data: Any) -> bool:
    text = condition_to_cel(condition)
    return compile(text).test({"event": {"name": "n", "data": data}, "steps": {}})


@pytest.mark.parametrize(
    ("operator", "value", "yes", "no"),
    [
        ("==", 5, [5, 5.0], [6, None, "5", MISSING]),
        ("==", "5", [5, "5", 5.0], [6, None, MISSING]),
        ("==", "true", [True, "true"], [False, 1]),
        ("==", "05", ["05"], [5, "5"]),
        ("==", None, [None], [0, "", MISSING]),
        ("==", {"a": 1}, [{"a": 1}], [{"a": 2}, {}]),
        ("!=", 5, [6, None, "5"], [5, MISSING]),
        ("!=", "5", [6, None], [5, "5", MISSING]),
        (">", 5, [6, 5.5], [5, None, MISSING]),
        (">", "5", [6, 50, "6"], [5, "5", "40", None, MISSING]),
        ("gte", 5, [5, 6], [4]),
        ("lt", "2024-05-01", ["2024-04-30"], ["2024-05-01"]),
        ("<=", 1.5, [1, 1.5], [2]),
        ("in", ["a", 1], ["a", 1], ["b", None, MISSING]),
        ("in", "a, b，c", ["a", "b", "c"], ["a, b", MISSING]),
        ("not_in", ["a", "1"], ["b", None], ["a", 1, "1", MISSING]),
        ("contains", "a", ["cab", ["a"], {"a": 1}], ["b", ["ab"], None, MISSING]),
        ("contains", 1, [[1, 2]], [[2], None]),
        ("not contains", "a", ["b", ["b"]], ["a", ["a"], MISSING]),
        ("startsWith", "a.b", ["a.b.c"], ["axb", None, MISSING]),
        ("ends-with", "c", ["abc"], ["ab"]),
        ("between", [1, 5], [1, 5, 2.5], [0, 6, None, MISSING]),
        ("between", {"min": "1", "max": 5}, [1, 5], [0, 6]),
        ("isEmpty", None, ["", None, [], {}, MISSING], [0, False, "a", [0], {"a": 1}]),
        ("is_not_empty", None, [0, False, "a", [0]], ["", None, [], {}, MISSING]),
        ("exists", None, [0, None], [MISSING]),
        ("notExists", None, [MISSING], [0, None]),
        ("大于", 5, [6], [5]),
    ],
)
def test_operators(operator, value, yes, no):
    condition = {"field": "x", "operator": operator, "value": value}
    for expected, values in ((True, yes), (False, no)):
        for one in values:
            data = {} if one is MISSING else {"x": one}
            assert holds(condition, data) is expected, (one, condition_to_cel(condition))


@pytest.mark.parametrize(
    ("field", "data"),
    [
        ("a.b.c", {"a": {"b": {"c": 1}}}),
        ("event.data.a.b", {"a": {"b": 1}}),
        ("${event.data.a}", {"a": 1}),
        ("unit price", {"unit price": 1}),
        ("金额.合计", {"金额": {"合计": 1}}),
        ('a["b.c"]', {"a": {"b.c": 1}}),
        ("lines[0].price", {"lines": [{"price": 1}]}),
        ("in.true", {"in": {"true": 1}}),
        ("a-1", {"a-1": 1}),
        ("lines.0.price", {"lines": [{"price": 1}]}),
        ("lines.0.price", {"lines": {"0": {"price": 1}}}),
        ("event.data.lines.1", {"lines": [2, 1]}),
        ("m.0.1", {"m": [[0, 1]]}),
        ("lines.00", {"lines": {"00": 1}}),
    ],
)
def test_fields(field, data):
    assert holds({"field": field, "operator": "==", "value": 1}, data)
    assert not holds({"field": field, "operator": "==", "value": 1}, {})


@pytest.mark.parametrize("data", [{}, {"a": None}, {"a": {}}, {"a": {"b": None}}])
@pytest.mark.parametrize("operator", [one for one in OPERATORS if "xists" not in one])
def test_a_missing_way_to_a_field_is_a_missing_field(data, operator):
    value = [1, 2] if operator == "between" else "x"
    condition = {"field": "a.b.c", "operator": operator, "value": value}
    assert holds(condition, data) is (operator == "isEmpty")


def test_a_step_that_has_not_run_is_a_missing_field():
    condition = {"field": "steps.approve-1.outcome", "operator": "==", "value": "approved"}
    text = condition_to_cel(condition)
    assert text == 'has(steps["approve-1"]) && has(steps["approve-1"].outcome) && ' + (
        'steps["approve-1"].outcome == "approved"'
    )
    program = compile(text)
    assert all(one.guarded for one in program.references)
    assert not program.test({"steps": {}})
    assert program.test({"steps": {"approve-1": {"outcome": "approved"}}})


ONE = {"field": "x", "operator": "==", "value": 1}
TWO = {"field": "y", "operator": "==", "value": 2}
BIG = {"field": "x", "operator": ">", "value": 5}


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ([ONE, TWO], lambda x, y: x == 1 and y == 2),
        ([[ONE], [TWO, BIG]], lambda x, y: x == 1 or (y == 2 and x > 5)),
        ({"any": [{"all": [ONE, TWO]}, {"all": [BIG]}]}, lambda x, y: (x == 1 and y == 2) or x > 5),
        ({"or": [ONE, TWO]}, lambda x, y: x == 1 or y == 2),
        ({"logic": "OR", "conditions": [ONE, TWO]}, lambda x, y: x == 1 or y == 2),
        ({"logic": "and", "conditions": [ONE, TWO]}, lambda x, y: x == 1 and y == 2),
        (
            {"combinator": "or", "rules": [BIG, [ONE, TWO]]},
            lambda x, y: x > 5 or (x == 1 and y == 2),
        ),
        ({"conditions": [ONE, TWO]}, lambda x, y: x == 1 and y == 2),
        ({"not": {"any": [ONE, TWO]}}, lambda x, y: not (x == 1 or y == 2)),
        ({"all": [{"not": ONE}, {"or": [TWO, BIG]}]}, lambda x, y: x != 1 and (y == 2 or x > 5)),
        ([[[[ONE]]]], lambda x, y: x == 1),
    ],
)
def test_groups(group, expected):
    for x in (0, 1, 6):
        for y in (0, 2):
            assert holds(group, {"x": x, "y": y}) is expected(x, y)


@pytest.mark.parametrize(
    ("condition", "message", "help"),
    [
        (
            {"field": "x", "operator": "grater", "value": 1},
            "there is no operator",
            "did you mean `>`?",
        ),
        ({"field": "x", "operator": 5, "value": 1}, "an operator is a string", None),
        ({"field": "x", "value": 1}, "a condition has no `operator`", "one of"),
        ({"operator": "==", "value": 1}, "a condition has no `field`", "write"),
        ({"field": "x", "operator": "=="}, "the condition on `x` has no `value`", None),
        ({"field": "x", "operator": ">", "value": True}, "`>` on `x` takes a number or a", None),
        ({"field": "x", "operator": ">", "value": [1]}, "`>` on `x` takes a number or a", None),
        ({"field": "x", "operator": "in", "value": 1}, "`in` on `x` takes a list", None),
        (
            {"field": "x", "operator": "between", "value": [1]},
            "`between` on `x` takes two",
            "write",
        ),
        ({"field": "x", "operator": "startsWith", "value": 1}, "`startsWith` on `x` takes", None),
        ({"field": "a..b", "operator": "==", "value": 1}, "`field` is no path", "write"),
        ({"field": "[0]", "operator": "==", "value": 1}, "`field` is no path", None),
        ({"field": 'a["', "operator": "==", "value": 1}, "`field` is no path", "write"),
        ({"field": "x", "operator": "==", "value": 2**64}, "the number is beyond", None),
        (
            {"field": "x", "operator": "==", "value": "a ${b}"},
            "a value to compare with mixes",
            None,
        ),
        ([], "a group of conditions is empty", None),
        ({"any": []}, "a group of conditions is empty", None),
        ({"any": [ONE], "all": [TWO]}, "a condition has both", None),
        ({"logic": "xor", "conditions": [ONE]}, "`logic` of a group is", "`and` or `or`"),
        (5, "a condition is an object or a list", None),
        ("x > 5", "a condition is an object or a list", None),
    ],
)
def test_what_cannot_be_read_is_refused(condition, message, help):
    with pytest.raises(ExpressionError) as caught:
        condition_to_cel(condition)
    assert caught.value.message.startswith(message)
    if help is not None:
        assert (caught.value.help or "").startswith(help)


def test_deep_groups_are_refused():
    condition: Any = ONE
    for _ in range(100_000):
        condition = {"not": condition}
    with pytest.raises(ExpressionError, match="nested more than"):
        condition_to_cel(condition)
    while isinstance(condition, dict) and "not" in condition:
        condition = condition.pop("not")


def test_a_value_may_be_an_expression():
    condition = {"field": "x", "operator": ">", "value": "${event.data.limit}"}
    assert holds(condition, {"x": 6, "limit": 5})


@pytest.mark.parametrize("data", [{}, {"a": None}, {"a": []}, {"a": "text"}, {"a": 5}, {"a": {}}])
@pytest.mark.parametrize("field", ["a[0].b", "a.0.b", "a.0", "a[0]"])
def test_a_missing_item_is_a_missing_field(data, field):
    for operator in ("==", "contains", ">", "notIn"):
        assert not holds({"field": field, "operator": operator, "value": "x"}, data)
    assert holds({"field": field, "operator": "notExists"}, data)


@pytest.mark.parametrize(
    ("operator", "value", "data", "says"),
    [
        (
            "contains",
            "3",
            3,
            "`contains` is for a string, a list or an object, not a number: `event",
        ),
        ("notContains", 3, 3, "`contains` is for a string, a list or an object, not a number"),
        (">", "abc", 3, "`>` cannot compare a number and a string: `event.data.x` is a number"),
        (
            "between",
            [1, 2],
            "b",
            "`>=` cannot compare a string and a number: `event.data.x` is a s",
        ),
        (
            "startsWith",
            "a",
            3,
            "`startsWith` does not take a number and a string: `event.data.x` is",
        ),
        ("<", 3, [1], "`<` cannot compare a list and a number: `event.data.x` is a list"),
    ],
)
def test_a_comparison_that_fails_names_its_operator_and_its_field(operator, value, data, says):
    with pytest.raises(ExpressionError) as caught:
        holds({"field": "x", "operator": operator, "value": value}, {"x": data})
    assert caught.value.message.startswith(says)


TYPES: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "text": ({"type": "string"}, st.text("ab1", max_size=3)),
    "number": ({"type": "number"}, st.integers(-3, 3) | st.floats(-3, 3)),
    "flag": ({"type": "boolean"}, st.booleans()),
    "choice": ({"enum": ["a", "b"]}, st.sampled_from(["a", "b"])),
    "texts": ({"type": "array", "items": {"type": "string"}}, st.lists(st.text("ab", max_size=2))),
    "numbers": ({"type": "array", "items": {"type": "integer"}}, st.lists(st.integers(0, 3))),
    "object": ({"type": "object"}, st.dictionaries(st.sampled_from("ab"), st.integers(0, 3))),
    "maybe": ({"type": ["string", "null"]}, st.none() | st.text("ab1", max_size=2)),
    "mixed": ({"type": ["string", "number"]}, st.integers(0, 3) | st.text("ab1", max_size=2)),
}
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from(["a", "b", "1", "x", "true", "a,b"]),
    st.lists(st.integers(0, 2) | st.sampled_from("ab1"), min_size=1, max_size=3),
)


@settings(max_examples=300)
@given(st.data(), st.sampled_from([*TYPES]), st.sampled_from(OPERATORS), VALUES)
def test_what_is_said_of_types_is_what_evaluating_shows(data, name, operator, value):
    schema, values = TYPES[name]
    condition = {"field": name, "operator": operator, "value": value}
    try:
        condition_to_cel(condition)
    except ExpressionError:
        return
    scope = TypeScope(event_data={"type": "object", "properties": {name: schema}})
    found = condition_problems(condition, scope)
    results = set()
    for _ in range(6):
        try:
            results.add(holds(condition, {name: data.draw(values)}))
        except ExpressionError:
            results.add("fails")
    if name == "mixed":
        return  # what some of its values take, others may not
    if not found:
        assert "fails" not in results, condition
    elif operator in ("in", "notIn") and isinstance(value, list | str):
        assert len(found) <= len(listed(value))  # the others may hold
    elif operator == "between" and name not in ("maybe", "texts", "numbers"):
        assert True not in results, (condition, found)  # the other bound may make it false
    else:
        assert len(results) == 1 or name in ("maybe", "texts", "numbers"), (condition, found)


def test_a_condition_says_where_it_is_wrong():
    schema = {
        "properties": {
            "s": {"type": "string"},
            "n": {"type": "number"},
            "l": {"type": "array", "items": {"properties": {"q": {"type": "integer"}}}},
        },
        "additionalProperties": False,
    }
    condition = {
        "any": [
            {"field": "s", "operator": "in", "value": ["a", 1, 2]},
            {"all": [{"field": "n", "operator": "contains", "value": "3"}]},
            {"not": {"field": "l.0.q", "operator": ">", "value": "x"}},
            {"field": "zz.y", "operator": "==", "value": 1},
            {"logic": "and", "conditions": [{"field": "s", "operator": "==", "value": "${nope}"}]},
            {"field": "n", "operator": ">", "value": "3"},
        ]
    }
    condition_to_cel(condition)
    found = condition_problems(condition, TypeScope(event_data=schema))
    assert [(path, one.kind) for path, one in found] == [
        (("any", 0, "value", 1), "type"),
        (("any", 1, "all", 0, "operator"), "type"),
        (("any", 2, "not", "value"), "type"),
        (("any", 3, "field"), "unknown-reference"),
        (("any", 4, "conditions", 0, "value"), "unknown-reference"),
    ]


SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "3", "b\"'\\"])


@given(st.sampled_from(["==", "!=", "in", "notIn"]), st.lists(SCALARS, min_size=1), SCALARS)
def test_equality_agrees_with_python(operator, values, actual):
    value = values if operator in ("in", "notIn") else values[0]
    wanted = values if operator in ("in", "notIn") else values[:1]

    def same(one: Any) -> bool:
        if type(one) is type(actual):
            return bool(one == actual)
        return one == "3" and type(actual) is int and actual == 3

    expected = any(same(one) for one in wanted) is (operator in ("==", "in"))
    assert holds({"field": "x", "operator": operator, "value": value}, {"x": actual}) is expected


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
)
def test_no_value_and_no_field_escapes_its_quotes(field, value):
    condition = {"field": field, "operator": "==", "value": value}
    try:
        text = condition_to_cel(condition)
    except ExpressionError:
        return
    program = compile(text)
    names = {one.path[0] for one in program.references}
    assert names <= {"event", "steps", "list", "map", "string"}
    assert program.test({"event": {"data": {}}, "steps": {}}) is False


@pytest.mark.parametrize(
    ("field", "operator", "text", "yes", "no", "expression"),
    [
        ("b", "==", "true", True, False, "event.data.b == 'true'"),
        ("b", "!=", "false", True, False, "event.data.b != 'false'"),
        ("n", ">", "5000", 40_000, 700, "event.data.n > '5000'"),
        ("n", "==", "5000", 5000, 700, "event.data.n == '5000'"),
    ],
)
def test_a_text_of_a_form_counts_as_the_declared_type_but_not_in_an_expression(
    field: str, operator: str, text: str, yes: Any, no: Any, expression: str
) -> None:
    properties = {"b": {"type": "boolean"}, "n": {"type": "number"}}
    scope = TypeScope(event_data={"type": "object", "properties": properties})
    condition = {"field": field, "operator": operator, "value": text}
    assert condition_problems(condition, scope) == []
    assert holds(condition, {field: yes})
    assert not holds(condition, {field: no})
    assert condition_problems({**condition, "value": "yes"}, scope)
    assert [one.kind for one in problems(expression, scope)] == ["type"]
