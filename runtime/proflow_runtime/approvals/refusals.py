"""The error for an act on an approval that is refused; the approval is then unchanged."""

from __future__ import annotations

from proflow_schemas.errors import ProFlowError
from proflow_schemas.language import Message, Text, Texts

TEXTS = Texts(
    "approval-refusal",
    {
        "unknown": Text("there is no such approval", "没有这个审批"),
    },
)


class ActRefused(ProFlowError):
    """An act on an approval is refused.

    Attributes:
        status: The HTTP status: 403, 404, 409, 422 or 429.
        code: The reason, for programs; the message is for people.
        retry_after: After how many seconds the act may succeed, or None.
    """

    def __init__(
        self, status: int, code: str, message: str, *, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after


_STATUSES = {
    "running": "运行中",
    "waiting": "等待中",
    "completed": "已完成",
    "failed": "已失败",
    "cancelled": "已取消",
    "skipped": "已跳过",
    "timeout": "已超时",
    "approved": "已同意",
    "rejected": "已拒绝",
    "returned": "已退回",
    "withdrawn": "已撤回",
    "transferred": "已转交",
    "expired": "已过期",
    "terminated": "已终止",
}


def status_said(status: str) -> Message:
    """Return the status of a run, a node or an approval as a word of a message."""
    word = str(status)
    return Texts("status", {word: Text(word, _STATUSES.get(word, word))})(word)


def not_found() -> ActRefused:
    """Build the refusal for an approval that does not exist or belongs to another tenant."""
    return ActRefused(404, "unknown-approval", TEXTS("unknown"))


def not_yours(message: str) -> ActRefused:
    """Build the refusal for a user who is not entitled to the act."""
    return ActRefused(403, "not-entitled", message)


def too_late(message: str) -> ActRefused:
    """Build the refusal for an act that comes at the wrong time, mostly after the decision."""
    return ActRefused(409, "already-decided", message)


def wrong(code: str, message: str) -> ActRefused:
    """Build the refusal for an act with invalid parameters."""
    return ActRefused(422, code, message)
