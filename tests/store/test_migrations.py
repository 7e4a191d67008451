"""The tables that migrations make, from nothing, at once, and after a crash."""

import asyncio
import subprocess
import sys

import pytest
from proflow_runtime.store.database import (
    APP,
    DatabaseError,
    connect,
    connection,
    is_sqlite,
    migrate,
    pending_migrations,
    tortoise_app,
)
from proflow_runtime.store.models import MODELS, InngestTask
from tortoise.context import require_context
from tortoise.exceptions import OperationalError
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.migration import Migration

pytestmark = pytest.mark.anyio
COLUMNS = {
    True: "SELECT m.name || '.' || c.name AS name, c.type AS type, c.\"notnull\" AS required"
    " FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'",
    False: "SELECT table_name || '.' || column_name AS name, data_type AS type,"
    " is_nullable = 'NO' AS required FROM information_schema.columns"
    " WHERE table_schema = 'public'",
}
INDEXES = {
    True: "SELECT tbl_name, sql FROM sqlite_master WHERE type = 'index' ORDER BY 1, 2",
    False: "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2",
}


async def test_models_and_migrations_agree(database: str) -> None:
    """If not: `make migrations`."""
    apps = require_context().apps
    assert apps is not None
    changes = await MigrationAutodetector(apps, {APP: tortoise_app()}).changes()
    assert [one.as_string() for one in changes] == []


async def test_migrations_make_the_tables_that_the_models_describe(empty_url: str) -> None:
    async with connect(empty_url, current=False):
        await migrate()
        migrated = await _tables()
    await _emptied(empty_url)
    async with connect(empty_url, current=False):
        await require_context().generate_schemas()
        described = await _tables()
    assert described == migrated
    assert len({name.partition(".")[0] for name, *_ in migrated[0]}) == len(MODELS)


async def _tables() -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Columns and indexes of our tables."""
    columns = await connection().execute_query_dict(COLUMNS[is_sqlite()])
    indexes = await connection().execute_query_dict(INDEXES[is_sqlite()])
    skipped = ("tortoise_", "sqlite_")
    return tuple(
        sorted(
            (
                tuple(row.values())
                for row in rows
                if not str(next(iter(row.values()))).startswith(skipped)
            ),
            key=repr,
        )
        for rows in (columns, indexes)
    )  # type: ignore[return-value]


async def _emptied(url: str) -> None:
    async with connect(url, current=False):
        if not is_sqlite():
            await connection().execute_script("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            return
        await connection().execute_query("PRAGMA foreign_keys=OFF")
        rows = await connection().execute_query_dict(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        for row in rows:
            await connection().execute_query(f'DROP TABLE "{row["name"]}"')


PROGRAM = """
import asyncio, sys
from proflow_runtime.store.database import connect, migrate
async def main(url):
    async with connect(url, current=False):
        print(*await migrate())
sys.stdin.readline()
asyncio.run(main(sys.argv[1]))
"""


def test_processes_that_migrate_at_once_wait_for_each_other(empty_url: str) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, empty_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for one in started:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    ended = [one.communicate(timeout=60) for one in started]
    assert [err for _, err in ended] == [""] * 4
    assert sorted(out for out, _ in ended) == ["\n", "\n", "\n", "0001_initial\n"]


async def test_connections_that_migrate_at_once_wait_for_each_other(empty_url: str) -> None:
    async def upgrade() -> list[str]:
        async with connect(empty_url, current=False):
            return await migrate()

    done = await asyncio.gather(*(asyncio.create_task(upgrade()) for _ in range(5)))
    assert sorted(done) == [[], [], [], [], ["0001_initial"]]


async def test_a_migration_that_fails_leaves_nothing(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As does a process that dies in one: it is one transaction with the note that it was done."""

    async def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    apply = Migration.apply

    async def apply_and_fail(self: Migration, *arguments: object, **options: object) -> None:
        await apply(self, *arguments, **options)  # type: ignore[arg-type]
        if options.get("schema_editor") is not None:
            await fail()

    async with connect(empty_url, current=False):
        with monkeypatch.context() as patched:
            patched.setattr(Migration, "apply", apply_and_fail)
            with pytest.raises(ZeroDivisionError):
                await migrate()
        with pytest.raises(OperationalError):
            await InngestTask.all().count()
        assert await pending_migrations() == ["0001_initial"]
        assert await migrate() == ["0001_initial"]
        assert await InngestTask.all().count() == 0
        if is_sqlite():
            (row,) = await connection().execute_query_dict("PRAGMA foreign_keys")
            assert row["foreign_keys"] == 1


async def test_rows_that_refer_to_nothing_stop_a_migration_of_sqlite(tmp_path) -> None:
    url = f"sqlite://{tmp_path}/x.db"
    async with connect(url):
        await connection().execute_query("PRAGMA foreign_keys=OFF")
        await connection().execute_query(
            "INSERT INTO proflow_versions"
            " (tenant_id, number, canvas, digest, published_at, design_id)"
            " VALUES (1, 1, '{}', 'x', '2026-01-01', 99)"
        )
        with pytest.raises(DatabaseError, match="`proflow_versions` refer to rows"):
            await migrate()


def test_the_first_migration_is_what_the_command_writes() -> None:
    """What it writes today, formatted, is what is committed."""
    from proflow_runtime.store.migrations.__main__ import FIRST, written

    assert FIRST.read_text(encoding="utf-8") == written()


async def test_no_table_has_a_comment(database: str) -> None:
    """A `;` in one would end the statement on SQLite."""
    assert {model._meta.table_description for model in MODELS} == {""}
    fields = (field for model in MODELS for field in model._meta.fields_map.values())
    assert {field.description for field in fields} == {None}
