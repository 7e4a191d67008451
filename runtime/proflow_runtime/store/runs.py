"""Creates, changes and lists the runs of tenants, together with their tasks.

The states of nodes are written by `service.recording` and read by `service.states`.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from proflow_schemas.errors import ProFlowError
from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q

from proflow_runtime.context import clock
from proflow_runtime.status import OPEN
from proflow_runtime.store import outbox, tasks
from proflow_runtime.store.database import connection, is_sqlite, transaction
from proflow_runtime.store.models.attempts import RunAttempt, StepResult
from proflow_runtime.store.models.runs import NodeChange, NodeStateRow, Run
from proflow_runtime.store.pages import LIMIT, Slice, sliced

RETRIED = ("failed", "cancelled")
"""Statuses of runs that can be retried."""
MAX_TASK_TYPE = 50
RETURNED = "inngest/function.finished"
"""The name of the event with which Inngest resumes the caller of a run."""
CHANNEL = "proflow_runs"
"""The channel on which PostgreSQL notifies all processes of runs that have changed."""
PAGE = 500
"""How many runs are read at once."""
LISTED = (
    *("id", "tenant_id", "workflow", "version", "digest", "inngest_run_id", "task_id", "parent"),
    *("retried_from", "business_id", "started_by", "status", "attempt", "result", "error"),
    *("created_at", "started_at", "ended_at"),
)


class RunIdTakenError(ProFlowError):
    """Another tenant has a run with this id."""


@dataclass(frozen=True)
class NewRun:
    """A run that is to be created.

    Attributes:
        id: The id of the run.
        tenant_id: The tenant that owns it.
        workflow: The id of its workflow.
        version: The number of the version that it uses.
        digest: The digest of that version's definition.
        event: The event that starts it, `{name, id, ts, data}`.
        function_id: The id of the Inngest function that performs it.
        task_type: The type of its task; by default the id of the workflow.
        business_id: The host's id of the record that the run is about.
        started_by: The id of the user who starts it.
        parent: For a subprocess, the id of the calling run.
        retried_from: For a retry from the beginning, the id of the run that is started again.
        attempt: The number of its first attempt; that of the caller, for a subprocess.
        start_timeout: How long it may take to begin, in seconds.
    """

    id: str
    tenant_id: int
    workflow: str
    version: int
    digest: str
    event: dict[str, Any]
    function_id: str
    task_type: str | None = None
    business_id: int | None = None
    started_by: str | None = None
    parent: str | None = None
    retried_from: str | None = None
    attempt: int = 1
    start_timeout: int | None = None


@dataclass(frozen=True)
class NextAttempt:
    """The next attempt at a run that has failed or was cancelled.

    Attributes:
        version: The number of the version that it uses.
        digest: The digest of that version's definition.
        event: The event that starts the run, `{name, id, ts, data}`.
        number: The number of the attempt; by default the one after the run's last.
        by: The id of the user who retries the run.
        reason: Why the user does.
        start_timeout: How long the attempt may take to begin, in seconds.
    """

    version: int
    digest: str
    event: dict[str, Any]
    number: int | None = None
    by: str | None = None
    reason: str | None = None
    start_timeout: int | None = None


def new_id() -> str:
    """Create a random id for a run."""
    return uuid.uuid4().hex


def derived_id(*parts: object) -> str:
    """Derive the id of a run from what starts it, so that it is started only once.

    Args:
        *parts: What identifies the start, such as the tenant, the workflow and the event's id.
    """
    text = ":".join(str(part) for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


async def create(new: NewRun) -> tuple[Run, bool]:
    """Create the rows of a run and of its task, unless the run exists already.

    Args:
        new: The run.

    Returns:
        The run, and True if it was created now.

    Raises:
        RunIdTakenError: If another tenant has a run with this id.
    """
    found = await Run.get_or_none(id=new.id, tenant_id=new.tenant_id)
    if found is not None:
        return found, False
    try:
        async with transaction():
            return await _created(new), True
    except IntegrityError as error:  # the run was created at the same time
        found = await Run.get_or_none(id=new.id, tenant_id=new.tenant_id)
        if found is None:
            raise RunIdTakenError(new.id) from error
        return found, False


async def _created(new: NewRun) -> Run:
    task = await tasks.create(
        new.tenant_id,
        task_type=(new.task_type or new.workflow)[:MAX_TASK_TYPE],
        function_id=new.function_id,
        business_id=new.business_id,
    )
    return await Run.create(
        id=new.id,
        tenant_id=new.tenant_id,
        workflow=new.workflow,
        version=new.version,
        digest=new.digest,
        task=task,
        parent=new.parent,
        retried_from=new.retried_from,
        event=new.event,
        business_id=new.business_id,
        started_by=new.started_by,
        attempt=new.attempt,
        due_at=_later(new.start_timeout),
        created_at=clock.now(),
    )


async def begin(
    tenant_id: int,
    run_id: str,
    inngest_run_id: str,
    *,
    attempt: int = 1,
    digest: str | None = None,
    finish_timeout: int | None = None,
) -> Run | None:
    """Record that Inngest has begun a run; repeated calls change nothing.

    Args:
        tenant_id: The tenant that owns the run.
        run_id: The run.
        inngest_run_id: The id of the run in Inngest.
        attempt: The number of the attempt that is begun.
        digest: The digest of the definition that the run uses; None keeps the recorded one.
        finish_timeout: How long the attempt may take from now on, in seconds.

    Returns:
        The run, or None if it has ended, or belongs to another attempt or run of Inngest.
    """
    begun = Q(status="pending", inngest_run_id__isnull=True)
    again = Q(inngest_run_id=inngest_run_id, status__in=OPEN)
    async with transaction():
        run = await Run.select_for_update().get_or_none(
            begun | again, id=run_id, tenant_id=tenant_id, attempt=attempt
        )
        if run is None:
            return None
        if run.inngest_run_id is None:
            now = clock.now()
            changed: dict[str, Any] = {
                "inngest_run_id": inngest_run_id,
                "status": "running",
                "started_at": run.started_at or now,
                "due_at": _later(finish_timeout),
            }
            if digest is not None:
                changed["digest"] = digest
            await note_change(run, now, **changed)
            of_attempt = RunAttempt.filter(tenant_id=tenant_id, run_id=run.id, number=attempt)
            await of_attempt.update(started_at=now, inngest_run_id=inngest_run_id)
            await outbox.mark_seen(tenant_id, run.id, ["begun"])
            if run.task_id is not None:
                await tasks.move(tenant_id, run.task_id, "running", inngest_run_id=inngest_run_id)
    return run


async def finish(
    tenant_id: int,
    run_id: str,
    status: Literal["completed", "failed", "cancelled"],
    *,
    answer: Any = None,
    error: dict[str, str] | None = None,
    result: str | None = None,
    among: Sequence[str] = OPEN,
    attempt: int | None = None,
    due_by: datetime | None = None,
) -> bool:
    """Record how a run has ended; a run that has ended is left unchanged.

    Args:
        tenant_id: The tenant that owns the run.
        run_id: The run.
        status: How it has ended.
        answer: The return value of the run's function, with `result` and `output`.
        error: Why it has failed, `{name, message}`.
        result: The result of a run that has no `answer`, such as `timeout`.
        among: The statuses that the run may have before.
        attempt: The number of the attempt that has ended; None for the current one. The end of an
            earlier attempt changes nothing.
        due_by: Only if the run is due by then.

    Returns:
        True if the run has been changed.
    """
    current: dict[str, Any] = {} if attempt is None else {"attempt": attempt}
    if due_by is not None:
        current["due_at__lte"] = due_by
    async with transaction() as client:
        run = await Run.select_for_update().get_or_none(
            id=run_id, tenant_id=tenant_id, status__in=among, **current
        )
        if run is None:
            return False
        now = clock.now()
        given: dict[str, Any] = {} if result is None else {"result": result}
        if answer is not None:
            given = {"result": answer["result"], "output": answer["output"]}
            await StepResult.filter(tenant_id=tenant_id, run_id=run.id).delete()
        await note_change(run, now, status=status, ended_at=now, due_at=None, error=error, **given)
        await outbox.mark_seen(tenant_id, run.id)
        await outbox.mark_uncalled(tenant_id, run.id)
        if run.parent is not None and await _is_open(tenant_id, run.parent):
            returned = outbox.Effect("resumed", run.parent, run.id)
            await outbox.watch(client, f"returned:{run.id}", tenant_id, RETURNED, returned)
        if run.task_id is not None:
            message = None if error is None else error["message"]
            await tasks.move(tenant_id, run.task_id, status, error_message=message)
    return True


async def _is_open(tenant_id: int, run_id: str) -> bool:
    """Return True if a run has not ended: one that has goes on from nothing any more."""
    return await Run.filter(tenant_id=tenant_id, id=run_id, status__in=OPEN).exists()


async def reopen(tenant_id: int, run_id: str, again: NextAttempt) -> Run | None:
    """Make a run that has failed or was cancelled `pending` again, as its next attempt.

    What has completed keeps its state and its results. The caller hands the attempt to Inngest.

    Args:
        tenant_id: The tenant that owns the run.
        run_id: The run.
        again: The next attempt.

    Returns:
        The run, or None if it has not failed and was not cancelled, or has had the attempt already.
    """
    async with transaction():
        run = await Run.select_for_update().get_or_none(
            id=run_id, tenant_id=tenant_id, status__in=RETRIED
        )
        number = 0 if run is None else again.number or run.attempt + 1
        if run is None or number <= run.attempt:
            return None
        now = clock.now()
        await _archive(run)
        await RunAttempt.create(
            tenant_id=tenant_id,
            run_id=run.id,
            number=number,
            version=again.version,
            started_by=again.by,
            reason=again.reason,
            created_at=now,
        )
        left = NodeStateRow.filter(tenant_id=tenant_id, run_id=run.id)
        await left.exclude(status="completed").delete()
        nothing = dict.fromkeys(("inngest_run_id", "result", "output", "error", "ended_at"))
        await note_change(
            run,
            now,
            **nothing,
            status="pending",
            attempt=number,
            version=again.version,
            digest=again.digest,
            event=again.event,
            due_at=_later(again.start_timeout),
        )
        if run.task_id is not None:
            await tasks.reopen(tenant_id, run.task_id)
    return run


async def _archive(run: Run) -> None:
    """Write how the last attempt of a run has ended."""
    ended = {
        "version": run.version,
        "inngest_run_id": run.inngest_run_id,
        "status": run.status,
        "ended_at": run.ended_at,
    }
    row = await RunAttempt.get_or_none(run_id=run.id, number=run.attempt)
    if row is None:
        row = RunAttempt(
            tenant_id=run.tenant_id,
            run_id=run.id,
            number=run.attempt,
            started_by=run.started_by,
            created_at=run.created_at,
            started_at=run.started_at,
        )
    for name, value in ended.items():
        setattr(row, name, value)
    row.error = run.error
    await row.save()


def _later(seconds: int | None) -> datetime | None:
    return None if seconds is None else clock.now() + timedelta(seconds=seconds)


async def withdraw(tenant_id: int, run_id: str) -> bool:
    """Cancel a run that Inngest has not begun; returns False if it has begun or ended."""
    return await finish(tenant_id, run_id, "cancelled", among=("pending",))


async def note_change(run: Run, at: datetime, **changes: Any) -> None:
    """Write changes of a run, and add them to its history; the caller holds the run's lock."""
    for name, value in {**changes, "revision": run.revision + 1}.items():
        setattr(run, name, value)  # `update_from_dict` would parse a text as JSON
    await run.save(update_fields=[*changes, "revision"])
    change = NodeChange(
        tenant_id=run.tenant_id,
        run_id=run.id,
        revision=run.revision,
        at=at,
        status=run.status,
    )
    change.error = run.error
    await change.save()
    await announce(run.id)


async def announce(run_id: str) -> None:
    """Notify other processes that a run has changed, when the transaction commits."""
    if not is_sqlite():
        await connection().execute_query("SELECT pg_notify($1, $2)", [CHANNEL, run_id])


async def open_of(tenant_id: int, workflow: str, version: int) -> AsyncIterator[Run]:
    """Iterate over a tenant's open runs of a version."""
    found = Run.filter(tenant_id=tenant_id, workflow=workflow, version=version, status__in=OPEN)
    after = ""
    while True:
        page = await found.filter(id__gt=after).order_by("id").limit(PAGE)
        for run in page:
            yield run
        if len(page) < PAGE:
            return
        after = page[-1].id


async def due(at: datetime, limit: int) -> list[Run]:
    """List open runs of all tenants that should have begun or ended by then, the oldest first."""
    found = Run.filter(due_at__lte=at, status__in=OPEN).only(*LISTED)
    return await found.order_by("due_at").limit(limit)


async def get(tenant_id: int, run_id: str) -> Run | None:
    """Get a run by its id, or None if the tenant has no such run."""
    return await Run.get_or_none(id=run_id, tenant_id=tenant_id)


async def of_tasks(tenant_id: int, tasks: Sequence[int]) -> dict[int, str]:
    """Get the ids of the runs of these tasks, by the tasks' ids."""
    found = Run.filter(tenant_id=tenant_id, task_id__in=list(tasks))
    return dict(await found.values_list("task_id", "id"))


async def listed(
    tenant_id: int,
    *,
    workflow: str | None = None,
    status: str | None = None,
    business_id: int | None = None,
    started_by: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    among: Q | None = None,
    after: str | None = None,
    limit: int = LIMIT,
) -> Slice[Run]:
    """List a tenant's runs, the newest first, without their events and outputs.

    Args:
        tenant_id: The tenant.
        workflow: Only runs of this workflow.
        status: Only runs with this status.
        business_id: Only runs about this record of the host.
        started_by: Only runs that this user has started.
        since: Only runs created at this time or later.
        until: Only runs created before this time.
        among: Only runs that meet this condition.
        after: The cursor of the page before.
        limit: How many runs to return at most.

    Raises:
        CursorError: If `after` is not a cursor.
    """
    wanted = {
        "workflow": workflow,
        "status": status,
        "business_id": business_id,
        "started_by": started_by,
        "created_at__gte": since,
        "created_at__lt": until,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    query = Run.filter(among or Q(), tenant_id=tenant_id, **given).only(*LISTED)
    return await sliced(query, ("created_at", "id"), after, limit)
