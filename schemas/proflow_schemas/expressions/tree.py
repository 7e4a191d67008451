"""The syntax tree of an expression: its nodes, and conversion from and to the CEL library's format.

`Expression.serialize()` returns a `google.protobuf.Any` that contains a `cel.expr.ParsedExpr`. The field
numbers are those of `cel/expr/syntax.proto`. Only a few fields matter, so they are decoded here without
a protobuf schema.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Const:
    """A literal, including bytes and unsigned integers."""

    offset: int
    value: bool | int | float | str | bytes | None


@dataclass(frozen=True, slots=True)
class Ident:
    """A name; `offset` is its beginning."""

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
    """A list, or a map or message with its keys and values in turn; `message` is the message's name."""

    offset: int
    elements: tuple[Node, ...]
    message: str = ""
    is_map: bool = False


@dataclass(frozen=True, slots=True)
class Comprehension:
    """A loop over a list or a map, which the macros `all`, `exists`, `map`, `filter`, … expand to."""

    offset: int
    iter_range: Node
    accu_init: Node
    names: tuple[str, str]
    """The name of the item, and of a second variable; mostly that is empty."""
    accumulator: str
    condition: Node
    step: Node
    result: Node

    @property
    def variables(self) -> frozenset[str]:
        """The names that are not empty."""
        return frozenset(self.names) - {""}


Node = Const | Ident | Select | Call | Many | Comprehension


def read_tree(serialized: bytes) -> Node:
    """Return the tree of an expression that the library has parsed and serialized, unchecked."""
    parsed = _message(_message(serialized)[2][0])
    positions: dict[int, int] = {}
    for source_info in parsed.get(3, []):
        for entry in _message(source_info).get(4, []):
            pair = _numbers(entry)
            positions[pair.get(1, 0)] = pair.get(2, 0)
    return _node(parsed[2][0], positions)


def write_tree(node: Node) -> bytes:
    """Serialize a tree for `Env.deserialize`, without positions."""
    expression = _Writing().expression(node)
    return _part(1, b"type.googleapis.com/cel.expr.ParsedExpr") + _part(2, _part(2, expression))


class _Writing:
    """Serializes nodes, and numbers them in the order in which it visits them."""

    def __init__(self) -> None:
        self._written = 0

    def expression(self, node: Node) -> bytes:
        self._written += 1
        identity = _number(2, self._written)
        match node:
            case Const(value=value):
                return identity + _part(3, _written_constant(value))
            case Ident(name=name):
                return identity + _part(4, _part(1, name.encode()))
            case Select(operand=operand, field=field, test_only=test_only):
                tested = _number(3, 1) if test_only else b""
                body = _part(1, self.expression(operand)) + _part(2, field.encode())
                return identity + _part(5, body + tested)
            case Call(function=function, target=target, arguments=arguments):
                of = b"" if target is None else _part(1, self.expression(target))
                return identity + _part(
                    6, of + _part(2, function.encode()) + self._all(3, arguments)
                )
            case Many(elements=elements, is_map=False):
                return identity + _part(7, self._all(1, elements))
            case Many(elements=elements):
                pairs = zip(elements[::2], elements[1::2], strict=True)
                return identity + _part(8, b"".join(self._entry(*pair) for pair in pairs))
            case Comprehension():
                body = (
                    _part(1, node.names[0].encode())
                    + self._all(2, [node.iter_range])
                    + _part(3, node.accumulator.encode())
                    + self._all(4, [node.accu_init])
                    + self._all(5, [node.condition])
                    + self._all(6, [node.step])
                    + self._all(7, [node.result])
                    + (_part(8, node.names[1].encode()) if node.names[1] else b"")
                )
                return identity + _part(9, body)

    def _all(self, field: int, nodes: Iterable[Node]) -> bytes:
        return b"".join(_part(field, self.expression(node)) for node in nodes)

    def _entry(self, key: Node, value: Node) -> bytes:
        self._written += 1
        identity = _number(1, self._written)
        return _part(2, identity + self._all(3, [key]) + self._all(4, [value]))


def _written_constant(value: bool | int | float | str | bytes | None) -> bytes:
    if value is None:
        return _number(1, 0)
    if isinstance(value, bool):
        return _number(2, value)
    if isinstance(value, str):
        return _part(6, value.encode())
    if isinstance(value, bytes):
        return _part(7, value)
    if isinstance(value, int):
        return _number(3, value % (1 << 64))
    return _varint_bytes(5 << 3 | 1) + struct.pack("<d", value)


def _part(field: int, data: bytes) -> bytes:
    return _varint_bytes(field << 3 | 2) + _varint_bytes(len(data)) + data


def _number(field: int, value: int) -> bytes:
    return _varint_bytes(field << 3) + _varint_bytes(value)


def _varint_bytes(value: int) -> bytes:
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    written.append(value)
    return bytes(written)


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
        return Many(offset, tuple(elements), _text(fields, 1), is_map=True)
    if kind == 9:
        return Comprehension(
            offset=offset,
            iter_range=_node(fields[2][0], positions),
            accu_init=_node(fields[4][0], positions),
            names=(_text(fields, 1), _text(fields, 8)),
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
    """Return the length-delimited fields of a protobuf message, by field number."""
    found: dict[int, list[bytes]] = {}
    for field, value in _fields(data):
        if isinstance(value, bytes):
            found.setdefault(field, []).append(value)
    return found


def _numbers(data: bytes) -> dict[int, int]:
    """Return the varint fields of a protobuf message, by field number."""
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
