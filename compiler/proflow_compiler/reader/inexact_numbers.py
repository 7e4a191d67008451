"""Finds the numbers of a file that would be rounded, as they are written: PF322 reports them.

What models make of a config no longer tells: an id is a text there, however it was written.
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
"""Settings that are numbers and nothing else."""
_BOUNDS = frozenset(
    {"maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf", "maxLength"}
    | {"minLength", "maxItems", "minItems", "maxProperties", "minProperties", "maxContains"}
    | {"minContains"}
)
"""Keywords of JSON Schema that compare a number with a value or its size."""
_SCHEMAS = frozenset({"input", "outputSchema"})


def in_config(values: Mapping[str, Any], pointers: Mapping[str, str]) -> Iterator[InexactNumber]:
    """The numbers in a config, or in the settings of a design.

    Args:
        values: What is read of it, by key.
        pointers: Where each of them stands.
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
    """The numbers in a structured condition."""
    return tuple(
        InexactNumber(found.number, _below(pointer, found.path))
        for found in every_inexact(condition)
    )


def _below(pointer: str, path: tuple[str | int, ...]) -> str:
    return pointer + "".join(f"/{escape(part)}" for part in path)
