"""Internal: JSON values, lazy values, and the validation of handlers' outputs."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypeAlias

from proflow_schemas.expressions import ExpressionError, compile, template
from proflow_schemas.numbers import AS_TEXT, BEYOND, inexact, is_exact
from proflow_schemas.sizes import (
    MAX_STATE_BYTES,
    MAX_VALUE_BYTES,
    has_values,
    json_size,
    tree_size,
)

from proflow_runtime.values.encoding import MAX_DEPTH, NotJsonError, Position, encoded, worded

JSON: TypeAlias = Any
"""A JSON value: None, bool, int, float, str, list, or dict with string keys."""


class Lazy(ABC):
    """A value that is computed when it is used: an expression, or a text with `${…}`."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"

    @abstractmethod
    def render(self, scope: Mapping[str, Any]) -> JSON:
        """Compute the value.

        Args:
            scope: The names that expressions see.

        Raises:
            ExpressionError: If it cannot be computed.
        """


class Expression(Lazy):
    """The value of a CEL expression."""

    __slots__ = ()

    def render(self, scope: Mapping[str, Any]) -> JSON:
        return compile(self.text).evaluate(scope)


class Text(Lazy):
    """A text with `${…}`; a text that is exactly one `${…}` has the type of its expression."""

    __slots__ = ()

    def render(self, scope: Mapping[str, Any]) -> JSON:
        return template(self.text).render(scope)


def resolve(value: Any, scope: Mapping[str, Any]) -> JSON:
    """Compute all lazy values in a value.

    Args:
        value: A lazy value, or JSON that may contain lazy values.
        scope: The names that expressions see.

    Raises:
        ExpressionError: If one cannot be computed, or if all together are too large.
    """
    return _resolved(value, scope, [MAX_STATE_BYTES])


def _resolved(value: Any, scope: Mapping[str, Any], left: list[int]) -> JSON:
    """Compute lazy values; `left` holds the number of bytes that they may still take."""
    if isinstance(value, Lazy):
        found = value.render(scope)
        if isinstance(found, str | list | dict):
            left[0] -= tree_size(found)
            if left[0] < 0:
                size = MAX_STATE_BYTES >> 20
                raise ExpressionError(f"the values together have more than {size} MiB")
        return found
    if isinstance(value, dict):
        return {key: _resolved(item, scope, left) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_resolved(item, scope, left) for item in value]
    return value


def lazily(value: JSON) -> Any:
    """Return a `Value` of a definition with every string that contains `${` made lazy."""
    if isinstance(value, str):
        return Text(value) if "${" in value else value
    if isinstance(value, dict):
        return {key: lazily(item) for key, item in value.items()}
    if isinstance(value, list):
        return [lazily(item) for item in value]
    return value


def checked(value: Any) -> JSON:
    """Validate the output of a handler, and encode it if necessary (see `encoding`).

    Args:
        value: The output.

    Returns:
        The output as JSON that Inngest stores and returns unchanged.

    Raises:
        NotJsonError: If it cannot be encoded, is too large or nested too deep, or contains a number
            that Inngest would round: beyond ±(2^53 − 1), or a decimal of more than 15 digits. The
            message names the position.
    """
    # First, because even a small value may take for ever to traverse if it shares parts with itself.
    if has_values(value, MAX_VALUE_BYTES):
        raise NotJsonError(_too_large(json_size(value)))
    try:
        most = _check(value, None, 0)
    except _ObjectMet:
        # Encoding comes second, because nearly all outputs are JSON already.
        value = encoded(value)
        most = _check(value, None, 0)
    if most > MAX_VALUE_BYTES and (size := tree_size(value)) > MAX_VALUE_BYTES:
        raise NotJsonError(_too_large(size))
    return value


class _ObjectMet(Exception):
    """The value contains something other than JSON's own types."""


def _too_large(size: float) -> str:
    if math.isinf(size):  # it contains itself
        return f"the output is nested more than {MAX_DEPTH} levels deep"
    return f"the output has {int(size):,} bytes, more than the 4 MiB that a step may"


def _check(value: Any, at: Position, depth: int) -> int:
    """Check a value, and return an upper bound of its size in bytes. Raises `NotJsonError`."""
    if type(value) is str:
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            raise NotJsonError(f"{worded(at)} contains half of a surrogate pair")
        return 6 * len(value) + 3
    if value is None or isinstance(value, bool):
        return 6
    if type(value) is int or type(value) is float:
        if is_exact(value):
            return 30
        if isinstance(value, float) and not math.isfinite(value):
            raise NotJsonError(f"{worded(at)} is `{value}`, which is not JSON")
        raise NotJsonError(f"{worded(at)} is a number {BEYOND}, return it as a text")
    if depth >= MAX_DEPTH:
        raise NotJsonError(f"the output is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        size = 3
        for key, item in value.items():
            if type(key) is not str:
                raise _ObjectMet
            if not key.isascii():
                _check(key, (at, ascii(key)), depth + 1)
            size += 6 * len(key) + 3 + _check(item, (at, key), depth + 1)
        return size
    if isinstance(value, list | tuple):
        return 3 + sum(_check(item, (at, index), depth + 1) for index, item in enumerate(value))
    raise _ObjectMet


def rounding_problem(value: JSON, name: str) -> str | None:
    """Find a number that Inngest may have rounded.

    Args:
        value: Data that Inngest has sent.
        name: The name of the data in the message.

    Returns:
        A message if a number in the data is beyond ±(2^53 − 1), else None.
    """
    found = inexact(value)
    if found is None:
        return None
    path = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in found.path)
    return f"`{name}{path}`: {found}, and may have been rounded on its way; {AS_TEXT}"
