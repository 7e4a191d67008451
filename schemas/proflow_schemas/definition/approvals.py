"""The policy of an approval: whom to ask, how to count their votes, and when to remind them.

It is part of a definition, of the event `approval/requested`, and of the stored approval.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import ConfigDict, Field, PlainSerializer, WithJsonSchema

from proflow_schemas.definition.model import Model

ApprovalMode: TypeAlias = Literal["any", "all", "sequential", "quorum"]
TimeoutAction: TypeAlias = Literal["route", "approve", "reject", "remind"]
EmptyApproverPolicy: TypeAlias = Literal[
    "block", "autoPass", "autoReject", "fallbackUser", "escalateAdmin"
]
SelfApproval: TypeAlias = Literal["allow", "forbid", "skip"]
CommentRequired: TypeAlias = Literal["never", "onReject", "always"]
Permission: TypeAlias = Literal["transfer", "addSign", "return", "withdraw"]

TIMEOUT_OUTCOMES = {"approve": "approved", "reject": "rejected"}
"""The outcome of an approval that nobody has decided in time; for other actions it is `timeout`."""


def _seconds(value: timedelta) -> float:
    exact = value.total_seconds()
    return int(exact) if exact.is_integer() else exact


InSeconds = Annotated[
    timedelta,
    PlainSerializer(_seconds, return_type=Any),  # not `float`, which would write `60.0`
    WithJsonSchema({"type": "number", "description": "a duration in seconds"}),
]


class Reminders(Model):
    """When approvers who have not decided are reminded; durations are seconds in JSON."""

    after: InSeconds
    """The time from the request to the first reminder."""
    every: InSeconds | None = None
    """The time between reminders; None: there is only one."""
    max: int | None = None
    """The maximum number of reminders."""


class ApprovalPolicy(Model):
    """How the approvers of an approval are asked, and how their votes are counted."""

    mode: ApprovalMode = "any"
    """How many approvers have to agree, and whether they are asked one after another."""
    pass_ratio: float | None = None
    """With `quorum`: the share that has to agree, as a fraction up to 1 or a percentage above."""
    reminders: Reminders | None = None
    empty_approver_policy: EmptyApproverPolicy | None = None
    """What happens if there are no approvers."""
    fallback_approvers: tuple[str, ...] = Field(default=())
    """Who is asked if there are no approvers."""
    self_approval: SelfApproval | None = None
    """What happens if the initiator is an approver; None: the initiator may not decide."""
    comment_required: CommentRequired | None = None
    """Which decisions need a comment."""
    allow: tuple[Permission, ...] = Field(default=())
    """What approvers and the initiator may do besides deciding."""

    def needs_comment(self, act: str) -> bool:
        """Return True if a decision (`approve`, `reject`, `return`) needs a comment."""
        if self.comment_required == "onReject":
            return act in ("reject", "return")
        return self.comment_required == "always"


class RequestedPolicy(ApprovalPolicy):
    """The policy with its timeout, as `approval/requested` and the stored approval have it."""

    # An earlier or later version of the product may have written it.
    model_config = ConfigDict(extra="ignore")

    timeout: InSeconds | None = None
    timeout_action: TimeoutAction = "route"

    @classmethod
    def of(
        cls, policy: ApprovalPolicy, timeout: timedelta | None, action: TimeoutAction
    ) -> "RequestedPolicy":
        """Add the timeout to a policy."""
        return cls.model_validate({**dict(policy), "timeout": timeout, "timeout_action": action})

    @property
    def timeout_outcome(self) -> str:
        """The outcome if nobody has decided in time."""
        return TIMEOUT_OUTCOMES.get(self.timeout_action, "timeout")

    def document(self) -> dict[str, Any]:
        """Return the JSON form: keys in camelCase, durations in seconds, and only what is set."""
        found = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {key: value for key, value in found.items() if value != []}
