"""An approval of a stored run, and people who act on it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import inngest
from proflow_runtime.approvals import ActRefused, ApprovalService
from proflow_runtime.context import clock
from proflow_runtime.local import RunRecord
from proflow_runtime.store import outbox
from proflow_runtime.store.models import Approval, OutboxEvent, Run
from stored.office import Office, line, office, publish

ASK = "ask"


@dataclass
class Desk:
    """`sent` are the events that have left the outbox."""

    at: Office
    service: ApprovalService
    sent: list[OutboxEvent] = field(default_factory=list)

    async def ask(self, **data: Any) -> Approval:
        """Start a run; the approval it comes to."""
        given = {"tenant_id": 1, "initiator_id": "ann", **data}
        await self.at.engine.send({"name": "ask/start", "data": given})
        await self.settle()
        found = await Approval.filter(tenant_id=given["tenant_id"]).order_by("-id").first()
        assert found is not None
        return found

    async def act(self, user: str, act: str, approval: Approval, **more: Any) -> dict[str, Any]:
        done = await self.service.act(approval.tenant_id, user, approval.id, act, **more)
        await self.settle()
        return done

    async def refused(
        self, user: str, act: str, approval: Approval, **more: Any
    ) -> tuple[int, str]:
        try:
            await self.act(user, act, approval, **more)
        except ActRefused as refused:
            return refused.status, refused.code
        raise AssertionError("it was not refused")

    async def settle(self) -> None:
        """Send what waits in the outbox, and let runs go on until only people are waited for."""
        await self.idle()
        while events := await outbox.claim_due():
            self.sent += events
            await self.at.engine.send(
                *(inngest.Event(name=one.name, id=one.id, data=one.data) for one in events)
            )
            await outbox.mark_sent(events)
            await self.idle()

    async def idle(self) -> None:
        await self.at.engine.run_until_idle(ignore_timeouts=lambda wait: True)

    async def wait(self, duration: timedelta) -> None:
        """Let time pass; the clock is looked at every ten minutes."""
        until = self.at.engine.clock.now() + duration
        while (now := self.at.engine.clock.now()) < until:
            step = min(now + timedelta(minutes=10), until)
            await self.at.engine.run_until_idle(until=step)
            await self.service.tick(self.at.engine.clock.now())
            await self.settle()

    def run(self) -> RunRecord:
        return self.at.runs()[-1]

    async def result(self) -> Any:
        """How the last run has ended, or None."""
        run = await Run.all().order_by("-created_at").first()
        assert run is not None
        return run.result if run.status == "completed" else None


@asynccontextmanager
async def desk(*, service: ApprovalService | None = None, **config: Any) -> AsyncIterator[Desk]:
    """Asks `ben` and `cat`, unless `config` of the approval says otherwise."""
    asked = {"approverType": "user", "approverIds": ["ben", "cat"], **config}
    await publish(1, line("ask", (ASK, "approval", asked), trigger={"event": "ask/start"}))
    approvals = service or ApprovalService(app_id="office")
    async with office(
        opener=approvals.open,
        board=approvals.board,
        closer=approvals.close_left,
        ended=approvals.run_ended,
    ) as at:
        token = clock.activate(at.engine.clock)
        try:
            yield Desk(at, approvals)
        finally:
            clock.deactivate(token)
