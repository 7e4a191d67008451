"""Continues blocked runs as soon as this process has what they need."""

from __future__ import annotations

import logging
from typing import Any

from proflow_schemas.definition import UnknownFormatError

from proflow_runtime.handlers.blocked import UNBLOCKED
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.store import blocking, designs
from proflow_runtime.store.models.runs import Run

log = logging.getLogger("proflow.service")
PAGE = 200


class Unblocking:
    """Looks for runs that were blocked by what this process has."""

    def __init__(self, registry: Registry) -> None:
        """Create it.

        Args:
            registry: The handlers and channels of this process.
        """
        self._registry = registry

    async def tick(self) -> int:
        """Continue the runs that can go on now, and return their number."""
        count, after = 0, ""
        while True:
            page = await blocking.page(after=after, limit=PAGE)
            for run in page:
                count += await self._released(run)
            if len(page) < PAGE:
                return count
            after = page[-1].id

    async def _released(self, run: Run) -> bool:
        if await blocking.has_moved_on(run.tenant_id, run.id):
            return False
        for entry in (run.blocked or {}).values():
            if blocking.is_due(entry) and await self._has(entry, run):
                about = {"tenant_id": run.tenant_id, "run_id": run.id}
                log.info("a blocked run goes on: %s", entry["message"], extra=about)
                return await blocking.release(run.tenant_id, run.id, event=UNBLOCKED)
        return False

    async def _has(self, entry: dict[str, Any], run: Run) -> bool:
        """True if this process has what a blocked step needs."""
        match entry["reason"]:
            case "handler":
                return entry["subject"] in self._registry
            case "channel":
                return entry["subject"] in self._registry.channels
            case _:
                try:
                    return await designs.definition(run.digest) is not None
                except UnknownFormatError as error:
                    return error.is_older
