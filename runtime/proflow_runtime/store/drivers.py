"""What the databases' drivers raise; the one of PostgreSQL is optional."""

import sqlite3

from tortoise.exceptions import DBConnectionError

from proflow_runtime.context.extras import is_installed

DRIVER_ERRORS: tuple[type[Exception], ...] = (OSError, TimeoutError, sqlite3.Error)
"""Whatever a driver raises."""
PASSING_ERRORS: tuple[type[Exception], ...] = (
    *(OSError, TimeoutError, sqlite3.OperationalError, DBConnectionError),
)
"""The database does not answer now; it may later."""

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
