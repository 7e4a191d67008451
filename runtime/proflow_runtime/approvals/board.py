"""An approval under its lock: its seats, whose turn it is, and the one way that it is decided."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any, cast

from tortoise.backends.base.client import BaseDBAsyncClient

from proflow_runtime.approvals.refusals import not_found
from proflow_runtime.approvals.tally import Decided, Mode, Seat, Vote, decided
from proflow_runtime.store import outbox
from proflow_runtime.store.models.approvals import Approval, Assignment, AuditEntry

SEATED = ("queued", "open", "approved", "rejected", "returned")
"""Statuses of assignments that count; others were handed over, skipped or closed."""
MOST_ID = 2**63
LONGEST_USER = 200
"""Characters of a user's id."""
SYSTEM = "system"
"""Who acts where nobody does."""


class Board:
    """To be used in the transaction that holds the approval's lock."""

    def __init__(
        self, client: BaseDBAsyncClient, approval: Approval, assignments: list[Assignment]
    ) -> None:
        self.client = client
        self.approval = approval
        self.assignments = assignments

    @classmethod
    async def locked(cls, client: BaseDBAsyncClient, tenant_id: int, approval_id: int) -> Board:
        """Nobody else acts on it until the transaction ends. Raises `ActRefused` (404)."""
        if not 0 < approval_id < MOST_ID:
            raise not_found()
        found = Approval.select_for_update().get_or_none(id=approval_id, tenant_id=tenant_id)
        approval = await found
        if approval is None:
            raise not_found()
        rows = await Assignment.filter(approval_id=approval.id).order_by("position", "id")
        return cls(client, approval, list(rows))

    @property
    def seats(self) -> list[Assignment]:
        return [one for one in self.assignments if one.status in SEATED]

    def of(self, users: set[str]) -> list[Assignment]:
        """The open seats of some users."""
        return [one for one in self.assignments if one.status == "open" and one.user in users]

    def verdict(self) -> Decided | None:
        """What the votes come to."""
        approval = self.approval
        seats = [Seat(cast(Vote, one.status), last=one.before_id is None) for one in self.seats]
        ratio = Fraction(1) if approval.pass_ratio is None else Fraction(approval.pass_ratio)
        return decided(cast(Mode, approval.mode), ratio, seats)

    async def seat(
        self,
        user: str,
        *,
        origin: str,
        status: str = "open",
        position: int | None = None,
        instead_of: str | None = None,
        before: Assignment | None = None,
    ) -> Assignment:
        """Give somebody a seat."""
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
        row.update_from_dict(changes)
        await row.save(update_fields=list(changes))

    async def advance(self) -> list[Assignment]:
        """Open the seats whose turn it is now."""
        seats = self.seats
        held = {one.before_id for one in seats if one.status != "approved"}
        opened = [one for one in seats if one.status == "queued" and one.id not in held]
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
        """Write to the trail."""
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
        """Decide it for good, and have the one event sent that resumes the run."""
        approval = self.approval
        await self.close(outcome, at, by, comment)
        data = {
            **approval.answer_data,
            "tenant_id": approval.tenant_id,
            "outcome": outcome,
            "decided_by": by,
            "comment": comment,
        }
        event_id = f"approval:{approval.id}"
        await outbox.put(self.client, event_id, approval.tenant_id, approval.answer_event, data)

    async def close(
        self, status: str, at: datetime, by: str | None = None, comment: str | None = None
    ) -> None:
        """End it, whoever has still been asked."""
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
