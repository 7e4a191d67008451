"""Runs of tenants: handed over, found, listed. What becomes of their nodes is in `states`."""

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
from proflow_runtime.store import tasks
from proflow_runtime.store.database import connection, is_sqlite, transaction
from proflow_runtime.store.models.runs import NodeChange, Run
from proflow_runtime.store.pages import LIMIT, Slice, sliced

OPEN = ("pending", "running", "waiting")
"""Statuses of runs that have not ended."""
MAX_TASK_TYPE = 50
CANCEL_EVENT = "proflow/cancel"
"""Ends a run: `{tenant_id, run_id}`."""
CHANNEL = "proflow_runs"
"""On which PostgreSQL tells all processes of runs that have moved."""
PAGE = 500
"""Runs that are read at once."""
LISTED = (
    *("id", "tenant_id", "workflow", "version", "digest", "inngest_run_id", "task_id", "parent"),
    *("retried_from", "business_id", "started_by", "status", "result", "error"),
    *("created_at", "started_at", "ended_at"),
)


class RunIdTakenError(ProFlowError):
    """Another tenant has a run of that id."""


@dataclass(frozen=True)
class NewRun:
    """A run that is handed over to Inngest. `event`: what starts it, `{name, id, ts, data}`."""

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
    """The id of a run that is started once and by hand."""
    return uuid.uuid4().hex


def derived_id(*parts: object) -> str:
    """The id of a run that is made of what starts it, so that it is started once."""
    text = ":".join(str(part) for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


async def create(new: NewRun) -> tuple[Run, bool]:
    """The rows of a run and of its task, and whether they are new: an id is taken once.

    Raises `RunIdTakenError`.
    """
    found = await Run.get_or_none(id=new.id, tenant_id=new.tenant_id)
    if found is not None:
        return found, False
    try:
        async with transaction():
            return await _created(new), True
    except IntegrityError as error:  # somebody else has started it at the same time
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
    """Note that Inngest has begun a run, and by which definition, unless it is noted already.

    None: the run is over, or another of Inngest's runs has it.
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
    """Note how a run has ended; whether that was news. One that has ended stays as it ended.

    `answer`: what the run's function returned; `error`: `{name, message}`; `among`: the statuses
    that it may have now.
    """
    async with transaction():
        run = await Run.select_for_update().get_or_none(
            id=run_id, tenant_id=tenant_id, status__in=among
        )
        if run is None:
            return False
        now = clock.now()
        given = {} if answer is None else {"result": answer["result"], "output": answer["output"]}
        await _note(run, now, status=status, ended_at=now, error=error, **given)
        if run.task_id is not None:
            message = None if error is None else error["message"]
            await tasks.move(tenant_id, run.task_id, status, error_message=message)
    return True


async def withdraw(tenant_id: int, run_id: str) -> bool:
    """Cancel a run that Inngest has not begun; False: it has, or the run is over."""
    return await finish(tenant_id, run_id, "cancelled", among=("pending",))


async def _note(run: Run, at: datetime, **changes: Any) -> None:
    """Write what became of a run, and that it did."""
    for name, value in {**changes, "revision": run.revision + 1}.items():
        setattr(run, name, value)  # `update_from_dict` takes a text for JSON
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
    """Tell other processes of a run that has moved, once the transaction has committed."""
    if not is_sqlite():
        await connection().execute_query("SELECT pg_notify($1, $2)", [CHANNEL, run_id])


async def open_of(tenant_id: int, workflow: str, version: int) -> AsyncIterator[Run]:
    """A tenant's runs of a version that have not ended."""
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
    """A run, by our id of it."""
    return await Run.get_or_none(id=run_id, tenant_id=tenant_id)


async def of_tasks(tenant_id: int, tasks: Sequence[int]) -> dict[int, str]:
    """The ids of the runs that these rows of the host's table are of, by the rows' ids."""
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
    after: str | None = None,
    limit: int = LIMIT,
) -> Slice[Run]:
    """A tenant's runs, the last first, without what they were given and gave. Raises `CursorError`."""
    wanted = {
        "workflow": workflow,
        "status": status,
        "business_id": business_id,
        "started_by": started_by,
        "created_at__gte": since,
        "created_at__lt": until,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    query = Run.filter(tenant_id=tenant_id, **given).only(*LISTED)
    return await sliced(query, ("created_at", "id"), after, limit)
