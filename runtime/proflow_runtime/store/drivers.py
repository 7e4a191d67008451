"""The errors that the drivers of databases raise; the driver of PostgreSQL is optional."""

import sqlite3

from tortoise.exceptions import (
    DBConnectionError,
    OperationalError,
    TransactionManagementError,
)

from proflow_runtime.context.extras import is_installed

DRIVER_ERRORS: tuple[type[Exception], ...] = (OSError, TimeoutError, sqlite3.Error)
"""All errors of drivers."""
PASSING_ERRORS: tuple[type[Exception], ...] = (
    *(OSError, TimeoutError, sqlite3.OperationalError, DBConnectionError),
    TransactionManagementError,  # of a transaction whose connection was lost
)
"""Errors that may not occur again: the database cannot be reached now."""

if is_installed("postgres"):
    from asyncpg import exceptions as postgres

    # The last is of a connection that is lost while something else waits for it.
    DRIVER_ERRORS += (
        postgres.PostgresError,
        postgres.InterfaceError,
        postgres.InternalClientError,
    )
    PASSING_ERRORS += (
        postgres.InterfaceError,
        postgres.InternalClientError,
        postgres.PostgresConnectionError,
        postgres.OperatorInterventionError,
        postgres.InsufficientResourcesError,
        postgres.TransactionRollbackError,
    )


_PASSING_CODES = frozenset(
    {
        *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR),
        *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY),
    }
)
"""The primary result codes of SQLite that say something about the machine, not about the statement."""


def is_passing(error: BaseException) -> bool:
    """True if an error means that the database cannot be used now, but perhaps later.

    Args:
        error: An error that was raised while the database was used.
    """
    if isinstance(error, OperationalError) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, sqlite3.OperationalError):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _PASSING_CODES
    return isinstance(error, PASSING_ERRORS)
