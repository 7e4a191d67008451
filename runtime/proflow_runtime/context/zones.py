"""The default time zone, for crons and for times that name none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from proflow_schemas.times import UTC_NAME, timezone_named

TIMEZONE = "PROFLOW_TIMEZONE"
"""The environment variable with the default time zone."""

_default: ContextVar[str | None] = ContextVar("proflow_timezone", default=None)


def named_default() -> str | None:
    """Return the configured default time zone, or None if there is none.

    Raises:
        TimeError: If the tz database does not contain it.
    """
    name = _default.get() or os.environ.get(TIMEZONE) or None
    if name is not None:
        timezone_named(name)
    return name


def default_timezone() -> str:
    """Return the default time zone: the configured one, else UTC.

    Raises:
        TimeError: If the tz database does not contain it.
    """
    return named_default() or UTC_NAME


@contextmanager
def defaulting_to(timezone: str | None) -> Iterator[None]:
    """Use another default time zone within a block; None changes nothing."""
    token = _default.set(timezone or _default.get())
    try:
        yield
    finally:
        _default.reset(token)
