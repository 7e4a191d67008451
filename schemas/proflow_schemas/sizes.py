"""How much a run may hold, and how large a value is as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

MAX_VALUE_BYTES = 4 * 2**20
"""The value of an expression, as JSON: what Inngest takes as the output of one step."""
MAX_EVENT_BYTES = 3 * 2**20
"""The data of an event, as JSON: what Inngest takes."""
MAX_STATE_BYTES = 32 * 2**20
"""All that a run holds, as JSON: what Inngest keeps of one run."""
MAX_STEPS = 999
"""Steps of one run that Inngest executes: it ends the run at the next one."""
MAX_ITEMS = 10_000
"""Items of one list that is gone through, also where they take no steps."""

HOLDER = 4
"""How much more memory a list or an object takes than a number does."""
_PLAIN = frozenset({str, bool, int, float, type(None)})
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode

_encode_ascii = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def text_size(text: str) -> int:
    """The bytes of a text as JSON."""
    written: str = _encode(text)
    return len(written) if written.isascii() else len(written.encode("utf-8", "surrogatepass"))


def tree_size(value: Any) -> int:
    """The bytes of a JSON value, without white space.

    What it takes grows with the result: a value that shares parts with itself may be small, and yet
    huge as JSON. For one of unknown origin use `json_size`.
    """
    try:
        return text_size(value) if isinstance(value, str) else _written_size(value)
    except RecursionError:
        return int(json_size(value))


def event_size(data: Any) -> int:
    """The bytes of an event's data as it is sent: compact JSON in ASCII."""
    return len(_encode_ascii(data))


def tree_measure(value: Any) -> tuple[int, int]:
    """The bytes of a list or an object as JSON, and how many values there are in it.

    Of the values a list or an object counts `HOLDER` times: so much more memory does it take. It may
    be a few more than there are. For what it takes see `tree_size`.
    """
    written: str = _encode(value)
    size = len(written) if written.isascii() else len(written.encode("utf-8", "surrogatepass"))
    holders = written.count("[") + written.count("{")
    marks = written.count(",") + HOLDER * holders + 1
    return size, _values(value) if marks > 1000 and '"' in written else marks


def _values(value: Any) -> int:
    """How many values there are in one, itself included, as `tree_measure` counts them."""
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
    """Whether there are so many values in one, or more: then its JSON has as many bytes.

    It looks no further once it knows, so that a value which shares parts with itself, or contains
    itself, takes no longer than another one.
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
    """The bytes of any value as JSON; infinite for one that contains itself.

    Each list and each object is looked at once, however often it occurs, so that the time is linear
    in what the value takes in memory. What JSON cannot hold counts nothing.
    """
    sizes: dict[int, float] = {}
    stack: list[tuple[Any, bool]] = [(value, False)]
    while stack:
        one, entered = stack.pop()
        key = id(one)
        if entered:
            sizes[key] = _sum(one, sizes)
        elif _is_holder(one) and key not in sizes:
            sizes[key] = math.inf  # until it is known: what meets it meanwhile is inside of it
            stack.append((one, True))
            stack += [(item, False) for item in _others(one)]
    if type(value) in _PLAIN:
        return tree_size(value)
    return sizes.get(id(value), 0)


def _is_holder(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple)


def _others(holder: Any) -> list[Any]:
    """What is in a list or an object and is no plain value."""
    inner = holder.values() if isinstance(holder, Mapping) else holder
    return [item for item in inner if type(item) not in _PLAIN]


def _sum(holder: Any, sizes: Mapping[int, float]) -> float:
    """The bytes of a list or an object, of which those of the lists and objects in it are known."""
    inner = holder.values() if isinstance(holder, Mapping) else holder
    size = 2.0 + max(0, len(holder) - 1)
    size += sum(sizes.get(id(item), 0) for item in _others(holder))
    size += _sum_of_plain([item for item in inner if type(item) in _PLAIN])
    if isinstance(holder, Mapping):
        keys = [key for key in holder if isinstance(key, str)]
        size += _sum_of_plain(keys) + len(holder)
    return size


def _sum_of_plain(values: list[Any]) -> int:
    """The bytes of texts, numbers and truth values, written at once."""
    return _written_size(values) - 1 - len(values) if values else 0
