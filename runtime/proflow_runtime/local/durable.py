"""A journal in the database: collects the changes of the engine's state and commits them in groups."""

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tortoise.backends.base.client import TransactionalDBClient
from tortoise.exceptions import ConfigurationError

from proflow_runtime.context import clock
from proflow_runtime.local import snapshots
from proflow_runtime.local.ids import milliseconds
from proflow_runtime.local.journal import Key, Saved
from proflow_runtime.local.runs import Pending, QueueItem, Run
from proflow_runtime.store import journal as rows
from proflow_runtime.store.database import connection, is_sqlite
from proflow_runtime.store.ownership import Ownership

RETENTION = timedelta(days=7)
"""How long the steps of ended runs are kept."""
PRUNE_EVERY = timedelta(minutes=10)
RETRY_PAUSES = (0.1, 0.5, 1.0)
"""Seconds between attempts while the database is unavailable; the last value repeats."""
CLOSING = 5.0
"""Seconds in which the last changes must be stored when the process stops."""
log = logging.getLogger("proflow.journal")


@dataclass(slots=True)
class _Changes:
    """The changes since the last commit; for each object only the last one."""

    queued: dict[str, str] = field(default_factory=dict)
    moved: dict[str, Run] = field(default_factory=dict)
    ended: dict[str, Run] = field(default_factory=dict)
    memos: list[tuple[str, str, str]] = field(default_factory=list)
    steps: dict[tuple[str, str], str | None] = field(default_factory=dict)
    requests: dict[tuple[str, str], str | None] = field(default_factory=dict)
    keys: dict[Key, tuple[Any, datetime | None] | None] = field(default_factory=dict)


class DurableJournal:
    """A journal in the open database, for one process at a time.

    While the database is unavailable, no change counts as stored, and so no request is made because of
    it. The engine continues when the database is back. `open` raises `JournalInUse`.
    """

    def __init__(self, *, retention: timedelta = RETENTION) -> None:
        self.position = 0
        self.committed = 0
        self._retention = retention
        self._ownership = Ownership()
        self._changes = _Changes()
        self._has_changes = asyncio.Event()
        self._safe = asyncio.Condition()
        self._failure: BaseException | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False
        self._waiting_since: float | None = None

    # --- life cycle

    async def open(self, committed: Callable[[], None]) -> Saved:
        await self._ownership.acquire()
        self._on_commit = committed
        try:
            runs, keys = await rows.load()
            restored = [_read_key(state) for state in keys]
        except BaseException:
            await self._ownership.release()
            raise
        now = clock.now()
        self._tasks = [
            asyncio.create_task(self._commit_always(), name="proflow journal"),
            asyncio.create_task(self._prune_always(), name="proflow journal pruning"),
        ]
        return Saved(runs, [entry for entry in restored if entry[2] is None or entry[2] > now])

    async def close(self) -> None:
        self._closing = True
        self._has_changes.set()
        committer, pruner = self._tasks
        pruner.cancel()
        try:
            async with asyncio.timeout(CLOSING):
                await committer
        except TimeoutError:
            log.error("the database does not answer: the latest steps will be repeated")
        finally:
            await asyncio.gather(pruner, return_exceptions=True)
            await self._ownership.release()

    async def flushed(self) -> None:
        with suppress(ConfigurationError):  # nothing of this task is in the database
            if isinstance(connection(), TransactionalDBClient) and is_sqlite():
                # The journal would wait for this transaction, and it for the journal.
                raise RuntimeError("send events after a transaction on SQLite, not inside of it")
        wanted = self.position
        async with self._safe:
            await self._safe.wait_for(lambda: self.committed >= wanted or self._failure is not None)
        if self.committed < wanted and self._failure is not None:
            raise self._failure

    def stalled(self) -> float:
        """Return for how many seconds a change has been waiting to be stored; 0 if none is."""
        return 0.0 if self._waiting_since is None else time.monotonic() - self._waiting_since

    def failure(self) -> BaseException | None:
        return self._failure

    async def _commit_always(self) -> None:
        try:
            while True:
                await self._has_changes.wait()
                self._has_changes.clear()
                if self.committed < self.position:
                    position, changes = self.position, self._changes
                    self._changes = _Changes()
                    await self._commit(_batch(changes))
                    self.committed = position
                    if self.committed == self.position:
                        self._waiting_since = None
                    else:
                        self._waiting_since = time.monotonic()
                    await self._tell()
                if self._closing and self.committed == self.position:
                    return
        except BaseException as error:
            self._failure = error
            await self._tell()
            if not isinstance(error, Exception):
                raise
            log.error("the journal cannot be written any more: %s", error)

    async def _commit(self, batch: rows.Batch) -> None:
        tries = 0
        while True:
            try:
                if tries:
                    await rows.regain(self._ownership)
                    log.info("the database answers again")
                await rows.write(self._ownership, batch)
                return
            except rows.Unavailable as error:
                log.warning("the database does not answer, the engine waits: %s", error)
                await asyncio.sleep(RETRY_PAUSES[min(tries, len(RETRY_PAUSES) - 1)])
                tries += 1

    async def _tell(self) -> None:
        async with self._safe:
            self._safe.notify_all()
        self._on_commit()

    async def _prune_always(self) -> None:
        while True:
            now = clock.now()
            try:
                count = await rows.prune(milliseconds(now - self._retention), milliseconds(now))
                if count:
                    log.info("%d ended runs were forgotten", count)
            except Exception as error:  # what is kept too long does no harm
                log.warning("ended runs cannot be forgotten now: %s", error)
            await asyncio.sleep(PRUNE_EVERY.total_seconds())

    # --- what the engine tells

    def _change(self) -> _Changes:
        self.position += 1
        if self._waiting_since is None:
            self._waiting_since = time.monotonic()
        self._has_changes.set()
        return self._changes

    def run_queued(self, run: Run) -> None:
        changes = self._change()
        changes.queued[run.record.id] = snapshots.origin(run)
        changes.moved[run.record.id] = run

    def run_moved(self, run: Run) -> None:
        self._change().moved[run.record.id] = run

    def run_ended(self, run: Run) -> None:
        self._change().ended[run.record.id] = run

    def step_settled(self, run: Run, hashed: str, memo: str) -> None:
        self._change().memos.append((run.record.id, hashed, memo))

    def step_opened(self, run: Run, hashed: str, pending: Pending) -> None:
        self._change().steps[run.record.id, hashed] = snapshots.step(hashed, pending)

    def step_closed(self, run: Run, hashed: str) -> None:
        self._change().steps[run.record.id, hashed] = None

    def request_queued(self, item: QueueItem) -> None:
        self._change().requests[item.job_id, item.run.record.id] = snapshots.request(item)

    def request_answered(self, item: QueueItem) -> None:
        self._change().requests[item.job_id, item.run.record.id] = None

    def kept(self, key: Key, value: Any, until: datetime | None) -> None:
        self._change().keys[key] = (value, until)

    def dropped(self, key: Key) -> None:
        self._change().keys[key] = None


def _batch(changes: _Changes) -> rows.Batch:
    """Return the rows of the changes, with the current state of runs."""
    batch = rows.Batch(memos=list(changes.memos))
    for run_id, origin in changes.queued.items():
        batch.runs.append((run_id, origin, snapshots.progress(changes.moved[run_id])))
    for run_id, run in changes.ended.items():
        assert run.record.ended_at is not None
        ended = milliseconds(run.record.ended_at)
        batch.ended.append((snapshots.progress(run), ended, run_id))
    for run_id, run in changes.moved.items():
        if run_id not in changes.queued and run_id not in changes.ended:
            batch.moved.append((snapshots.progress(run), run_id))
    for (run_id, hashed), state in changes.steps.items():
        if run_id in changes.ended:
            continue
        if state is None:
            batch.dropped_steps.append((f"{run_id}.{hashed}",))
        else:
            batch.steps.append((f"{run_id}.{hashed}", run_id, state))
    for (job_id, run_id), state in changes.requests.items():
        if run_id in changes.ended:
            continue
        if state is None:
            batch.dropped_requests.append((job_id,))
        else:
            batch.requests.append((job_id, run_id, state))
    for key, kept in changes.keys.items():
        if kept is None:
            batch.dropped_keys.append((_key_id(key),))
        else:
            value, until = kept
            until_ms = None if until is None else milliseconds(until)
            batch.keys.append((_key_id(key), _key_state(key, value, until), until_ms))
    return batch


def _key_id(key: Key) -> str:
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()


def _key_state(key: Key, value: Any, until: datetime | None) -> str:
    return json.dumps({"key": key, "value": value, "until": until}, default=datetime.isoformat)


def _read_key(state: str) -> tuple[Key, Any, datetime | None]:
    read = json.loads(state)
    function_id, purpose, value = read["key"]
    until = read["until"] and datetime.fromisoformat(read["until"])
    return (function_id, purpose, value), read["value"], until
