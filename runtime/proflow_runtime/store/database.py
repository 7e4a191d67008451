"""Opens the database of a process and migrates its tables.

Tortoise finds its connections through context variables, and a task inherits the context in which it
is created. Code that uses the database must therefore run in a task that was started *inside*
`async with connect(…)`. If a server is started there, as by `proflow serve`, all of its requests see
the database. The lifespan of an ASGI application is a task of its own, whose context requests do not
inherit: connect there with `everywhere=True`, or with Tortoise's `RegisterTortoise`, which does the
same.

A task that is started inside a transaction inherits the transaction, and must not outlive it.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from proflow_schemas.errors import ProFlowError
from tortoise.backends.base.client import (
    BaseDBAsyncClient,
    TransactionalDBClient,
    TransactionContext,
)
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.connection import get_connections
from tortoise.context import TortoiseContext
from tortoise.exceptions import BaseORMException, TransactionManagementError
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.transactions import in_transaction

from proflow_runtime.context.extras import require
from proflow_runtime.store.drivers import DRIVER_ERRORS
from proflow_runtime.store.models.tasks import InngestTask

APP = "proflow"
"""The label of the app that the models belong to."""
DEFAULT_URL = "sqlite://proflow.db"
BUSY_TIMEOUT = 10_000
"""Milliseconds that SQLite waits for another process's transaction."""
CONNECT_TIMEOUT = 10
"""Seconds to wait for a connection to PostgreSQL."""
POOL = 10
"""The largest number of connections to PostgreSQL; `?maxsize=` of the URL sets another one."""
MIGRATION_LOCK = 0x70726F666C6F77
"""The key of PostgreSQL's advisory lock that a process holds while it migrates."""
SCHEMES = ("sqlite", "postgres", "postgresql")
POSTGRES_OPTIONS = {
    *("host", "ssl", "sslmode", "schema", "application_name", "timeout", "command_timeout"),
    *("minsize", "maxsize", "statement_cache_size", "max_inactive_connection_lifetime"),
}


class DatabaseError(ProFlowError):
    """The database cannot be used.

    Attributes:
        message: Why.
        help: What to do about it, or None.
    """

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class SchemaBehindError(DatabaseError):
    """The tables are older than this program."""


def tortoise_app(connection: str = "default") -> dict[str, Any]:
    """Describe the tables for the configuration of a host's own `Tortoise.init`.

    Args:
        connection: The name of the connection, in that configuration, that holds the tables.

    Returns:
        The models, migrations and connection of the app, to be put under `apps` as `proflow`.
    """
    return {
        "models": ["proflow_runtime.store.models"],
        "migrations": "proflow_runtime.store.migrations",
        "default_connection": connection,
    }


def tortoise_config(url: str) -> dict[str, Any]:
    """Build the whole configuration of Tortoise for a database that holds these tables only.

    Args:
        url: The URL of the database, as `connect` takes it.

    Raises:
        DatabaseError: If the URL is invalid.
    """
    config = _connection_config(url)
    # Tortoise caches statements by the connection's name, so each kind of database has its own.
    name = config["engine"].rpartition(".")[2]
    return {"connections": {name: config}, "apps": {APP: tortoise_app(name)}}


def shown(url: str) -> str:
    """Hide the password of a URL, for messages."""
    return re.sub(r"(?<=://)([^/@:]*):.*@", r"\1:***@", url)


@asynccontextmanager
async def connect(
    url: str = DEFAULT_URL, *, everywhere: bool = False, current: bool = True
) -> AsyncIterator[TortoiseContext]:
    """Open the database for the code inside the context.

    A SQLite file is created if it is missing, and its tables are migrated. The tables of PostgreSQL
    are only checked.

    Args:
        url: `sqlite://FILE` or `postgres://USER:PASSWORD@HOST/DATABASE`.
        everywhere: True to make the database visible to tasks that were not started inside, too.
            Only one such connection can be open at a time.
        current: True to require up-to-date tables.

    Yields:
        Tortoise's context.

    Raises:
        DatabaseError: If the database cannot be used, or its tables need a migration.
        MissingExtraError: If it is PostgreSQL, and the extra `postgres` is not installed.
    """
    config = tortoise_config(url)
    async with TortoiseContext() as context:
        try:
            _probe(config)
            await context.init(config, _enable_global_fallback=everywhere)
            await connection().execute_query("SELECT 1")
            if current:
                await _made_current(url)
        except BaseORMException as error:
            raise _unusable(url, error) from error
        except DRIVER_ERRORS as error:
            raise _unusable(url, error) from error
        yield context


@asynccontextmanager
async def connect_unchanged(url: str) -> AsyncIterator[TortoiseContext]:
    """Open an existing database, like `connect`, without creating or migrating anything.

    Args:
        url: The URL of the database, as `connect` takes it.

    Yields:
        Tortoise's context.

    Raises:
        SchemaBehindError: If the tables are missing or need a migration.
        DatabaseError: If the database cannot be used.
    """
    _require_file(url)
    async with connect(url, current=False) as context:
        if pending := await pending_migrations():
            raise _behind(url, pending)
        yield context


def connection() -> BaseDBAsyncClient:
    """Return the connection to the tables, or this task's current transaction on it."""
    return InngestTask._meta.db


def is_sqlite() -> bool:
    return connection().capabilities.dialect == "sqlite"


@asynccontextmanager
async def transaction() -> AsyncIterator[TransactionalDBClient]:
    """Open a transaction on the tables, or a savepoint if this task is already in a transaction.

    On SQLite the transaction takes the write lock at once: one that reads first and writes later
    fails if another process has written in between.

    Yields:
        The client that executes queries in the transaction.
    """
    nested = isinstance(connection(), TransactionalDBClient)
    context = in_transaction(connection().connection_name)
    client = await _begun(context)
    async with AsyncExitStack() as stack:
        stack.callback(_leave, context, client)
        stack.push_async_exit(context)
        if not nested and is_sqlite():
            await client.execute_query("COMMIT")
            await client.execute_query("BEGIN IMMEDIATE")
        yield client


async def _begun(context: TransactionContext) -> TransactionalDBClient:
    """Begin a transaction, and release its connection if that fails or is cancelled.

    Tortoise would keep the connection: everything would wait for SQLite's only connection for ever,
    and PostgreSQL's pool would lose one.
    """
    try:
        return await context.__aenter__()
    except BaseException as error:
        if hasattr(context, "token"):  # it has a connection
            # A transaction that has not begun cannot always be rolled back; the connection is
            # released in any case.
            with suppress(TransactionManagementError, *DRIVER_ERRORS):
                await context.__aexit__(type(error), error, error.__traceback__)
            tried: Any = context  # that of SQLite calls its client a connection
            _leave(context, tried.client if hasattr(tried, "client") else tried.connection)
        raise


def _leave(context: TransactionContext, client: TransactionalDBClient) -> None:
    """Make sure that a transaction that is over is not the task's own any more.

    Tortoise leaves it so if its connection cannot be released, because the server has gone: the task
    would use the dead connection for ever.
    """
    token = getattr(context, "token", None)
    if token is not None and connection() is client:
        get_connections().reset(token)


async def migrate() -> list[str]:
    """Migrate the tables to the newest schema, in one transaction.

    Processes that migrate at the same time wait for each other. Call it inside `connect`, before
    other code uses the connection.

    Returns:
        The names of the migrations that were applied, in order.

    Raises:
        DatabaseError: If rows refer to rows that are missing.
    """
    sqlite = is_sqlite()
    if sqlite:
        # SQLite alters a table by copying it, and dropping the old table would delete the rows
        # that refer to it. The pragma has no effect inside a transaction.
        await connection().execute_query("PRAGMA foreign_keys=OFF")
    try:
        async with transaction() as client:
            if not sqlite:
                await client.execute_query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK])
            executor = _executor(client)
            await executor.recorder.ensure_schema(executor._schema_editor())
            plan = await executor.plan()
            await executor.migrate()
            if sqlite:
                _, broken = await client.execute_query("PRAGMA foreign_key_check")
                if broken:
                    raise DatabaseError(f"rows of `{broken[0][0]}` refer to rows that are missing")
    finally:
        if sqlite:
            await connection().execute_query("PRAGMA foreign_keys=ON")
    return [step.migration.name for step in plan]


async def pending_migrations() -> list[str]:
    """List the migrations that have not been applied to the tables.

    Raises:
        DatabaseError: If the tables are newer than this program.
    """
    executor = _executor(connection())
    plan = await executor.plan()
    unknown = {
        key.name
        for key in executor.loader.applied_migrations - executor.loader.disk_migrations.keys()
        if key.app_label == APP
    }
    if unknown:
        raise DatabaseError(
            f"the tables are newer than this program: it does not know `{max(unknown)}`",
            "install the version of `proflow-inngest` that upgraded them, or a later one",
        )
    return [step.migration.name for step in plan]


class _Recorder(MigrationRecorder):
    """Creates its table with a single statement, since a script would end SQLite's transaction."""

    async def ensure_schema(self, schema_editor: BaseSchemaEditor) -> None:
        statement = schema_editor._get_model_sql_data(self.model).table_sql
        await schema_editor.client.execute_query(
            statement.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1)
        )


def _executor(client: BaseDBAsyncClient) -> MigrationExecutor:
    executor = MigrationExecutor(client, {APP: tortoise_app(client.connection_name)})
    executor.recorder = executor.loader.recorder = _Recorder(client)
    return executor


def _probe(config: dict[str, Any]) -> None:
    """Check that a SQLite file can be opened: the driver's thread would survive a failure."""
    for one in config["connections"].values():
        if "file_path" in one["credentials"]:
            # Only its owner may read it; SQLite gives its other files the same mode.
            try:
                os.close(os.open(one["credentials"]["file_path"], os.O_RDWR | os.O_CREAT, 0o600))
            except OSError:
                raise sqlite3.OperationalError("unable to open database file") from None
            with closing(sqlite3.connect(one["credentials"]["file_path"])) as opened:
                opened.execute("PRAGMA schema_version")


def _require_file(url: str) -> None:
    """Raise `DatabaseError` if the file of a SQLite database is missing."""
    file = _connection_config(url)["credentials"].get("file_path")
    if file is not None and not Path(file).exists():
        raise DatabaseError(f"there is no database `{shown(url)}`")


async def _made_current(url: str) -> None:
    pending = await pending_migrations()
    if pending and is_sqlite():
        await migrate()
    elif pending:
        raise _behind(url, pending)


def _behind(url: str, pending: list[str]) -> SchemaBehindError:
    return SchemaBehindError(
        f"the tables of `{shown(url)}` are behind: `{pending[0]}` is missing",
        "run `proflow db upgrade`",
    )


def _connection_config(url: str) -> dict[str, Any]:
    """Build Tortoise's configuration of a connection.

    Raises `DatabaseError` if the URL is invalid, `MissingExtraError` if its driver is not installed.
    """
    scheme = url.partition("://")[0]
    if "://" not in url or scheme not in SCHEMES:
        raise DatabaseError(
            f"`{shown(url)}` is no URL of a database",
            "give `sqlite://FILE` or `postgres://USER:PASSWORD@HOST/DATABASE`",
        )
    if scheme != "sqlite":
        require("postgres", f"a database at `{scheme}://`")
    try:
        config = expand_db_url(url)
    except (ValueError, BaseORMException) as error:
        raise DatabaseError(f"`{shown(url)}` is no URL of a database: {error}") from error
    config["credentials"] = (
        _sqlite_credentials(url, config["credentials"])
        if scheme == "sqlite"
        else _postgres_credentials(url, config["credentials"])
    )
    return config


def _sqlite_credentials(url: str, given: dict[str, Any]) -> dict[str, Any]:
    file = given["file_path"]
    if file == ":memory:":
        raise DatabaseError("a database in memory is lost with its connection", "name a file")
    for name, value in given.items():
        if name != "file_path" and not re.fullmatch(r"\w+=-?\w+", f"{name}={value}"):
            raise DatabaseError(f"`{shown(url)}` sets `{name}` to what no pragma takes")
    # The timeout is set first, because setting the journal mode may have to wait already.
    return {
        "file_path": unquote(file),
        "busy_timeout": BUSY_TIMEOUT,
        **_without(given, "file_path"),
    }


def _postgres_credentials(url: str, given: dict[str, Any]) -> dict[str, Any]:
    named = {"user", "password", "database", "host", "port"}
    if unknown := given.keys() - named - POSTGRES_OPTIONS:
        raise DatabaseError(f"`{shown(url)}` has an unknown option `{min(unknown)}`")
    if given["database"] is None:
        raise DatabaseError(f"`{shown(url)}` names no database")
    credentials = {"maxsize": POOL, "timeout": CONNECT_TIMEOUT, "application_name": APP, **given}
    for name in ("user", "database"):
        credentials[name] = credentials[name] and unquote(credentials[name])
    if "sslmode" in credentials:
        credentials["ssl"] = credentials.pop("sslmode")
    return credentials


def _without(given: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key != name}


def _unusable(url: str, error: Exception) -> DatabaseError:
    """Explain why a database could not be used, from the error of its driver."""
    reason = str(error).strip() or type(error).__name__
    message = f"cannot use the database `{shown(url)}`: {reason}"
    if url.startswith("sqlite"):
        folder = Path(_connection_config(url)["credentials"]["file_path"]).parent
        effective = os.access in os.supports_effective_ids
        if not os.access(folder, os.W_OK | os.X_OK, effective_ids=effective):
            return DatabaseError(message, f"the folder `{folder}` must exist and be writable")
    return DatabaseError(message)
