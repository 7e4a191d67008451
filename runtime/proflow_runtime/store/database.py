"""The database of a process: where it is, how it is opened, and how its tables come up to date.

Tortoise finds its connections through context variables. What needs the database has to run in a
task that was started *inside* `async with connect(…)` (tasks inherit the context they are created
in). A server that is started there, as `proflow serve` does, shows it to all requests. The lifespan
of an ASGI application is a task of its own whose context requests do not inherit: there, connect
with `everywhere=True`, or with Tortoise's `RegisterTortoise`, which does the same.

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
URL_VARIABLE = "PROFLOW_DATABASE_URL"
BUSY_TIMEOUT = 10_000
"""Milliseconds that SQLite waits for another process's transaction."""
CONNECT_TIMEOUT = 10
"""Seconds that PostgreSQL is given to answer."""
POOL = 10
"""Connections to PostgreSQL, at most; `?maxsize=` of the URL sets another number."""
MIGRATION_LOCK = 0x70726F666C6F77
"""Of PostgreSQL's advisory locks: who holds it migrates."""
SCHEMES = ("sqlite", "postgres", "postgresql")
POSTGRES_OPTIONS = {
    *("host", "ssl", "sslmode", "schema", "application_name", "timeout", "command_timeout"),
    *("minsize", "maxsize", "statement_cache_size", "max_inactive_connection_lifetime"),
}


class DatabaseError(ProFlowError):
    """Why a database cannot be used. `help`: what to do, if that is known."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class SchemaBehindError(DatabaseError):
    """The tables are older than this program."""


def tortoise_app(connection: str = "default") -> dict[str, Any]:
    """What a host puts under `apps`, as `proflow`, in the config of its own `Tortoise.init`.

    Args:
        connection: The name of the connection, in that config, which holds the tables.

    Returns:
        Models, migrations and connection of the app.
    """
    return {
        "models": ["proflow_runtime.store.models"],
        "migrations": "proflow_runtime.store.migrations",
        "default_connection": connection,
    }


def tortoise_config(url: str) -> dict[str, Any]:
    """The whole config of Tortoise for a database of our own. Raises `DatabaseError`."""
    config = _connection_config(url)
    # Tortoise keeps statements by the connection's name: it must tell one database from another.
    name = config["engine"].rpartition(".")[2]
    return {"connections": {name: config}, "apps": {APP: tortoise_app(name)}}


def shown(url: str) -> str:
    """A URL without its password."""
    return re.sub(r"(?<=://)([^/@:]*):.*@", r"\1:***@", url)


@asynccontextmanager
async def connect(
    url: str = DEFAULT_URL, *, everywhere: bool = False, current: bool = True
) -> AsyncIterator[TortoiseContext]:
    """Open the database, for all that runs inside.

    A SQLite file is created, and its tables are brought up to date; those of PostgreSQL are looked
    at only.

    Args:
        url: `sqlite://FILE` or `postgres://USER:PASSWORD@HOST/DATABASE`.
        everywhere: Also tasks that were not started inside see it; one such at a time.
        current: Whether the tables have to be up to date.

    Yields:
        Tortoise's context.

    Raises:
        DatabaseError: The database cannot be used, or its tables are behind.
        MissingExtraError: It is PostgreSQL, and the extra `postgres` is not installed.
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
    """Open a database that is there, as `connect` does; makes no file and no tables.

    Raises `SchemaBehindError` where they are missing or behind, and `DatabaseError`.
    """
    _require_file(url)
    async with connect(url, current=False) as context:
        if pending := await pending_migrations():
            raise _behind(url, pending)
        yield context


def connection() -> BaseDBAsyncClient:
    """The connection that holds the tables, or the transaction on it that this task is in."""
    return InngestTask._meta.db


def is_sqlite() -> bool:
    return connection().capabilities.dialect == "sqlite"


@asynccontextmanager
async def transaction() -> AsyncIterator[TransactionalDBClient]:
    """A transaction on the connection that holds the tables; in another one, a savepoint of it.

    On SQLite it may write from the start: one that reads first and writes later fails when another
    process has written in between.
    """
    nested = isinstance(connection(), TransactionalDBClient)
    context = in_transaction(connection().connection_name)
    client = await _begun(context)
    async with AsyncExitStack() as stack:
        stack.push_async_exit(context)
        if not nested and is_sqlite():
            await client.execute_query("COMMIT")
            await client.execute_query("BEGIN IMMEDIATE")
        yield client


async def _begun(context: TransactionContext) -> TransactionalDBClient:
    """Begin a transaction; one that fails or is cancelled meanwhile gives its connection back.

    Tortoise would keep it: everything would wait for SQLite's only one for ever, and PostgreSQL's
    pool be short of one.
    """
    try:
        return await context.__aenter__()
    except BaseException as error:
        if hasattr(context, "token"):  # it has a connection
            # What has not begun cannot always be rolled back; the connection is given back anyhow.
            with suppress(TransactionManagementError, *DRIVER_ERRORS):
                await context.__aexit__(type(error), error, error.__traceback__)
        raise


async def migrate() -> list[str]:
    """Bring the tables up to date, in one transaction.

    Processes that do so at once wait for each other. To be called before others use the connection.

    Returns:
        The names of the migrations that it took.

    Raises:
        DatabaseError: Rows refer to rows that are missing.
    """
    sqlite = is_sqlite()
    if sqlite:
        # Tables are altered by copying them, and dropping the old one would delete what refers to
        # it; inside a transaction this cannot be switched.
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
    """The migrations that the tables lack. Raises `DatabaseError` if they are newer than we are."""
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
    """Creates its table inside the transaction: scripts would end it on SQLite."""

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
    """Open a SQLite file as its driver would, whose thread outlives a failure to open it."""
    for one in config["connections"].values():
        if "file_path" in one["credentials"]:
            with closing(sqlite3.connect(one["credentials"]["file_path"])) as opened:
                opened.execute("PRAGMA schema_version")


def _require_file(url: str) -> None:
    """Raises `DatabaseError` for a SQLite database whose file is missing."""
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
    """Tortoise's config of a connection. Raises `DatabaseError` and `MissingExtraError`."""
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
    # The time-out comes first: the first process to open a file waits when it changes the journal.
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
    """Why a database that was found could not be used, from what its driver says."""
    reason = str(error).strip() or type(error).__name__
    message = f"cannot use the database `{shown(url)}`: {reason}"
    if url.startswith("sqlite"):
        folder = Path(_connection_config(url)["credentials"]["file_path"]).parent
        effective = os.access in os.supports_effective_ids
        if not os.access(folder, os.W_OK | os.X_OK, effective_ids=effective):
            return DatabaseError(message, f"the folder `{folder}` must exist and be writable")
    return DatabaseError(message)
