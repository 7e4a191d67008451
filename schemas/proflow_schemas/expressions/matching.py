"""What events are matched on: ids, which compare as strings, so that `7` and `"7"` are alike."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from proflow_schemas.numbers import is_exact

from .literals import written_path
from .syntax import parse

_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,15}|-?(?:0|[1-9][0-9]{0,15})\.[0-9]{0,14}[1-9]")


def id_forms(value: Any) -> list[Any]:
    """The JSON values that are the same id as a text, a number or a boolean."""
    if isinstance(value, bool):
        return [value]
    if isinstance(value, float):
        if not value.is_integer():
            return [value, repr(value)]
        value = int(value)
    if isinstance(value, int):
        return [value, str(value)]
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        number = float(value) if "." in value else int(value)
        if is_exact(number) and str(number) == value:
            return [number, value]
    return [value]


def compared_paths(conditions: Iterable[str | None]) -> list[str]:
    """What the `if`s of cancellations read of the trigger: `event.data.order_id`; not the tenant.

    The server writes these values into the condition before it compares.
    """
    read = (one for text in conditions if text is not None for one in parse(text).references)
    paths = {one.path: None for one in read if one.path[0] == "event"}
    return [written_path(path) for path in paths if path != ("event", "data", "tenant_id")]


def unmatched(value: Any) -> str | None:
    """What is in a value for which no cancellation ever matches; None if there is nothing.

    The server writes a text as Go quotes it, and compares what it has quoted unread: a text with an
    escape is lost in silence.
    """
    if isinstance(value, list | dict):
        inner = value if isinstance(value, list) else [*value, *value.values()]
        return next((found for one in inner if (found := unmatched(one)) is not None), None)
    if not isinstance(value, str):
        return None
    for character in value:
        if character in _QUOTED:
            return _QUOTED[character]
        if not character.isprintable():
            return f"U+{ord(character):04X}"
    return None


_QUOTED = {"\\": "a backslash", '"': "a double quote"}


def same_id(known: str, arriving: str) -> str:
    """The CEL that compares two ids as Inngest's server allows it in a cancellation's `if`.

    `known` and `arriving` are paths, such as `event.data.order_id` and `async.data.order_id`. The
    server takes no functions there but conversions to numbers, and calls two missing fields alike.
    So a number and a text are compared as numbers: the one that is a number is its own `double`.
    """
    return (
        f"{known} != null && ({known} == {arriving} || double({known}) == double({arriving})"
        f" && ({known} == double({known}) || {arriving} == double({arriving})))"
    )
