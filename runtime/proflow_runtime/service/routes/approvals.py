"""The routes of approvals and delegations."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from proflow_schemas.language import Text, Texts
from pydantic import AwareDatetime, BaseModel, Field, model_validator

from proflow_runtime.approvals.acting import LONGEST_COMMENT, ActName
from proflow_runtime.approvals.service import summary
from proflow_runtime.service.auth import Principal
from proflow_runtime.service.facade import ProFlow
from proflow_runtime.service.problems import RESPONSES, Problem, not_found
from proflow_runtime.service.routes.common import (
    Body,
    Cursor,
    Following,
    Limit,
    RowId,
    audited,
    bad_cursor,
    principal,
)
from proflow_runtime.store import people
from proflow_runtime.store.pages import CursorError

TEXTS = Texts(
    "delegation",
    {
        "order": Text("`ends_at` is not after `starts_at`", "`ends_at` 必须晚于 `starts_at`"),
    },
)

TAG = "approvals"
User = Annotated[str, Field(min_length=1, max_length=200)]


class ApprovalSummary(BaseModel):
    """An approval in a list; `allow` are the acts that its design allows besides voting."""

    id: int
    run_id: str
    workflow: str
    node: str
    label: str
    mode: str
    status: str
    initiator: str | None
    opened_at: datetime
    expires_at: datetime | None
    resolved_at: datetime | None
    decided_by: str | None
    comment: str | None
    allow: list[str]
    comment_required: str


class Seat(BaseModel):
    """The assignment of an approval to one approver.

    `instead_of` is the user from whom it was transferred.
    """

    user: str
    status: str
    origin: str
    instead_of: str | None
    comment: str | None
    acted_at: datetime | None


class Entry(BaseModel):
    """An entry of the audit trail: who did what, and when."""

    at: datetime
    actor: str
    act: str
    comment: str | None
    details: Any


class ApprovalDetails(ApprovalSummary):
    """An approval with its run's input (`data`), its assignments and its audit trail."""

    data: dict[str, Any]
    assignments: list[Seat]
    trail: list[Entry]


class Act(Body):
    act: ActName
    comment: str | None = Field(default=None, max_length=LONGEST_COMMENT)
    to: User | None = Field(
        default=None, description="The other user, for `transfer` and `add-sign-…`"
    )
    instead_of: User | None = Field(default=None, description="The user for whom this one acts")


class NewDelegation(Body):
    """`stand_in` may act for the user who makes the request, from `starts_at` to `ends_at`."""

    stand_in: User
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    workflow: str | None = Field(default=None, max_length=100)

    @model_validator(mode="after")
    def _in_order(self) -> "NewDelegation":
        if self.ends_at <= self.starts_at:
            raise ValueError(TEXTS("order"))
        return self


class Delegation(BaseModel):
    id: int
    user: str
    stand_in: str
    workflow: str | None
    starts_at: datetime
    ends_at: datetime


def add(router: APIRouter, proflow: ProFlow) -> None:
    """Add the routes of approvals and delegations to a router."""
    who = principal(proflow)

    @router.get("/approvals", tags=[TAG], responses=RESPONSES)
    async def list_approvals(
        box: Annotated[Literal["inbox", "done", "initiated"], Query()] = "inbox",
        cursor: Cursor = None,
        limit: Limit = 50,
        principal: Principal = who,
    ) -> Following[ApprovalSummary]:
        """List approvals, the newest first: those that wait for the user (`inbox`; for
        administrators also those that nobody else can decide), those the user has decided (`done`), or those of runs that the user has started (`initiated`)."""
        try:
            found = await proflow.approvals.inbox(
                principal.tenant_id,
                principal.user,
                box,
                after=cursor,
                limit=limit,
                permissions=principal.permissions,
            )
        except CursorError as error:
            raise bad_cursor(error) from None
        return Following(
            items=[ApprovalSummary(**summary(one)) for one in found.items], next=found.next
        )

    @router.get("/approvals/{approval_id}", tags=[TAG], responses=RESPONSES)
    async def get_approval(approval_id: RowId, principal: Principal = who) -> ApprovalDetails:
        """Get an approval with its audit trail; only for those who take part in it."""
        found = await proflow.approvals.get(
            principal.tenant_id, principal.user, approval_id, permissions=principal.permissions
        )
        return ApprovalDetails(**found)

    @router.post("/approvals/{approval_id}/acts", tags=[TAG], responses=RESPONSES)
    async def act_on_approval(
        approval_id: RowId, body: Act, principal: Principal = who
    ) -> ApprovalDetails:
        """Approve, reject, return, transfer, add an approver, remind (`urge`), withdraw, comment."""
        found = await proflow.approvals.act(
            principal.tenant_id,
            principal.user,
            approval_id,
            body.act,
            comment=body.comment,
            to=body.to,
            instead_of=body.instead_of,
            permissions=principal.permissions,
        )
        if body.act == "transfer" and all(
            one["instead_of"] is None for one in found["assignments"] if one["user"] == body.to
        ):
            # Nobody had it before: an administrator has handed it to somebody.
            await audited(principal, "approval-handed-over", approval_id, to=body.to)
        return ApprovalDetails(**found)

    @router.get("/delegations", tags=[TAG], responses=RESPONSES)
    async def list_delegations(principal: Principal = who) -> list[Delegation]:
        """List the delegations that the user has given or received."""
        found = await people.delegations(principal.tenant_id, principal.user)
        return [_delegation(one) for one in found]

    @router.post("/delegations", status_code=201, tags=[TAG], responses=RESPONSES)
    async def create_delegation(body: NewDelegation, principal: Principal = who) -> Delegation:
        """Let somebody act for the user during some time."""
        unknown = await proflow.approvals.why_unknown(principal.tenant_id, body.stand_in)
        if unknown is not None:
            raise Problem(422, "unknown-user", unknown)
        return _delegation(
            await people.delegate(
                principal.tenant_id,
                principal.user,
                body.stand_in,
                starts_at=body.starts_at,
                ends_at=body.ends_at,
                workflow=body.workflow,
            )
        )

    @router.delete("/delegations/{delegation_id}", status_code=204, tags=[TAG], responses=RESPONSES)
    async def end_delegation(delegation_id: RowId, principal: Principal = who) -> None:
        """Delete a delegation that the user has given."""
        if not await people.end_delegation(principal.tenant_id, principal.user, delegation_id):
            raise not_found("delegation")


def _delegation(row: Any) -> Delegation:
    return Delegation(**{name: getattr(row, name) for name in Delegation.model_fields})
