"""Reads and writes durations.

A duration is a text (`90s`, `15m`, `24h`, `3d`), ISO 8601 (`PT15M`, `P1DT2H`), or a number of seconds.
"""

import re
from datetime import timedelta

from proflow_schemas.errors import ProFlowError
from proflow_schemas.language import Text, Texts

TEXTS = Texts(
    "duration",
    {
        "too-long": Text(
            "`{value:raw}` is too long to be a duration",
            "`{value:raw}` 太长，不是时长",
        ),
        "kind": Text(
            "a duration is a text such as `24h` or a number of seconds",
            "时长应为文本（例如 `24h`）或秒数",
        ),
        "no-number": Text(
            "`{value:raw}` is no duration: it is negative or no number",
            "`{value:raw}` 不是时长：它是负数或不是数字",
        ),
        "no-duration": Text("`{text:raw}` is no duration", "`{text:raw}` 不是时长"),
    },
)

MAX_WAIT = timedelta(days=366)
"""The longest wait or sleep that Inngest accepts."""

_SHORT = re.compile(r"(\d+)\s*(ms|s|m|h|d|w)", re.ASCII)
_SHORT_WHOLE = re.compile(r"(?:\d+\s*(?:ms|s|m|h|d|w)\s*)+", re.ASCII)
_ISO = re.compile(
    r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.ASCII
)
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


class DurationError(ProFlowError, ValueError):
    """Raised when a text or number is not a duration."""


def parse_duration(value: str | int | float) -> timedelta:
    """Read a duration.

    Args:
        value: A text, or a number of seconds; a text of digits is a number of seconds as well.

    Raises:
        DurationError: If it is not a duration, or too long for a `timedelta`.
    """
    try:
        return _parse(value)
    except OverflowError:
        raise DurationError(TEXTS("too-long", value=str(value)[:40])) from None


def _parse(value: str | int | float) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise DurationError(TEXTS("kind"))
    if isinstance(value, int | float):
        if not value >= 0:
            raise DurationError(TEXTS("no-number", value=value))
        return timedelta(seconds=value)
    text = value.strip()
    if text.isascii() and text.isdigit() and len(text) < 20:
        return timedelta(seconds=int(text))
    if len(text) < 100 and _SHORT_WHOLE.fullmatch(text):
        parts = (_UNITS[unit] * int(count) for count, unit in _SHORT.findall(text))
        return sum(parts, timedelta())
    match = _ISO.fullmatch(text) if len(text) < 100 else None
    if match and any(match.groups()) and not text.endswith("T"):
        weeks, days, hours, minutes, seconds = match.groups(default="0")
        return timedelta(
            weeks=int(weeks),
            days=int(days),
            hours=int(hours),
            minutes=int(minutes),
            seconds=float(seconds),
        )
    raise DurationError(TEXTS("no-duration", text=text[:40]))


def format_duration(value: timedelta) -> str:
    """Return a duration as a text in its largest whole unit: `1d`, `25h`, `90s`, `1500ms`."""
    ms = round(value / _UNITS["ms"])
    for unit in ("d", "h", "m", "s"):
        size = round(_UNITS[unit] / _UNITS["ms"])
        if ms >= size and ms % size == 0:
            return f"{ms // size}{unit}"
    return f"{ms}ms" if ms % 1000 else f"{ms // 1000}s"
