"""What an approval tells the host, and how the host's answer is read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, TypeAlias

from proflow_schemas.errors import ProFlowError

from proflow_runtime.values import JSON
from proflow_runtime.values.results import Decision

TimeoutAction: TypeAlias = Literal["route", "approve", "reject", "remind"]

REQUESTED = "approval/requested"
OUTCOMES = ("approved", "rejected", "timeout", "returned")
_BY_TIMEOUT: Mapping[TimeoutAction, str] = {"approve": "approved", "reject": "rejected"}


Opener: TypeAlias = Callable[["OpenRequest"], Awaitable[None]]
"""Opens an approval, once, however often it is asked."""
Closer: TypeAlias = Callable[[Sequence[str]], Awaitable[None]]
"""Closes the approvals of a run that it has left, by their executions (`x[3]#2`)."""


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """An approval to open. `step` (`x[3]#2`) tells its executions within a run apart.

    `answer_data` is what the event that resumes the run has to hold, beside the decision; `policy`
    as in `approval/requested`; `data` that of the event which started the run.
    """

    tenant_id: int
    run_id: str
    workflow: str
    node: str
    step: str
    approvers: tuple[str, ...]
    initiator: str | None
    answer_event: str
    answer_data: Mapping[str, JSON]
    policy: Mapping[str, JSON]
    data: Mapping[str, JSON]
    label: str = ""


class AnswerError(ProFlowError, ValueError):
    """An answer that does not decide."""


@dataclass(frozen=True, slots=True)
class Request:
    """An approval that is asked for; `policy` in the design's own spelling."""

    approval_id: JSON
    run_id: str
    workflow_id: str
    node_id: str
    answer_with: str
    policy: Mapping[str, JSON]

    def data(self, approvers: list[str], initiator: JSON) -> dict[str, JSON]:
        """The data of the event `approval/requested`."""
        return {
            "approval_id": self.approval_id,
            "run_id": self.run_id,
            "workflow_id": self.workflow_id,
            "node_id": self.node_id,
            "approvers": approvers,
            "initiator": initiator,
            "policy": self.shown_policy(),
            "answer_with": self.answer_with,
        }

    def shown_policy(self) -> dict[str, JSON]:
        """What the design says of it, without what it does not say."""
        return {key: value for key, value in self.policy.items() if value is not None}


def open_for(timeout: timedelta | None, action: TimeoutAction) -> timedelta | None:
    """How long the answer is waited for; None: as long as possible."""
    return None if action == "remind" else timeout


def by_timeout(action: TimeoutAction) -> Decision:
    """What is decided when nobody has answered in time."""
    outcome = _BY_TIMEOUT.get(action)
    return Decision("timeout") if outcome is None else Decision(outcome, "timeout")


def by_answer(answer: Mapping[str, Any]) -> Decision:
    """What an answer `{approved | outcome, comment?, decided_by?}` decides; `AnswerError`: nothing."""
    approved, outcome = answer.get("approved"), answer.get("outcome")
    if approved is not None and not isinstance(approved, bool):
        raise AnswerError("has an `approved` that is not true or false")
    said = None if approved is None else "approved" if approved else "rejected"
    if outcome is None:
        outcome = said
    if outcome is None:
        raise AnswerError("has neither `approved` nor `outcome`")
    if outcome not in OUTCOMES:
        raise AnswerError(f"has the unknown outcome `{str(outcome)[:60]}`")
    if said is not None and (said == "approved") != (outcome == "approved"):
        raise AnswerError(f"says both `{said}` and `{outcome}`")
    return Decision(outcome, answer.get("decided_by"), answer.get("comment"))


def listed(value: JSON) -> list[str]:
    """One approver or a list of them, as texts."""
    if value is None:
        return []
    return [str(one) for one in (value if isinstance(value, list) else [value])]
