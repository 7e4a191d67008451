"""Ends runs of stored designs that take longer than the `timeouts` of their design allow.

One function of Inngest runs all stored designs, so its own timeouts cannot be theirs. A run has a due
time instead, which is checked regularly; several processes may do so at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from proflow_schemas.durations import format_duration

from proflow_runtime.context import clock
from proflow_runtime.protocol.app_names import AppNames
from proflow_runtime.store import formats, outbox, runs
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models.runs import Run

BATCH = 100
"""How many runs are ended in one pass at most, so that other jobs are not held up."""
TIMEOUT = "timeout"
"""The result of a run that has timed out."""


async def time_out_due(
    names: AppNames,
    ended: Callable[[int, str, str], Awaitable[None]],
    now: datetime | None = None,
) -> int:
    """Cancel the runs that are due, with the result `timeout`.

    Args:
        names: The names of the app's events.
        ended: Called with tenant, id and status of each run after it was ended.
        now: The time to compare with; by default the current time.

    Returns:
        How many runs were ended.
    """
    at = now or clock.now()
    count = 0
    for run in await runs.due(at, BATCH):
        error = {"name": "TimeoutError", "message": await _message(run)}
        async with transaction() as client:
            changed = await runs.finish(
                run.tenant_id,
                run.id,
                "cancelled",
                error=error,
                result=TIMEOUT,
                attempt=run.attempt,
                due_by=at,
            )
            if changed:
                data = {"tenant_id": run.tenant_id, "run_id": run.id}
                event = f"timeout:{run.id}:{run.attempt}"
                await outbox.put(client, event, run.tenant_id, names.cancel, data)
        if changed:
            count += 1
            await ended(run.tenant_id, run.id, "cancelled")
    return count


async def _message(run: Run) -> str:
    about = await formats.about(run.digest)
    begun = run.inngest_run_id is not None
    seconds = None
    if about is not None:
        seconds = about.finish_timeout if begun else about.start_timeout
    within = (
        "in time" if seconds is None else f"within {format_duration(timedelta(seconds=seconds))}"
    )
    return f"the run did not {'end' if begun else 'begin'} {within}, as its design demands"
