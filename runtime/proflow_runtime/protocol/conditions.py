"""Which event ends a wait: the expressions that Inngest's server matches with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from proflow_schemas.expressions import (
    ExpressionError,
    id_forms,
    matcher_literal,
    parse,
    unmatched,
    written_path,
)
from proflow_schemas.step_ids import step_id

from proflow_runtime.values import JSON

_UNSAFE = re.compile("[\"'\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def correlation_id(run_id: str, node: str, *, items: Sequence[int] = (), execution: int = 1) -> str:
    """An id for one execution of a node in a run, safe as a literal and as unique as its step id."""
    step = step_id(node, items=items, execution=execution)
    return f"{run_id}:{_UNSAFE.sub(lambda m: f'%{ord(m[0]):02X}', step)}"


def matched_value(match: str, data: Mapping[str, Any]) -> Any:
    """What the trigger holds at a path such as `data.order_id`.

    Raises `ExpressionError` if it is missing, or nothing that events can be matched on.
    """
    value: Any = {"data": data}
    for part in _path(match):
        if not isinstance(value, Mapping) or part not in value:
            raise ExpressionError(f"the trigger has no `{match}` to match on")
        value = value[part]
    if value is None or isinstance(value, list | Mapping):
        kind = "null" if value is None else "a list" if isinstance(value, list) else "an object"
        raise ExpressionError(f"`{match}` of the trigger is {kind}, which cannot be matched on")
    return value


def check_compared(paths: Iterable[str], event: Mapping[str, Any]) -> None:
    """Raise `ExpressionError` if a cancellation could never match what the trigger holds.

    Args:
        paths: What is compared of the trigger, such as `event.data.order_id`.
        event: The trigger.
    """
    for path in paths:
        value: Any = {"event": event}
        for part in parse(path).references[0].path:
            value = value.get(part) if isinstance(value, Mapping) else None
        if (found := unmatched(value)) is not None:
            raise ExpressionError(
                f"no event could cancel this run: `{path}` contains {found}",
                help="send an id without backslashes, double quotes and invisible characters",
            )


def condition(tenant_id: int | None, match: str | None = None, value: Any = None) -> str | None:
    """The `if` of a wait: the tenant's events, with this value at the path; None: any event.

    Values are literals: an expression that mentions `event.` loses its mode on the server. Ids
    compare as strings, so `7` and `"7"` are the same. Raises `ExpressionError`.
    """
    tests = [] if tenant_id is None else [f"async.data.tenant_id == {matcher_literal(tenant_id)}"]
    if match is not None:
        path = written_path(("async", *_path(match)))
        tests.append(_either([f"{path} == {matcher_literal(one)}" for one in id_forms(value)]))
    return " && ".join(tests) or None


def answering(match: str, value: JSON) -> dict[str, JSON]:
    """The data of an event that matches: `value` at the path `match`."""
    _, *parts = _path(match)
    found: JSON = value
    for part in reversed(parts):
        found = {part: found}
    assert isinstance(found, dict)
    return found


def _either(tests: list[str]) -> str:
    return tests[0] if len(tests) == 1 else f"({' || '.join(tests)})"


def _path(match: str) -> tuple[str, ...]:
    parts = tuple(match.removeprefix("event.").removeprefix("async.").split("."))
    if parts[0] != "data" or len(parts) < 2 or not all(parts):
        raise ExpressionError(f"`{match}` is no path such as `data.order_id`")
    return parts
