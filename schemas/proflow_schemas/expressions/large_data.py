"""Keeps the results of expressions over large data, so that they are not evaluated twice.

Inngest runs a function from its beginning in every request, so a rule about a large list is evaluated
again and again over the same data. Encoding the data as JSON takes a fraction of the time of an
evaluation, and the JSON shows whether the data is the same.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

LARGE = 32 * 2**10
"""The size of data from which on results are kept, in bytes, roughly."""
_MOST_KEPT = 512
_LARGEST_KEPT = 2_048
"""The most characters of a result that is kept."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode
_TEXT = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
_OTHERS = re.compile(r"[^\[\]{}]+")
_INNERMOST = re.compile(r"\[\]|\{\}")
_UNSURE = re.compile(r"\\u0000|\d{16}|\d[eE]\+?\d|NaN|Infinity")
"""Matches what must be checked value by value: U+0000, and numbers that may be beyond the limit."""


def is_large(data: Mapping[str, Any]) -> bool:
    """True if data is so large that a result is worth keeping."""
    left = LARGE
    stack: list[Any] = [data]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            left -= len(one)
        elif isinstance(one, Mapping):
            left -= 8 * len(one)
            if left > 0:
                stack += one.values()
        elif isinstance(one, list | tuple):
            left -= 8 * len(one)
            if left > 0:
                stack += one
        if left <= 0:
            return True
    return False


def as_json(data: Mapping[str, Any]) -> str | None:
    """Return data as JSON; None if it is not JSON, or nested too deeply."""
    try:
        return _encode(data)
    except (TypeError, ValueError, RecursionError):
        return None


def with_floats(text: str, deepest: int) -> Any:
    """Read a JSON text with floats for all numbers, in the form that the library accepts.

    Args:
        text: Compact JSON.
        deepest: How deeply lists and objects may be nested.

    Returns:
        The data; None if it must be checked value by value first.
    """
    if _UNSURE.search(text) is not None or _is_deeper(text, deepest):
        return None
    return json.loads(text, parse_int=float)


def _is_deeper(text: str, depth: int) -> bool:
    """True if lists and objects are nested more than `depth` levels deep.

    Each iteration removes the innermost level.
    """
    brackets = _OTHERS.sub("", _TEXT.sub("", text))
    for _ in range(depth):
        if not brackets:
            return False
        brackets = _INNERMOST.sub("", brackets)
    return bool(brackets)


class Results:
    """The latest results of expressions, by the expression and all the data that it read."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, tuple[str, tuple[int, ...]]] = OrderedDict()

    @staticmethod
    def key(expression: str, data: str) -> bytes:
        """Return the key of an evaluation.

        Args:
            expression: The text of the expression.
            data: All that it reads, as JSON.
        """
        hashed = blake2b(expression.encode("utf-8", "surrogatepass"), digest_size=32)
        hashed.update(b"\0" + data.encode("utf-8", "surrogatepass"))
        return hashed.digest()

    def get(self, key: bytes) -> tuple[Any, tuple[int, ...]] | None:
        """Return a copy of a result and the recorded offsets of mixed comparisons; None if it is not kept."""
        known = self._kept.get(key)
        if known is None:
            return None
        self._kept.move_to_end(key)
        return json.loads(known[0]), known[1]

    def keep(self, key: bytes, result: Any, noted: tuple[int, ...]) -> None:
        """Keep a result with its recorded offsets, if it is small."""
        if isinstance(result, str) and len(result) > _LARGEST_KEPT:
            return
        if isinstance(result, list | dict) and len(result) > _LARGEST_KEPT:
            return
        text = _encode(result)
        if len(text) <= _LARGEST_KEPT:
            self._kept[key] = (text, noted)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
