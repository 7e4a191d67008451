"""A transaction gives its connection back, however it ends."""

import asyncio
from contextlib import suppress

import pytest
from proflow_runtime.store.database import connection, transaction

pytestmark = pytest.mark.anyio


async def transact() -> None:
    async with transaction() as client:
        await client.execute_query("SELECT 1")


async def test_one_that_is_cancelled_at_any_moment_holds_up_no_other(database: str) -> None:
    ends = set()
    for moment in range(60):  # more than PostgreSQL's pool has connections
        task = asyncio.create_task(transact())
        for _ in range(moment):
            await asyncio.sleep(0 if moment < 30 else 0.0002)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        ends.add(task.cancelled())
        async with asyncio.timeout(10):
            await transact()
    assert True in ends
    async with asyncio.timeout(10):
        assert await connection().execute_query_dict("SELECT 1 AS one") == [{"one": 1}]
