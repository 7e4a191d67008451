"""Approvals: what is sent to the host, and how its answer is read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, TypeAlias

from proflow_schemas.definition import ApprovalPolicy as ApprovalPolicy
from proflow_schemas.definition import Reminders as Reminders
from proflow_schemas.definition import RequestedPolicy
from proflow_schemas.errors import ProFlowError

from proflow_runtime.values import JSON
from proflow_runtime.values.results import Decision

REQUESTED, RESPONSE = "approval/requested", "approval/response"
OUTCOMES = ("approved", "rejected", "timeout", "returned")

MOST_FORGED = 10
"""After how many answers that the board has not given an approval fails."""

Opener: TypeAlias = Callable[["OpenRequest"], Awaitable[None]]
"""Opens an approval; calling it again for the same execution has no effect."""
Closer: TypeAlias = Callable[[Sequence[str]], Awaitable[None]]
"""Closes approvals of a run that are no longer needed, by their executions (`x[3]#2`)."""


class Board(Protocol):
    """The service's own record of approvals, which decides what a run believes.

    Attributes of the methods: `step` is the execution of the approval, as in `OpenRequest.step`.
    """

    async def decision(self, step: str) -> dict[str, JSON] | None:
        """Return the data of the answer that the board has given; None if it has not decided.

        An answer that was given once never changes.
        """
        ...

    async def refuse(self, step: str, number: int, answer: Mapping[str, JSON]) -> None:
        """Record an answer that the board has not given, and repeat its own if there is one now.

        Args:
            step: The execution of the approval.
            number: Counts such answers of this approval, from 1.
            answer: The data of the answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """An approval to open.

    Attributes:
        tenant_id: The tenant of the run.
        run_id: The id of the run.
        workflow: The id of the workflow.
        node: The id of the node.
        step: The execution of the node within the run, such as `x[3]#2`.
        approvers: The ids of the approvers that the design names.
        initiator: The id of the person who started the run.
        answer_event: The name of the event that resumes the run.
        answer_data: What that event must contain besides the decision.
        policy: How the approvers are asked, and what happens if they do not decide in time.
        data: The data of the event that started the run.
        label: The label of the node.
        attempt: The number of the attempt at the run. In a later attempt, an approval that was
            closed with the earlier one is opened again, and one that was decided answers again.
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
    policy: RequestedPolicy
    data: Mapping[str, JSON]
    label: str = ""
    attempt: int = 1


class AnswerError(ProFlowError, ValueError):
    """An answer that contains no valid decision; the message continues “the answer …”."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent to the host in the event `approval/requested`."""

    approval_id: JSON
    run_id: str
    workflow_id: str
    node_id: str
    answer_with: str
    policy: RequestedPolicy

    def data(self, approvers: list[str], initiator: JSON) -> dict[str, JSON]:
        """Return the data of the event `approval/requested`."""
        return {
            "approval_id": self.approval_id,
            "run_id": self.run_id,
            "workflow_id": self.workflow_id,
            "node_id": self.node_id,
            "approvers": approvers,
            "initiator": initiator,
            "policy": self.policy.document(),
            "answer_with": self.answer_with,
        }


def open_for(policy: RequestedPolicy) -> timedelta | None:
    """Return how long to wait for the answer; None means as long as possible."""
    return None if policy.timeout_action == "remind" else policy.timeout


def by_timeout(policy: RequestedPolicy) -> Decision:
    """Return the decision if nobody has answered in time."""
    outcome = policy.timeout_outcome
    return Decision(outcome) if outcome == "timeout" else Decision(outcome, "timeout")


def by_answer(answer: Mapping[str, Any]) -> Decision:
    """Read an answer.

    Args:
        answer: `{"approved" or "outcome", "comment"?, "decided_by"?}`.

    Raises:
        AnswerError: If it contains no valid decision.
    """
    approved, outcome = answer.get("approved"), answer.get("outcome")
    if approved is not None and not isinstance(approved, bool):
        raise AnswerError("has an `approved` that is not true or false")
    stated = None if approved is None else "approved" if approved else "rejected"
    if outcome is None:
        outcome = stated
    if outcome is None:
        raise AnswerError("has neither `approved` nor `outcome`")
    if outcome not in OUTCOMES:
        raise AnswerError(f"has the unknown outcome `{str(outcome)[:60]}`")
    if stated is not None and (stated == "approved") != (outcome == "approved"):
        raise AnswerError(f"says both `{stated}` and `{outcome}`")
    return Decision(outcome, answer.get("decided_by"), answer.get("comment"))


def listed(value: JSON) -> list[str]:
    """Return one approver, or a list of them, as a list of texts."""
    if value is None:
        return []
    return [str(one) for one in (value if isinstance(value, list) else [value])]
