"""Reads JSON from outside strictly: without NaN and Infinity, and without keys given twice.

`json.loads` accepts both, and of a key that is given twice it keeps the last value.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from proflow_schemas.errors import ProFlowError
from proflow_schemas.language import Text, Texts

TEXTS = Texts(
    "request-json",
    {
        "not-json": Text("`{text:raw}` is not JSON", "`{text:raw}` 不是 JSON"),
        "twice": Text("the key `{shown:raw}` is given twice", "键 `{shown:raw}` 出现了两次"),
    },
)


class StrictJSONError(ProFlowError, ValueError):
    """A text that `json.loads` accepts is not sound JSON.

    Attributes:
        pointer: The JSON pointer of the value, or of the key that is given twice.
        code: The reason, for programs.
    """

    def __init__(self, message: str, pointer: str, code: str) -> None:
        super().__init__(message)
        self.pointer, self.code = pointer, code


class _Constant:
    def __init__(self, text: str) -> None:
        self.text = text


class _Repeated(dict[str, Any]):
    """An object with a key that is given twice."""

    twice: str


def loads(text: str | bytes, *, parse_int: Callable[[str], Any] | None = None) -> Any:
    """Parse JSON.

    Args:
        text: The JSON text.
        parse_int: Reads integers; by default `int`.

    Raises:
        StrictJSONError: If it contains `NaN` or `Infinity`, or an object with a key given twice.
        json.JSONDecodeError: If it is not JSON.
        RecursionError: If it is nested too deep.
    """
    broken = False

    def constant(name: str) -> _Constant:
        nonlocal broken
        broken = True
        return _Constant(name)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal broken
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        broken = True
        repeated = _Repeated(found)
        counted = Counter(key for key, _ in pairs)
        repeated.twice = next(key for key, count in counted.items() if count > 1)
        return repeated

    value = json.loads(text, parse_int=parse_int, parse_constant=constant, object_pairs_hook=unique)
    if broken:
        raise _first_problem(value)
    return value


def _first_problem(value: Any) -> StrictJSONError:
    stack: list[tuple[Any, str]] = [(value, "")]
    while stack:
        item, at = stack.pop()
        match item:
            case _Constant():
                return StrictJSONError(TEXTS("not-json", text=item.text), at, "invalid-json")
            case _Repeated():
                pointer = f"{at}/{_escaped(item.twice)}"
                shown = item.twice if len(item.twice) <= 60 else item.twice[:59] + "…"
                message = TEXTS("twice", shown=shown)
                return StrictJSONError(message, pointer, "duplicate-key")
            case dict():
                stack += [(one, f"{at}/{_escaped(key)}") for key, one in reversed([*item.items()])]
            case list():
                stack += [(one, f"{at}/{index}") for index, one in reversed([*enumerate(item)])]
            case _:
                pass
    # Only an object that a later value of the same key replaced had the problem, and so the
    # object around it is a `_Repeated`, which is found first.
    raise AssertionError("there is no problem")


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
