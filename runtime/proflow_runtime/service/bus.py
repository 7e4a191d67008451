"""Notifies those who watch a run when it changes, in this process or in another one.

Other processes are heard by `LISTEN` on PostgreSQL, and by polling on SQLite.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from proflow_runtime.context import clock
from proflow_runtime.service.background import in_background
from proflow_runtime.store.database import connection, is_sqlite
from proflow_runtime.store.drivers import DRIVER_ERRORS
from proflow_runtime.store.models.runs import Run
from proflow_runtime.store.runs import CHANNEL

POLL = 0.5
"""Seconds between two polls of the database, on SQLite."""
PING = 30.0
"""Seconds between two checks of the listening connection, on PostgreSQL."""
RETRY = 2.0
"""Seconds to wait before a lost connection is opened again."""
log = logging.getLogger("proflow.bus")


class Bus:
    """Wakes those who watch a run; changes by other processes are noticed while `running` is open."""

    def __init__(self) -> None:
        self._watching: dict[str, set[asyncio.Event]] = {}
        self._revisions: dict[str, int] = {}

    def moved(self, run_id: str) -> None:
        """Wake those who watch a run, because it has changed.

        Args:
            run_id: The run.
        """
        for event in self._watching.get(run_id, ()):
            event.set()

    def watched(self) -> int:
        """Return how many runs are being watched."""
        return len(self._watching)

    @asynccontextmanager
    async def watch(self, run_id: str) -> AsyncIterator[asyncio.Event]:
        """Watch a run.

        Args:
            run_id: The run.

        Yields:
            An event that is set when the run changes; the caller clears it.
        """
        event = asyncio.Event()
        self._watching.setdefault(run_id, set()).add(event)
        try:
            yield event
        finally:
            watchers = self._watching[run_id]
            watchers.discard(event)
            if not watchers:
                del self._watching[run_id]
                self._revisions.pop(run_id, None)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Notice changes by other processes while the context is open."""
        async with in_background(self._poll() if is_sqlite() else self._listen(), "proflow bus"):
            yield

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL)
            if not self._watching:
                continue
            try:
                rows = await Run.filter(id__in=list(self._watching)).values_list("id", "revision")
            except Exception as error:
                log.warning("runs cannot be looked at now: %s", error)
                continue
            for run_id, revision in rows:
                if run_id in self._watching and self._revisions.get(run_id) != revision:
                    self._revisions[run_id] = revision
                    self.moved(run_id)

    async def _listen(self) -> None:
        while True:
            try:
                await self._listened()
            except Exception as error:
                log.warning("other processes cannot be heard now: %s", error)
            await asyncio.sleep(RETRY)

    async def _listened(self) -> None:
        """Listen until the connection is lost."""
        lost = asyncio.Event()
        client: Any = connection()
        held = client.acquire_connection()
        async with held as server:

            def notified(_: Any, pid: int, channel: str, payload: str) -> None:
                self.moved(payload)

            def ended(_: Any) -> None:
                lost.set()

            await server.add_listener(CHANNEL, notified)
            server.add_termination_listener(ended)
            for run_id in list(self._watching):
                self.moved(run_id)  # a notification may have been missed
            try:
                while not lost.is_set():
                    await clock.happens(lost, PING)
                    await server.execute("SELECT 1")
            finally:
                with contextlib.suppress(*DRIVER_ERRORS):  # the connection may be lost
                    server.remove_termination_listener(ended)
                    await server.remove_listener(CHANNEL, notified)
