"""Says whether the service can do its work, for load balancers and for people."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict, runtime_checkable

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from proflow_runtime.context import clock
from proflow_runtime.store.database import connection, pending_migrations
from proflow_runtime.store.models.outbox import OutboxEvent

if TYPE_CHECKING:
    from proflow_runtime.service.facade import ProFlow

PATIENCE = 2.0
"""Seconds in which a check must have an answer."""
STALLED = 15.0
"""Seconds after which an engine counts as stalled whose changes are not stored."""
OLDEST = 300.0
"""The age of an unsent event, in seconds, from which delivery counts as delayed."""
Status = Literal["ok", "degraded", "unavailable"]
log = logging.getLogger("proflow.service")


class Check(TypedDict):
    """The result of one check; `detail` says why it is not `ok`."""

    status: Status
    detail: str | None


@runtime_checkable
class Progressing(Protocol):
    """A target of deployments that runs functions itself, such as the local engine."""

    def stalled(self) -> float:
        """Return for how many seconds it has not been able to go on; 0 if it can."""
        ...


async def checks(proflow: ProFlow) -> dict[str, Check]:
    """Perform all checks.

    Args:
        proflow: The service.

    Returns:
        The results by name. `degraded` is what a person should look at, though requests are
        answered; `unavailable` is what keeps them from being answered.
    """
    database = await _checked(_database)
    found = {"database": database}
    if database["status"] == "ok":
        found["migrations"] = await _checked(_migrations)
        found["outbox"] = await _checked(_outbox)
    target = proflow.target
    if isinstance(target, Progressing):
        found["engine"] = _engine(target)
    return found


def overall(found: dict[str, Check]) -> Status:
    """Return the worst status of some checks."""
    statuses = {one["status"] for one in found.values()}
    if "unavailable" in statuses:
        return "unavailable"
    return "degraded" if "degraded" in statuses else "ok"


def health_router(proflow: ProFlow) -> APIRouter:
    """Build the routes `/health`, `/health/live` and `/health/ready`, which a host can mount.

    Args:
        proflow: The service.
    """
    router = APIRouter(tags=["operations"])
    unavailable: dict[int | str, Any] = {503: {"description": "The service cannot do its work now"}}

    async def answer() -> JSONResponse:
        found = await checks(proflow)
        status = overall(found)
        if status != "ok":
            log.warning("the service is %s: %s", status, _reasons(found))
        code = 503 if status == "unavailable" else 200
        headers = {"retry-after": "5"} if code == 503 else {}
        return JSONResponse({"status": status, "checks": found}, code, headers)

    @router.get("/health", response_model=None, responses=unavailable)
    async def health() -> JSONResponse:
        """200 if the service works, else 503; `checks` has the reasons."""
        return await answer()

    @router.get("/health/ready", response_model=None, responses=unavailable)
    async def ready() -> JSONResponse:
        """Whether requests can be sent here: the same as `/health`."""
        return await answer()

    @router.get("/health/live", response_model=None)
    async def live() -> JSONResponse:
        """200 while the process answers at all; a process that does not is to be restarted."""
        return JSONResponse({"status": "ok", "longest_standstill": proflow.heartbeat.longest()})

    return router


async def _checked(check: Callable[[], Awaitable[Check]]) -> Check:
    try:
        async with asyncio.timeout(PATIENCE):
            return await check()
    except Exception as error:
        reason = str(error) or type(error).__name__
        log.debug("a check has failed", exc_info=error)
        return {"status": "unavailable", "detail": f"the database cannot be used: {reason[:200]}"}


async def _database() -> Check:
    await connection().execute_query("SELECT 1")
    return {"status": "ok", "detail": None}


async def _migrations() -> Check:
    pending = await pending_migrations()
    if pending:
        return {"status": "unavailable", "detail": f"`{pending[0]}` has not been applied"}
    return {"status": "ok", "detail": None}


async def _outbox() -> Check:
    unsent = OutboxEvent.filter(sent_at__isnull=True, failed_at__isnull=True)
    oldest = await unsent.order_by("created_at").first()
    age = 0.0 if oldest is None else (clock.now() - oldest.created_at).total_seconds()
    if age > OLDEST:
        return {"status": "degraded", "detail": f"an event is unsent for {age:.0f} s"}
    return {"status": "ok", "detail": None}


def _engine(target: Progressing) -> Check:
    stalled = target.stalled()
    if stalled > STALLED:
        return {"status": "unavailable", "detail": f"nothing could be stored for {stalled:.0f} s"}
    return {"status": "ok", "detail": None}


def _reasons(found: dict[str, Check]) -> str:
    return "; ".join(f"{name}: {one['detail']}" for name, one in found.items() if one["detail"])
