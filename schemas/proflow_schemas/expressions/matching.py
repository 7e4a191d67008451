"""What events are matched on: ids, which compare as strings, so that `7` and `"7"` are alike."""

from __future__ import annotations

import re
from typing import Any

from proflow_schemas.numbers import is_exact

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
