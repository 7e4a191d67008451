"""Parameters and models that several routes share."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Path, Query, Request
from proflow_schemas.language import Text, Texts
from proflow_schemas.numbers import MAX_EXACT
from pydantic import BaseModel, ConfigDict

from proflow_runtime.service.auth import Principal
from proflow_runtime.service.facade import ProFlow
from proflow_runtime.service.problems import Problem
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
        return await proflow.authenticate(request)

    return Depends(authenticated)


def dashboard_link(proflow: ProFlow, inngest_run_id: str | None) -> str | None:
    """Return the address of a run in Inngest's web pages, or None if it is not known."""
    address = proflow.settings.dashboard
    if address is None or inngest_run_id is None:
        return None
    return f"{address.rstrip('/')}/run?runID={inngest_run_id}"


def bad_cursor(error: CursorError) -> Problem:
    """Build the problem for an invalid cursor."""
    return Problem(422, "invalid-cursor", TEXTS("invalid", said=error))
