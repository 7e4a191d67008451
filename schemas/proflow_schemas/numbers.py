"""Numbers that JSON and Inngest transport exactly: 64-bit floats up to 2^53 − 1.

Inngest's server reads every number as a float. An integer beyond 2^53 − 1 may come back as a different
number, and it is then impossible to tell that it was rounded. So every number beyond that limit is
refused wherever data enters a run, however it is written: `9007199254740992`, `9007199254740992.0` and
`1e300` alike.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Any, TypeAlias

from proflow_schemas.language import Text, Texts

MAX_EXACT = 2**53 - 1
"""The largest absolute value of a number that certainly arrives as it was sent."""
MAX_DIGITS = 15
"""The most significant digits of a decimal number that a float always preserves."""
TEXTS = Texts(
    "numbers",
    {
        "beyond": Text("beyond ±(2^53 − 1)", "超出 ±(2^53 − 1)"),
        "number": Text("{number:raw} is {beyond}", "{number:raw} {beyond}"),
        "text": Text("`{text:raw}` is {beyond}", "`{text:raw}` {beyond}"),
        "nan": Text("`NaN` is not JSON", "`NaN` 不是 JSON"),
        "many-digits": Text("an integer of many digits", "位数过多的整数"),
        "large": Text("a number of more than 308 digits", "超过 308 位的数字"),
        "as-text": Text("send it as a text", "请以文本形式发送"),
    },
)
BEYOND = TEXTS("beyond")
AS_TEXT = TEXTS("as-text")

_LONGEST_SHOWN = 128
"""The most bits of an integer that a message shows."""

Path: TypeAlias = "tuple[str | int, ...]"
"""The position of a value inside of another one: keys and indices, from the outside in."""

_MOST_DIGITS_READ = 400
_JSON_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def is_exact(number: float) -> bool:
    """True if a number arrives as it was sent; False for NaN and infinities."""
    return -MAX_EXACT <= number <= MAX_EXACT


@dataclass(frozen=True, slots=True)
class Inexact:
    """A number that may not arrive as it was sent, and its position in a value."""

    path: Path
    number: int | float

    @property
    def pointer(self) -> str:
        """The path as a JSON pointer: `/lines/0/id`."""
        return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in self.path)

    def __str__(self) -> str:
        """Return the number and what is wrong with it."""
        if self.number != self.number:
            return TEXTS("nan")
        return TEXTS("number", number=shown_number(self.number), beyond=BEYOND)


def shown_number(number: float) -> str:
    """Return a number for a message.

    A number that is too long is described in words, and so is one that is too large for a float: how it
    was written (`1e999`) is no longer known.
    """
    if isinstance(number, int):
        return TEXTS("many-digits") if number.bit_length() > _LONGEST_SHOWN else str(number)
    return TEXTS("large") if math.isinf(number) else str(number)


def inexact(value: Any) -> Inexact | None:
    """Return the first number in a value that is beyond ±(2^53 − 1), NaN or infinite.

    Args:
        value: A JSON value; anything in it that is not JSON is ignored.

    Returns:
        None if all numbers are exact.
    """
    return next(every_inexact(value), None)


def every_inexact(value: Any) -> Iterator[Inexact]:
    """Yield the numbers in a JSON value that are beyond ±(2^53 − 1), NaN or infinite, in order."""
    waiting: list[tuple[Any, Any]] = [(value, None)]
    while waiting:
        value, at = waiting.pop()
        kind = type(value)
        if kind is int or kind is float:
            if not -MAX_EXACT <= value <= MAX_EXACT:
                yield Inexact(_path(at), value)
        elif kind is dict or (kind is not str and isinstance(value, Mapping)):
            waiting += [(value[key], (at, key)) for key in reversed([*value])]
        elif kind is list or kind is tuple:
            last = len(value) - 1
            waiting += [(one, (at, last - i)) for i, one in enumerate(reversed(value))]


def clamped(value: Any) -> Any:
    """Replace each number beyond ±(2^53 − 1) in a JSON value by that limit."""
    if isinstance(value, Mapping):
        return {key: clamped(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [clamped(one) for one in value]
    if isinstance(value, int | float) and not isinstance(value, bool) and not is_exact(value):
        return MAX_EXACT if value > 0 else -MAX_EXACT
    return value


def _path(at: Any) -> Path:
    found: list[str | int] = []
    while at is not None:
        at, key = at
        found.append(key)
    return tuple(reversed(found))


def whole(number: float) -> int | float:
    """Return a float without a fraction as an integer, and any other number unchanged.

    Minus zero becomes zero.
    """
    return int(number) if isinstance(number, float) and number.is_integer() else number


def number_text(number: float) -> str:
    """Return the JSON text of a finite number: `3`, `0.1`, `1000000000000000`."""
    plain = whole(number)
    return str(plain) if isinstance(plain, int) and abs(plain) < 1e21 else repr(number)


def read_integer(digits: str) -> int | float:
    """Read an integer of JSON, for `parse_int` of `json.loads`; infinity if it has too many digits."""
    return int(digits) if len(digits) < _MOST_DIGITS_READ else float(digits)


def read_number(text: str) -> float | None:
    """Read a text as a number.

    Args:
        text: A text, with or without white space around the number.

    Returns:
        The number; None if the text is not a number.

    Raises:
        ValueError: If the number is beyond ±(2^53 − 1).
    """
    text = text.strip()
    if _JSON_NUMBER.fullmatch(text) is None:
        return None
    number = float(text)
    if not is_exact(number):
        raise ValueError(TEXTS("text", text=text[:40], beyond=BEYOND))
    return number


def from_decimal(value: Decimal) -> int | float:
    """Convert a decimal to a JSON number.

    Raises:
        ValueError: If a float cannot preserve it: it has more than 15 significant digits, is beyond
            ±(2^53 − 1) or too small, or is NaN or infinite.
    """
    if not value.is_finite():
        raise ValueError(f"`{value}`, which is not JSON")
    digits = len(value.as_tuple().digits)
    exact = value if digits <= MAX_DIGITS else _without_zeros(value)
    if exact is None:
        raise ValueError(
            f"a decimal of more than {MAX_DIGITS} significant digits, return it as a text"
        )
    number = float(exact)
    if not is_exact(number):
        raise ValueError(f"a decimal {BEYOND}, return it as a text")
    # Below 2.2e-308, floats have fewer significant digits; below 5e-324, none.
    if abs(number) < sys.float_info.min and Decimal(repr(number)) != exact:
        raise ValueError("a decimal too small for a number of JSON, return it as a text")
    return whole(number)


def _without_zeros(value: Decimal) -> Decimal | None:
    """Return the same value without trailing zeros; None if it still has too many digits."""
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    kept = list(digits)
    while len(kept) > 1 and kept[-1] == 0:
        kept.pop()
        exponent += 1
    return Decimal((sign, kept, exponent)) if len(kept) <= MAX_DIGITS else None


def rounded(number: float, digits: int = 0) -> float:
    """Round a number half away from zero, based on its shortest decimal form: 1.005 to 1.01.

    Args:
        number: A finite number.
        digits: The digits after the decimal point; negative for digits before it.
    """
    shortest = Decimal(repr(float(number)))
    exponent = shortest.as_tuple().exponent
    assert isinstance(exponent, int)
    if -exponent <= digits:
        return float(number)
    # A number below half of the last kept digit becomes zero.
    if shortest.adjusted() < -digits - 1:
        return 0.0
    with localcontext(Context(prec=400, rounding=ROUND_HALF_UP)):
        return float(shortest.quantize(Decimal(1).scaleb(-digits)))
