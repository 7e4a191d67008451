"""Finds pairs of structured conditions that cannot both hold, such as two ranges of an amount.

Only two comparisons of the same field with literals are decided. If two rules are disjoint, the
second need not exclude the first.
"""

import math
from collections.abc import Mapping
from typing import Any

from proflow_schemas.expressions import operator_named

_Range = tuple[float, bool, float, bool]
"""Lower bound, whether it is included, upper bound, whether it is included."""


def disjoint(one: Any, other: Any) -> bool:
    """Return True if two conditions never hold together; False if they may or it is not decided.

    Both must also fail on the same values that cannot be compared. So an order is only compared
    with an order, and an equality with an equality.
    """
    first, second = _comparison(one), _comparison(other)
    if first is None or second is None or first[0] != second[0]:
        return False
    _, operator, value = first
    _, other_operator, other_value = second
    if operator == other_operator == "==":
        return _is_word(value) and _is_word(other_value) and value != other_value
    ranges = _range(operator, value), _range(other_operator, other_value)
    if ranges[0] is None or ranges[1] is None:
        return False
    low, high = sorted((ranges[0], ranges[1]))
    return low[2] < high[0] or (low[2] == high[0] and not (low[3] and high[1]))


def _comparison(condition: Any) -> tuple[str, str, Any] | None:
    """The field, operator and value of a condition; None if it is not a single comparison."""
    if not isinstance(condition, Mapping) or not condition.keys() <= {"field", "operator", "value"}:
        return None
    field, written = condition.get("field"), condition.get("operator")
    operator = operator_named(written) if isinstance(written, str) else None
    if not isinstance(field, str) or operator is None:
        return None
    return field.strip(), operator, condition.get("value")


def _is_word(value: Any) -> bool:
    """True if a string equals only itself: `"1"` may equal a number and `"true"` a boolean."""
    return isinstance(value, str) and value[:1].isalpha() and value not in ("true", "false")


def _range(operator: str, value: Any) -> _Range | None:
    if operator == "between":
        ends = value if isinstance(value, list) and len(value) == 2 else (None, None)
        low, high = map(_number, ends)
        return None if low is None or high is None else (low, True, high, True)
    number = _number(value)
    if number is None:
        return None
    match operator:
        case "<" | "<=":
            return -math.inf, False, number, operator == "<="
        case ">" | ">=":
            return number, operator == ">=", math.inf, False
    return None


def _number(value: Any) -> float | None:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if plain and abs(value) < 2**53 else None
