"""Validates the data that starts a run against the JSON Schema of a design's `start.input`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proflow_schemas.definition import FunctionSettings
from proflow_schemas.expressions import matched_paths
from proflow_schemas.json_schemas import schema_errors

from proflow_runtime.values import JSON
from proflow_runtime.values.schema_errors import shown, worded

_MOST = 50
_LONGEST = 500
_ADDED = frozenset({"tenant_id", "initiator_id"})
"""What every run's data has: a schema that allows no other keys need not declare these."""


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

    Raises:
        SchemaRefusedError: If the schema cannot be evaluated, or only in too long a time.
    """
    if schema is None:
        return []
    found = schema_errors(dict(data), schema)
    if found:
        own = {key: one for key, one in data.items() if key not in _ADDED}
        found = min(found, schema_errors(own, schema), key=len)
    found.sort(key=lambda one: one.json_path)
    return [
        Violation(_pointer(error.absolute_path), worded(error)[:_LONGEST])
        for error in found[:_MOST]
    ]


def unmatchable(data: Mapping[str, JSON], settings: FunctionSettings) -> list[Violation]:
    """Find the values that no event could cancel the run by, as they are no ids.

    Args:
        data: The data of the event that starts a run.
        settings: The settings of the workflow.
    """
    found = []
    for path in matched_paths(one.condition for one in settings.cancel_on):
        parts = path.removeprefix("event.data.").split(".")
        value: Any = data
        for part in parts:
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, list | Mapping):
            message = f"{shown(value)} is no id, and no event could cancel this run by it"
            found.append(Violation(_pointer(parts), message))
    return found


def _pointer(path: Any) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
