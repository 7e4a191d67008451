"""`ProFlow`: stored designs in a host's application."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

import inngest
from proflow_schemas.definition import Definition, EventTrigger, UnknownFormatError

from proflow_runtime.approvals import ApprovalService, Resolver
from proflow_runtime.context import clock
from proflow_runtime.context.tenant import is_tenant
from proflow_runtime.dispatch.asked import RUN, RUN_EVENT, Asked
from proflow_runtime.dispatch.deployment import Deployment, Limits, Target
from proflow_runtime.dispatch.outdated import RefusedDesignError
from proflow_runtime.flow.subprocess import LINEAGE
from proflow_runtime.handlers.lifespan import Lifespan
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.handlers.task import Handler
from proflow_runtime.programs.inputs import violations
from proflow_runtime.service.auth import Authenticate, by_token
from proflow_runtime.service.bus import Bus
from proflow_runtime.service.compiling import Compiled, Compiling
from proflow_runtime.service.delivery import Delivery
from proflow_runtime.service.inngest_api import asking, sending
from proflow_runtime.service.metrics import Metrics
from proflow_runtime.service.problems import Problem, not_found, refuse_inexact
from proflow_runtime.service.recompiling import Recompiling
from proflow_runtime.service.recording import Recorder
from proflow_runtime.service.serving import Served
from proflow_runtime.service.settings import ProFlowSettings
from proflow_runtime.service.states import execution_status
from proflow_runtime.status import OF_THE_PROCESS, Recorders
from proflow_runtime.store import designs, outbox, runs, tenant_settings, triggers
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models.designs import DesignVersion
from proflow_runtime.store.models.outbox import OutboxEvent
from proflow_runtime.store.models.runs import Run
from proflow_runtime.store.runs import CANCEL_EVENT
from proflow_runtime.store.tasks import TaskStatus, ask_inngest_with, get_task_status
from proflow_runtime.store.triggers import MOST_TENANTS, Key
from proflow_runtime.tenants import TenantSettings, TenantZones, TimezoneOf
from proflow_runtime.values import JSON

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI

log = logging.getLogger("proflow.service")
INITIATOR = "initiator_id"
"""Where a run's data says who has started it."""


class ProFlow:
    """The service: designs, runs, approvals of all tenants, in this process.

    `handlers`: a module, or a registry. `resolver` finds approvers, `authenticate` says who makes a
    request; by default both read our own tables. It works while `running()` is open, in which the
    database has to be, too; several processes may share one. Methods raise `Problem` (whose `status`
    is as in HTTP) for what is not there or not allowed.
    """

    def __init__(
        self,
        client: inngest.Inngest,
        handlers: ModuleType | Registry,
        *,
        resolver: Resolver | None = None,
        authenticate: Authenticate | None = None,
        settings: ProFlowSettings | None = None,
        timezone_of: TimezoneOf | None = None,
        target: Target | None = None,
        functions: Sequence[inngest.Function[Any]] = (),
        lifespan: Lifespan | None = None,
    ) -> None:
        """Make a service; nothing happens before `running()`.

        Args:
            client: The Inngest client of all functions.
            handlers: A module, of which designs can call the functions that are marked with
                `@handler` or named in `__all__`; or a registry.
            resolver: Finds approvers.
            authenticate: Says who makes a request.
            settings: Limits, pauses, paths.
            timezone_of: Says in which time zone a tenant is, where the host knows; None: in the one
                that the tenant has set here, or in the default of `settings`.
            target: Where functions are deployed to; by default to what `mount` serves.
            functions: The host's own Inngest functions, served on the same path.
            lifespan: An async context manager function that `running()` opens, in place of the
                `lifespan` of the handlers' module. Handlers, and `functions` that are served, run
                with the context variables that it sets.

        Raises:
            HandlerError: If a function of the module that is to be a handler cannot be one.
            TimeError: If the tz database does not have the default time zone.
            ValueError: If one of `functions` has an id that is taken.
        """
        self.client = client
        self.settings = settings or ProFlowSettings()
        registry = handlers if isinstance(handlers, Registry) else Registry.from_module(handlers)
        if lifespan is not None:
            registry = registry.with_lifespan(lifespan)
        self.registry = registry
        self.authenticate = authenticate or by_token
        self.metrics = Metrics()
        self.delivery = Delivery(sending(client), failed=self._undelivered)
        self.bus = Bus()
        self.approvals = ApprovalService(
            resolver,
            committed=self.delivery.nudge,
            failed=partial(self.metrics.job_failed, "approval"),
            urge_pause=timedelta(seconds=self.settings.urge_pause),
        )
        self.compiling = Compiling(registry.signatures(), max_nodes=self.settings.max_nodes)
        self.zones = TenantZones(self.settings.timezone, timezone_of)
        self.served = Served(client, self.settings, registry.within_lifespan)
        self.recorders = Recorders(beyond=OF_THE_PROCESS)
        self._recorder = Recorder(self.bus.moved)
        # Without handlers: whether a process has them is told by each run, as it was before.
        self._recompiling = Recompiling(
            Compiling(None, max_nodes=self.settings.max_nodes, types=self.compiling.types),
            replaced=self._deploy_for,
            failed=partial(self.metrics.job_failed, "recompiling"),
            pause=self.settings.tick,
        )
        self.deployment = Deployment(
            client,
            registry,
            target or self.served,
            limits=Limits(self.settings.tenant_concurrency),
            zones=self.zones,
            opener=self.approvals.open,
            closer=self.approvals.close_left,
            ended=self._ended,
            finish=self._recorder.finish,
            recompile=self._recompiling.recompile,
            recorders=self.recorders,
            own=functions,
        )
        self.served.deployment = self.deployment

    # --- in an application

    def router(self) -> APIRouter:
        """The HTTP API, for `include_router`."""
        from proflow_runtime.service.routes import router

        return router(self)

    def mount(self, app: FastAPI) -> None:
        """Serve the functions to Inngest, at `settings.serve_path`."""
        from starlette.routing import Route

        # No `Mount`: that one sends requests on, to the same path with a slash.
        app.router.routes.append(
            Route(self.settings.serve_path, self.served, include_in_schema=False)
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ProFlow]:
        """Open the lifespan; record, deliver, remind, and serve all that is published.

        Raises:
            LifespanError: If the lifespan cannot be opened or closed.
        """
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.registry.lifespan(self.client))
            stack.callback(self.recorders.add(self._recorder))
            stack.callback(ask_inngest_with(asking(self.client)))
            await self.deployment.refresh()
            await stack.enter_async_context(self.bus.running())
            await stack.enter_async_context(self.delivery.running())
            await stack.enter_async_context(self._ticking())
            await stack.enter_async_context(self._recompiling.running())
            yield self

    def register_channel(self, name: str, handler: Handler) -> None:
        """Let the notifications of this service's designs go over a channel.

        Args:
            name: What designs call it, such as `sms`; `email` replaces what is built in.
            handler: Gets `{"channel", "to", "subject", "content"}` as its input.

        Raises:
            HandlerError: If the function cannot be a handler.
            ValueError: If there is no name.
        """
        self.registry.channels.register(name, handler)

    async def task_status(self, run_id: str, tenant_id: int) -> TaskStatus | None:
        """How far a run of the tenant is; None: it has no such run.

        Args:
            run_id: Our id of the run, or Inngest's: of a run that our tables do not know, the
                server of this service's client is asked.
            tenant_id: Whose it is.
        """
        return await get_task_status(run_id, tenant_id, ask=asking(self.client))

    @asynccontextmanager
    async def _ticking(self) -> AsyncIterator[None]:
        async def always() -> None:
            while True:
                for name, what, job in (
                    ("approvals", "look at approvals", self.approvals.tick),
                    ("registration", "tell Inngest of functions", self.served.catch_up),
                ):
                    try:
                        await job()
                    except Exception as error:
                        self.metrics.job_failed(name)
                        log.warning("cannot %s now: %s", what, error, exc_info=error)
                await asyncio.sleep(self.settings.tick)

        task = asyncio.create_task(always(), name="proflow approvals")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _undelivered(self, event: OutboxEvent, reason: str) -> None:
        """A run whose beginning Inngest refuses for good will never begin."""
        self.metrics.job_failed("delivery")
        if event.name != RUN_EVENT:
            return
        run_id = event.data[LINEAGE]["run"]
        error = {"name": "HandOverError", "message": f"Inngest has refused the run: {reason}"}
        if await runs.finish(event.tenant_id, run_id, "failed", error=error, among=("pending",)):
            about = {"tenant_id": event.tenant_id, "run_id": run_id}
            log.error("the run has failed: Inngest has refused it", extra=about)
            await self._ended(event.tenant_id, run_id, "failed")

    async def _ended(self, tenant_id: int, run_id: str, ended: str) -> None:
        await self.approvals.run_ended(tenant_id, run_id, ended)
        self.bus.moved(run_id)

    # --- runs

    async def start(
        self,
        *,
        tenant_id: int,
        workflow: str,
        data: Mapping[str, JSON] | None = None,
        business_id: int | None = None,
        initiator: str | None = None,
        key: str | None = None,
    ) -> str:
        """Start a run of a published workflow; our id of it.

        With a `key` it is started once, however often this is called with it. `initiator` is whom
        the run's approvals are asked for, as `event.data.initiator_id`.
        """
        if not is_tenant(tenant_id):
            raise Problem(422, "invalid-tenant", "a tenant is a positive integer")
        published = await self._published(tenant_id, workflow)
        if published is None:
            raise not_found("published workflow")
        found, definition = published
        given = {**(data or {}), "tenant_id": tenant_id}
        if initiator is not None:
            given[INITIATOR] = initiator
        given.pop(LINEAGE, None)
        refuse_inexact(given, "/data")
        _fits(given, definition.input)
        run_id = runs.new_id() if key is None else runs.derived_id("key", tenant_id, workflow, key)
        event = {
            "name": next(
                (one.event for one in definition.triggers if isinstance(one, EventTrigger)),
                f"{workflow}/start",
            ),
            "id": f"start:{run_id}",
            "ts": int(clock.now().timestamp() * 1000),
            "data": given,
        }
        new = runs.NewRun(
            id=run_id,
            tenant_id=tenant_id,
            workflow=workflow,
            version=found.version,
            digest=found.digest,
            event=event,
            function_id=RUN,
            task_type=definition.task_type,
            business_id=business_id,
            started_by=initiator,
        )
        await self._hand_over(new)
        return run_id

    async def retry(self, tenant_id: int, run_id: str, *, by: str | None = None) -> str:
        """Start what has failed or was cancelled once more, with the version published now."""
        run = await self._run(tenant_id, run_id)
        if run.status not in ("failed", "cancelled"):
            raise Problem(409, "not-failed", f"the run is {run.status}")
        published = await self._published(tenant_id, run.workflow)
        if published is None:
            raise Problem(409, "not-published", f"`{run.workflow}` is not published any more")
        found, definition = published
        again = runs.derived_id("retry", tenant_id, run.id)
        new = runs.NewRun(
            id=again,
            tenant_id=tenant_id,
            workflow=run.workflow,
            version=found.version,
            digest=found.digest,
            event={**run.event, "id": f"start:{again}"},
            function_id=RUN,
            task_type=definition.task_type,
            business_id=run.business_id,
            started_by=by or run.started_by,
            retried_from=run.id,
        )
        await self._hand_over(new)
        return again

    async def cancel(self, tenant_id: int, run_id: str) -> None:
        """End a run; it may take a moment until it is `cancelled`."""
        run = await self._run(tenant_id, run_id)
        if run.status not in runs.OPEN:
            raise Problem(409, "already-over", f"the run is {run.status} already")
        async with transaction() as client:
            unbegun = await runs.withdraw(tenant_id, run.id)
            data = {"tenant_id": tenant_id, "run_id": run.id}
            # Each time another event: Inngest may have missed one, if it had not begun the run.
            event_id = f"cancel:{run.id}:{runs.new_id()}"
            await outbox.put(client, event_id, tenant_id, CANCEL_EVENT, data)
        self.delivery.nudge()
        if unbegun:
            await self._ended(tenant_id, run.id, "cancelled")

    async def status(self, tenant_id: int, run_id: str) -> dict[str, Any]:
        """How a run and its nodes stand."""
        found = await execution_status(tenant_id, run_id)
        if found is None:
            raise not_found("run")
        return found

    async def _run(self, tenant_id: int, run_id: str) -> Run:
        run = await runs.get(tenant_id, run_id)
        if run is None:
            raise not_found("run")
        return run

    async def _published(
        self, tenant_id: int, workflow: str
    ) -> tuple[designs.Published, Definition] | None:
        """What a new run of a workflow takes, compiled again if its format is older.

        Raises `Problem` for a design that is refused since an upgrade.
        """
        found = await designs.published(tenant_id, workflow)
        if found is None:
            return None
        try:
            definition = await designs.definition(found.digest)
        except UnknownFormatError as error:
            if not error.is_older:
                raise Problem(503, "newer-format", str(error)) from None
            found = replace(found, digest=await self._recompiled(tenant_id, found))
            definition = await designs.definition(found.digest)
        return None if definition is None else (found, definition)

    async def _recompiled(self, tenant_id: int, found: designs.Published) -> str:
        try:
            return await self._recompiling.recompile(tenant_id, found.workflow, found.version)
        except RefusedDesignError as error:
            diagnostics = error.diagnostics or None
            raise Problem(409, "design-refused", str(error), diagnostics=diagnostics) from None

    async def _hand_over(self, new: runs.NewRun) -> None:
        """The rows, and the event that starts it, in one transaction."""
        asked = Asked(
            new.id,
            new.workflow,
            new.digest,
            new.version,
            new.event,
            new.business_id,
            new.started_by,
        )
        data = {"tenant_id": new.tenant_id, LINEAGE: asked.own()}
        async with transaction() as client:
            _, is_new = await runs.create(new)
            if is_new:
                await outbox.put(client, f"run:{new.id}", new.tenant_id, RUN_EVENT, data)
        self.delivery.nudge()

    # --- tenants

    async def tenant_settings(self, tenant_id: int) -> StoredSettings:
        """What a tenant has set, and which revision of it this is (0: nothing yet)."""
        row = await tenant_settings.get(tenant_id)
        if row is None:
            return StoredSettings(TenantSettings(), 0)
        return StoredSettings(TenantSettings.model_validate(row.body), row.revision)

    async def set_tenant_settings(
        self,
        tenant_id: int,
        given: TenantSettings,
        *,
        by: str | None = None,
        revision: int | None = None,
    ) -> StoredSettings:
        """Replace what a tenant has set: for crons from now on, else for runs that begin later.

        With a `revision`, only if that is still the one that is stored.
        """
        if not is_tenant(tenant_id) or tenant_id > MOST_TENANTS:
            raise Problem(422, "invalid-tenant", "a tenant is a positive integer")
        body = given.model_dump(mode="json", exclude_none=True)
        try:
            row = await tenant_settings.save(tenant_id, body, by=by, revision=revision)
        except designs.EditedMeanwhileError as error:
            text = f"the settings have been saved meanwhile, as revision {error.revision}"
            raise Problem(409, "edited-meanwhile", text, revision=error.revision) from None
        await self.deployment.refresh()
        return StoredSettings(given, row.revision)

    # --- designs

    async def publish(
        self, tenant_id: int, code: str, *, by: str | None = None, revision: int | None = None
    ) -> DesignVersion:
        """Let new runs take what the draft is now.

        Raises `Problem` with `diagnostics` (422) for a design that has errors.
        """
        try:
            design = await designs.get(tenant_id, code)
            zone = await self.zones.named(tenant_id)
            compiled = await self.compiling.compile(design.draft, code, timezone=zone)
            if compiled.definition is None:
                raise refused(compiled)
            if compiled.definition.id != code:
                instead = compiled.definition.id
                text = f"`{code}` cannot be the id of a workflow: save it as `{instead}`"
                raise Problem(422, "invalid-code", text)
            await self._bound_keys(tenant_id, compiled.definition)
            version = await designs.publish(
                tenant_id,
                code,
                canvas=design.draft,
                definition=compiled.definition,
                by=by,
                revision=revision or design.revision,
            )
        except designs.UnknownDesignError:
            raise not_found("design") from None
        except designs.EditedMeanwhileError as error:
            raise Problem(409, "edited-meanwhile", str(error), revision=error.revision) from None
        await self._deploy_for(tenant_id, compiled.definition)
        return version

    async def _deploy_for(self, tenant_id: int, definition: Definition) -> None:
        """Serve the functions that a tenant's published definition needs."""
        await self.deployment.published(await self._keys(tenant_id, definition))

    async def _keys(self, tenant_id: int, definition: Definition) -> Sequence[Key]:
        zone = await self.zones.of(tenant_id)
        return [key.in_zone(zone) for key in _keys(definition)]

    async def _bound_keys(self, tenant_id: int, definition: Definition) -> None:
        """Each event and each cron is a function of Inngest, which one tenant may not fill up."""
        most = self.settings.max_keys
        others = await triggers.keys_of(tenant_id, self.zones.of_all, besides=definition.id)
        after = others | set(await self._keys(tenant_id, definition))
        if len(after) > most and after != others:
            text = f"the tenant's designs have {len(after)} events and crons; {most} are allowed"
            raise Problem(422, "too-many-triggers", text)


@dataclass(frozen=True)
class StoredSettings:
    """The settings of a tenant, and how often they have been saved."""

    given: TenantSettings
    revision: int


def refused(compiled: Compiled) -> Problem:
    """Of a design that has errors."""
    return Problem(
        422, "design-has-errors", "the design has errors", diagnostics=compiled.diagnostics
    )


def _keys(definition: Definition) -> Sequence[Key]:
    found = [
        Key("event", one.event) if isinstance(one, EventTrigger) else Key("cron", one.with_zone())
        for one in definition.triggers
    ]
    return [*found, *(Key("cancel", one.event) for one in definition.settings.cancel_on)]


def _fits(data: Mapping[str, JSON], schema: dict[str, Any] | None) -> None:
    """Raises `Problem` (422) for data that a design's `input` does not allow."""
    errors = [
        {"pointer": f"/data{one.pointer}", "message": one.message}
        for one in violations(data, schema)
    ]
    if errors:
        raise Problem(
            422, "invalid-input", "the data is not what the workflow takes", errors=errors
        )
