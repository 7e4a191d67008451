"""Finds the numbers of a file that would be rounded, for PF322.

It examines the values of the file. Validated configs no longer show such numbers, because they hold
ids as strings.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from proflow_schemas.numbers import every_inexact

from proflow_compiler.design import InexactNumber
from proflow_compiler.diagnostics.source import escape

_QUANTITIES = frozenset(
    {"concurrency", "limit", "burst", "max", "maxConcurrency", "maxIterations", "maxAttempts"}
    | {"retries", "passRatio", "temperature", "timeout", "initialInterval", "maxInterval", "after"}
    | {"multiplier", "every", "duration", "until", "mode", "priority", "period", "start", "finish"}
)
"""Settings that are quantities, and so cannot be written as strings."""
_BOUNDS = frozenset(
    {"maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf", "maxLength"}
    | {"minLength", "maxItems", "minItems", "maxProperties", "minProperties", "maxContains"}
    | {"minContains"}
)
"""Keywords of JSON Schema that compare a number with a value or its size."""
_SCHEMAS = frozenset({"input", "outputSchema"})


def in_config(values: Mapping[str, Any], pointers: Mapping[str, str]) -> Iterator[InexactNumber]:
    """Yield the numbers in a config, or in the settings of a design, that would be rounded.

    Args:
        values: The values that are read, by key.
        pointers: Where each value is.
    """
    for key, value in values.items():
        if type(value) is str or value is None:
            continue
        for found in every_inexact(value):
            names = [key, *(one for one in found.path if isinstance(one, str))]
            is_bound = key in _SCHEMAS and names[-1] in _BOUNDS
            is_quantity = len(names) <= 2 and names[-1] in _QUANTITIES
            pointer = _below(pointers[key], found.path)
            yield InexactNumber(found.number, pointer, not (is_bound or is_quantity))


def in_condition(condition: Any, pointer: str) -> tuple[InexactNumber, ...]:
    """Return the numbers in a structured condition that would be rounded."""
    return tuple(
        InexactNumber(found.number, _below(pointer, found.path))
        for found in every_inexact(condition)
    )


def _below(pointer: str, path: tuple[str | int, ...]) -> str:
    return pointer + "".join(f"/{escape(part)}" for part in path)
