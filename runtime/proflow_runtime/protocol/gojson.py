"""JSON as Inngest's server, which is written in Go, returns it.

Every number is a 64-bit float there, the keys of objects are sorted, and invalid Unicode becomes
U+FFFD.
"""

import json
from decimal import Decimal
from typing import Any

from proflow_schemas.numbers import MAX_EXACT, is_exact

_DEEPEST = 200  # levels; Go allows 10,000, Python's stack does not
_TOO_DEEP = "it is nested more than 200 levels deep"
_PLAIN = 1e21  # from here on Go writes an exponent, which Python reads as a float


def loads(text: str | bytes) -> Any:
    """Parse and normalise JSON.

    Raises:
        ValueError: If the text is not JSON (this includes NaN and Infinity), or is nested deeper than
            200 levels.
    """
    try:
        return normalise(json.loads(text, parse_constant=_refuse))
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error


def from_python(value: object) -> Any:
    """Return a Python value as it is after the server has returned it.

    Raises:
        ValueError: If the value is not JSON, for NaN, Infinity and cycles, or if it is nested too
            deep.
    """
    try:
        return normalise(json.loads(json.dumps(value, allow_nan=False)))
    except TypeError as error:
        raise ValueError(str(error)) from error
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error


def dumps(value: Any) -> str:
    """Return compact JSON text in ASCII."""
    return _encode(value)


def dumps_html_safe(value: Any) -> str:
    """Return compact JSON text in which `<`, `>` and `&` are escaped, as Go does."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def normalise(value: Any, depth: int = 0) -> Any:
    """Return a parsed JSON value as Go returns it.

    Args:
        value: The value.
        depth: Its nesting depth.

    Raises:
        ValueError: If a number exceeds the range of a float, or the nesting 200 levels.
    """
    if isinstance(value, str):
        return value if value.isascii() else _valid(value)
    if value is None or value is True or value is False:
        return value
    if depth >= _DEEPEST:
        raise ValueError(_TOO_DEEP)
    if isinstance(value, dict):
        return {_valid(key): normalise(value[key], depth + 1) for key in sorted(value)}
    if isinstance(value, list):
        # Lists of thousands of numbers are not rare, and most of these are small.
        return [
            item
            if type(item) is int and -MAX_EXACT <= item <= MAX_EXACT
            else normalise(item, depth + 1)
            for item in value
        ]
    if isinstance(value, int):
        return value if is_exact(value) else _through_float(value)
    if isinstance(value, float):
        return _written(value) if value.is_integer() else value
    raise TypeError(f"{type(value).__name__} is not JSON")


def as_floats(value: Any) -> Any:
    """Return a value with every integer as a float, as expressions on the server see it."""
    if isinstance(value, dict):
        return {key: as_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [float(item) if type(item) is int else as_floats(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _through_float(value: int) -> int | float:
    try:
        number = float(value)
    except OverflowError as error:
        raise ValueError("a number exceeds 64-bit floats") from error
    return _written(number)


def _written(number: float) -> int | float:
    """A whole number as Go writes it: its shortest digits, and zeros up to the point."""
    return int(Decimal(repr(number))) if abs(number) < _PLAIN else number


def _valid(text: str) -> str:
    """The text with lone surrogates replaced."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


_encode = json.JSONEncoder(separators=(",", ":")).encode
