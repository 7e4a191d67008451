"""Changes an approval while its row is locked: assigns approvers, opens their turns, decides it."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any, cast

from proflow_schemas.definition import ApprovalMode
from tortoise.backends.base.client import BaseDBAsyncClient

from proflow_runtime.approvals.refusals import not_found
from proflow_runtime.approvals.tally import Ballot, Decided, Vote, decided
from proflow_runtime.store import outbox
from proflow_runtime.store.models.approvals import Approval, Assignment, AuditEntry
from proflow_runtime.store.outbox import Effect

COUNTED = ("queued", "open", "approved", "rejected", "returned")
"""Statuses of assignments whose vote counts; others were transferred, skipped or closed."""
MOST_ID = 2**63
LONGEST_USER = 200
"""The largest number of characters of a user's id."""
SYSTEM = "system"
"""The actor in the audit trail for what the service does by itself."""


def answer_of(approval: Approval) -> dict[str, Any]:
    """Return the data of the event by which a decided approval resumes its run."""
    return {
        **approval.answer_data,
        "tenant_id": approval.tenant_id,
        "outcome": approval.status,
        "decided_by": approval.decided_by or "timeout",
        "comment": approval.comment,
    }


class LockedApproval:
    """An approval with its assignments, to be used in the transaction that holds its lock."""

    def __init__(
        self, client: BaseDBAsyncClient, approval: Approval, assignments: list[Assignment]
    ) -> None:
        self.client = client
        self.approval = approval
        self.assignments = assignments

    @classmethod
    async def lock(
        cls, client: BaseDBAsyncClient, tenant_id: int, approval_id: int
    ) -> LockedApproval:
        """Load an approval and lock its row until the transaction ends.

        Args:
            client: The client of the transaction.
            tenant_id: The tenant that owns the approval.
            approval_id: The id of the approval.

        Raises:
            ActRefused: If the tenant has no such approval (404).
        """
        if not 0 < approval_id < MOST_ID:
            raise not_found()
        found = Approval.select_for_update().get_or_none(id=approval_id, tenant_id=tenant_id)
        approval = await found
        if approval is None:
            raise not_found()
        rows = await Assignment.filter(approval_id=approval.id).order_by("position", "id")
        return cls(client, approval, list(rows))

    @property
    def counted(self) -> list[Assignment]:
        """The assignments whose vote counts."""
        return [one for one in self.assignments if one.status in COUNTED]

    def open_of(self, users: set[str]) -> list[Assignment]:
        """Find the open assignments of some users."""
        return [one for one in self.assignments if one.status == "open" and one.user in users]

    def verdict(self) -> Decided | None:
        """Decide by the votes so far; None while the approval is open."""
        approval = self.approval
        ballots = [
            Ballot(cast(Vote, one.status), last=one.before_id is None) for one in self.counted
        ]
        ratio = Fraction(1) if approval.pass_ratio is None else Fraction(approval.pass_ratio)
        return decided(cast(ApprovalMode, approval.mode), ratio, ballots)

    async def assign(
        self,
        user: str,
        *,
        origin: str,
        status: str = "open",
        position: int | None = None,
        instead_of: str | None = None,
        before: Assignment | None = None,
    ) -> Assignment:
        """Assign the approval to a user.

        Args:
            user: The id of the user.
            origin: How the user became an approver, as in `Assignment.origin`.
            status: The status of the assignment, `open` or `queued`, or `skipped`.
            position: The position in the order of approvers. If it is None, or the user already
                has an assignment there, the new one comes last.
            instead_of: The user from whom the assignment was transferred.
            before: The assignment whose turn comes after this one, if any.

        Returns:
            The new assignment.
        """
        taken = {one.position for one in self.assignments}
        had = {one.position for one in self.assignments if one.user == user}
        if position is None or position in had:
            position = max(taken, default=-1) + 1
        row = await Assignment.create(
            tenant_id=self.approval.tenant_id,
            approval_id=self.approval.id,
            user=user,
            position=position,
            origin=origin,
            instead_of=instead_of,
            before_id=None if before is None else before.id,
            status=status,
        )
        self.assignments.append(row)
        return row

    async def update(self, row: Assignment, **changes: Any) -> None:
        """Change and save columns of an assignment."""
        row.update_from_dict(changes)
        await row.save(update_fields=list(changes))

    async def advance(self) -> list[Assignment]:
        """Open the queued assignments whose turn has come, and return them."""
        counted = self.counted
        held = {one.before_id for one in counted if one.status != "approved"}
        opened = [one for one in counted if one.status == "queued" and one.id not in held]
        for one in opened:
            await self.update(one, status="open")
        return opened

    async def note(
        self,
        at: datetime,
        actor: str,
        act: str,
        *,
        comment: str | None = None,
        details: Any = None,
    ) -> None:
        """Add an entry to the audit trail."""
        await AuditEntry.create(
            tenant_id=self.approval.tenant_id,
            at=at,
            run_id=self.approval.run_id,
            approval_id=self.approval.id,
            actor=actor,
            act=act,
            comment=comment,
            details=details,
        )

    async def decide(
        self,
        outcome: Decided,
        at: datetime,
        by: str,
        comment: str | None = None,
    ) -> None:
        """Close the approval with a decision, and put the event that resumes the run in the outbox.

        Args:
            outcome: The decision.
            at: When it was made.
            by: The id of the user who made it, or `SYSTEM`.
            comment: The comment of that user.
        """
        await self.close(outcome, at, by, comment)
        await self._answer()

    async def answer_again(self) -> None:
        """Send the decision to the next attempt at the run, for which the first event came too early."""
        await self._answer()

    async def _answer(self) -> None:
        approval = self.approval
        data = answer_of(approval)
        event_id = f"approval:{approval.id}"
        if approval.attempt > 1:
            event_id = f"{event_id}:{approval.attempt}"
        effect = Effect("resumed", approval.run_id, approval.step)
        await outbox.put(
            *(self.client, event_id, approval.tenant_id, approval.answer_event, data), effect=effect
        )

    async def reopen(self, asked: Approval) -> None:
        """Open an approval again that was closed when its run failed or was cancelled.

        Args:
            asked: The approval as it would be opened now; its times apply from now on.
        """
        approval = self.approval
        changes = {
            "status": "open",
            "resolved_at": None,
            "decided_by": None,
            "comment": None,
            "expires_at": asked.expires_at,
            "next_reminder_at": asked.next_reminder_at,
            "answer_data": asked.answer_data,
        }
        for name, value in changes.items():
            setattr(approval, name, value)  # `update_from_dict` would parse a text as JSON
        await approval.save(update_fields=list(changes))
        for row in self.assignments:
            if row.status == "closed":
                await self.update(row, status="queued")
        await self.advance()
        await self.note(asked.opened_at, SYSTEM, "reopened")

    async def close(
        self, status: str, at: datetime, by: str | None = None, comment: str | None = None
    ) -> None:
        """Close the approval and all of its open assignments, without resuming the run.

        Args:
            status: The status of the approval from now on.
            at: When it was closed.
            by: The id of the user who closed it; None if it was the service.
            comment: The comment of that user.
        """
        approval = self.approval
        changes = {
            "status": status,
            "resolved_at": at,
            "decided_by": by,
            "comment": comment,
            "next_reminder_at": None,
        }
        approval.update_from_dict(changes)
        await approval.save(update_fields=list(changes))
        for row in self.assignments:
            if row.status in ("open", "queued"):
                await self.update(row, status="closed")
        await self.note(at, by or SYSTEM, "resolved", details={"status": status})
