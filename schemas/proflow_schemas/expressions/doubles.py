"""JSON numbers that expressions see as doubles.

JSON does not tell `100` from `100.0`, CEL arithmetic does: what a schema calls `number` is made
a double, so that `event.data.amount * 1.1` works for both.

A path is a tuple of property names; `*` stands for every item of a list, or every value of an
object of which the schema names no properties. In a name, `.`, `*` and a backslash are escaped by a
backslash, so that `".".join(path)` is unambiguous.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .errors import ExpressionError

EVERY = "*"
MAX_PATHS = 1_000
MAX_DEPTH = 100

_SEPARATOR = re.compile(r"((?:[^.\\]|\\.)*)(?:\.|\Z)", re.DOTALL)
_COMBINATORS = ("allOf", "anyOf", "oneOf")


def double_paths(schema: Any) -> tuple[tuple[str, ...], ...]:
    """The paths at which `schema` has a `number`, sorted.

    A schema that refers to itself is followed once round.
    """
    found: set[tuple[str, ...]] = set()
    for path in _numbers(schema, schema, (), frozenset(), 0):
        if path:
            found.add(path)
        if len(found) > MAX_PATHS:
            raise ExpressionError(f"the schema has more than {MAX_PATHS:,} numbers")
    return tuple(sorted(found))


def as_doubles(data: Any, paths: Iterable[tuple[str, ...] | str]) -> Any:
    """`data` with the integers at `paths` as doubles; what does not change is shared.

    A path may also be given joined by dots. Whatever `data` really holds, a path that leads
    nowhere, or to no integer, changes nothing.
    """
    for path in paths:
        parts = _split(path) if isinstance(path, str) else path
        data = _converted(data, parts, 0)
    return data


def escaped(name: str) -> str:
    """A property's name as a part of a path."""
    return re.sub(r"([\\.*])", r"\\\1", name)


def _numbers(
    schema: Any, root: Any, path: tuple[str, ...], seen: frozenset[str], depth: int
) -> Iterator[tuple[str, ...]]:
    if not isinstance(schema, Mapping):
        return
    if depth > MAX_DEPTH:
        raise ExpressionError(f"the schema is nested more than {MAX_DEPTH} levels deep")
    kind = schema.get("type")
    if kind == "number" or (isinstance(kind, list) and "number" in kind):
        yield path
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in seen:
        yield from _numbers(resolve(root, reference), root, path, seen | {reference}, depth + 1)
    for key in _COMBINATORS:
        members = schema.get(key)
        for member in members if isinstance(members, list) else ():
            yield from _numbers(member, root, path, seen, depth + 1)
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        for name, below in properties.items():
            yield from _numbers(below, root, (*path, escaped(str(name))), seen, depth + 1)
    else:
        yield from _numbers(
            schema.get("additionalProperties"), root, (*path, EVERY), seen, depth + 1
        )
    yield from _numbers(schema.get("items"), root, (*path, EVERY), seen, depth + 1)


def resolve(root: Any, reference: str) -> Any:
    """What a local `$ref` (`#/$defs/line`) points to, or `None`."""
    if not reference.startswith("#"):
        return None
    found = root
    for part in reference[1:].split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and part in found:
            found = found[part]
        elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        else:
            return None
    return found


def _converted(value: Any, path: tuple[str, ...], at: int) -> Any:
    if at == len(path):
        if type(value) is not int:
            return value
        try:
            return float(value)
        except OverflowError:
            raise ExpressionError(
                f"the number at `{'.'.join(path)}` is beyond the range of a double"
            ) from None
    part = path[at]
    if part == EVERY:
        if isinstance(value, list):
            items = [_converted(item, path, at + 1) for item in value]
            return items if _differs(items, value) else value
        if isinstance(value, dict):
            changed = {key: _converted(item, path, at + 1) for key, item in value.items()}
            return changed if _differs(changed.values(), value.values()) else value
        return value
    name = re.sub(r"\\(.)", r"\1", part)
    if not isinstance(value, dict) or name not in value:
        return value
    below = _converted(value[name], path, at + 1)
    return value if below is value[name] else {**value, name: below}


def _differs(new: Iterable[Any], old: Iterable[Any]) -> bool:
    return any(one is not other for one, other in zip(new, old, strict=True))


def _split(text: str) -> tuple[str, ...]:
    parts: list[str] = []
    position = 0
    while match := _SEPARATOR.match(text, position):
        parts.append(match.group(1))
        if match.end() == len(text) and not match.group().endswith("."):
            break
        position = match.end()
    return tuple(parts)
