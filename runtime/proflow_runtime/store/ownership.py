"""Ensures that only one process at a time runs the local engine on a database."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import suppress
from typing import IO, Any

from proflow_runtime.store.database import (
    DatabaseError,
    connection,
    is_sqlite,
    transaction,
)
from proflow_runtime.store.drivers import DRIVER_ERRORS

ENGINE_LOCK = 0x70726F656E67
"""The key of PostgreSQL's advisory lock that the process with the engine holds."""
TRIES = 15
"""How often the lock is tried: a server may notice late that the holder of the lock has died."""
PAUSE = 0.2
"""Seconds between two tries."""


class JournalInUse(DatabaseError):
    """Another process runs the engine on this database."""


class OwnershipLost(DatabaseError):
    """Another process has taken over the journal; this one must not write to it any more."""


class Ownership:
    """The right of a process to write the journal; `epoch` increases with each new holder."""

    def __init__(self) -> None:
        self.epoch = 0
        self._lock: _FileLock | _AdvisoryLock = (
            _FileLock(f"{_file()}.engine") if is_sqlite() else _AdvisoryLock()
        )

    async def acquire(self) -> None:
        """Take the right; raises `JournalInUse` if another process has it."""
        await self._take()
        try:
            self.epoch = await self._next_epoch()
        except BaseException:
            await self._lock.release()
            raise

    async def regain(self) -> None:
        """Take the right again after the connection was lost; raises `OwnershipLost`."""
        await self._lock.release()
        try:
            await self._take()
        except JournalInUse as error:
            raise OwnershipLost(error.message, error.help) from error
        async with transaction():
            await self.check()

    async def release(self) -> None:
        """Give up the right."""
        await self._lock.release()

    async def check(self) -> None:
        """Make sure that no other process takes over before the current transaction ends.

        Raises:
            OwnershipLost: If another process has taken over already.
        """
        share = "" if is_sqlite() else " FOR SHARE"
        rows = await connection().execute_query_dict(
            f"SELECT epoch, process FROM proflow_journal_owner{share}"
        )
        if rows[0]["epoch"] != self.epoch:
            raise OwnershipLost(f"{rows[0]['process']} has taken over the local engine")

    async def _take(self) -> None:
        for tried in range(TRIES):
            if tried:
                await asyncio.sleep(PAUSE)
            if await self._lock.take():
                return
        rows = await connection().execute_query_dict("SELECT process FROM proflow_journal_owner")
        holder = rows[0]["process"] if rows else "another process"
        raise JournalInUse(
            f"{holder} runs the local engine on this database already",
            "stop it first, or give this one a database of its own",
        )

    @staticmethod
    async def _next_epoch() -> int:
        process = f"process {os.getpid()} on {socket.gethostname()}"[:200]
        process = process.encode("ascii", "replace").decode()
        mark = ("?", "?") if is_sqlite() else ("$1", "$2")
        async with transaction() as client:
            await client.execute_query(
                "INSERT INTO proflow_journal_owner (id, epoch, process) "
                f"VALUES ({mark[0]}, 1, {mark[1]}) ON CONFLICT (id) DO UPDATE "
                "SET epoch = proflow_journal_owner.epoch + 1, process = excluded.process",
                ["engine", process],
            )
            rows = await client.execute_query_dict("SELECT epoch FROM proflow_journal_owner")
        epoch: int = rows[0]["epoch"]
        return epoch


def _file() -> str:
    filename: str = connection().filename  # type: ignore[attr-defined]  # of SQLite's client
    return filename


class _FileLock:
    """A lock of the operating system on a file beside the database; it ends with the process."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    async def take(self) -> bool:
        try:
            file = open(self._path, "ab", opener=_private)  # noqa: ASYNC230, SIM115  # kept open
        except OSError as error:
            raise DatabaseError(f"cannot lock `{self._path}`: {error.strerror}") from error
        if not _lock_file(file):
            file.close()
            return False
        self._file = file
        return True

    async def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _private(path: str, flags: int) -> int:
    """Open a file that only its owner may read."""
    return os.open(path, flags, 0o600)


def _lock_file(file: IO[bytes]) -> bool:
    """Lock a file; returns False if another process has locked it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class _AdvisoryLock:
    """An advisory lock of PostgreSQL; it ends with the connection that took it."""

    def __init__(self) -> None:
        self._held: Any = None
        self._connection: Any = None

    async def take(self) -> bool:
        held = connection().acquire_connection()
        server = await held.__aenter__()
        taken = False
        try:
            taken = bool(await server.fetchval("SELECT pg_try_advisory_lock($1)", ENGINE_LOCK))
        finally:
            if not taken:
                await held.__aexit__(None, None, None)
        if taken:
            self._held, self._connection = held, server
        return taken

    async def release(self) -> None:
        if self._held is None:
            return
        held, server = self._held, self._connection
        self._held = self._connection = None
        # If the connection is lost, so is the lock, and there is nothing to release.
        try:
            with suppress(*DRIVER_ERRORS):
                if not server.is_closed():
                    await server.fetchval("SELECT pg_advisory_unlock($1)", ENGINE_LOCK)
        finally:
            with suppress(*DRIVER_ERRORS):
                await held.__aexit__(None, None, None)
