"""The service of stored designs as a Python class, `ProFlow`, for use in a host's application.

The HTTP API (`routes/`) and `proflow serve` are built on it.
"""

from __future__ import annotations

import asyncio
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
from proflow_schemas.language import Text, Texts
from proflow_schemas.node_types.notify import IN_APP

from proflow_runtime.approvals import ApprovalService, Resolver, TableResolver
from proflow_runtime.approvals.refusals import status_said
from proflow_runtime.context import clock
from proflow_runtime.context.tenant import is_tenant
from proflow_runtime.dispatch.deployment import Deployment, Limits, Target
from proflow_runtime.dispatch.outdated import RefusedDesignError
from proflow_runtime.dispatch.start_request import RUN, StartRequest, event_id
from proflow_runtime.flow.subprocess import LINEAGE
from proflow_runtime.handlers.blocked import UNBLOCKED
from proflow_runtime.handlers.lifespan import Lifespan
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.handlers.task import Handler
from proflow_runtime.protocol.app_names import AppNames
from proflow_runtime.service.auth import Authenticate, MayStart, Principal, by_token
from proflow_runtime.service.background import in_background
from proflow_runtime.service.bus import Bus
from proflow_runtime.service.compiling import Compiled, DesignCompiler
from proflow_runtime.service.deadlines import time_out_due
from proflow_runtime.service.delivery import Delivery
from proflow_runtime.service.diagnostics import diagnostics
from proflow_runtime.service.given import fits, refuse_other_tenant
from proflow_runtime.service.going_on import Again, GoingOn, note_retry, with_data
from proflow_runtime.service.heartbeat import Heartbeat
from proflow_runtime.service.inngest_api import event_sender, run_lookup
from proflow_runtime.service.metrics import Metrics
from proflow_runtime.service.notifications import InApp
from proflow_runtime.service.problems import Problem, not_found, refuse_inexact
from proflow_runtime.service.readiness import HostReadiness, Readiness
from proflow_runtime.service.recompiling import DesignRecompiler
from proflow_runtime.service.recording import Recorder
from proflow_runtime.service.retaining import Retaining
from proflow_runtime.service.serving import FunctionServer
from proflow_runtime.service.settings import ProFlowSettings
from proflow_runtime.service.states import execution_status
from proflow_runtime.service.stuck import StuckList
from proflow_runtime.service.unblocking import Unblocking
from proflow_runtime.status import OF_THE_PROCESS, OPEN, Recorders
from proflow_runtime.status.redaction import Redact
from proflow_runtime.store import (
    blocking,
    designs,
    formats,
    outbox,
    runs,
    tenant_settings,
    triggers,
)
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models.designs import DesignVersion
from proflow_runtime.store.models.outbox import OutboxEvent
from proflow_runtime.store.models.runs import Run
from proflow_runtime.store.outbox import Effect
from proflow_runtime.store.tasks import TaskStatus, ask_inngest_with, get_task_status
from proflow_runtime.store.triggers import MOST_TENANTS, Key
from proflow_runtime.tenants import TenantSettings, TenantZones, TimezoneOf
from proflow_runtime.values import JSON

TEXTS = Texts(
    "service",
    {
        "tenant": Text("a tenant is a positive integer", "租户必须是正整数"),
        "started-by-host": Text(
            "runs of `{workflow:raw}` are started by the application itself, not by people",
            "流程 `{workflow:raw}` 只能由应用程序发起，不能由人员发起",
        ),
        "may-not-start": Text(
            "you are not among those who may start `{workflow:raw}`",
            "您不在可以发起流程 `{workflow:raw}` 的人员范围内",
        ),
        "host-refuses": Text(
            "the application does not let you start `{workflow:raw}` with this data",
            "应用程序不允许您用这些数据发起流程 `{workflow:raw}`",
        ),
        "run-is": Text("the run is {status}", "运行{status}"),
        "not-published": Text(
            "`{workflow:raw}` is not published any more",
            "流程 `{workflow:raw}` 已停用",
        ),
        "version-is-published": Text(
            "a run from the beginning has the published version: leave `version` out",
            "从头开始的运行使用已发布的版本：去掉 `version`",
        ),
        "run-already": Text("the run is {status} already", "运行{status}"),
        "settings-saved": Text(
            "the settings have been saved meanwhile, as revision {revision:raw}",
            "设置已被其他人保存（修订 {revision:raw}）",
        ),
        "no-id": Text(
            "`{code:raw}` cannot be the id of a workflow: save it as `{instead:raw}`",
            "`{code:raw}` 不能作为流程 ID：请另存为 `{instead:raw}`",
        ),
        "too-many-triggers": Text(
            "the tenant's designs have {count} events and crons; {most} are allowed",
            "租户的设计共有 {count} 个事件和定时，最多允许 {most} 个",
        ),
        "design-errors": Text("the design has errors", "设计有错误"),
    },
)

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI

log = logging.getLogger("proflow.service")
CANCELLED_AFTER = 4
"""After how many accepted cancellations a run is closed, even if Inngest has not confirmed it."""
INITIATOR = "initiator_id"
"""The key of a run's data that holds the id of the user who started the run."""


class ProFlow:
    """Stores, publishes and runs the designs of all tenants.

    The service works while `running()` is open; the database must be open around it. Several
    processes may share one database. Methods raise `Problem`, whose `status` is an HTTP status, if
    something does not exist or is not allowed.
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
        may_start: MayStart | None = None,
        readiness: Readiness | None = None,
        redact: Redact | None = None,
    ) -> None:
        """Create the service; it does nothing until `running()` is entered.

        Args:
            client: The Inngest client that all functions are created with.
            handlers: A registry of handlers, or a module: designs can call its functions that are
                marked with `@handler` or named in `__all__`.
            resolver: Finds the users behind an approver such as `role:finance`. By default the
                service reads its own tables of people, roles and departments.
            authenticate: Identifies the user who makes a request. By default requests carry tokens
                of the service.
            settings: Limits, intervals and paths.
            timezone_of: Returns the time zone of a tenant, if the host stores it. If it is not
                given or returns None, the tenant's own setting applies, then the default of
                `settings`.
            target: Where functions are deployed to. By default `mount` serves them.
            functions: The host's own Inngest functions, to be served on the same path.
            lifespan: An async context manager function that `running()` enters, instead of the
                `lifespan` of the handlers' module. Handlers and `functions` run with the context
                variables that it sets.
            may_start: Says if a user may start a run by the API, given the user, the workflow's id
                and the run's input; asked after the design's `start.who`.
            readiness: Says, where designs are checked and published, what they need and the host
                lacks. By default the registered channels, the resolver, the published workflows and
                the environment are looked at.
            redact: Removes secrets from inputs and outputs of steps, which are kept with each
                attempt: takes a node's id and a value, and returns what may be kept. Fields that
                are called `password`, `token`, `authorization` or alike are removed before.

        Raises:
            HandlerError: If a function of the module is declared as a handler and cannot be one.
            TimeError: If the tz database does not have the default time zone.
            ValueError: If the id of one of `functions` is already used.
        """
        self.client = client
        self.settings = settings or ProFlowSettings()
        registry = handlers if isinstance(handlers, Registry) else Registry.from_module(handlers)
        if lifespan is not None:
            registry = registry.with_lifespan(lifespan)
        self.registry = registry = registry.with_channels()
        self.authenticate = authenticate or by_token
        self._may_start = may_start
        self.heartbeat = Heartbeat()
        self.metrics = Metrics(self.heartbeat)
        self._names = AppNames(client.app_id)
        self.delivery = Delivery(
            event_sender(client),
            failed=self._undelivered,
            again=self._sent_again,
            pauses=[timedelta(seconds=one) for one in self.settings.resend_pauses],
        )
        self.bus = Bus()
        resolver = resolver or TableResolver()
        self.notifications = InApp(resolver, self.bus.moved)
        registry.channels.build_in(IN_APP, self.notifications.send)
        self.approvals = ApprovalService(
            resolver,
            app_id=client.app_id,
            committed=self.delivery.nudge,
            failed=partial(self.metrics.job_failed, "approval"),
            urge_pause=timedelta(seconds=self.settings.urge_pause),
        )
        self.readiness = readiness or HostReadiness(resolver, registry.channels)
        self.compiling = DesignCompiler(
            registry.signatures(), max_nodes=self.settings.max_nodes, readiness=self.readiness
        )
        self.zones = TenantZones(self.settings.timezone, timezone_of)
        after = timedelta(seconds=self.settings.stuck_after)
        self.stuck = StuckList(self.approvals, self.zones, after)
        self.served = FunctionServer(client, self.settings, registry.within_lifespan)
        self._unblocking = Unblocking(registry)
        self.target: Target = target or self.served
        self.recorders = Recorders(beyond=OF_THE_PROCESS)
        self._recorder = Recorder(self.bus.moved, redact)
        # No handlers are checked here: each run reports by itself if its process lacks one.
        self._recompiling = DesignRecompiler(
            DesignCompiler(
                None,
                max_nodes=self.settings.max_nodes,
                types=self.compiling.types,
                hurried=False,
            ),
            replaced=self._deploy_for,
            failed=partial(self.metrics.job_failed, "recompiling"),
            pause=self.settings.tick,
        )
        self.deployment = Deployment(
            client,
            registry,
            self.target,
            limits=Limits(self.settings.tenant_concurrency),
            zones=self.zones,
            opener=self.approvals.open,
            closer=self.approvals.close_left,
            board=self.approvals.board,
            ended=self._ended,
            finish=self._recorder.finish,
            recompile=self._recompiling.recompile,
            recorders=self.recorders,
            own=functions,
        )
        self.served.deployment = self.deployment
        self._going_on = GoingOn(self.compiling, self._names)

    # --- in an application

    def router(self) -> APIRouter:
        """Build the HTTP API.

        Returns:
            The router, to be passed to `FastAPI.include_router`.
        """
        from proflow_runtime.service.routes import router

        return router(self)

    def mount(self, app: FastAPI) -> None:
        """Serve the functions to Inngest.

        Args:
            app: The host's application; it gets a route at `settings.serve_path`.
        """
        from starlette.routing import Route

        # Not a `Mount`, which redirects requests to the same path with a trailing slash.
        app.router.routes.append(
            Route(self.settings.serve_path, self.served, include_in_schema=False)
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ProFlow]:
        """Run the service while the context is open.

        Enters the handlers' lifespan, deploys the functions of all published designs, records the
        states of runs, delivers events to Inngest, and sends reminders of approvals.

        Yields:
            This service.

        Raises:
            LifespanError: If the lifespan cannot be entered or exited.
        """
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.registry.lifespan(self.client))
            stack.callback(self.recorders.add(self._recorder))
            stack.callback(ask_inngest_with(run_lookup(self.client)))
            await self.deployment.refresh()
            await stack.enter_async_context(self.heartbeat.running())
            await stack.enter_async_context(self.bus.running())
            await stack.enter_async_context(self.delivery.running())
            await stack.enter_async_context(self._ticking())
            await stack.enter_async_context(self._recompiling.running())
            yield self

    def register_channel(self, name: str, handler: Handler) -> None:
        """Register a channel for the notifications of this service's designs.

        Args:
            name: The name of the channel in designs, such as `sms`. `email` replaces the built-in
                channel.
            handler: Sends a notification. Its input is `{"channel", "to", "subject", "content"}`.

        Raises:
            HandlerError: If the function cannot be a handler.
            ValueError: If `name` is empty.
        """
        self.registry.channels.register(name, handler)

    async def task_status(self, run_id: str, tenant_id: int) -> TaskStatus | None:
        """Get the status of a run of a tenant.

        Args:
            run_id: The run's id, as `start` returns it, or its id in Inngest. If the tables do not
                hold the run, the Inngest server of this service's client is asked.
            tenant_id: The tenant that owns the run.

        Returns:
            The status, or None if the tenant has no such run.
        """
        return await get_task_status(run_id, tenant_id, ask=run_lookup(self.client))

    @asynccontextmanager
    async def _ticking(self) -> AsyncIterator[None]:
        """Check approvals, deadlines and the registration of functions regularly."""

        retaining = Retaining(self.settings.retention)

        async def always() -> None:
            while True:
                for name, what, job in (
                    ("approvals", "check approvals", self.approvals.tick),
                    ("deadlines", "end runs that are due", self._time_out),
                    ("retention", "delete what is too old", retaining.tick),
                    ("registration", "register functions with Inngest", self.served.catch_up),
                    ("blocked", "continue blocked runs", self._unblock),
                    ("crons", "make up for missed crons", self._make_up_for_crons),
                ):
                    try:
                        await job()
                    except Exception as error:
                        self.metrics.job_failed(name)
                        log.warning("cannot %s now: %s", what, error, exc_info=error)
                await asyncio.sleep(self.settings.tick)

        async with in_background(always(), "proflow approvals"):
            yield

    async def _unblock(self) -> None:
        if await self._unblocking.tick():
            self.delivery.nudge()

    async def _time_out(self) -> None:
        if await time_out_due(self._names, self._ended):
            self.delivery.nudge()

    async def _cancel_children(self, tenant_id: int, run_id: str) -> None:
        """Cancel what a run has called, if Inngest does not say soon that it has ended it."""
        for child in await Run.filter(tenant_id=tenant_id, parent=run_id, status__in=OPEN).only(
            "id"
        ):
            data = {"tenant_id": tenant_id, "run_id": child.id}
            async with transaction() as client:
                await outbox.put(
                    *(client, f"cancel:{child.id}:caller", tenant_id, self._names.cancel, data),
                    effect=Effect("ended", child.id),
                    wait=outbox.PAUSES[0],
                )

    async def _make_up_for_crons(self) -> None:
        if await self.deployment.missed.make_up():
            self.delivery.nudge()

    async def _undelivered(self, event: OutboxEvent, reason: str) -> None:
        """Mark a run as failed if Inngest has rejected its start event for good."""
        self.metrics.job_failed("delivery")
        if event.name != self._names.run or event.sends:
            return  # a run whose hand-over was accepted may still begin
        request = event.data[LINEAGE]
        run_id, attempt = request["run"], request.get("attempt", 1)
        error = {"name": "HandOverError", "message": f"Inngest has refused the run: {reason}"}
        if await runs.finish(
            event.tenant_id, run_id, "failed", error=error, among=("pending",), attempt=attempt
        ):
            about = {"tenant_id": event.tenant_id, "run_id": run_id}
            log.error("the run has failed: Inngest has refused it", extra=about)
            await self._ended(event.tenant_id, run_id, "failed")

    async def _sent_again(self, event: OutboxEvent) -> None:
        """Close a run whose cancellation was sent often: Inngest may have lost that it has ended it."""
        self.metrics.sent_again(event.effect or "")
        if event.name == self._names.cancel and event.sends >= CANCELLED_AFTER and event.run_id:
            about = {"tenant_id": event.tenant_id, "run_id": event.run_id}
            if await runs.finish(event.tenant_id, event.run_id, "cancelled"):
                log.warning("the run is closed: Inngest has not confirmed its end", extra=about)
                await self._ended(event.tenant_id, event.run_id, "cancelled")

    async def _ended(self, tenant_id: int, run_id: str, ended: str) -> None:
        await self.approvals.run_ended(tenant_id, run_id, ended)
        await self._cancel_children(tenant_id, run_id)
        self.bus.moved(run_id)

    # --- runs

    async def require_start(
        self, principal: Principal, workflow: str, data: Mapping[str, JSON]
    ) -> None:
        """Refuse a user who may not start a workflow by the API; host code calls `start` itself.

        Args:
            principal: The user who wants to start a run.
            workflow: The workflow's id.
            data: The input of the run.

        Raises:
            Problem: If the design's `start.who` or the host's `may_start` excludes the user (403).
        """
        published = await self._published(principal.tenant_id, workflow)
        if published is None:
            return  # `start` and `retry` refuse it, with the reason
        who = published[1].starters
        if who is not None and not (who.roles or who.people):
            raise Problem(403, "started-by-host", TEXTS("started-by-host", workflow=workflow))
        if (
            who is not None
            and principal.user not in who.people
            and principal.roles.isdisjoint(who.roles)
        ):
            raise Problem(403, "may-not-start", TEXTS("may-not-start", workflow=workflow))
        if self._may_start is not None and not await self._may_start(principal, workflow, data):
            raise Problem(403, "may-not-start", TEXTS("host-refuses", workflow=workflow))

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
        """Start a run of a published workflow.

        Args:
            tenant_id: The tenant that owns the workflow.
            workflow: The workflow's id, which is also the code of its design.
            data: The input of the run, which expressions read as `event.data`.
            business_id: The host's id of the record that the run is about; stored with its task.
            initiator: The id of the user on whose behalf approvals are requested; expressions read
                it as `event.data.initiator_id`.
            key: Makes the call idempotent: later calls with the same key for the same workflow
                start no other run.

        Returns:
            The id of the run.

        Raises:
            Problem: If the tenant id is invalid (422), there is no such published workflow (404),
                the data names another tenant or does not match the workflow's input (422), or the
                design does not compile any more (409).
        """
        if not is_tenant(tenant_id):
            raise Problem(422, "invalid-tenant", TEXTS("tenant"))
        published = await self._published(tenant_id, workflow)
        if published is None:
            raise not_found("published workflow")
        found, definition = published
        refuse_other_tenant(data or {}, tenant_id)
        given = {**(data or {}), "tenant_id": tenant_id}
        if initiator is not None:
            given[INITIATOR] = initiator
        given.pop(LINEAGE, None)
        refuse_inexact(given, "/data")
        await fits(given, definition)
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

    async def retry(
        self, tenant_id: int, run_id: str, again: Again | None = None, *, by: str | None = None
    ) -> str:
        """Retry a run that has failed or was cancelled.

        By default it goes on at the step that failed, as its next attempt: with the outputs,
        approvals and iterations that it has, in its version. From the beginning, another run starts
        with the version that is published now; a second such retry of the same run starts none.

        Args:
            tenant_id: The tenant that owns the run.
            run_id: The run.
            again: From where, in which version, with which data, and why.
            by: The id of the user who retries; by default the user who started the run.

        Returns:
            The id of the run that goes on, or of the new one.

        Raises:
            Problem: If there is no such run (404), it has not failed and was not cancelled (409),
                its version is not there or not safe for it (409), or the data is not what the
                workflow takes (422).
        """
        again = again or Again()
        run = await self._run(tenant_id, run_id)
        if run.status not in runs.RETRIED:
            raise Problem(409, "not-failed", TEXTS("run-is", status=status_said(run.status)))
        if again.start == "failure":
            await self._going_on.go_on(run, again, by=by)
            self.bus.moved(run.id)
            self.delivery.nudge()
            return run.id
        return await self._restart(run, again, by=by)

    async def _restart(self, run: Run, again: Again, *, by: str | None) -> str:
        """Start a run again from the beginning, as another run."""
        tenant_id = run.tenant_id
        if again.version is not None:
            raise Problem(422, "version-is-published", TEXTS("version-is-published"))
        published = await self._published(tenant_id, run.workflow)
        if published is None:
            raise Problem(409, "not-published", TEXTS("not-published", workflow=run.workflow))
        found, definition = published
        event = await with_data(run.event, tenant_id, definition, again.data)
        new_id = runs.derived_id("retry", tenant_id, run.id)
        new = runs.NewRun(
            id=new_id,
            tenant_id=tenant_id,
            workflow=run.workflow,
            version=found.version,
            digest=found.digest,
            event={**event, "id": f"start:{new_id}"},
            function_id=RUN,
            task_type=definition.task_type,
            business_id=run.business_id,
            started_by=by or run.started_by,
            retried_from=run.id,
        )
        async with transaction():
            if await self._hand_over(new):
                await note_retry(run, again, by, event, run=new_id)
        return new_id

    async def cancel(self, tenant_id: int, run_id: str, *, force: bool = False) -> None:
        """Cancel a run. Its status becomes `cancelled` a moment later.

        Args:
            tenant_id: The tenant that owns the run.
            run_id: The run to cancel.
            force: Set the status now, without waiting for Inngest, which may not know the run: its
                data were lost, or ours were restored.

        Raises:
            Problem: If there is no such run (404), or it has already ended (409).
        """
        run = await self._run(tenant_id, run_id)
        if run.status not in OPEN:
            raise Problem(409, "already-over", TEXTS("run-already", status=status_said(run.status)))
        async with transaction() as client:
            among = OPEN if force else ("pending",)
            over = await runs.finish(tenant_id, run.id, "cancelled", among=among)
            data = {"tenant_id": tenant_id, "run_id": run.id}
            # Every call sends an event of its own: Inngest ignores one for a run not yet begun.
            event_id = f"cancel:{run.id}:{runs.new_id()}"
            effect = None if over else Effect("ended", run.id)
            await outbox.put(client, event_id, tenant_id, self._names.cancel, data, effect=effect)
        self.delivery.nudge()
        if over:
            await self._ended(tenant_id, run.id, "cancelled")

    async def unblock(self, tenant_id: int, run_id: str) -> None:
        """Let a blocked run try again; it is blocked again if what it needs is still missing.

        Args:
            tenant_id: The tenant that owns the run.
            run_id: The run.

        Raises:
            Problem: If there is no such run (404), or it is not blocked (409).
        """
        await self._run(tenant_id, run_id)
        if not await blocking.release(tenant_id, run_id, event=UNBLOCKED):
            raise Problem(409, "not-blocked", "the run is not blocked")
        self.delivery.nudge()

    async def send_again(self, tenant_id: int, event_id: str) -> None:
        """Send an event of the outbox again, with the same id.

        Args:
            tenant_id: The tenant that owns the event.
            event_id: The id of the event.

        Raises:
            Problem: If there is no such event any more (404).
        """
        if not await outbox.send_again(tenant_id, event_id):
            raise not_found("event")
        self.delivery.nudge()

    async def status(self, tenant_id: int, run_id: str) -> dict[str, Any]:
        """Get the states of a run and of its nodes.

        Args:
            tenant_id: The tenant that owns the run.
            run_id: The run.

        Returns:
            The run with the states of its nodes by id, as `GET /runs/{run_id}` returns them.

        Raises:
            Problem: If there is no such run (404).
        """
        found = await execution_status(tenant_id, run_id)
        if found is None:
            raise not_found("run")
        return found

    async def input_of(self, tenant_id: int, workflow: str) -> dict[str, JSON] | None:
        """Get the JSON Schema of the data that new runs of a workflow take.

        Args:
            tenant_id: The tenant that owns the workflow.
            workflow: The workflow's id.

        Returns:
            The schema, or None if the workflow is not published or states none.

        Raises:
            Problem: If the design does not compile any more (409).
        """
        published = await self._published(tenant_id, workflow)
        return None if published is None else published[1].input

    async def _run(self, tenant_id: int, run_id: str) -> Run:
        run = await runs.get(tenant_id, run_id)
        if run is None:
            raise not_found("run")
        return run

    async def _published(
        self, tenant_id: int, workflow: str
    ) -> tuple[designs.Published, Definition] | None:
        """Find the version that new runs of a workflow use; None if none is published.

        A definition in an older format is compiled again. Raises `Problem` if its design does not
        compile since an upgrade.
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

    async def _hand_over(self, new: runs.NewRun) -> bool:
        """Write the rows of a run and the event that starts it, in one transaction.

        Returns False if the run was there already.
        """
        about = await formats.about(new.digest)
        if about is not None and about.start_timeout is not None:
            new = replace(new, start_timeout=about.start_timeout)
        request = StartRequest(
            new.id,
            new.workflow,
            new.digest,
            new.version,
            new.event,
            new.business_id,
            new.started_by,
        )
        data = {"tenant_id": new.tenant_id, LINEAGE: request.own()}
        async with transaction() as client:
            _, is_new = await runs.create(new)
            if is_new:
                await outbox.put(
                    *(client, event_id(new.id, 1), new.tenant_id, self._names.run, data),
                    effect=Effect("begun", new.id),
                )
        self.delivery.nudge()
        return is_new

    # --- tenants

    async def tenant_settings(self, tenant_id: int) -> StoredSettings:
        """Get the settings of a tenant.

        Args:
            tenant_id: The tenant.

        Returns:
            The settings with their revision, which is 0 if the tenant has saved none.
        """
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
        """Replace the settings of a tenant.

        They apply to crons at once, and to runs that begin later.

        Args:
            tenant_id: The tenant.
            given: The new settings.
            by: The id of the user who saves them.
            revision: The revision that the caller has read; None saves in any case.

        Returns:
            The settings with their new revision.

        Raises:
            Problem: If the tenant id is invalid (422), or somebody else has saved the settings
                since `revision` (409).
        """
        if not is_tenant(tenant_id) or tenant_id > MOST_TENANTS:
            raise Problem(422, "invalid-tenant", TEXTS("tenant"))
        body = given.model_dump(mode="json", exclude_none=True)
        try:
            row = await tenant_settings.save(tenant_id, body, by=by, revision=revision)
        except designs.EditedMeanwhileError as error:
            text = TEXTS("settings-saved", revision=error.revision)
            raise Problem(409, "edited-meanwhile", text, revision=error.revision) from None
        await self.deployment.refresh()
        return StoredSettings(given, row.revision)

    # --- designs

    async def publish(
        self, tenant_id: int, code: str, *, by: str | None = None, revision: int | None = None
    ) -> DesignVersion:
        """Publish the draft of a design: new runs use it from now on.

        Args:
            tenant_id: The tenant that owns the design.
            code: The design's code, which is also the id of its workflow.
            by: The id of the user who publishes.
            revision: The revision of the draft that the caller has read; None publishes the
                draft as it is stored.

        Returns:
            The published version.

        Raises:
            Problem: If there is no such design (404), it has errors (422, with `diagnostics`), its
                code cannot be the id of a workflow (422), the tenant's designs have too many
                triggers (422), or somebody else has saved the draft since `revision` (409).
        """
        try:
            design = await designs.get(tenant_id, code)
            zone = await self.zones.named(tenant_id)
            compiled = await self.compiling.compile(
                design.draft, code, timezone=zone, tenant_id=tenant_id
            )
            if compiled.definition is None:
                raise refused(compiled)
            if compiled.definition.id != code:
                instead = compiled.definition.id
                text = TEXTS("no-id", code=code, instead=instead)
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
        """Deploy the functions that a tenant's published definition needs."""
        await self.deployment.published(await self._keys(tenant_id, definition))

    async def _keys(self, tenant_id: int, definition: Definition) -> Sequence[Key]:
        zone = await self.zones.of(tenant_id)
        return [key.in_zone(zone) for key in _keys(definition)]

    async def _bound_keys(self, tenant_id: int, definition: Definition) -> None:
        """Raise `Problem` if the tenant would have more events and crons than are allowed.

        Each of them is a function of Inngest, and all tenants share the limit of functions there.
        """
        most = self.settings.max_keys
        others = await triggers.keys_of(tenant_id, self.zones.of_all, besides=definition.id)
        after = others | set(await self._keys(tenant_id, definition))
        if len(after) > most and after != others:
            text = TEXTS("too-many-triggers", count=len(after), most=most)
            raise Problem(422, "too-many-triggers", text)


@dataclass(frozen=True)
class StoredSettings:
    """The settings of a tenant with their revision.

    Attributes:
        given: The settings.
        revision: How often they have been saved.
    """

    given: TenantSettings
    revision: int


def refused(compiled: Compiled) -> Problem:
    """Build the error for a design that has errors, with its diagnostics."""
    found = [one.model_dump(by_alias=True) for one in diagnostics(compiled.diagnostics)]
    return Problem(422, "design-has-errors", TEXTS("design-errors"), diagnostics=found)


def _keys(definition: Definition) -> Sequence[Key]:
    found = [
        Key("event", one.event) if isinstance(one, EventTrigger) else Key("cron", one.with_zone())
        for one in definition.triggers
    ]
    return [*found, *(Key("cancel", one.event) for one in definition.settings.cancel_on)]
