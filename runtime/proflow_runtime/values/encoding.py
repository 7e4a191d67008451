"""Encodes the outputs of handlers as JSON: dates, ids, enums, sets, dataclasses and models.

It works like FastAPI's `jsonable_encoder`, with three differences: a decimal becomes a number or is
refused, sets are sorted, and objects of unknown types are refused, where FastAPI encodes their
attributes.
"""

from __future__ import annotations

import dataclasses
import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from pathlib import PurePath
from re import Pattern
from types import GeneratorType
from typing import Any, TypeAlias
from uuid import UUID

from proflow_schemas.errors import ProFlowError
from proflow_schemas.numbers import from_decimal
from proflow_schemas.sizes import MAX_VALUE_BYTES
from pydantic import AnyUrl, BaseModel, NameEmail, SecretBytes, SecretStr, TypeAdapter
from pydantic_core import MultiHostUrl, Url

MAX_DEPTH = 200

Position: TypeAlias = "tuple[Position, str | int] | None"
"""The position of a value in an output: that of its container, and its key or index. It is turned
into a text only for errors."""


class NotJsonError(ProFlowError, ValueError):
    """A value that JSON cannot represent, or that Inngest would change or refuse."""


def encoded(value: Any) -> Any:
    """Encode the output of a handler with JSON's own types. The range of numbers is not checked.

    Raises:
        NotJsonError: If something cannot be encoded; the message names its type and position.
    """
    return _Encoder().encode(value, None, 0)


def worded(at: Position) -> str:
    """Return a position as errors name it, such as `the output.lines[0]`."""
    keys: list[str] = []
    while at is not None:
        at, key = at
        keys.append(f"[{key}]" if isinstance(key, int) else f".{key}")
    return "the output" + "".join(reversed(keys))


_PLAIN = frozenset({str, bool, int, float, type(None)})
_BY_TEXT = (
    *(UUID, PurePath, SecretStr, SecretBytes, AnyUrl, Url, MultiHostUrl, NameEmail),
    *(IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network),
)
_LEAVES: tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...] = (
    ((date, time), lambda one: one.isoformat()),
    (timedelta, lambda one: one.total_seconds()),
    (_BY_TEXT, str),
    (bytes, bytes.decode),
    # For subclasses, whose own `__str__` and so on are ignored: JSON contains their plain value.
    (str, str.__str__),
    (int, int),
    (float, float),
)
"""How single values are encoded; the first type that matches is used."""


class _Encoder:
    """Encodes one output; `left` is the number of values that it may still have, of a byte or more."""

    def __init__(self) -> None:
        self.left = MAX_VALUE_BYTES

    def encode(self, value: Any, at: Position, depth: int) -> Any:
        self.left -= 1
        if self.left < 0:
            raise NotJsonError("the output has more than the 4 MiB that a step may")
        if type(value) in _PLAIN:
            return value
        if depth >= MAX_DEPTH:
            raise NotJsonError(f"the output is nested more than {MAX_DEPTH} levels deep")
        if isinstance(value, Decimal):
            return _number(value, at)
        if isinstance(value, Enum):
            return self.encode(value.value, at, depth + 1)
        if isinstance(value, Pattern):
            return self.encode(value.pattern, at, depth + 1)
        if isinstance(value, BaseModel) or hasattr(type(value), "__pydantic_serializer__"):
            return _dumped(value, at, depth)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = [field.name for field in dataclasses.fields(value)]
            return self._object({name: getattr(value, name) for name in names}, at, depth)
        if isinstance(value, Mapping):
            return self._object(value, at, depth)
        if isinstance(value, list | tuple | deque | GeneratorType):
            return self._list(value, at, depth)
        if isinstance(value, set | frozenset):
            return sorted(self._list(value, at, depth), key=_order)
        return _leaf(value, at)

    def _object(self, value: Mapping[Any, Any], at: Position, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in value.items():
            name = key if type(key) is str else self._key(key, at, depth)
            if name in found:
                raise NotJsonError(f"{worded(at)} has two keys that are `{name}` in JSON")
            found[name] = self.encode(item, (at, name), depth + 1)
        return found

    def _key(self, key: Any, at: Position, depth: int) -> str:
        """Encode a key as `json.dumps` does."""
        try:
            plain = self.encode(key, at, depth + 1)
        except NotJsonError:
            plain = ...
        if isinstance(plain, str):
            return plain
        if type(plain) not in _PLAIN:
            raise NotJsonError(f"{worded(at)} has the key `{key!r}`, which is not a text")
        return json.dumps(plain)

    def _list(self, value: Iterable[Any], at: Position, depth: int) -> list[Any]:
        return [self.encode(item, (at, index), depth + 1) for index, item in enumerate(value)]


def _leaf(value: Any, at: Position) -> Any:
    for kind, encode in _LEAVES:
        if isinstance(value, kind):
            try:
                return encode(value)
            except ValueError:
                raise NotJsonError(
                    f"{worded(at)} is `{type(value).__name__}` that is no text"
                ) from None
    raise NotJsonError(f"{worded(at)} is a `{type(value).__name__}`, which is not JSON")


def _order(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _dumped(value: Any, at: Position, depth: int) -> Any:
    """Encode a pydantic model, by its aliases."""
    model: Any = type(value)
    adapter = _adapter(model)
    try:
        dumped = adapter.dump_python(value, mode="json", by_alias=True)
        kept = adapter.dump_python(value, mode="python", by_alias=True)
    except Exception as error:
        message = f"{worded(at)} is a `{type(value).__name__}` without JSON: {error}"
        raise NotJsonError(message) from error
    return _with_numbers(dumped, kept, at, depth)


def _with_numbers(dumped: Any, kept: Any, at: Position, depth: int) -> Any:
    """Replace the texts that pydantic makes of decimals by numbers.

    Args:
        dumped: A model, dumped as JSON.
        kept: The same model, dumped with Python values.
        at: Its position.
        depth: Its nesting depth.
    """
    if isinstance(kept, Decimal):
        return _number(kept, at) if isinstance(dumped, str) else dumped
    if depth >= MAX_DEPTH:
        return dumped
    if isinstance(dumped, dict) and isinstance(kept, Mapping) and len(dumped) == len(kept):
        return {
            key: _with_numbers(item, below, (at, key), depth + 1)
            for (key, item), below in zip(dumped.items(), kept.values(), strict=True)
        }
    if isinstance(dumped, list) and isinstance(kept, list | tuple) and len(dumped) == len(kept):
        return [
            _with_numbers(item, below, (at, index), depth + 1)
            for index, (item, below) in enumerate(zip(dumped, kept, strict=True))
        ]
    if isinstance(dumped, list) and isinstance(kept, set | frozenset):
        decimals = {str(one): one for one in kept if isinstance(one, Decimal)}
        return [_number(decimals[one], at) if one in decimals else one for one in dumped]
    return dumped


def _number(value: Decimal, at: Position) -> int | float:
    try:
        return from_decimal(value)
    except ValueError as error:
        raise NotJsonError(f"{worded(at)} is {error}") from None


@lru_cache(maxsize=1024)
def _adapter(model: type) -> TypeAdapter[Any]:
    return TypeAdapter(model)
