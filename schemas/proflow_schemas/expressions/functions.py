"""The functions that expressions have in addition to CEL's own, or in place of them.

CEL distinguishes integers from floats, and JSON does not. All numbers of an expression are floats, so
what CEL defines for integers only is defined for floats here. Users cannot write names with an `@`;
`arithmetic.py` puts them in place of CEL's names.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import cel_expr_python.cel as cel

from proflow_schemas.numbers import (
    AS_TEXT,
    BEYOND,
    is_exact,
    number_text,
    read_number,
    rounded,
    whole,
)

from .texts import duration_text, time_text

OWN = "proflow: "
"""The prefix of error messages of this module; a line break separates message and help."""
MOST_DIGITS = 15
"""The most digits that `round` accepts."""
REPLACED = {
    "_/_": "@divide",
    "_%_": "@modulo",
    "int": "@int",
    "uint": "@uint",
    "double": "@double",
    "string": "@string",
}
"""CEL function → the function that replaces it."""
SUMS = {"_+_": "@add", "_-_": "@subtract", "_*_": "@multiply"}
"""CEL operator whose result may be beyond the limit → its replacement, where all operands are certainly
numbers."""
KEY = "@key"
"""Converts a computed value to a key of a map."""
BEYOND_LIMIT = "@beyond"
"""Always fails: the result of an operator may have been rounded."""
MIXED = "@mixed"
"""Records that a number is compared with a text. It has no overload for other operands."""

mixed: ContextVar[list[int] | None] = ContextVar("proflow_mixed", default=None)
"""The list that receives the offsets of comparisons of a number with a text; None: not recorded."""


def _failure(message: str, help: str | None = None) -> ValueError:
    return ValueError(f"{OWN}{message}" if help is None else f"{OWN}{message}\n{help}")


def _divide(left: float, right: float) -> float:
    if right == 0:
        raise _failure("division by zero")
    found = left / right
    return found if is_exact(found) else _beyond("/")


def _calculated(symbol: str) -> Callable[[float, float], float]:
    calculate = {"+": operator.add, "-": operator.sub, "*": operator.mul}[symbol]

    def calculated(left: float, right: float) -> float:
        found = float(calculate(left, right))
        return found if is_exact(found) else _beyond(symbol)

    return calculated


def _beyond(symbol: str) -> NoReturn:
    raise _failure(f"`{symbol}` gives a number {BEYOND}", "compute with smaller units or numbers")


def _modulo(left: float, right: float) -> float:
    for number in (left, right):
        if not float(_within(number)).is_integer():
            raise _failure(
                f"`%` takes whole numbers, not {number_text(number)}",
                "make one with `round(…)` or `int(…)`",
            )
    if right == 0:
        raise _failure("division by zero")
    return math.fmod(left, right)


def _within(number: float) -> float:
    if not is_exact(number):
        raise _failure(f"a number is {BEYOND}", AS_TEXT)
    return float(number)


def _int(value: Any) -> float:
    if isinstance(value, datetime):
        return float(math.floor(value.timestamp()))
    if isinstance(value, str):
        number = _read(value, "int")
        if number != math.trunc(number):
            raise _failure("a string does not read as `int`")
        return number
    return _within(math.trunc(_within(value)))


def _uint(value: Any) -> float:
    number = _int(value)
    if number < 0:
        raise _failure("`uint` takes no negative number")
    return number


def _double(value: Any) -> float:
    return _read(value, "double") if isinstance(value, str) else float(value)


def _read(text: str, kind: str) -> float:
    try:
        number = read_number(text)
    except ValueError as error:
        raise _failure(str(error)) from None
    if number is None:
        raise _failure(f"a string does not read as `{kind}`")
    return number


def _string(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError:
                raise _failure("bytes are no text in UTF-8") from None
        case datetime():
            return time_text(value)
        case timedelta():
            return duration_text(value)
        case _:
            if not math.isfinite(value):
                raise _failure("the result is not a finite number")
            return number_text(value)


def _timestamp(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        raise _failure(f"{number_text(seconds)} is not a time in seconds") from None


def _round(number: float, digits: float = 0) -> float:
    if digits != math.trunc(digits) or abs(digits) > MOST_DIGITS:
        raise _failure(
            f"`round` takes a whole number of digits, {MOST_DIGITS} at most,"
            f" not {number_text(digits)}"
        )
    if not math.isfinite(number):
        raise _failure("the result is not a finite number")
    return rounded(number, int(digits))


def _key(value: Any) -> Any:
    return whole(value) if type(value) is float else value


def _note_mixed(left: Any, right: Any, offset: float) -> bool:
    found = mixed.get()
    if found is not None:
        found.append(int(offset))
    return True


_INT, _DOUBLE, _STRING = cel.Type.INT, cel.Type.DOUBLE, cel.Type.STRING
_BOOL, _DYN, _TIMESTAMP = cel.Type.BOOL, cel.Type.DYN, cel.Type.TIMESTAMP
_NUMBERS = (_INT, _DOUBLE)
"""Numbers are floats, except keys of maps, which are integers."""
_PAIRS = [(one, other) for one in _NUMBERS for other in _NUMBERS]
_UNLIKE = ((_INT, _DOUBLE), (_DOUBLE, _INT))


def _declared(
    name: str,
    implementation: Callable[..., Any],
    result: cel.Type,
    signatures: Iterable[tuple[cel.Type, ...]],
) -> cel.FunctionDecl:
    overloads = [
        cel.Overload(f"proflow {name} {number}", result, list(types), impl=implementation)
        for number, types in enumerate(signatures)
    ]
    return cel.FunctionDecl(name, overloads)


def functions() -> list[cel.FunctionDecl]:
    """Return the functions with their implementations, to extend a CEL environment with."""
    readable = [(one,) for one in (*_NUMBERS, _STRING)]
    shown = (*_NUMBERS, _STRING, _BOOL, cel.Type.BYTES, _TIMESTAMP, cel.Type.DURATION)
    return [
        _declared("@divide", _divide, _DOUBLE, _PAIRS),
        _declared("@modulo", _modulo, _DOUBLE, _PAIRS),
        _declared("@int", _int, _DOUBLE, [*readable, (_TIMESTAMP,)]),
        _declared("@uint", _uint, _DOUBLE, [*readable, (_TIMESTAMP,)]),
        _declared("@double", _double, _DOUBLE, readable),
        _declared("@string", _string, _STRING, [(one,) for one in shown]),
        _declared(KEY, _key, _DYN, [(one,) for one in (*_NUMBERS, _STRING, _BOOL)]),
        _declared(BEYOND_LIMIT, _beyond, _DYN, [(_STRING,)]),
        _declared(
            MIXED,
            _note_mixed,
            _BOOL,
            [
                types
                for one in _NUMBERS
                for types in ((one, _STRING, _DOUBLE), (_STRING, one, _DOUBLE))
            ],
        ),
        _declared("round", _round, _DOUBLE, [*((one,) for one in _NUMBERS), *_PAIRS]),
        _declared("timestamp", _timestamp, _TIMESTAMP, [(_DOUBLE,)]),
        # Integers come from keys of maps.
        *(
            _declared(function, _calculated(symbol), _DOUBLE, signatures)
            for symbol, written in (("+", "_+_"), ("-", "_-_"), ("*", "_*_"))
            for function, signatures in ((written, _UNLIKE), (SUMS[written], _PAIRS))
        ),
    ]
