"""No query tells one tenant anything of another, nor changes it.

Every public coroutine of the query modules is called: those that take a tenant, as another tenant
than the one that has rows; the rest are named here, with the reason why they take none.
"""

import inspect
from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from proflow_runtime.context import clock
from proflow_runtime.store import (
    attempts,
    blocking,
    crons,
    designs,
    formats,
    notifications,
    outbox,
    people,
    retention,
    runs,
    stuck,
    tasks,
    tenant_settings,
    tokens,
    triggers,
    unseen,
)
from proflow_runtime.store.database import connection, transaction
from proflow_runtime.store.models import (
    MODELS,
    Approval,
    NodeChange,
    NodeStateRow,
    Notification,
    OutboxEvent,
    Run,
    RunAttempt,
    StepAttemptRow,
    StepResult,
)
from proflow_runtime.store.notifications import Message
from proflow_runtime.store.outbox import Effect
from proflow_runtime.store.pages import Page, Slice
from proflow_runtime.store.unseen import LATE
from proflow_runtime.tenants import TenantZones
from store.drawn import defined
from tortoise.exceptions import IntegrityError

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("database")]
MODULES = (
    crons,
    *(designs, formats, triggers, runs, tasks, tokens, outbox, unseen, people, tenant_settings),
    *(
        attempts,
        blocking,
        notifications,
        retention,
        stuck,
    ),  # of `erasure`, see tests/service/test_retaining.py
)
OWNER, STRANGER = 1, 2
FOR_ALL_TENANTS = {
    "designs.definition": "found by its digest, which only its versions tell",
    "designs.store": "definitions are found by their digests",
    "designs.set_triggers": "writes the tenant of the version it is given",
    "formats.published": "one pass of the deployment compiles for all",
    "formats.formats_of": "found by digests, which only their versions tell",
    "formats.body": "found by its digest, which only its versions tell",
    "formats.about": "found by its digest, which only its versions tell",
    "tenant_settings.of_tenants": "the time zones of all whose crons are due",
    "triggers.keys": "what the deployment registers with Inngest",
    "triggers.is_known": "whether the deployment has to register more",
    "triggers.cron_page": "a tick of a cron is for all",
    "runs.create": "writes the tenant it is given",
    "runs.due": "one process ends the runs of all that are due",
    "retention.tenants": "one process deletes for all",
    "runs.announce": "says nothing but an id, which processes look up as their own tenant",
    "tokens.verify": "tells which tenant it is",
    "tokens.are_there": "whether the service was ever set up",
    "runs.note_change": "writes to the run that it is given",
    "blocking.page": "one process continues the runs of all",
    "outbox.put": "writes the tenant it is given",
    "crons.record": "a tick of a cron is for all",
    "crons.take": "a tick of a cron is for all",
    "crons.is_older": "asks about the tenant of the trigger it is given",
    "outbox.watch": "writes the tenant it is given",
    "outbox.claim_due": "one process sends for all",
    "outbox.mark_sent": "one process sends for all",
    "unseen.settle": "one process sends for all",
    "outbox.release": "one process sends for all",
    "outbox.unsent": "a metric of the deployment",
    "outbox.mark_failed": "one process sends for all",
    "outbox.forget_done": "cleans up for all",
    "outbox.forget_failed": "cleans up for all",
}
OF_FAILED = ("runs.reopen", "attempts.of_run", "attempts.of_node", "attempts.results")
KINDS = {"retention.delete_batch": "runs"}
CREATING = (
    *("designs.create", "tasks.create", "tokens.create", "tenant_settings.save"),
    *("people.add", "people.add_department", "people.delegate"),
    "notifications.add",
)
NOTHING = (None, False, 0, [], {}, set(), Page([], 0), Slice([], None))
"""What a stranger is told by queries that do not raise."""


def queries() -> dict[str, Callable[..., Awaitable[Any]]]:
    def of(module: ModuleType) -> dict[str, Callable[..., Awaitable[Any]]]:
        short = module.__name__.rpartition(".")[2]
        return {
            f"{short}.{name}": value
            for name, value in vars(module).items()
            if inspect.iscoroutinefunction(value)
            and value.__module__ == module.__name__
            and not name.startswith("_")
        }

    return {name: query for module in MODULES for name, query in of(module).items()}


async def owned() -> dict[str, Any]:
    """Rows of the owner in every table that is queried; and arguments that name them."""
    await designs.create(OWNER, "leave", name="Leave", draft={"a": 1}, by="ann")
    definition = defined(triggers=[{"event": "hr/asked"}, {"cron": "0 9 * * *"}])
    version = await designs.publish(
        OWNER, "leave", canvas={"a": 1}, definition=definition, by="ann"
    )
    task = await tasks.create(
        OWNER, task_type="leave", function_id="f", business_id=7, inngest_run_id="01RUN"
    )
    failed = await tasks.create(OWNER, task_type="leave", function_id="f", status="failed")
    await Run.create(
        id="our-run",
        tenant_id=OWNER,
        workflow="leave",
        version=1,
        digest=version.digest,
        event={"data": {"scheduled_at": "today"}},
        task=task,
        created_at=clock.now(),
    )
    await hold_up("our-run")
    await notifications.add(OWNER, ["cat"], Message("title", "text"), key="sent")
    notification = await Notification.get()
    over = await Run.create(
        id="our-failed-run",
        tenant_id=OWNER,
        workflow="leave",
        version=1,
        digest=version.digest,
        event={},
        status="failed",
        attempt=2,
        created_at=clock.now(),
        ended_at=clock.now(),
    )
    about = {"tenant_id": OWNER, "run": over}
    await RunAttempt.create(**about, number=1, version=1, created_at=clock.now())
    await StepResult.create(**about, step="s", attempt=1, result={"data": 1})
    await StepAttemptRow.create(
        **about,
        run_attempt=1,
        node="n",
        step="n",
        number=1,
        started_at=clock.now(),
        ended_at=clock.now(),
    )
    token = await tokens.create(OWNER, "ann", name="laptop")
    await people.add_department(OWNER, "hr", "HR", head="eve")
    await people.add(OWNER, "cat", "Cat", department="hr", roles=["boss"])
    await tenant_settings.save(OWNER, {"timezone": "Asia/Shanghai"}, by="ann")
    day = timedelta(days=1)
    within = {"starts_at": clock.now() - day, "ends_at": clock.now() + day}
    delegation = await people.delegate(OWNER, "cat", "eve", **within)
    async with transaction() as opened:
        await outbox.put(opened, "event", OWNER, "hr/asked", {})
        for effect in ("begun", "resumed", "ended"):
            watched = Effect(effect, "our-run", "ask" if effect == "resumed" else None)
            await outbox.put(opened, effect, OWNER, "proflow/x", {}, effect=watched)
        await outbox.watch(opened, "call", OWNER, "x", Effect("begun", "child", "our-run"))
    ago = clock.now() - 2 * LATE
    await OutboxEvent.filter(effect__not_isnull=True).update(sent_at=ago, due_at=ago)
    await OutboxEvent.filter(id="event").update(due_at=ago)
    return {
        "event_id": "event",
        "code": "leave",
        "draft": {"stolen": True},
        "canvas": {"stolen": True},
        "definition": definition,
        "by": "eve",
        "name": "stolen",
        "number": 1,
        "kind": {"retention.count": "steps", "retention.delete": "steps", **KINDS, "": "event"},
        "before": {"attempts.results": 2, "": clock.now() + day},
        "node": "n",
        "part": "",
        "again": runs.NextAttempt(1, version.digest, {}),
        "key": "hr/asked",
        "workflow": "leave",
        "besides": "other",
        "tasks": [task.id],
        "task_id": {"tasks.reopen": failed.id, "": task.id},
        "status": "cancelled",
        "run_id": {
            "tasks.get_task_status": "01RUN",
            **dict.fromkeys(OF_FAILED, "our-failed-run"),
            "": "our-run",
        },
        "inngest_run_id": "01RUN",
        "digest": version.digest,
        "token_id": token.token.id,
        "task_type": "leave",
        "function_id": "f",
        "user": {"tokens.create": "eve", "people.stood_in_for": "eve", "": "cat"},
        "role": "boss",
        "department": "hr",
        "delegation_id": delegation.id,
        "zones": TenantZones().of_all,
        "body": {"timezone": "Asia/Tokyo"},
        "stand_in": "bob",
        "event": "proflow/unblocked",
        "users": ["cat"],
        "content": Message("stolen", ""),
        "notification_id": notification.id,
        "since": clock.now() - day,
        "step": "step",
        "reason": "handler",
        "subject": "work",
        "message": "stolen",
        **within,
    }


async def hold_up(run_id: str) -> None:
    """Let a run be blocked, and wait for a decision that was made."""
    ago = clock.now() - timedelta(hours=1)
    entry = {
        "node": "boss",
        "reason": "handler",
        "subject": "work",
        "message": "there is none",
        "since": ago.isoformat(),
        "waits": False,
        "released_at": ago.isoformat(),
        "releases": 1,
    }
    run = await Run.get(id=run_id)
    run.blocked, run.blocked_at = {"": entry, "step": entry}, ago
    await run.save()
    of_run = {"tenant_id": OWNER, "run_id": run_id, "node": "boss"}
    await NodeChange.create(**of_run, revision=1, at=clock.now(), status="waiting")
    state = NodeStateRow(**of_run, status="waiting")
    state.started_at = ago - timedelta(hours=1)
    await state.save()
    await Approval.create(
        **of_run,
        workflow="leave",
        step="boss",
        label="",
        answer_event="",
        answer_data={},
        mode="any",
        policy={},
        status="approved",
        opened_at=ago,
        resolved_at=ago,
    )


async def rows_of(tenant_id: int) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for model in MODELS:
        if "tenant_id" not in model._meta.fields_map:
            continue
        table = model._meta.db_table
        rows = await connection().execute_query_dict(
            f"SELECT * FROM {table} WHERE tenant_id = {tenant_id} ORDER BY 1"
        )
        found[table] = [dict(row) for row in rows]
    return found


def arguments(name: str, query: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    """For each parameter that a query must be given: what names the owner's rows."""
    given = {"tenant_id": STRANGER}
    for parameter in inspect.signature(query).parameters.values():
        if parameter.name == "tenant_id":
            continue
        if parameter.default is inspect.Parameter.empty:
            value = known[parameter.name]
            by_query = isinstance(value, dict) and "" in value
            given[parameter.name] = value.get(name, value[""]) if by_query else value
    return given


def test_every_query_takes_a_tenant_first_or_says_why_not() -> None:
    without = set()
    for name, query in queries().items():
        parameters = list(inspect.signature(query).parameters)
        if name == "tasks.get_task_status":
            assert parameters[:2] == ["run_id", "tenant_id"]  # as the host calls it
        elif parameters[:1] != ["tenant_id"]:
            without.add(name)
    assert without == set(FOR_ALL_TENANTS)


TENANTS = sorted(set(queries()) - set(FOR_ALL_TENANTS))


@pytest.mark.parametrize("name", TENANTS)
async def test_another_tenants_rows_are_neither_told_nor_changed(name: str) -> None:
    known = await owned()
    before = await rows_of(OWNER)
    query = queries()[name]
    given = arguments(name, query, known)
    created = name in CREATING
    try:
        told = await query(**given)
    except designs.UnknownDesignError:
        told = None
    assert created or told in NOTHING
    assert await rows_of(OWNER) == before
    assert created == any((await rows_of(STRANGER)).values())


@pytest.mark.parametrize("name", TENANTS)
async def test_the_same_call_tells_or_changes_something_for_the_owner(name: str) -> None:
    """So that what is asked for above is there to be found."""
    known = await owned()
    before = await rows_of(OWNER)
    query = queries()[name]
    given = {**arguments(name, query, known), "tenant_id": OWNER}
    if name == "designs.delete":
        given["force"] = True
    try:
        told = await query(**given)
    except (designs.DesignExistsError, IntegrityError):
        assert name in CREATING
        return
    assert told not in NOTHING or await rows_of(OWNER) != before
