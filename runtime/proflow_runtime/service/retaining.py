"""Deletes what tenants do not want to keep any longer, now and then, in small batches."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta

from pydantic import ValidationError

from proflow_runtime.context import clock
from proflow_runtime.store import retention, tenant_settings
from proflow_runtime.tenants import TenantSettings
from proflow_runtime.tenants.retention import Retention

log = logging.getLogger("proflow.retention")
PAUSE = timedelta(hours=1)
"""Between two passes."""
REST = 0.05
"""Seconds between two batches, in which others use the database."""


class Retaining:
    """Deletes what is older than the retention of its tenant."""

    def __init__(self, default: Retention) -> None:
        self._default = default
        self._last: datetime | None = None

    async def tick(self) -> None:
        """Begin a pass, unless the last one was not long ago."""
        now = clock.now()
        if self._last is None or now - self._last >= PAUSE:
            self._last = now
            await self.purge(now)

    async def purge(self, now: datetime) -> int:
        """Delete what is too old, of all tenants.

        Args:
            now: The time from which ages are counted.

        Returns:
            How many rows were deleted, not counting those that hang on them.
        """
        total = 0
        for tenant_id in await retention.tenants():
            for kind, kept in (await self._of(tenant_id)).within(self._default):
                before, deleted = now - kept, retention.BATCH
                while deleted == retention.BATCH:
                    deleted = await retention.delete_batch(tenant_id, kind, before)
                    total += deleted
                    if deleted:
                        about = {"tenant_id": tenant_id}
                        log.info("%d old rows are deleted: %s", deleted, kind, extra=about)
                        await asyncio.sleep(REST)
        return total

    async def _of(self, tenant_id: int) -> Retention:
        row = await tenant_settings.get(tenant_id)
        if row is None:
            return Retention()
        try:
            return TenantSettings.model_validate(row.body).retention or Retention()
        except ValidationError:
            return Retention()  # of a newer version; nothing is deleted that it may keep
