"""The syntax tree of an expression, read from what the CEL library serializes.

`Expression.serialize()` gives a `google.protobuf.Any` holding a `cel.expr.ParsedExpr`; the field
numbers are those of `cel/expr/syntax.proto`. Reading the few that matter takes less than a
protobuf schema of our own would.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Const:
    """A literal; bytes and unsigned integers included."""

    offset: int
    value: bool | int | float | str | bytes | None


@dataclass(frozen=True, slots=True)
class Ident:
    """A name; `offset` is where it begins."""

    offset: int
    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """`operand.field`, or `has(operand.field)` when `test_only`."""

    offset: int
    operand: Node
    field: str
    test_only: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an operator (`_&&_`, `_[_]`, `@in` …); `offset` is the operator's."""

    offset: int
    function: str
    target: Node | None
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Many:
    """A list, or a map's or message's keys and values in turn; `message` names the message."""

    offset: int
    elements: tuple[Node, ...]
    message: str = ""


@dataclass(frozen=True, slots=True)
class Comprehension:
    """What the macros `all`, `exists`, `map`, `filter` … become."""

    offset: int
    iter_range: Node
    accu_init: Node
    variables: frozenset[str]
    accumulator: str
    condition: Node
    step: Node
    result: Node


Node = Const | Ident | Select | Call | Many | Comprehension


def read_tree(serialized: bytes) -> Node:
    """The tree of a serialized, unchecked expression."""
    parsed = _message(_message(serialized)[2][0])
    positions: dict[int, int] = {}
    for source_info in parsed.get(3, []):
        for entry in _message(source_info).get(4, []):
            pair = _numbers(entry)
            positions[pair.get(1, 0)] = pair.get(2, 0)
    return _node(parsed[2][0], positions)


def _node(data: bytes, positions: dict[int, int]) -> Node:
    node_id, kind, body = 0, 0, b""
    for field, value in _fields(data):
        if field == 2 and isinstance(value, int):
            node_id = value
        elif isinstance(value, bytes):
            kind, body = field, value
    offset = positions.get(node_id, 0)
    if kind == 3:
        return Const(offset, _constant(body))
    fields = _message(body)
    if kind == 4:
        return Ident(offset, _text(fields, 1))
    if kind == 5:
        operand = _node(fields[1][0], positions)
        return Select(offset, operand, _text(fields, 2), _numbers(body).get(3, 0) != 0)
    if kind == 6:
        target = _node(fields[1][0], positions) if 1 in fields else None
        arguments = tuple(_node(item, positions) for item in fields.get(3, []))
        return Call(offset, _text(fields, 2), target, arguments)
    if kind == 7:
        return Many(offset, tuple(_node(item, positions) for item in fields.get(1, [])))
    if kind == 8:
        elements: list[Node] = []
        for entry in fields.get(2, []):
            parts = _message(entry)
            elements += [_node(parts[part][0], positions) for part in (3, 4) if part in parts]
        return Many(offset, tuple(elements), _text(fields, 1))
    if kind == 9:
        return Comprehension(
            offset=offset,
            iter_range=_node(fields[2][0], positions),
            accu_init=_node(fields[4][0], positions),
            variables=frozenset({_text(fields, 1), _text(fields, 8)} - {""}),
            accumulator=_text(fields, 3),
            condition=_node(fields[5][0], positions),
            step=_node(fields[6][0], positions),
            result=_node(fields[7][0], positions),
        )
    raise ValueError(f"an expression of kind {kind}")


def _constant(data: bytes) -> bool | int | float | str | bytes | None:
    for field, value in _fields(data):
        if isinstance(value, int):
            if field == 2:
                return value != 0
            if field == 3:
                return value - (1 << 64) if value >= 1 << 63 else value
            if field == 4:
                return value
        elif field == 5:
            (number,) = struct.unpack("<d", value)
            return float(number)
        elif field == 6:
            return value.decode()
        elif field == 7:
            return value
    return None


def _text(fields: dict[int, list[bytes]], field: int) -> str:
    return fields[field][0].decode() if field in fields else ""


def _message(data: bytes) -> dict[int, list[bytes]]:
    """The length-delimited fields of a message."""
    found: dict[int, list[bytes]] = {}
    for field, value in _fields(data):
        if isinstance(value, bytes):
            found.setdefault(field, []).append(value)
    return found


def _numbers(data: bytes) -> dict[int, int]:
    """The varint fields of a message."""
    return {field: value for field, value in _fields(data) if isinstance(value, int)}


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        wire_type = key & 7
        if wire_type == 0:
            number, position = _varint(data, position)
            yield key >> 3, number
            continue
        if wire_type == 2:
            size, position = _varint(data, position)
        elif wire_type == 1:
            size = 8
        elif wire_type == 5:
            size = 4
        else:
            raise ValueError(f"wire type {wire_type}")
        yield key >> 3, data[position : position + size]
        position += size


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
