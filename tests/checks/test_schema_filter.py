"""The filter before the metaschema: what it calls valid, the metaschema accepts."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from proflow_compiler.rules.invalid_schema import is_surely_valid

VALUES = st.one_of(
    st.sampled_from(
        ["string", "object", "text", True, False, None, 1, -2.5, [], ["a"], ["a", "a"]]
    ),
    st.just({}),
    st.just([1]),
)
KEYS = st.sampled_from(
    [
        *("type", "properties", "items", "additionalProperties", "required", "title", "enum"),
        *("description", "minimum", "maximum", "const", "default", "format", "minLength", "$ref"),
    ]
)
INNER = st.dictionaries(KEYS, VALUES, max_size=2)
SCHEMAS = st.dictionaries(KEYS, VALUES | INNER, max_size=3)


@given(SCHEMAS)
def test_what_the_filter_calls_valid_the_metaschema_accepts(schema: Any) -> None:
    if is_surely_valid(schema):
        assert Draft202012Validator(Draft202012Validator.META_SCHEMA).is_valid(schema)


def test_usual_schemas_need_no_metaschema() -> None:
    schema = {
        "type": "object",
        "required": ["days"],
        "properties": {"days": {"type": "integer", "minimum": 1}, "why": {"enum": ["a", "b"]}},
        "additionalProperties": False,
    }
    assert is_surely_valid(schema)
    assert not is_surely_valid({"type": "text"})
    assert not is_surely_valid({"required": ["a", "a"]})
