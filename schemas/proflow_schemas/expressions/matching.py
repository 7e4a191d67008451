"""Compares the ids that events are matched by. They compare as strings: `7` and `"7"` are the same id."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from proflow_schemas.numbers import is_exact

from .literals import written_path
from .syntax import parse

_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,15}|-?(?:0|[1-9][0-9]{0,15})\.[0-9]{0,14}[1-9]")


def id_forms(value: Any) -> list[Any]:
    """Return the JSON values that are the same id as `value`: for `7`, these are `7` and `"7"`."""
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
    """Return the paths that the `if`s of cancellations read of the event that started the run.

    The server substitutes their values into the condition before it compares.

    Args:
        conditions: The `if` expressions; None for a cancellation without one.

    Returns:
        Paths such as `event.data.order_id`, without `event.data.tenant_id`.
    """
    read = (one for text in conditions if text is not None for one in parse(text).references)
    paths = {one.path: None for one in read if one.path[0] == "event"}
    return [written_path(path) for path in paths if path != ("event", "data", "tenant_id")]


def matched_paths(conditions: Iterable[str | None]) -> list[str]:
    """Return those of the `compared_paths` that are compared as ids, as by a `match`.

    Args:
        conditions: The `if` expressions of cancellations.
    """
    texts = [one for one in conditions if one is not None]
    return [
        path
        for path in compared_paths(texts)
        if any(same_id(path, f"async{path.removeprefix('event')}") in one for one in texts)
    ]


def unmatched(value: Any) -> str | None:
    """Return what in a value makes a cancellation never match; None if nothing does.

    The server quotes a text as Go does, and compares the quoted form without unescaping it. A text
    that needs an escape sequence therefore silently never matches.
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
    """Return the CEL text that compares two ids in the `if` of a cancellation.

    The server allows no functions there but conversions to numbers, and considers two missing fields
    equal. So a number and a text are compared as numbers; the side that equals its own `double` is the
    number.

    Args:
        known: A path in the event that started the run, such as `event.data.order_id`.
        arriving: A path in the cancelling event, such as `async.data.order_id`.
    """
    return (
        f"{known} != null && ({known} == {arriving} || double({known}) == double({arriving})"
        f" && ({known} == double({known}) || {arriving} == double({arriving})))"
    )
