"""What is said of data that a schema does not allow: in JSON's words, for every keyword."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proflow_runtime.programs.inputs import violations

VALUES = [None, True, 7, "x", [1], {"a": None}]


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "string"}, None, "`null` is not of type `string`"),
        ({"type": "string"}, True, "`true` is not of type `string`"),
        ({"type": ["string", "null"]}, {"a": 1}, '`{"a": 1}` is not of type `string` or `null`'),
        ({"enum": ["a", None, True]}, False, '`false` is not one of `"a"`, `null`, `true`'),
        ({"const": None}, "x", '`"x"` is not `null`'),
        ({"required": ["it's"]}, {}, "`it's` is missing"),
        ({"additionalProperties": False}, {"a": 1}, "unknown key `a`"),
        ({"minLength": 3}, "ab", '`"ab"` is too short: at least 3 characters'),
        ({"maxItems": 1}, [True, None], "`[true, null]` is too long: at most 1 items"),
        ({"exclusiveMinimum": 0}, 0, "`0` is too small: more than 0"),
        ({"pattern": "^A"}, "b", '`"b"` does not match the pattern `"^A"`'),
        (
            {"anyOf": [{"type": "null"}, {"type": "string"}]},
            True,
            "`true` is none of what is allowed",
        ),
        ({"not": {"type": "null"}}, None, '`null` does not satisfy `not`: `{"type": "null"}`'),
    ],
)
def test_a_violation_is_worded_as_json(schema: dict[str, Any], value: Any, message: str) -> None:
    (found,) = violations({"v": value}, {"properties": {"v": schema}})
    assert (found.pointer, found.message) == ("/v", message)


@given(st.sampled_from(VALUES), st.sampled_from(["null", "boolean", "string", "object"]))
def test_the_value_is_shown_as_it_was_sent(value: Any, kind: str) -> None:
    for found in violations({"v": value}, {"properties": {"v": {"type": kind}}}):
        assert found.message.startswith(f"`{json.dumps(value)}` is not of type")


def test_a_schema_that_allows_nothing() -> None:
    (found,) = violations({"v": None}, {"properties": {"v": False}})
    assert found.message == "`null` is not allowed"
