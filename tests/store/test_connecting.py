"""Opening a database, and who sees it."""

import asyncio
import os

import pytest
from databases import KINDS, Postgres
from proflow_runtime.store.database import (
    DatabaseError,
    SchemaBehindError,
    connect,
    connection,
    migrate,
    pending_migrations,
    shown,
    tortoise_app,
    transaction,
)
from proflow_runtime.store.models import InngestTask
from tortoise import Tortoise, connections

pytestmark = pytest.mark.anyio
TASK = {"tenant_id": 1, "task_type": "approval", "inngest_function_id": "f"}


async def test_a_new_sqlite_file_has_its_tables(tmp_path) -> None:
    async with connect(f"sqlite://{tmp_path}/new.db"):
        assert await InngestTask.filter(tenant_id=1).all() == []
        (row,) = await connection().execute_query_dict("PRAGMA journal_mode")
        assert row["journal_mode"] == "wal"
        (row,) = await connection().execute_query_dict("PRAGMA foreign_keys")
        assert row["foreign_keys"] == 1
        (row,) = await connection().execute_query_dict("PRAGMA busy_timeout")
        assert row["timeout"] >= 5000


async def test_a_postgres_database_without_tables_asks_to_be_upgraded(postgres: Postgres) -> None:
    await postgres.execute("CREATE DATABASE without_tables")
    with pytest.raises(SchemaBehindError, match="0001_initial") as refused:
        async with connect(postgres.url("without_tables")):
            pass
    assert refused.value.help == "run `proflow db upgrade`"


async def test_tables_of_a_later_version_are_refused(database_url: str) -> None:
    async with connect(database_url):
        await connection().execute_query(
            "INSERT INTO tortoise_migrations (app, name, applied_at)"
            " VALUES ('proflow', '0999_later', '2026-01-01T00:00:00+00:00')"
        )
    with pytest.raises(DatabaseError, match="0999_later"):
        async with connect(database_url):
            pass


async def test_what_was_written_is_there_when_it_is_opened_again(database_url: str) -> None:
    async with connect(database_url):
        await InngestTask.create(**TASK)
    async with connect(database_url):
        assert await InngestTask.filter(tenant_id=1).count() == 1


async def test_tasks_that_are_started_inside_see_it(database: str) -> None:
    await asyncio.create_task(InngestTask.create(**TASK))
    assert await asyncio.gather(*(InngestTask.all().count() for _ in range(20))) == [1] * 20


async def test_tasks_from_elsewhere_see_it_only_if_it_is_open_everywhere(
    database_url: str,
) -> None:
    """As requests of an ASGI server do, which open nothing of what its lifespan opened."""
    for everywhere in (False, True):
        opened, done = asyncio.Event(), asyncio.Event()

        async def lifespan(everywhere=everywhere, opened=opened, done=done) -> None:
            async with connect(database_url, everywhere=everywhere):
                opened.set()
                await done.wait()

        task = asyncio.create_task(lifespan())
        await opened.wait()
        try:
            if everywhere:
                assert await InngestTask.all().count() == 0
            else:
                with pytest.raises(RuntimeError, match="No TortoiseContext"):
                    await InngestTask.all().count()
        finally:
            done.set()
            await task


async def test_a_host_adds_the_tables_to_its_own(database_url: str) -> None:
    """Under another connection than its first, which is how the store has to find its own."""
    name = f"workflows on {database_url.partition(':')[0]}"  # statements are kept by it
    config = {
        "connections": {"host": "sqlite://:memory:", name: database_url},
        "apps": {"proflow": tortoise_app(name)},
    }
    await Tortoise.init(config)
    try:
        async with transaction():
            await InngestTask.create(**TASK)
        assert [task.tenant_id for task in await InngestTask.filter(tenant_id=1).all()] == [1]
        assert await pending_migrations() == []
    finally:
        await connections.close_all()


async def undone() -> None:
    async with transaction():
        await InngestTask.create(**TASK)
        raise ZeroDivisionError


async def test_a_transaction_is_undone_as_a_whole_and_one_inside_it_by_itself(
    database: str,
) -> None:
    with pytest.raises(ZeroDivisionError):
        await undone()
    assert await InngestTask.all().count() == 0
    async with transaction():
        await InngestTask.create(**TASK)
        with pytest.raises(ZeroDivisionError):
            await undone()
    assert await InngestTask.all().count() == 1


async def test_two_connections_count_together(database_url: str) -> None:
    """Reading first and writing then, in transactions of two processes; none is refused."""
    async with connect(database_url):
        await InngestTask.create(**TASK, business_id=0)

    async def count() -> None:
        async with connect(database_url):
            for _ in range(10):
                async with transaction():
                    task = await InngestTask.select_for_update().get(tenant_id=1)
                    task.business_id += 1
                    await task.save()

    await asyncio.gather(*(asyncio.create_task(count()) for _ in range(3)))
    async with connect(database_url):
        assert (await InngestTask.get(tenant_id=1)).business_id == 30


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "no URL"),
        ("proflow.db", "no URL"),
        ("mysql://x/y", "no URL"),
        ("sqlite://", "no URL"),
        ("sqlite://:memory:", "in memory"),
        ("sqlite:///nowhere/at/all/x.db", "unable to open"),
        ("sqlite:///tmp", "unable to open"),
        ("sqlite://x.db?journal_mode=WAL;drop", "pragma"),
        ("postgres://u:secret@127.0.0.1:1/db", "Connect"),
        ("postgres://u:secret@127.0.0.1:port/db", "no URL"),
        ("postgres://u:secret@[::1/db", "no URL"),
        ("postgres://u:secret@nowhere.invalid/db", "nowhere|Name|name"),
        ("postgres://u:secret@127.0.0.1", "no database"),
        ("postgres://u:secret@127.0.0.1/db?nonsense=1", "unknown option `nonsense`"),
    ],
)
async def test_a_database_that_cannot_be_opened_says_why_without_its_password(
    url: str, message: str
) -> None:
    with pytest.raises(DatabaseError, match=message) as refused:
        async with connect(url):
            pass
    assert "secret" not in str(refused.value)


async def test_a_password_is_never_shown() -> None:
    assert shown("postgres://me:a:b%40c@host/db") == "postgres://me:***@host/db"
    assert shown("postgres://me:p@ss/word@host/db") == "postgres://me:***@host/db"
    assert shown("sqlite:///a/b.db") == "sqlite:///a/b.db"


async def test_a_file_that_is_no_database_is_refused(tmp_path) -> None:
    (tmp_path / "x.db").write_text("no database" * 100)
    with pytest.raises(DatabaseError, match="not a database"):
        async with connect(f"sqlite://{tmp_path}/x.db"):
            pass


async def test_a_folder_that_is_not_writable_is_told(tmp_path) -> None:
    tmp_path.chmod(0o555)
    user = os.geteuid()
    try:
        if user == 0:  # who writes anywhere
            os.seteuid(65534)
        with pytest.raises(DatabaseError, match="unable to open") as refused:
            async with connect(f"sqlite://{tmp_path}/x.db"):
                pass
    finally:
        os.seteuid(user)
        tmp_path.chmod(0o755)
    assert refused.value.help == f"the folder `{tmp_path}` must exist and be writable"


async def test_names_with_spaces_and_chinese_are_fine(tmp_path) -> None:
    async with connect(f"sqlite://{tmp_path}/我的 流程.db"):
        await InngestTask.create(**TASK)
    assert (tmp_path / "我的 流程.db").exists()


async def test_migrating_again_does_nothing(empty_url: str) -> None:
    async with connect(empty_url, current=False):
        assert await migrate() == ["0001_initial"]
        assert await migrate() == []
        assert await pending_migrations() == []
    async with connect(empty_url):
        assert await InngestTask.all().count() == 0


def test_both_kinds_of_databases_are_tested() -> None:
    assert KINDS == ("sqlite", "postgres")
