"""Creates, changes and lists the runs of tenants, together with their tasks.

The states of nodes are written by `service.recording` and read by `service.states`.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from proflow_schemas.errors import ProFlowError
from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q

from proflow_runtime.context import clock
from proflow_runtime.status import OPEN
from proflow_runtime.store import outbox, tasks
from proflow_runtime.store.database import connection, is_sqlite, transaction
from proflow_runtime.store.models.runs import NodeChange, Run
from proflow_runtime.store.pages import LIMIT, Slice, sliced

MAX_TASK_TYPE = 50
RETURNED = "inngest/function.finished"
"""The name of the event with which Inngest resumes the caller of a run."""
CHANNEL = "proflow_runs"
"""The channel on which PostgreSQL notifies all processes of runs that have changed."""
PAGE = 500
"""How many runs are read at once."""
LISTED = (
    *("id", "tenant_id", "workflow", "version", "digest", "inngest_run_id", "task_id", "parent"),
    *("retried_from", "business_id", "started_by", "status", "result", "error"),
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
        retried_from: For a retry, the id of the run that is started again.
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
        created_at=clock.now(),
    )


async def begin(
    tenant_id: int, run_id: str, inngest_run_id: str, *, digest: str | None = None
) -> Run | None:
    """Record that Inngest has begun a run; repeated calls change nothing.

    Args:
        tenant_id: The tenant that owns the run.
        run_id: The run.
        inngest_run_id: The id of the run in Inngest.
        digest: The digest of the definition that the run uses; None keeps the recorded one.

    Returns:
        The run, or None if it has ended or belongs to another run of Inngest.
    """
    begun = Q(status="pending", inngest_run_id__isnull=True)
    again = Q(inngest_run_id=inngest_run_id, status__in=OPEN)
    async with transaction():
        run = await Run.select_for_update().get_or_none(
            begun | again, id=run_id, tenant_id=tenant_id
        )
        if run is None:
            return None
        if run.inngest_run_id is None:
            now = clock.now()
            changed = {"inngest_run_id": inngest_run_id, "status": "running", "started_at": now}
            if digest is not None:
                changed["digest"] = digest
            await _note(run, now, **changed)
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
    among: Sequence[str] = OPEN,
) -> bool:
    """Record how a run has ended; a run that has ended is left unchanged.

    Args:
        tenant_id: The tenant that owns the run.
        run_id: The run.
        status: How it has ended.
        answer: The return value of the run's function, with `result` and `output`.
        error: Why it has failed, `{name, message}`.
        among: The statuses that the run may have before.

    Returns:
        True if the run has been changed.
    """
    async with transaction() as client:
        run = await Run.select_for_update().get_or_none(
            id=run_id, tenant_id=tenant_id, status__in=among
        )
        if run is None:
            return False
        now = clock.now()
        given = {} if answer is None else {"result": answer["result"], "output": answer["output"]}
        await _note(run, now, status=status, ended_at=now, error=error, **given)
        await outbox.mark_seen(tenant_id, run.id)
        await outbox.mark_uncalled(tenant_id, run.id)
        if run.parent is not None:
            returned = outbox.Effect("resumed", run.parent, run.id)
            await outbox.watch(client, f"returned:{run.id}", tenant_id, RETURNED, returned)
        if run.task_id is not None:
            message = None if error is None else error["message"]
            await tasks.move(tenant_id, run.task_id, status, error_message=message)
    return True


async def withdraw(tenant_id: int, run_id: str) -> bool:
    """Cancel a run that Inngest has not begun; returns False if it has begun or ended."""
    return await finish(tenant_id, run_id, "cancelled", among=("pending",))


async def _note(run: Run, at: datetime, **changes: Any) -> None:
    """Write changes of a run, and add them to its history."""
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
