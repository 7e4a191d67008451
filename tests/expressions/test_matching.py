"""Ids compare as strings, in waits as in cancellations."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proflow_runtime.protocol.conditions import condition
from proflow_runtime.protocol.gojson import as_floats
from proflow_runtime.protocol.matching import compile_expression
from proflow_schemas.expressions import ExpressionError, id_forms, same_id

MISSING = object()
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.sampled_from([0, 7, -3, 7.5, 0.25, 1234567])
IDS = NUMBERS | NUMBERS.map(str) | st.sampled_from(["", "abc", "a-1", "7a", "é", True, False])


def as_text(value: Any) -> str | None:
    """An id as a string; booleans and numbers that are none are no ids of anything else."""
    return None if isinstance(value, bool) else str(value)


def alike(one: Any, other: Any) -> bool:
    return one is other if as_text(one) is None else as_text(one) == as_text(other)


def data(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"data": {} if value is MISSING else {"order": {"id": value}}}
    return as_floats(found)


def cancels(known: Any, arriving: Any) -> bool:
    written = same_id("event.data.order.id", "async.data.order.id")
    return compile_expression(written).resumes(data(known), data(arriving))


@given(IDS, IDS)
def test_a_cancellation_compares_ids_as_strings(one: Any, other: Any) -> None:
    assert cancels(one, other) == alike(one, other)


@given(IDS)
def test_a_number_and_its_text_are_one_id_in_a_cancellation(value: Any) -> None:
    assert cancels(value, value)
    assert isinstance(value, bool) or cancels(value, str(value))


@given(IDS, IDS)
def test_a_wait_compares_ids_as_strings(one: Any, other: Any) -> None:
    written = condition(None, "data.order.id", one)
    assert written is not None
    assert compile_expression(written).resumes({}, data(other)) == alike(one, other)


@pytest.mark.parametrize("nothing", [None, MISSING])
@pytest.mark.parametrize("value", [None, MISSING, 7, "7", "abc"])
def test_what_is_not_there_is_like_nothing(nothing: Any, value: Any) -> None:
    assert not cancels(nothing, value)
    assert not cancels(value, nothing)


def test_a_text_with_zeros_before_it_is_no_number_for_a_wait() -> None:
    assert id_forms("007") == ["007"]
    assert id_forms("7.0") == ["7.0"]
    assert id_forms(7.0) == [7, "7"]


def test_ids_beyond_what_a_double_holds_stay_texts() -> None:
    assert id_forms("9007199254740993") == ["9007199254740993"]
    with pytest.raises(ExpressionError):
        condition(None, "data.id", 2**53)
