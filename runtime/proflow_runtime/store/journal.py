"""Writes and reads the journal of the local engine, one batch of rows in each transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tortoise.exceptions import OperationalError

from proflow_runtime.store.database import connection, is_sqlite, transaction
from proflow_runtime.store.drivers import PASSING_ERRORS
from proflow_runtime.store.ownership import Ownership

PAGE = 5_000
"""How many rows are read or deleted at once."""
Row = tuple[Any, ...]


class Unavailable(Exception):
    """The database cannot be reached now; a later attempt may succeed."""


@dataclass(slots=True)
class Batch:
    """Rows to write, by table; a row that is written and deleted in one batch is only deleted."""

    runs: list[Row] = field(default_factory=list)
    """`(id, origin, progress)`"""
    moved: list[Row] = field(default_factory=list)
    """`(progress, id)`"""
    ended: list[Row] = field(default_factory=list)
    """`(progress, ended_at, id)`; their steps and requests go with them."""
    memos: list[Row] = field(default_factory=list)
    """`(run_id, step, memo)`, in order of settling"""
    steps: list[Row] = field(default_factory=list)
    """`(id, run_id, state)`"""
    dropped_steps: list[Row] = field(default_factory=list)
    requests: list[Row] = field(default_factory=list)
    """`(id, run_id, state)`"""
    dropped_requests: list[Row] = field(default_factory=list)
    keys: list[Row] = field(default_factory=list)
    """`(id, state, expires_at)`"""
    dropped_keys: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class SavedRun:
    """A run that had not ended, as the journal holds it."""

    id: str
    origin: str
    progress: str
    memos: list[tuple[str, str]] = field(default_factory=list)
    """`(step, memo)`, in order of settling"""
    steps: list[str] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    """`(id, state)`, in order of being queued"""


def _put(table: str, columns: str, *, replace: str = "") -> str:
    count = columns.count(",") + 1
    statement = (
        f"INSERT INTO proflow_journal_{table} ({columns}) VALUES ({', '.join(['?'] * count)})"
    )
    if not replace:
        # A batch is written again if its commit was not confirmed.
        return f"{statement} ON CONFLICT DO NOTHING"
    changes = ", ".join(f"{name} = excluded.{name}" for name in replace.split(", "))
    return f"{statement} ON CONFLICT (id) DO UPDATE SET {changes}"


RUNS = "proflow_journal_runs"
STATEMENTS: tuple[tuple[str, str], ...] = (
    ("runs", _put("runs", "id, origin, progress")),
    ("moved", f"UPDATE {RUNS} SET progress = ? WHERE id = ?"),
    ("memos", _put("memos", "run_id, step, memo")),
    ("steps", _put("steps", "id, run_id, state", replace="state")),
    ("dropped_steps", "DELETE FROM proflow_journal_steps WHERE id = ?"),
    ("requests", _put("requests", "id, run_id, state", replace="state")),
    ("dropped_requests", "DELETE FROM proflow_journal_requests WHERE id = ?"),
    ("keys", _put("keys", "id, state, expires_at", replace="state, expires_at")),
    ("dropped_keys", "DELETE FROM proflow_journal_keys WHERE id = ?"),
    ("ended", f"UPDATE {RUNS} SET progress = ?, ended_at = ? WHERE id = ?"),
)
OF_ENDED = (
    "DELETE FROM proflow_journal_steps WHERE run_id = ?",
    "DELETE FROM proflow_journal_requests WHERE run_id = ?",
)


async def write(ownership: Ownership, batch: Batch) -> None:
    """Write a batch in one transaction.

    Args:
        ownership: The right to write the journal.
        batch: The rows.

    Raises:
        Unavailable: If the database cannot be reached; the batch may be written again.
        OwnershipLost: If another process has taken over the journal.
    """
    async with _answering(), transaction() as client:
        await ownership.check()
        for name, statement in STATEMENTS:
            rows: list[Row] = getattr(batch, name)
            if rows:
                await client.execute_many(_dialect(statement), [list(row) for row in rows])
        if batch.ended:
            ids = [[row[-1]] for row in batch.ended]
            for statement in OF_ENDED:
                await client.execute_many(_dialect(statement), ids)


async def regain(ownership: Ownership) -> None:
    """Make sure, after `Unavailable`, that this process still owns the journal; raises as `write`."""
    async with _answering():
        await ownership.regain()


async def load() -> tuple[list[SavedRun], list[str]]:
    """Load the runs that have not ended, in the order they were queued, and the states of keys."""
    runs = {
        row["id"]: SavedRun(row["id"], row["origin"], row["progress"])
        async for row in _pages(f"SELECT * FROM {RUNS} WHERE ended_at IS NULL AND id > ?", "id", "")
    }
    of_live = f"run_id IN (SELECT id FROM {RUNS} WHERE ended_at IS NULL)"
    async for row in _pages(
        f"SELECT * FROM proflow_journal_memos WHERE {of_live} AND id > ?", "id", 0
    ):
        runs[row["run_id"]].memos.append((row["step"], row["memo"]))
    async for row in _pages("SELECT * FROM proflow_journal_steps WHERE id > ?", "id", ""):
        runs[row["run_id"]].steps.append(row["state"])
    async for row in _pages("SELECT * FROM proflow_journal_requests WHERE id > ?", "id", ""):
        runs[row["run_id"]].requests.append((row["id"], row["state"]))
    keys = [
        row["state"]
        async for row in _pages("SELECT * FROM proflow_journal_keys WHERE id > ?", "id", "")
    ]
    return list(runs.values()), keys


async def prune(ended_before: int, now: int) -> int:
    """Delete runs that ended before a time, and expired keys.

    Args:
        ended_before: The time for runs, in milliseconds since 1970.
        now: The current time, in milliseconds since 1970.

    Returns:
        How many runs were deleted.
    """
    await _deleted("keys", "SELECT id FROM proflow_journal_keys WHERE expires_at < ? LIMIT ?", now)
    ended = f"SELECT id FROM {RUNS} WHERE ended_at < ? LIMIT ?"
    count = 0
    while True:
        async with _answering(), transaction() as client:
            rows = await client.execute_query_dict(_dialect(ended), [ended_before, PAGE])
            ids = [[row["id"]] for row in rows]
            if ids:
                for table, column in (("memos", "run_id"), ("runs", "id")):
                    statement = f"DELETE FROM proflow_journal_{table} WHERE {column} = ?"
                    await client.execute_many(_dialect(statement), ids)
        count += len(ids)
        if len(ids) < PAGE:
            return count


async def _deleted(table: str, chosen: str, before: int) -> None:
    statement = f"DELETE FROM proflow_journal_{table} WHERE id IN ({chosen})"
    deleted = PAGE
    while deleted == PAGE:
        async with _answering():
            deleted, _ = await connection().execute_query(_dialect(statement), [before, PAGE])


async def _pages(select: str, key: str, after: str | int) -> AsyncIterator[dict[str, Any]]:
    """Iterate over all rows in the order of a key, reading one page at a time."""
    statement = _dialect(f"{select} ORDER BY {key} LIMIT {PAGE}")
    while True:
        rows: Sequence[dict[str, Any]] = await connection().execute_query_dict(statement, [after])
        for row in rows:
            yield row
        if len(rows) < PAGE:
            return
        after = rows[-1][key]


def _dialect(statement: str) -> str:
    """Write the parameters of a statement in the way of the database."""
    if is_sqlite():
        return statement
    first, *rest = statement.split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(rest, 1))


@asynccontextmanager
async def _answering() -> AsyncIterator[None]:
    """Turn errors that may not occur again into `Unavailable`."""
    try:
        yield
    except OperationalError as error:
        # On SQLite a full disk or a lock; on PostgreSQL it means a wrong statement.
        if not is_sqlite():
            raise
        raise Unavailable(str(error)) from error
    except PASSING_ERRORS as error:
        raise Unavailable(str(error) or type(error).__name__) from error
