"""Tells runs what the service has recorded of their approvals, so that events alone decide nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from proflow_runtime.approvals.locked_approval import SYSTEM, LockedApproval, answer_of
from proflow_runtime.context import clock
from proflow_runtime.flow.approvals import OUTCOMES
from proflow_runtime.store import outbox
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models.approvals import Approval, AuditEntry
from proflow_runtime.store.outages import through_outages
from proflow_runtime.store.outbox import Effect
from proflow_runtime.values import JSON

log = logging.getLogger("proflow.approvals")
IGNORED = "answer-ignored"
"""The act in the trail for an answer that nobody has given."""


class RunBoard:
    """The approvals of one run; implements `flow.approvals.Board`."""

    def __init__(self, tenant_id: int, run_id: str, committed: Callable[[], None]) -> None:
        self._tenant_id, self._run_id, self._committed = tenant_id, run_id, committed

    async def decision(self, step: str) -> dict[str, JSON] | None:
        """Return the data of the answer that was given; None if the approval is not decided."""
        return await through_outages(self._decision, step)

    async def refuse(self, step: str, number: int, answer: Mapping[str, JSON]) -> None:
        """Record an answer that nobody has given, and send that of the approval if there is one.

        Args:
            step: The execution of the approval.
            number: Counts such answers of this approval, from 1.
            answer: The data of the answer.
        """
        await through_outages(self._refuse, step, number, answer)
        self._committed()

    async def _decision(self, step: str) -> dict[str, JSON] | None:
        found = await Approval.get_or_none(
            tenant_id=self._tenant_id, run_id=self._run_id, step=step
        )
        return None if found is None or found.status not in OUTCOMES else answer_of(found)

    async def _refuse(self, step: str, number: int, answer: Mapping[str, JSON]) -> None:
        about = {"tenant_id": self._tenant_id, "run_id": self._run_id}
        claimed = {
            key: str(answer[key])[:200]
            for key in ("approved", "outcome", "decided_by")
            if answer.get(key) is not None
        }
        log.warning(
            "an answer to approval `%s` that nobody has given is ignored", step, extra=about
        )
        found = await Approval.get_or_none(
            tenant_id=self._tenant_id, run_id=self._run_id, step=step
        )
        async with transaction() as client:
            await AuditEntry.create(
                tenant_id=self._tenant_id,
                at=clock.now(),
                run_id=self._run_id,
                approval_id=None if found is None else found.id,
                actor=SYSTEM,
                act=IGNORED,
                details={"step": step, "claimed": claimed},
            )
            if found is None:
                return
            approval = (await LockedApproval.lock(client, self._tenant_id, found.id)).approval
            if approval.status in OUTCOMES:
                # It was decided while the run did not wait: the first answer may have been missed.
                effect = Effect("resumed", self._run_id, step)
                await outbox.put(
                    client,
                    f"approval:{approval.id}:repeated:{approval.attempt}:{number}",
                    self._tenant_id,
                    approval.answer_event,
                    answer_of(approval),
                    effect=effect,
                )
