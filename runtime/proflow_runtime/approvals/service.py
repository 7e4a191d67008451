"""The approvals of all tenants: opened by runs, decided by people, reminded of by the clock."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from tortoise.expressions import Q, Subquery

from proflow_runtime.approvals import acting
from proflow_runtime.approvals.board import MOST_ID, SYSTEM, Board
from proflow_runtime.approvals.opening import never_open, open_approval
from proflow_runtime.approvals.refusals import not_found
from proflow_runtime.approvals.resolving import Resolver, TableResolver
from proflow_runtime.context import clock
from proflow_runtime.flow.approvals import OpenRequest
from proflow_runtime.store import people
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models.approvals import Approval, Assignment, AuditEntry
from proflow_runtime.store.models.runs import Run
from proflow_runtime.store.pages import LIMIT, Slice, sliced

log = logging.getLogger("proflow.approvals")
Box = Literal["inbox", "done", "initiated"]
BATCH = 200
"""Approvals that one look at the clock takes at a time."""
EXPIRED = {"approve": "approved", "reject": "rejected"}
"""What an approval is after its time, by its `timeoutAction`."""
GRACE = timedelta(seconds=5)
"""How long after its time a run is given to say itself what has become of an approval."""


class ApprovalService:
    """`committed` is called whenever events may wait in the outbox, `failed` for every approval that
    a look at the clock could not see to."""

    def __init__(
        self,
        resolver: Resolver | None = None,
        *,
        committed: Callable[[], None] | None = None,
        failed: Callable[[], None] | None = None,
        urge_pause: timedelta = acting.URGE_PAUSE,
    ) -> None:
        """`urge_pause`: between two times that an initiator urges the same approvers, at least."""
        self._urge_pause = urge_pause
        self._resolver = resolver or TableResolver()
        self._committed = committed or (lambda: None)
        self._failed = failed or (lambda: None)

    async def open(self, request: OpenRequest) -> None:
        """Open an approval that a run has come to; once, however often it is asked."""
        if await open_approval(request, self._resolver):
            about = {
                "tenant_id": request.tenant_id,
                "run_id": request.run_id,
                "node_id": request.node,
            }
            log.info("an approval is opened", extra=about)
            self._committed()

    async def act(
        self,
        tenant_id: int,
        user: str,
        approval_id: int,
        act: str,
        *,
        comment: str | None = None,
        to: str | None = None,
        instead_of: str | None = None,
        roles: Collection[str] = (),
    ) -> dict[str, Any]:
        """Let somebody do something; what the approval is then. Raises `ActRefused`.

        `instead_of`: for whom they stand in, where they have a seat of their own, or several ask.
        """
        await acting.perform(
            tenant_id,
            user,
            approval_id,
            act,
            comment=comment,
            to=to,
            instead_of=instead_of,
            roles=frozenset(roles),
            urge_pause=self._urge_pause,
        )
        self._committed()
        found = await self.get(tenant_id, user, approval_id, roles=roles)
        about = {"tenant_id": tenant_id, "run_id": found["run_id"], "node_id": found["node"]}
        log.info("approval %d: %s, now %s", approval_id, act, found["status"], extra=about)
        return found

    async def get(
        self, tenant_id: int, user: str, approval_id: int, *, roles: Collection[str] = ()
    ) -> dict[str, Any]:
        """An approval with its trail, for those who take part and for administrators.

        Raises `ActRefused` (404).
        """
        known = 0 < approval_id < MOST_ID
        found = Approval.get_or_none(id=approval_id, tenant_id=tenant_id)
        approval = await found if known else None
        if approval is None:
            raise not_found()
        rows = await Assignment.filter(approval_id=approval.id).order_by("position", "id")
        may = {user, *(one for one, _ in await people.stood_in_for(tenant_id, user))}
        seen = {approval.initiator, *(one.user for one in rows)}
        if may.isdisjoint(seen) and acting.ADMIN not in roles:
            raise not_found()
        trail = await AuditEntry.filter(tenant_id=tenant_id, approval_id=approval.id).order_by("id")
        run = await Run.get_or_none(id=approval.run_id, tenant_id=tenant_id).only("id", "event")
        return {
            **summary(approval),
            "data": {} if run is None else shown_data(run.event),
            "assignments": [_assignment(one) for one in rows],
            "trail": [
                {
                    "at": one.at,
                    "actor": one.actor,
                    "act": one.act,
                    "comment": one.comment,
                    "details": one.details,
                }
                for one in trail
            ],
        }

    async def inbox(
        self,
        tenant_id: int,
        user: str,
        box: Box = "inbox",
        *,
        after: str | None = None,
        limit: int = LIMIT,
    ) -> Slice[Approval]:
        """What waits for somebody (as themselves, or standing in), what they have decided, or what
        is asked for them; the last first. Raises `CursorError`."""
        query = Approval.filter(tenant_id=tenant_id)
        if box == "initiated":
            query = query.filter(initiator=user)
        elif box == "done":
            acted = Assignment.filter(tenant_id=tenant_id, acted_at__isnull=False)
            decided = acted.filter(user=user).values("approval_id")
            entries = AuditEntry.filter(
                tenant_id=tenant_id,
                actor=user,
                act__in=("approve", "reject", "return", "transfer"),
            ).values("approval_id")
            query = query.filter(Q(id__in=Subquery(decided)) | Q(id__in=Subquery(entries)))
        else:
            query = query.filter(await self._waiting(tenant_id, user), status="open")
        return await sliced(query, ("id",), after, limit)

    async def _waiting(self, tenant_id: int, user: str) -> Q:
        """Approvals with an open seat of a user, or of somebody that they stand in for."""
        opened = Assignment.filter(tenant_id=tenant_id, status="open")
        found = Q(id__in=Subquery(opened.filter(user=user).values("approval_id")))
        for other, workflow in await people.stood_in_for(tenant_id, user):
            theirs = Subquery(opened.filter(user=other).values("approval_id"))
            within = {} if workflow is None else {"workflow": workflow}
            found |= Q(id__in=theirs, **within)
        return found

    async def close_left(self, tenant_id: int, run_id: str, steps: Sequence[str]) -> None:
        """Close open approvals whose item or iteration has been ended.

        Those that are being opened in this very moment are closed before anybody is asked.

        Args:
            tenant_id: The tenant of the run.
            run_id: The run.
            steps: The executions of the approvals, as in `OpenRequest.step`.
        """
        for step in steps:
            await never_open(tenant_id, run_id, step)
        left = Approval.filter(
            tenant_id=tenant_id, run_id=run_id, step__in=list(steps), status="open"
        )
        for approval in await left.order_by("id"):
            async with transaction() as client:
                board = await Board.locked(client, tenant_id, approval.id)
                if board.approval.status == "open":
                    await board.close("cancelled", clock.now())

    async def run_ended(self, tenant_id: int, run_id: str, status: str) -> None:
        """Close what a run that has ended has left open."""
        left = Approval.filter(tenant_id=tenant_id, run_id=run_id, status="open")
        for approval in await left.order_by("id"):
            async with transaction() as client:
                board = await Board.locked(client, tenant_id, approval.id)
                if board.approval.status == "open":
                    await board.close(
                        "cancelled" if not self._is_past(board.approval) else _expired(board),
                        clock.now(),
                    )

    async def tick(self, now: datetime | None = None) -> int:
        """Remind those who are late, and close what nobody has decided in time; how many these
        were. Several processes may do so at once, and one approval at which it fails holds up no other.
        """
        at = now or clock.now()
        due = Q(next_reminder_at__lte=at) | Q(expires_at__lte=at - GRACE)
        count, after = 0, 0
        while True:
            rows = (
                await Approval.filter(due, status="open", id__gt=after).order_by("id").limit(BATCH)
            )
            for row in rows:
                try:
                    count += await self._due(row.tenant_id, row.id, at)
                except Exception:
                    self._failed()
                    about = {
                        "tenant_id": row.tenant_id,
                        "run_id": row.run_id,
                        "node_id": row.node,
                    }
                    log.exception("approval %d cannot be seen to", row.id, extra=about)
            if len(rows) < BATCH:
                break
            after = rows[-1].id
        if count:
            self._committed()
        return count

    async def _due(self, tenant_id: int, approval_id: int, at: datetime) -> bool:
        async with transaction() as client:
            board = await Board.locked(client, tenant_id, approval_id)
            approval = board.approval
            if approval.status != "open":
                return False
            if approval.expires_at is not None and approval.expires_at <= at - GRACE:
                await board.close(_expired(board), at)
                return True
            if approval.next_reminder_at is None or approval.next_reminder_at > at:
                return False  # somebody else has done it meanwhile
            return await _remind(board, at)

    @staticmethod
    def _is_past(approval: Approval) -> bool:
        return approval.expires_at is not None and approval.expires_at <= clock.now()


def _expired(board: Board) -> str:
    """The run itself decides so, by the end of its wait."""
    return EXPIRED.get(board.approval.policy.get("timeoutAction"), "timeout")


async def _remind(board: Board, at: datetime) -> bool:
    approval = board.approval
    reminders = approval.policy.get("reminders") or {}
    sent = approval.reminders_sent + 1
    every, most = reminders.get("every"), reminders.get("max")
    following = None
    if every and (most is None or sent < most):
        following = at + timedelta(seconds=every)
    approval.update_from_dict({"reminders_sent": sent, "next_reminder_at": following})
    await approval.save(update_fields=["reminders_sent", "next_reminder_at"])
    users = [one.user for one in board.assignments if one.status == "open"]
    await board.note(at, SYSTEM, "reminded", details={"users": users})
    await acting.remind(board, users, str(sent), by=None)
    return True


def shown_data(event: Any) -> dict[str, Any]:
    """What was asked for: the data of the event that has started the run, without what is ours."""
    data = event.get("data") if isinstance(event, dict) else None
    ours = ("tenant_id", "initiator_id", "_proflow", "_inngest")
    return {k: v for k, v in data.items() if k not in ours} if isinstance(data, dict) else {}


def summary(approval: Approval) -> dict[str, Any]:
    """An approval as lists show it."""
    return {
        "id": approval.id,
        "run_id": approval.run_id,
        "workflow": approval.workflow,
        "node": approval.node,
        "label": approval.label,
        "mode": approval.mode,
        "status": approval.status,
        "initiator": approval.initiator,
        "opened_at": approval.opened_at,
        "expires_at": approval.expires_at,
        "resolved_at": approval.resolved_at,
        "decided_by": approval.decided_by,
        "comment": approval.comment,
        "allow": approval.policy.get("allow") or [],
        "comment_required": approval.policy.get("commentRequired") or "never",
    }


def _assignment(row: Assignment) -> dict[str, Any]:
    return {
        "user": row.user,
        "status": row.status,
        "origin": row.origin,
        "instead_of": row.instead_of,
        "comment": row.comment,
        "acted_at": row.acted_at,
    }
