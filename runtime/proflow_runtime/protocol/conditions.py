"""Makes the expressions by which Inngest's server finds the event that ends a wait."""

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
    """Return a unique id for one execution of a node in a run.

    It contains no characters that Inngest's matching does not support in literals.

    Args:
        run_id: The id of the run.
        node: The node's id.
        items: The indices of its enclosing foreach items, outermost first.
        execution: The number of the execution, counted from 1.
    """
    step = step_id(node, items=items, execution=execution)
    return f"{run_id}:{_UNSAFE.sub(lambda m: f'%{ord(m[0]):02X}', step)}"


def matched_value(match: str, data: Mapping[str, Any]) -> Any:
    """Return the value in the trigger that events are matched on.

    Args:
        match: A path such as `data.order_id`.
        data: The data of the trigger.

    Raises:
        ExpressionError: If the value is missing, null, a list or an object.
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
    """Check that cancellations can match the values in the trigger.

    Args:
        paths: The compared paths of the trigger, such as `event.data.order_id`.
        event: The trigger.

    Raises:
        ExpressionError: If a value contains characters that never match.
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
    """Return the `if` expression of a wait.

    It contains the value as a literal, because the server handles an expression with `event.`
    differently. Ids are compared as strings, so that `7` and `"7"` are the same.

    Args:
        tenant_id: The tenant whose events match; None for all events.
        match: The path that must contain the value.
        value: The value.

    Returns:
        The expression; None if any event matches.

    Raises:
        ExpressionError: If the value cannot be matched.
    """
    tests = [] if tenant_id is None else [f"async.data.tenant_id == {matcher_literal(tenant_id)}"]
    if match is not None:
        path = written_path(("async", *_path(match)))
        tests.append(_either([f"{path} == {matcher_literal(one)}" for one in id_forms(value)]))
    return " && ".join(tests) or None


def answering(match: str, value: JSON) -> dict[str, JSON]:
    """Return the data of an event that matches: an object with `value` at the path `match`."""
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
