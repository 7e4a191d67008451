"""The limits of what a run can hold, and the size of values as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

MAX_VALUE_BYTES = 4 * 2**20
"""The most bytes of an expression's value as JSON: Inngest's limit for the output of one step."""
MAX_EVENT_BYTES = 3 * 2**20
"""The most bytes of an event's data as JSON: Inngest's limit."""
MAX_STATE_BYTES = 32 * 2**20
"""The most bytes of all outputs of a run as JSON: Inngest's limit."""
MAX_STEPS = 999
"""The most steps of a run: Inngest ends the run at the next one."""
MAX_ITEMS = 10_000
"""The most items of a list that a `foreach` runs for, even if they need no steps."""

HOLDER = 4
"""How many times more memory a list or an object needs than a number."""
_PLAIN = frozenset({str, bool, int, float, type(None)})
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode

_encode_ascii = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def text_size(text: str) -> int:
    """Return the bytes of a text as JSON."""
    written: str = _encode(text)
    return len(written) if written.isascii() else len(written.encode("utf-8", "surrogatepass"))


def tree_size(value: Any) -> int:
    """Return the bytes of a JSON value, without white space.

    The time grows with the result. A value that contains the same object many times may be small in memory
    and huge as JSON, so use `json_size` for values of unknown origin.
    """
    try:
        return text_size(value) if isinstance(value, str) else _written_size(value)
    except RecursionError:
        return int(json_size(value))


def event_size(data: Any) -> int:
    """Return the bytes of an event's data as it is sent: compact JSON in ASCII."""
    return len(_encode_ascii(data))


def tree_measure(value: Any) -> tuple[int, int]:
    """Return the bytes of a list or an object as JSON, and the number of values in it.

    A list or an object counts as `HOLDER` values, since it needs that much more memory. The number may be
    slightly too high. The time grows with the result, as for `tree_size`.
    """
    written: str = _encode(value)
    size = len(written) if written.isascii() else len(written.encode("utf-8", "surrogatepass"))
    holders = written.count("[") + written.count("{")
    marks = written.count(",") + HOLDER * holders + 1
    return size, _values(value) if marks > 1000 and '"' in written else marks


def _values(value: Any) -> int:
    """Return the number of values in a value, itself included, as `tree_measure` counts them."""
    found = 0
    stack = [value]
    while stack:
        one = stack.pop()
        found += 1 if type(one) in _PLAIN else HOLDER
        if isinstance(one, Mapping):
            stack += one.values()
        elif isinstance(one, list | tuple):
            stack += one
    return found


def _written_size(value: Any) -> int:
    written: str = _encode(value)
    return len(written) if written.isascii() else len(written.encode("utf-8", "surrogatepass"))


def has_values(value: Any, count: int) -> bool:
    """True if there are at least `count` values inside of a value; its JSON has at least as many bytes.

    The search stops as soon as the answer is known, so it ends quickly even for a value that contains the
    same object many times, or contains itself.
    """
    stack = [value]
    while stack:
        one = stack.pop()
        if type(one) is dict or isinstance(one, Mapping):
            count -= len(one)
            stack += [item for item in one.values() if type(item) not in _PLAIN]
        elif isinstance(one, list | tuple):
            count -= len(one)
            stack += [item for item in one if type(item) not in _PLAIN]
        if count <= 0:
            return True
    return False


def json_size(value: Any) -> float:
    """Return the bytes of any value as JSON; infinity if it contains itself.

    Each list and object is visited once, however often it occurs, so the time is linear in the memory that
    the value occupies. Values that JSON does not have count as nothing.
    """
    sizes: dict[int, float] = {}
    stack: list[tuple[Any, bool]] = [(value, False)]
    while stack:
        one, entered = stack.pop()
        key = id(one)
        if entered:
            sizes[key] = _sum(one, sizes)
        elif _is_holder(one) and key not in sizes:
            sizes[key] = math.inf  # until it is known; whoever reads this meanwhile is inside of it
            stack.append((one, True))
            stack += [(item, False) for item in _others(one)]
    if type(value) in _PLAIN:
        return tree_size(value)
    return sizes.get(id(value), 0)


def _is_holder(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple)


def _others(holder: Any) -> list[Any]:
    """Return the values of a list or an object that are not plain."""
    inner = holder.values() if isinstance(holder, Mapping) else holder
    return [item for item in inner if type(item) not in _PLAIN]


def _sum(holder: Any, sizes: Mapping[int, float]) -> float:
    """Return the bytes of a list or an object, given the sizes of the lists and objects in it."""
    inner = holder.values() if isinstance(holder, Mapping) else holder
    size = 2.0 + max(0, len(holder) - 1)
    size += sum(sizes.get(id(item), 0) for item in _others(holder))
    size += _sum_of_plain([item for item in inner if type(item) in _PLAIN])
    if isinstance(holder, Mapping):
        keys = [key for key in holder if isinstance(key, str)]
        size += _sum_of_plain(keys) + len(holder)
    return size


def _sum_of_plain(values: list[Any]) -> int:
    """Return the bytes of texts, numbers, booleans and nulls, which are encoded together."""
    return _written_size(values) - 1 - len(values) if values else 0
