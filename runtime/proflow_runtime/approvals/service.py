"""The approvals of all tenants: opens them for runs, lets people act on them, sends reminders."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from tortoise.expressions import Q, Subquery

from proflow_runtime.approvals import acting
from proflow_runtime.approvals.board import RunBoard
from proflow_runtime.approvals.locked_approval import MOST_ID, SYSTEM, LockedApproval
from proflow_runtime.approvals.opening import never_open, open_approval
from proflow_runtime.approvals.refusals import not_found
from proflow_runtime.approvals.resolving import ApproverSpec, Resolver, TableResolver, why_nobody
from proflow_runtime.context import clock
from proflow_runtime.context.permissions import ADMINISTER_APPROVALS
from proflow_runtime.flow.approvals import OpenRequest
from proflow_runtime.protocol.app_names import AppNames
from proflow_runtime.store import outbox, people
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models.approvals import Approval, Assignment, AuditEntry
from proflow_runtime.store.models.runs import Run
from proflow_runtime.store.pages import LIMIT, Slice, sliced
from proflow_runtime.store.stuck import without_voter

log = logging.getLogger("proflow.approvals")
Box = Literal["inbox", "done", "initiated"]
BATCH = 200
"""How many due approvals are loaded at a time."""
GRACE = timedelta(seconds=5)
"""How long the run has, after an approval has expired, to close the approval itself."""


class ApprovalService:
    """Opens approvals, lets people act on them, and lists them."""

    def __init__(
        self,
        resolver: Resolver | None = None,
        *,
        app_id: str,
        committed: Callable[[], None] | None = None,
        failed: Callable[[], None] | None = None,
        urge_pause: timedelta = acting.URGE_PAUSE,
    ) -> None:
        """Create the service of approvals.

        Args:
            resolver: Finds approvers; by default `TableResolver`.
            app_id: The id of the Inngest app, as in the names of its own events.
            committed: Called whenever events may be waiting in the outbox.
            failed: Called for every approval that `tick` could not process.
            urge_pause: The shortest time between two reminders (the act `urge`) of the same
                approval by its initiator.
        """
        self._names, self._urge_pause = AppNames(app_id), urge_pause
        self._resolver = resolver or TableResolver()
        self._committed = committed or (lambda: None)
        self._failed = failed or (lambda: None)

    async def open(self, request: OpenRequest) -> None:
        """Open an approval that a run has reached; repeated calls have no further effect.

        Args:
            request: The approval, its node and its run.
        """
        if await open_approval(request, self._resolver):
            about = {
                "tenant_id": request.tenant_id,
                "run_id": request.run_id,
                "node_id": request.node,
            }
            log.info("an approval is opened", extra=about)
            self._committed()

    def board(self, tenant_id: int, run_id: str) -> RunBoard:
        """Return the record of the approvals of a run, against which the run checks answers."""
        return RunBoard(tenant_id, run_id, self._committed)

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
        permissions: Collection[str] = (),
    ) -> dict[str, Any]:
        """Perform an act of a user on an approval.

        Args:
            tenant_id: The tenant that owns the approval.
            user: The id of the user who acts.
            approval_id: The id of the approval.
            act: The name of the act, such as `approve`.
            comment: The user's comment.
            to: For `transfer` and `add-sign-…`, the id of the other user.
            instead_of: The id of the user for whom `user` acts as stand-in. It is needed if `user`
                is an approver as well, or stands in for several approvers.
            permissions: What the user may do in the API; `approvals:admin` matters here.

        Returns:
            The approval after the act, as `get` returns it.

        Raises:
            ActRefused: If the act is not allowed or comes too late.
        """
        await acting.perform(
            tenant_id,
            user,
            approval_id,
            act,
            comment=comment,
            to=to,
            instead_of=instead_of,
            permissions=frozenset(permissions),
            cancel_event=self._names.cancel,
            urge_pause=self._urge_pause,
            unknown=None if to is None else await self.why_unknown(tenant_id, to.strip()),
        )
        self._committed()
        found = await self.get(tenant_id, user, approval_id, permissions=permissions)
        about = {"tenant_id": tenant_id, "run_id": found["run_id"], "node_id": found["node"]}
        log.info("approval %d: %s, now %s", approval_id, act, found["status"], extra=about)
        return found

    async def why_unknown(self, tenant_id: int, user: str) -> str | None:
        """Say why nothing can be assigned to a user, or return None if it can.

        Args:
            tenant_id: The tenant.
            user: The id of the user.
        """
        return await why_nobody(self._resolver, tenant_id, ApproverSpec("user", user))

    async def get(
        self, tenant_id: int, user: str, approval_id: int, *, permissions: Collection[str] = ()
    ) -> dict[str, Any]:
        """Get an approval with its assignments and audit trail.

        Args:
            tenant_id: The tenant that owns the approval.
            user: The id of the user who asks: the initiator, an approver, a stand-in of one, or an
                administrator.
            approval_id: The id of the approval.
            permissions: What the user may do in the API; `approvals:admin` matters here.

        Returns:
            The approval, as `GET /approvals/{approval_id}` returns it.

        Raises:
            ActRefused: If there is no such approval, or the user does not take part in it (404).
        """
        known = 0 < approval_id < MOST_ID
        found = Approval.get_or_none(id=approval_id, tenant_id=tenant_id)
        approval = await found if known else None
        if approval is None:
            raise not_found()
        rows = await Assignment.filter(approval_id=approval.id).order_by("position", "id")
        may = {user, *(one for one, _ in await people.stood_in_for(tenant_id, user))}
        seen = {approval.initiator, *(one.user for one in rows)}
        if may.isdisjoint(seen) and ADMINISTER_APPROVALS not in permissions:
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
        permissions: Collection[str] = (),
    ) -> Slice[Approval]:
        """List the approvals of a user, the newest first.

        Args:
            tenant_id: The tenant of the user.
            user: The id of the user.
            box: `inbox` for approvals that wait for the user or for somebody the user stands in
                for, and, for administrators, those that nobody else can decide; `done` for those the user has decided, `initiated` for those of runs that the
                user has started.
            after: The cursor of the page before.
            limit: How many approvals to return at most.
            permissions: What the user may do in the API; `approvals:admin` matters here.

        Raises:
            CursorError: If `after` is not a cursor.
        """
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
            waiting = await self._waiting(tenant_id, user)
            if ADMINISTER_APPROVALS in permissions:
                waiting |= without_voter(tenant_id)
            query = query.filter(waiting, status="open")
        return await sliced(query, ("id",), after, limit)

    async def _waiting(self, tenant_id: int, user: str) -> Q:
        """Select approvals with an open assignment of a user, or of somebody they stand in for."""
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
                locked = await LockedApproval.lock(client, tenant_id, approval.id)
                if locked.approval.status == "open":
                    await locked.close("cancelled", clock.now())
        # A decision that was made until now resumes nothing.
        await outbox.mark_seen(tenant_id, run_id, ["resumed"], steps=steps)

    async def run_ended(self, tenant_id: int, run_id: str, status: str) -> None:
        """Close the open approvals of a run that has ended.

        Args:
            tenant_id: The tenant that owns the run.
            run_id: The run.
            status: How the run has ended.
        """
        left = Approval.filter(tenant_id=tenant_id, run_id=run_id, status="open")
        for approval in await left.order_by("id"):
            async with transaction() as client:
                locked = await LockedApproval.lock(client, tenant_id, approval.id)
                if locked.approval.status == "open":
                    await locked.close(
                        "cancelled" if not self._is_past(locked.approval) else _expired(locked),
                        clock.now(),
                    )

    async def tick(self, now: datetime | None = None) -> int:
        """Send the reminders that are due, and close approvals that have expired.

        Several processes may call it at the same time. If it fails for one approval, it continues
        with the others.

        Args:
            now: The time to compare with; by default the current time.

        Returns:
            How many approvals were reminded of or closed.
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
                    log.exception("approval %d cannot be processed", row.id, extra=about)
            if len(rows) < BATCH:
                break
            after = rows[-1].id
        if count:
            self._committed()
        return count

    async def _due(self, tenant_id: int, approval_id: int, at: datetime) -> bool:
        async with transaction() as client:
            locked = await LockedApproval.lock(client, tenant_id, approval_id)
            approval = locked.approval
            if approval.status != "open":
                return False
            if approval.expires_at is not None and approval.expires_at <= at - GRACE:
                await locked.close(_expired(locked), at)
                return True
            if approval.next_reminder_at is None or approval.next_reminder_at > at:
                return False  # another process has sent the reminder meanwhile
            return await _remind(locked, at)

    @staticmethod
    def _is_past(approval: Approval) -> bool:
        return approval.expires_at is not None and approval.expires_at <= clock.now()


def _expired(locked: LockedApproval) -> str:
    """Return the status of an expired approval, which is also what its run decides."""
    return locked.approval.requested_policy.timeout_outcome


async def _remind(locked: LockedApproval, at: datetime) -> bool:
    approval = locked.approval
    reminders = approval.requested_policy.reminders
    sent = approval.reminders_sent + 1
    following = None
    if reminders is not None and reminders.every and reminders.max != sent:
        following = at + reminders.every
    approval.update_from_dict({"reminders_sent": sent, "next_reminder_at": following})
    await approval.save(update_fields=["reminders_sent", "next_reminder_at"])
    users = [one.user for one in locked.assignments if one.status == "open"]
    await locked.note(at, SYSTEM, "reminded", details={"users": users})
    await acting.remind(locked, users, str(sent), by=None)
    return True


def shown_data(event: Any) -> dict[str, Any]:
    """Return the input of a run for display: its event's data without the service's own keys."""
    data = event.get("data") if isinstance(event, dict) else None
    ours = ("tenant_id", "initiator_id", "_proflow", "_inngest")
    return {k: v for k, v in data.items() if k not in ours} if isinstance(data, dict) else {}


def summary(approval: Approval) -> dict[str, Any]:
    """Convert an approval to the fields that lists show."""
    policy = approval.requested_policy
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
        "allow": list(policy.allow),
        "comment_required": policy.comment_required or "never",
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
