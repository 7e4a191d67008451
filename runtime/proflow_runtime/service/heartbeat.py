"""Measures how long the event loop stands still, so that what blocks it is noticed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from proflow_runtime.service.background import in_background

BEAT = 0.25
"""Seconds between two beats."""
TOO_LONG = 1.0
"""A standstill of more seconds than this is logged."""
WINDOW = 60.0
"""Seconds for which the longest standstill is reported at least."""
log = logging.getLogger("proflow.service")


class Heartbeat:
    """Beats in the event loop; the longest standstill of the last minute or two is `longest()`."""

    def __init__(self) -> None:
        self._current = self._before = 0.0
        self._window = time.monotonic()

    def longest(self) -> float:
        """Return the longest recent standstill of the event loop, in seconds."""
        return max(self._current, self._before)

    def beaten(self, late: float) -> None:
        """Record a beat.

        Args:
            late: How many seconds too late it came.
        """
        now = time.monotonic()
        if now - self._window >= WINDOW:
            self._before, self._current, self._window = self._current, 0.0, now
        self._current = max(self._current, late)
        if late > TOO_LONG:
            log.warning("the event loop stood still for %.1f s", late)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Beat while the context is open."""
        async with in_background(self._always(), "proflow heartbeat"):
            yield

    async def _always(self) -> None:
        while True:
            # The monotonic clock, which nobody sets.
            begun = time.monotonic()
            await asyncio.sleep(BEAT)
            self.beaten(max(0.0, time.monotonic() - begun - BEAT))
