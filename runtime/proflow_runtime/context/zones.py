"""The default time zone, for crons and for times that name none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from proflow_schemas.times import UTC_NAME, timezone_named

from proflow_runtime.context.environment import General, read

_default: ContextVar[str | None] = ContextVar("proflow_timezone", default=None)


def named_default() -> str | None:
    """Return the configured default time zone, or None if there is none.

    Raises:
        TimeError: If the tz database does not contain the one of `defaulting_to`.
        EnvironmentVariableError: If it does not contain the one of `PROFLOW_TIMEZONE`.
    """
    name = _default.get()
    if name is not None:
        timezone_named(name)
        return name
    return read(General).timezone


def default_timezone() -> str:
    """Return the default time zone: the configured one, else UTC.

    Raises:
        TimeError: If the tz database does not contain the one of `defaulting_to`.
        EnvironmentVariableError: If it does not contain the one of `PROFLOW_TIMEZONE`.
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
