"""Validates the data that starts a run against the JSON Schema of a design's `start.input`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proflow_runtime.values import JSON

_MOST = 50
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Violation:
    """A value that a schema does not allow.

    Attributes:
        pointer: The JSON pointer of the value in the data; empty for the data itself.
        message: What is wrong with it.
    """

    pointer: str
    message: str


def violations(data: Mapping[str, JSON], schema: dict[str, Any] | None) -> list[Violation]:
    """Validate the data of an event.

    Args:
        data: The data of the event that starts a run.
        schema: The design's `input`; None allows everything.

    Returns:
        The violations, sorted by position; at most 50.
    """
    if schema is None:
        return []
    import jsonschema  # slow to import, and most designs have no schema

    validator = jsonschema.Draft202012Validator(schema)
    found = sorted(validator.iter_errors(dict(data)), key=lambda one: one.json_path)
    return [
        Violation(_pointer(error.absolute_path), error.message[:_LONGEST])
        for error in found[:_MOST]
    ]


def _pointer(path: Any) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
