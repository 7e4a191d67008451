"""Values as CEL text, for ourselves and for the server's matcher; doubles."""

import pytest
from proflow_schemas.expressions import (
    ExpressionError,
    as_doubles,
    double_paths,
    matcher_literal,
    quote,
    written_path,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", '"a"'),
        ('say "hi"', "'say \"hi\"'"),
        ("it's", '"it\'s"'),
        ("中", '"中"'),
        (5, "5"),
        (True, "true"),
        (None, "null"),
        (1.5, "1.5"),
    ],
)
def test_matcher_literals_need_no_escape(value, text):
    assert matcher_literal(value) == text


@pytest.mark.parametrize(
    "value",
    ["a\\b", "a\nb", "a\r", "\0", "\u2028", "\ud800", "'\"", 2**53, float("nan"), [1], {"a": 1}],
)
def test_values_the_matcher_would_never_match_are_refused(value):
    with pytest.raises(ExpressionError):
        matcher_literal(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("\u202e", '"\\u202e"'),
        ("\U000e0001", '"\\U000e0001"'),
        ("\x00\n\t\r", '"\\u0000\\n\\t\\r"'),
        (1e16, "1e+16"),
        (1.0, "1.0"),
        (-(2**63), "-9223372036854775808"),
        ({"a": [1, None]}, '{"a": [1, null]}'),
    ],
)
def test_quoting_shows_what_it_holds(value, text):
    assert quote(value) == text


@pytest.mark.parametrize("value", [2**63, float("inf"), "\ud800", {1: 2}, object(), b"a"])
def test_what_is_no_cel_value_is_not_quoted(value):
    with pytest.raises(ExpressionError):
        quote(value)


def test_deep_values_are_not_quoted():
    value: list = []
    for _ in range(50):
        value = [value]
    with pytest.raises(ExpressionError, match="nested"):
        quote(value)


def test_paths_are_written_as_expressions():
    assert written_path(("steps", "a-1", "output", "in")) == 'steps["a-1"].output["in"]'


SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"type": "number"},
        "count": {"type": "integer"},
        "maybe": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
        "rates": {"type": "object", "additionalProperties": {"type": "number"}},
        "a.b*\\": {"type": ["number", "null"]},
    },
    "$defs": {
        "line": {
            "properties": {
                "price": {"type": "number"},
                "sub": {"items": {"$ref": "#/$defs/line"}},
            }
        }
    },
}


def test_numbers_of_a_schema_become_doubles():
    data = {
        "amount": 100,
        "count": 3,
        "maybe": None,
        "lines": [{"price": 1, "n": 1}, 5, {}],
        "rates": {"x": 2},
        "a.b*\\": 4,
        "other": 1,
    }
    for paths in (double_paths(SCHEMA), [".".join(path) for path in double_paths(SCHEMA)]):
        converted = as_doubles(data, paths)
        assert converted == data
        assert repr(converted) == repr(data).replace("100", "100.0").replace(
            "'price': 1", "'price': 1.0"
        ).replace("'x': 2", "'x': 2.0").replace(": 4", ": 4.0")
    assert data["amount"] == 100
    assert type(data["amount"]) is int


@pytest.mark.parametrize(
    "data", [None, 5, [], {"amount": "x", "lines": {}, "rates": []}, {"amount": True}]
)
def test_data_that_does_not_fit_the_schema_is_left_alone(data):
    assert as_doubles(data, double_paths(SCHEMA)) is data


def test_a_number_beyond_doubles_is_refused():
    with pytest.raises(ExpressionError, match="beyond the range of a double"):
        as_doubles({"amount": 10**400}, double_paths(SCHEMA))


@pytest.mark.parametrize(
    "schema", [None, True, 5, {"$ref": "#"}, {"$ref": "http://x"}, {"items": [1]}]
)
def test_schemas_without_numbers_have_no_paths(schema):
    assert double_paths(schema) == ()


def test_a_schema_that_multiplies_is_refused():
    definitions = {
        f"d{level}": {
            "properties": {side: {"$ref": f"#/$defs/d{level + 1}"} for side in ("l", "r")}
        }
        for level in range(40)
    }
    definitions["d40"] = {"type": "number"}
    with pytest.raises(ExpressionError, match="more than 1,000 numbers"):
        double_paths({"$ref": "#/$defs/d0", "$defs": definitions})


def test_a_deep_schema_is_refused():
    schema: dict = {"type": "number"}
    for _ in range(5_000):
        schema = {"anyOf": [schema]}
    with pytest.raises(ExpressionError, match="nested more than"):
        double_paths(schema)
    while "anyOf" in schema:
        schema = schema["anyOf"].pop()
