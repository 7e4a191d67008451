"""Rules that need no negation of the one before: held against all values that tell them apart."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proflow_compiler.reader.disjoint_conditions import disjoint
from proflow_schemas.expressions import ExpressionError, compile, condition_to_cel

NUMBERS = [0, 1, 1.5, 2, 3]
TEXTS = ["a", "b", "1", "true", ""]
VALUES: list[Any] = [*NUMBERS, 0.5, 2.5, 4, -1, *TEXTS, None, True, ["a"], {}]
SINGLE = st.builds(
    lambda operator, value: {"field": "n", "operator": operator, "value": value},
    st.sampled_from(["==", "eq", "!=", "<", "lte", ">", ">=", "contains", "in"]),
    st.sampled_from([*NUMBERS, *TEXTS]),
)
BETWEEN = st.builds(
    lambda low, high: {"field": "n", "operator": "between", "value": [low, high]},
    st.sampled_from(NUMBERS),
    st.sampled_from(NUMBERS),
)
CONDITIONS = SINGLE | BETWEEN


def outcome(text: str, data: dict[str, Any]) -> bool | str:
    try:
        return compile(text).test({"event": {"data": data}}, [])
    except ExpressionError:
        return "fails"


@settings(max_examples=400, deadline=None)
@given(CONDITIONS, CONDITIONS)
def test_the_negation_of_a_disjoint_condition_changes_nothing(one: Any, other: Any) -> None:
    if not disjoint(one, other):
        return
    first, second = condition_to_cel(one), condition_to_cel(other)
    for data in [{}, *({"n": value} for value in VALUES)]:
        full = outcome(f"!({first}) && ({second})", data)
        assert outcome(second, data) == full, data


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("<", 5000), (">=", 5000)),
        (("<=", 3), (">", 3)),
        (("lt", 1000), ("between", [1000, 5000])),
        (("==", "travel"), ("eq", "office")),
    ],
)
def test_tiers_and_words_are_told_apart(one: tuple[str, Any], other: tuple[str, Any]) -> None:
    first, second = ({"field": "n", "operator": o, "value": v} for o, v in (one, other))
    assert disjoint(first, second)
    assert disjoint(second, first)


def test_what_may_hold_together_is_not_disjoint() -> None:
    touching = [("<=", 3), (">=", 3), ("between", [1, 4]), ("!=", 3), ("==", 3), ("<", "3")]
    for one, other in product(touching, touching):
        first, second = ({"field": "n", "operator": o, "value": v} for o, v in (one, other))
        assert not disjoint(first, second)
    assert not disjoint(
        {"field": "a", "operator": "<", "value": 1}, {"field": "b", "operator": ">", "value": 1}
    )
