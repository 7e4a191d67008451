"""The time zone of what names none: of crons, and of the times that delays wait for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from proflow_schemas.times import UTC_NAME, timezone_named

TIMEZONE = "PROFLOW_TIMEZONE"
"""The environment variable that names the default."""

_default: ContextVar[str | None] = ContextVar("proflow_timezone", default=None)


def named_default() -> str | None:
    """The default that somebody has named; None: nobody has.

    Raises `TimeError` for a name that the tz database does not have.
    """
    name = _default.get() or os.environ.get(TIMEZONE) or None
    if name is not None:
        timezone_named(name)
    return name


def default_timezone() -> str:
    """The time zone of designs that name none, where no tenant's is known. Raises `TimeError`."""
    return named_default() or UTC_NAME


@contextmanager
def defaulting_to(timezone: str | None) -> Iterator[None]:
    """Within this block another time zone is the default; None: the one that it is anyway."""
    token = _default.set(timezone or _default.get())
    try:
        yield
    finally:
        _default.reset(token)
