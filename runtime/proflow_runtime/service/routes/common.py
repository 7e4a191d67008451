"""Parameters and models that several routes share."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Path, Query, Request
from proflow_schemas.language import Text, Texts
from proflow_schemas.numbers import MAX_EXACT
from pydantic import BaseModel, ConfigDict
from tortoise.expressions import Q

from proflow_runtime.context.permissions import READ_RUNS
from proflow_runtime.service.auth import Principal
from proflow_runtime.service.facade import ProFlow
from proflow_runtime.service.problems import Problem, not_found
from proflow_runtime.store import administration, participation
from proflow_runtime.store.pages import CursorError

TEXTS = Texts(
    "cursor",
    {
        "invalid": Text("the cursor is invalid: {said:raw}", "分页游标无效"),
    },
)

T = TypeVar("T")
MOST_INTEGER = 2**31 - 1
Limit = Annotated[int, Query(ge=1, le=200, description="How many to return at most")]
Offset = Annotated[int, Query(ge=0, le=MOST_INTEGER)]
Cursor = Annotated[str | None, Query(max_length=500, description="`next` of the page before")]
Code = Annotated[str, Path(max_length=100, description="A design's code: its workflow's id")]
RunId = Annotated[str, Path(max_length=64)]
RowId = Annotated[int, Path(ge=1, le=MAX_EXACT)]


class Body(BaseModel):
    """The base of request bodies, which may have no unknown fields."""

    model_config = ConfigDict(extra="forbid")


class Listed(BaseModel, Generic[T]):
    """A page of a list; `total` is the length of the whole list."""

    items: list[T]
    total: int


class Following(BaseModel, Generic[T]):
    """A page of a list that may grow; `next` is the cursor of the following page, or null."""

    items: list[T]
    next: str | None


def principal(proflow: ProFlow) -> Any:
    """Create the dependency by which a route gets the user who makes the request."""

    async def authenticated(request: Request) -> Principal:
        found = await proflow.authenticate(request)
        if found.address is None and request.client is not None:
            found = replace(found, address=request.client.host)
        return found

    return Depends(authenticated)


async def visible_runs(principal: Principal) -> Q | None:
    """Select the runs that a user may see; None for all runs of the tenant."""
    if principal.may(READ_RUNS):
        return None
    return await participation.runs_of(principal.tenant_id, principal.user)


async def require_visible(principal: Principal, run_id: str) -> None:
    """Raise `Problem` (404) if a run does not exist, or is none that a user may see."""
    if principal.may(READ_RUNS):
        return
    if not await participation.takes_part(principal.tenant_id, principal.user, run_id):
        raise not_found("run")


async def audited(principal: Principal, act: str, subject: object, **details: Any) -> None:
    """Add an act of administration by a user to the log."""
    await administration.record(
        principal.tenant_id,
        principal.user,
        act,
        subject,
        address=principal.address,
        details=details or None,
    )


def dashboard_link(proflow: ProFlow, inngest_run_id: str | None) -> str | None:
    """Return the address of a run in Inngest's web pages, or None if it is not known."""
    address = proflow.settings.dashboard
    if address is None or inngest_run_id is None:
        return None
    return f"{address.rstrip('/')}/run?runID={inngest_run_id}"


def bad_cursor(error: CursorError) -> Problem:
    """Build the problem for an invalid cursor."""
    return Problem(422, "invalid-cursor", TEXTS("invalid", said=error))
