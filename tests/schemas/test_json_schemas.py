"""JSON Schemas of designs: evaluated from their own text, in bounded time, as the library does."""

import http.server
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from proflow_schemas.json_schemas import (
    PatternError,
    SchemaRefusedError,
    matches,
    schema_errors,
    schema_problems,
)


def doubling(depth: int) -> dict[str, Any]:
    """A schema whose last part one value is held against 2^depth times."""
    parts = {f"a{i}": {"allOf": [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(depth)}
    return {"$ref": "#/$defs/a0", "$defs": {**parts, f"a{depth}": {"type": "object"}}}


def nested(depth: int, innermost: Any) -> Any:
    value = innermost
    for _ in range(depth):
        value = {"not": value}
    return value


@pytest.mark.parametrize(
    ("schema", "path", "message"),
    [
        ({"properties": {"a": {"$ref": "http://x/y"}}}, ("properties", "a", "$ref"), "out of"),
        ({"items": {"$ref": "file:///etc/passwd"}}, ("items", "$ref"), "out of the schema"),
        ({"$id": "http://x/y", "$ref": "z"}, ("$ref",), "out of the schema"),
        ({"$dynamicRef": "other#node"}, ("$dynamicRef",), "out of the schema"),
        ({"x": {"y": {"$ref": "http://x"}}, "$ref": "#/x/y"}, ("$ref",), "out of the schema"),
        ({"properties": {"a": {"$id": "b", "type": "string"}}}, ("properties", "a", "$id"), "$id"),
        ({"$ref": "#/$defs/a"}, ("$ref",), "does not have"),
        ({"items": [1], "$ref": "#/items/" + "9" * 500}, ("$ref",), "does not have"),
        ({"$ref": "#nowhere"}, ("$ref",), "does not have"),
        ({"$ref": "#"}, (), "refers to itself"),
        ({"$dynamicAnchor": "n", "$dynamicRef": "#n"}, (), "refers to itself"),
        ({"anyOf": [{"not": {"$ref": "#"}}]}, None, "refers to itself"),
        (doubling(40), None, "more than 10000 schemas"),
        (nested(70, {}), ("not",), "64 levels"),
        ({"enum": list(range(30_000))}, (), "20000 values"),
        ({"pattern": "^(?=.*x)y"}, ("pattern",), "lookaround"),
        ({"pattern": "(?<!a)b"}, ("pattern",), "lookaround"),
        ({"patternProperties": {r"(a)\1": {}}}, ("patternProperties", r"(a)\1"), "references"),
        ({"pattern": "("}, ("pattern",), "missing )"),
        ({"pattern": "((a{1000}){1000}){1000}"}, ("pattern",), "repetition"),
        ({"pattern": "a" * 2_000}, ("pattern",), "2000 characters"),
        (
            {"patternProperties": {"^(a+)+$": {}}, "items": {"unevaluatedProperties": False}},
            ("items", "unevaluatedProperties"),
            "together with",
        ),
    ],
)
def test_what_cannot_be_evaluated_is_named_where_it_is(
    schema: Any, path: tuple[str | int, ...] | None, message: str
) -> None:
    problem = next(iter(schema_problems(schema)))
    assert message in problem.message
    assert path is None or problem.path == path
    with pytest.raises(SchemaRefusedError):
        schema_errors({}, schema)


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {"properties": {"child": {"$ref": "#"}}},
        {"$dynamicAnchor": "n", "properties": {"l": {"items": {"$dynamicRef": "#n"}}}},
        {
            "$id": "https://example.com/a",
            "$ref": "#/$defs/b%20c",
            "$defs": {"b c": {"$anchor": "x"}},
        },
        {
            "enum": [{"$ref": "http://x"}],
            "default": {"$ref": "http://x"},
            "const": {"pattern": "("},
        },
        {"properties": {"$ref": {"type": "string"}, "pattern": {"type": "string"}}},
        {"anyOf": [{"const": i} for i in range(3_000)]},
        {"pattern": r"^[\u4e00-\u9fa5]{2,4}$"},
    ],
)
def test_ordinary_schemas_are_fine(schema: Any) -> None:
    assert list(schema_problems(schema)) == []


def test_nothing_is_fetched() -> None:
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            address = f"http://127.0.0.1:{server.server_port}/schema.json"
            with pytest.raises(SchemaRefusedError):
                schema_errors({"a": 1}, {"properties": {"a": {"$ref": address}}})
        finally:
            server.shutdown()
            thread.join()
    assert asked == []


def test_a_pattern_that_others_backtrack_on_takes_linear_time() -> None:
    # A backtracking engine would need 2^200 looks.
    schema = {"properties": {"a": {"pattern": "^(a+)+$"}}}
    assert [one.validator for one in schema_errors({"a": "a" * 200 + "!"}, schema)] == ["pattern"]
    assert schema_errors({"a": "a" * 200}, schema) == []


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"^[\u4e00-\u9fa5]+$", "审批", True),
        (r"\\u4e00", "\\u4e00", True),
        ("b", "abc", True),
        ("^b", "abc", False),
        ("a$", "a\n", False),
        (r"\d{3}-\d{4}", "call 555-1234", True),
        ("\ud800", "a\ud800b", True),
    ],
)
def test_patterns_mean_what_json_schema_says(pattern: str, text: str, found: bool) -> None:
    assert matches(pattern, text) is found


def test_patterns_with_lookaround_are_refused() -> None:
    with pytest.raises(PatternError, match="lookaround"):
        matches("(?!a)b", "b")


def deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"c": value}
    return value


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        # Each level of the value is held against the schema twice as often as the one above.
        ({"allOf": [{"properties": {"c": {"$ref": "#"}}}] * 2}, deep(40)),
        ({"anyOf": [{"type": "string", "minLength": i} for i in range(900)]}, list(range(300_000))),
        (
            {"items": {"allOf": [{"pattern": f"(a?){{400}}{i}?$"} for i in range(100)]}},
            ["a" * 9_000],
        ),
    ],
)
def test_the_time_of_an_evaluation_is_bounded(schema: Any, value: Any) -> None:
    with pytest.raises(SchemaRefusedError, match="too long"):
        schema_errors(value, schema, budget=20_000)


def test_many_errors_are_cut_off() -> None:
    assert len(schema_errors(list(range(100_000)), {"items": {"type": "string"}})) == 500
    names = [f"x{i}" for i in range(1_000)]
    large = {str(i): i for i in range(50_000)}
    assert 0 < len(schema_errors(large, {"required": names}, budget=20_000)) < 1_000


def test_data_too_deep_for_the_schema_is_refused() -> None:
    with pytest.raises(SchemaRefusedError, match="deep"):
        schema_errors(deep(900), {"properties": {"c": {"$ref": "#"}}})


@pytest.mark.parametrize("schema", [{"type": "decimal"}, {"required": 5}, {"properties": []}, 7])
def test_what_is_no_schema_is_refused(schema: Any) -> None:
    with pytest.raises(SchemaRefusedError, match="no JSON Schema"):
        schema_errors({"a": 1}, schema)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2).map(lambda x: round(x, 1))
    | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab", max_size=2), inner),
    max_leaves=12,
)  # fmt: skip
PATTERNS = st.sampled_from(["a", "^a", "b$", "^(a|b)*$", "a{2}", "[ab]b"])
SCHEMAS = st.recursive(
    st.booleans()
    | st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "array", "string", "number", "integer"]),
            "pattern": PATTERNS,
            "uniqueItems": st.booleans(),
            "minLength": st.integers(0, 3),
            "required": st.lists(st.sampled_from(["a", "b"]), unique=True),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.sampled_from(["a", "b"]), inner),
            "patternProperties": st.dictionaries(PATTERNS, inner, max_size=2),
            "additionalProperties": inner,
            "items": inner,
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
            "propertyNames": inner,
        },
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(JSON, SCHEMAS)
def test_values_are_judged_as_the_library_does(value: Any, schema: Any) -> None:
    expected = {
        (one.json_path, one.validator) for one in Draft202012Validator(schema).iter_errors(value)
    }
    found = {(one.json_path, one.validator) for one in schema_errors(value, schema)}
    assert found == expected
