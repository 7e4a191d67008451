"""Records why a run cannot go on for now, and continues it.

A run is blocked by steps which need what the deployment lacks, such as a handler, or as a whole (the step
`""`) by a definition that only a newer program can read.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from proflow_runtime.context import clock
from proflow_runtime.status import OPEN
from proflow_runtime.store import outbox
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models.runs import NodeChange, Run
from proflow_runtime.store.runs import new_id, note_change

AGAIN, LONGEST = timedelta(seconds=10), timedelta(minutes=10)
"""The first and the longest pause after which a run that was released and has not moved, or is blocked
again, is released once more; each pause is twice the one before."""
WHOLE = ""
"""Stands for a step where the run is blocked as a whole."""


async def block(
    tenant_id: int, run_id: str, step: str, *, node: str, reason: str, subject: str, message: str
) -> bool:
    """Record that a step of a run cannot begin.

    Args:
        tenant_id: The tenant that owns the run.
        run_id: The run.
        step: The id of the step, or `WHOLE`.
        node: The node of the step; empty for `WHOLE`.
        reason: What kind of thing is missing: `handler`, `channel` or `format`.
        subject: The name of what is missing.
        message: The same as a sentence.

    Returns:
        True if it was not recorded yet.
    """
    async with transaction():
        run = await _locked(tenant_id, run_id)
        if run is None:
            return False
        found = dict(run.blocked or {})
        known = found.get(step)
        if known is not None and known["waits"]:
            return False
        now = clock.now()
        found[step] = {
            "node": node,
            "reason": reason,
            "subject": subject,
            "message": message,
            "since": now.isoformat() if known is None else known["since"],
            "waits": True,
            "released_at": None if known is None else known["released_at"],
            "releases": 0 if known is None else known["releases"],
        }
        await note_change(run, now, blocked=found, blocked_at=run.blocked_at or now)
    return known is None


async def clear(tenant_id: int, run_id: str, step: str) -> None:
    """Record that a step of a run has begun after all."""
    async with transaction():
        run = await _locked(tenant_id, run_id)
        if run is None or step not in (run.blocked or {}):
            return
        await _drop(run, step)


async def release(tenant_id: int, run_id: str, *, event: str) -> bool:
    """Let a blocked run try again; it is blocked again if what it needs is still missing.

    Args:
        tenant_id: The tenant that owns the run.
        run_id: The run.
        event: The name of the event that the run waits for.

    Returns:
        True if the run is blocked.
    """
    async with transaction() as client:
        run = await _locked(tenant_id, run_id)
        if run is None or not run.blocked:
            return False
        now = clock.now()
        released = {"waits": False, "released_at": now.isoformat()}
        changed = {
            step: {**entry, **released, "releases": entry["releases"] + 1}
            for step, entry in run.blocked.items()
        }
        await note_change(run, now, blocked=changed)
        data = {"tenant_id": tenant_id, "run_id": run_id}
        await outbox.put(client, f"unblock:{run_id}:{new_id()}", tenant_id, event, data)
    return True


async def has_moved_on(tenant_id: int, run_id: str) -> bool:
    """Clear `WHOLE` if a run has moved since it was released; returns True if it was cleared."""
    async with transaction():
        run = await _locked(tenant_id, run_id)
        entry = None if run is None else (run.blocked or {}).get(WHOLE)
        if run is None or entry is None or entry["waits"]:
            return False
        since = datetime.fromisoformat(entry["released_at"])
        moved = NodeChange.filter(run_id=run_id, at__gt=since).exclude(node="")
        if not await moved.exists():
            return False
        await _drop(run, WHOLE)
    return True


async def page(*, after: str = "", limit: int = 200) -> list[Run]:
    """List the blocked runs of all tenants that have not ended, by id."""
    found = Run.filter(blocked_at__isnull=False, status__in=OPEN, id__gt=after)
    return await found.order_by("id").limit(limit)


def is_due(entry: dict[str, Any]) -> bool:
    """True if a step is to be released: it never was, or long enough ago, without effect."""
    if entry["released_at"] is None:
        return True
    pause = min(AGAIN * 2 ** min(entry["releases"] - 1, 10), LONGEST)
    return bool(clock.now() - datetime.fromisoformat(entry["released_at"]) >= pause)


def shown(run: Run) -> list[dict[str, Any]]:
    """Return why a run is blocked, as the API shows it; the oldest first."""
    if run.status not in OPEN:
        return []
    keys = ("node", "reason", "subject", "message", "since")
    entries = sorted((run.blocked or {}).values(), key=lambda entry: entry["since"])
    return [{key: entry[key] or None for key in keys} for entry in entries]


async def _locked(tenant_id: int, run_id: str) -> Run | None:
    opened = Run.select_for_update().filter(status__in=OPEN)
    return await opened.get_or_none(id=run_id, tenant_id=tenant_id)


async def _drop(run: Run, step: str) -> None:
    left = {key: entry for key, entry in (run.blocked or {}).items() if key != step}
    at = run.blocked_at if left else None
    await note_change(run, clock.now(), blocked=left or None, blocked_at=at)
