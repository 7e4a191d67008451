"""Values as CEL text, for ourselves and for the server's matcher."""

import pytest
from proflow_schemas.expressions import (
    ExpressionError,
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
        (1e15, "1000000000000000"),
        (1.0, "1"),
        (-0.0, "0"),
        (1e-7, "1e-07"),
        (-(2**53) + 1, "-9007199254740991"),
        ({"a": [1, None]}, '{"a": [1, null]}'),
    ],
)
def test_quoting_shows_what_it_holds(value, text):
    assert quote(value) == text


@pytest.mark.parametrize("value", [2**53, -1e16, float("inf"), "\ud800", {1: 2}, object(), b"a"])
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
