"""Evaluates JSON Schemas of designs, which are not to be trusted: in bounded time, and offline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from proflow_schemas.errors import ProFlowError
from proflow_schemas.json_schemas.checking import schema_problems
from proflow_schemas.json_schemas.patterns import matches, search_cost
from proflow_schemas.language import Text, Texts

TEXTS = Texts(
    "schema-use",
    {
        "not-evaluated": Text(
            "the schema cannot be evaluated: {why:raw}",
            "无法使用该 JSON Schema：{why:raw}",
        ),
        "too-slow": Text(
            "it takes too long to hold the data against the schema",
            "按 JSON Schema 校验数据耗时过长",
        ),
        "too-deep": Text("the data is nested too deep for the schema", "数据的嵌套过深，无法校验"),
        "no-schema": Text("the schema is no JSON Schema: {said:raw}", "不是有效的 JSON Schema"),
    },
)

if TYPE_CHECKING:
    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

BUDGET = 200_000
"""How many keywords one evaluation may apply: a few seconds, if it is used up."""
MOST_ERRORS = 500
"""After how many errors an evaluation ends."""
_NODES_PER_UNIT, _LOOKS_PER_UNIT = 20, 2_000
_budget: ContextVar[_Budget] = ContextVar("proflow_schema_budget")
Keyword = Callable[..., Iterator[Any] | None]


class SchemaRefusedError(ProFlowError):
    """A schema cannot be evaluated, or not for this value; the message says why."""


class _BudgetSpentError(Exception):
    """An evaluation has applied too many keywords."""


class _Budget:
    def __init__(self, units: int, value: Any) -> None:
        self.left = units
        self.weights: dict[int, int] = {}
        """The numbers of JSON values in the containers of the value, by identity."""
        _weigh(value, self.weights)

    def spend(self, units: int) -> None:
        self.left -= units
        if self.left < 0:
            raise _BudgetSpentError

    def weight(self, value: Any) -> int:
        if isinstance(value, str):
            return len(value) // 50
        return self.weights.get(id(value), 1)


def schema_errors(
    value: Any, schema: Any, *, most: int = MOST_ERRORS, budget: int = BUDGET
) -> list[ValidationError]:
    """Hold a value against a schema.

    Args:
        value: Any JSON.
        schema: The schema of a design.
        most: After how many errors to stop.
        budget: How many keywords may be applied.

    Returns:
        The errors; none if the value is valid.

    Raises:
        SchemaRefusedError: If the schema cannot be evaluated at all, or only in too long a time.
    """
    problem = next(iter(schema_problems(schema)), None)
    if problem is not None:
        raise SchemaRefusedError(TEXTS("not-evaluated", why=problem.message))
    from jsonschema.exceptions import SchemaError, UnknownType
    from referencing.exceptions import Unresolvable

    token = _budget.set(_Budget(budget, value))
    found: list[ValidationError] = []
    try:
        for error in _validator(schema).iter_errors(value):
            found.append(error)
            if len(found) == most:
                break
    except _BudgetSpentError:
        if not found:  # else the value is known to be invalid
            text = TEXTS("too-slow")
            raise SchemaRefusedError(text) from None
    except RecursionError:
        raise SchemaRefusedError(TEXTS("too-deep")) from None
    except (SchemaError, UnknownType, Unresolvable, TypeError, AttributeError) as error:
        # Of a schema that no check has seen: published long ago, or sent by a host.
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise SchemaRefusedError(TEXTS("no-schema", said=reason)) from None
    finally:
        _budget.reset(token)
    return found


def _validator(schema: Any) -> Validator:
    from referencing import Registry

    made: Validator = _validator_class()(schema, registry=Registry())  # which retrieves nothing
    return made


@cache
def _validator_class() -> Any:
    from jsonschema import Draft202012Validator, validators

    own: dict[str, Keyword] = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
    }
    known: Mapping[str, Keyword] = {**Draft202012Validator.VALIDATORS, **own}
    counted = {name: partial(_counted, keyword) for name, keyword in known.items()}
    extend: Any = validators.extend  # not annotated
    return extend(Draft202012Validator, counted)


def _counted(
    keyword: Keyword, validator: Any, given: Any, instance: Any, schema: Any
) -> Iterator[Any]:
    budget = _budget.get()
    budget.spend(1 + (len(given) // 10 if isinstance(given, list | dict) else 0))
    for error in keyword(validator, given, instance, schema) or ():
        if not isinstance(error.validator, str):
            # It is new: the library has written the whole value into its message.
            budget.spend(1 + budget.weight(instance) // _NODES_PER_UNIT)
        yield error


def _searched(pattern: str, text: str) -> bool:
    _budget.get().spend(1 + search_cost(pattern, text) // _LOOKS_PER_UNIT)
    return matches(pattern, text)


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if validator.is_type(instance, "string") and not _searched(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any, patterns: Mapping[str, Any], instance: Any, schema: Any
) -> Iterator[Any]:
    if not validator.is_type(instance, "object"):
        return
    for pattern, subschema in patterns.items():
        for key, value in instance.items():
            if _searched(pattern, key):
                yield from validator.descend(value, subschema, path=key, schema_path=pattern)


def _additional_properties(
    validator: Any, allowed: Any, instance: Any, schema: Mapping[str, Any]
) -> Iterator[Any]:
    from jsonschema import ValidationError

    if not validator.is_type(instance, "object"):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    others = [
        key
        for key in instance
        if key not in known and not any(_searched(one, key) for one in patterns)
    ]
    if validator.is_type(allowed, "object"):
        for key in others:
            yield from validator.descend(instance[key], allowed, path=key)
    elif not allowed and others:
        yield ValidationError("there are additional properties")


def _unique_items(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if not (wanted and validator.is_type(instance, "array")):
        return
    _budget.get().spend(_budget.get().weight(instance) // _NODES_PER_UNIT)
    seen = set()
    for one in instance:
        key = _comparable(one)
        if key in seen:
            yield ValidationError("there are equal items")
            return
        seen.add(key)


def _comparable(value: Any) -> Any:
    """Return something hashable that is equal for equal JSON: 1 and 1.0 are, 1 and true are not."""
    if isinstance(value, bool):
        return (bool, value)
    if isinstance(value, list):
        return (list, *map(_comparable, value))
    if isinstance(value, dict):
        return (dict, frozenset((key, _comparable(one)) for key, one in value.items()))
    return value


def _weigh(value: Any, weights: dict[int, int]) -> int:
    """Count the JSON values of each container."""
    order, left = [], [value]
    while left:
        one = left.pop()
        if isinstance(one, dict | list):
            order.append(one)
            left += one.values() if isinstance(one, dict) else one
    for one in reversed(order):
        inner = one.values() if isinstance(one, dict) else one
        weights[id(one)] = 1 + sum(weights.get(id(part), 1) for part in inner)
    return weights.get(id(value), 1)
