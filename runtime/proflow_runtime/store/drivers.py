"""The errors that the drivers of databases raise; the driver of PostgreSQL is optional."""

import sqlite3

from tortoise.exceptions import DBConnectionError

from proflow_runtime.context.extras import is_installed

DRIVER_ERRORS: tuple[type[Exception], ...] = (OSError, TimeoutError, sqlite3.Error)
"""All errors of drivers."""
PASSING_ERRORS: tuple[type[Exception], ...] = (
    *(OSError, TimeoutError, sqlite3.OperationalError, DBConnectionError),
)
"""Errors that may not occur again: the database cannot be reached now."""

if is_installed("postgres"):
    from asyncpg import exceptions as postgres

    DRIVER_ERRORS += (postgres.PostgresError, postgres.InterfaceError)
    PASSING_ERRORS += (
        postgres.InterfaceError,
        postgres.PostgresConnectionError,
        postgres.OperatorInterventionError,
        postgres.InsufficientResourcesError,
        postgres.TransactionRollbackError,
    )
