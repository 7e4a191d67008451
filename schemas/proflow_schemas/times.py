"""Reads times of designs and events, and finds time zones."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from proflow_schemas.errors import ProFlowError
from proflow_schemas.language import Text, Texts

TEXTS = Texts(
    "time",
    {
        "no-zone": Text("there is no time zone `{name:raw}`", "时区 `{name:raw}` 不存在"),
        "kind": Text("not a text or a number", "不是文本或数字"),
        "not-iso": Text("`{text:raw}` is not an ISO 8601 time", "`{text:raw}` 不是 ISO 8601 时间"),
        "early": Text("`{text:raw}` is before the year {year}", "`{text:raw}` 早于 {year} 年"),
        "late": Text("`{text:raw}` is after the year 9999", "`{text:raw}` 晚于 9999 年"),
        "early-number": Text(
            "`{shown:raw}` is before the year {year}, as seconds or milliseconds",
            "`{shown:raw}` 按秒或毫秒计算都早于 {year} 年",
        ),
        "late-number": Text(
            "`{shown:raw}` is after the year 9999, as seconds or milliseconds",
            "`{shown:raw}` 按秒或毫秒计算都晚于 9999 年",
        ),
        "neither": Text(
            "`{shown:raw}` is before the year {year} in milliseconds, and after the year "
            "9999 in seconds",
            "`{shown:raw}` 按毫秒计算早于 {year} 年，按秒计算晚于 9999 年",
        ),
    },
)

UTC_NAME = "UTC"
"""The time zone that applies if no other is known."""
EARLIEST_YEAR = 2000
"""The first year of times. An earlier time is a mistake: a number in another unit, or an empty field."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = 946_684_800
"""The year 2000 in seconds since 1970."""
_LATEST = 253_402_300_799
"""The end of the year 9999, in seconds since 1970. Python has no later times."""
_DIGITS = re.compile(r"[0-9]{9,20}(?:\.[0-9]{1,9})?", re.ASCII)
_TIME_OF_DAY = re.compile(
    r"(?:^|[T\s\d-])[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?$", re.ASCII
)
_CITIES = {"beijing": "Asia/Shanghai", "peking": "Asia/Shanghai", "shenzhen": "Asia/Shanghai"}
"""Cities whose time zone is named after another city."""
_CHINA = 8
"""The offset of China in hours, for which the zone `Asia/Shanghai` is suggested."""
_OFFSET = re.compile(r"(?:utc|gmt)?_?([+-])0?([0-9]{1,2})(?::?00)?", re.ASCII)
_ABBREVIATION = re.compile(r"[A-Za-z]{2,4}", re.ASCII)
_NO_ZONES = frozenset({"Factory", "localtime", "posixrules"})
"""Files of the tz database that are not time zones."""


class TimeError(ProFlowError, ValueError):
    """Raised when a value is not a time, or is out of range, and for unknown time zones."""


@cache
def timezones() -> frozenset[str]:
    """Return the names of all time zones of the tz database."""
    return frozenset(available_timezones()) - _NO_ZONES


def is_timezone(name: str) -> bool:
    """True if the tz database has a time zone of exactly this name."""
    return name in timezones()


def closest_timezone(name: str) -> str | None:
    """Return the time zone that an unknown name probably means; None if none is close."""
    folded = {one.lower(): one for one in sorted(timezones())}
    wanted = "_".join(name.lower().split())[:60]
    city = wanted.rpartition("/")[2]
    if (offset := _OFFSET.fullmatch(wanted)) is not None:
        return _with_offset(-1 if offset[1] == "-" else 1, int(offset[2]))
    if city in _CITIES:
        return _CITIES[city]
    if wanted in folded:
        return folded[wanted]
    if (found := next((one for one in folded if one.endswith(f"/{city}")), None)) is not None:
        return folded[found]
    if _ABBREVIATION.fullmatch(name):
        return None  # an abbreviation can mean several zones
    close = get_close_matches(wanted, folded, n=1)
    return folded[close[0]] if close else None


def _with_offset(sign: int, hours: int) -> str | None:
    """Return the time zone with a fixed offset from UTC; `sign` is 1 for ahead, -1 for behind."""
    if not hours:
        return UTC_NAME
    if sign * hours == _CHINA:
        return "Asia/Shanghai"
    name = f"Etc/GMT{'-' if sign > 0 else '+'}{hours}"  # these names have the opposite sign
    return name if is_timezone(name) else None


@lru_cache(maxsize=1024)
def timezone_named(name: str) -> ZoneInfo:
    """Return a time zone of the tz database.

    Raises:
        TimeError: If there is no time zone of this name.
    """
    if not is_timezone(name):
        raise TimeError(TEXTS("no-zone", name=name[:60]))
    return ZoneInfo(name)


def read_time(value: object, timezone: str = UTC_NAME) -> datetime:
    """Read a time.

    A text is ISO 8601; without an offset it is local time in `timezone`. A local time that occurs twice,
    because clocks are set back, means its first occurrence. One that is skipped, because clocks are set
    forward, moves forward by the same amount. A number counts seconds or milliseconds since 1970, which
    its size tells.

    Args:
        value: A text or a number.
        timezone: The name of a time zone.

    Returns:
        The time with a time zone.

    Raises:
        TimeError: If the value is not a time, is before the year 2000 or after 9999, or if there is no
            such time zone.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TimeError(TEXTS("kind"))
    if not isinstance(value, str):
        return _of_number(value, str(value))
    text = value.strip()
    if _DIGITS.fullmatch(text):
        return _of_number(float(text) if "." in text else int(text), text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise TimeError(TEXTS("not-iso", text=text[:60])) from None
    if found.year < EARLIEST_YEAR:
        raise TimeError(TEXTS("early", text=text[:60], year=EARLIEST_YEAR))
    if found.tzinfo is None:
        found = found.replace(tzinfo=timezone_named(timezone))
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise TimeError(TEXTS("late", text=text[:60])) from None


def _of_number(value: float, shown: str) -> datetime:
    """Read a number of milliseconds or of seconds; `shown` is how it was written."""
    if not value >= _EARLIEST:
        raise TimeError(TEXTS("early-number", shown=shown[:60], year=EARLIEST_YEAR))
    if value > _LATEST * 1000 + 999:
        raise TimeError(TEXTS("late-number", shown=shown[:60]))
    if value >= _EARLIEST * 1000:
        return _EPOCH + timedelta(milliseconds=value)
    if value > _LATEST:
        raise TimeError(TEXTS("neither", shown=shown[:60], year=EARLIEST_YEAR))
    return _EPOCH + timedelta(seconds=value)


def is_naive(text: str) -> bool:
    """True if a text is a time without an offset, or a template that ends with a time of day."""
    if "${" in text:
        return _TIME_OF_DAY.search(text.rsplit("}", 1)[-1]) is not None
    if _DIGITS.fullmatch(text.strip()):
        return False
    try:
        return datetime.fromisoformat(text.strip()).tzinfo is None
    except ValueError:
        return False
