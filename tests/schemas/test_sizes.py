"""How large values are as JSON."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proflow_runtime.protocol import gojson
from proflow_schemas.sizes import (
    event_size,
    has_values,
    json_size,
    text_size,
    tree_measure,
    tree_size,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


def written(value: Any) -> int:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode("utf-8", "surrogatepass"))


def values_of(value: Any) -> int:
    inner = list(value.values()) if isinstance(value, dict) else value
    return 1 + sum(map(values_of, inner)) if isinstance(inner, list) else 1


@given(JSON)
def test_a_size_is_that_of_the_text(value: Any) -> None:
    size = written(value)
    assert tree_size(value) == json_size(value) == size
    if isinstance(value, str):
        assert text_size(value) == size
    measured, values = tree_measure(value)
    assert measured == size
    assert values >= values_of(value)


@given(st.lists(st.booleans(), max_size=60), JSON)
def test_what_is_shared_counts_as_often_as_it_occurs(shape: list[bool], value: Any) -> None:
    """A value of a few objects, doubled again and again: its text would be of any length."""
    size = expected = written(value)
    for as_list in shape:
        value = [value, value] if as_list else {"a": value, "b": value}
        expected = 2 * size + (3 if as_list else 11)
        size = expected
    assert json_size(value) == expected
    if shape:
        assert has_values(value, 2)


def test_what_contains_itself_has_no_size() -> None:
    value: list[Any] = []
    value.append({"a": [value, 1]})
    assert json_size(value) == float("inf")
    assert has_values(value, 10**6)


@pytest.mark.parametrize("depth", [10, 5_000])
def test_deep_values_have_sizes(depth: int) -> None:
    value: Any = []
    for _ in range(depth):
        value = [value]
    assert tree_size(value) == json_size(value) == 2 * depth + 2


@given(JSON)
def test_an_event_is_measured_as_the_server_measures_it(value: Any) -> None:
    assert event_size(value) == len(gojson.dumps(value))
