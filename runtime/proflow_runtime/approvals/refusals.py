"""The error for an act on an approval that is refused; the approval is then unchanged."""

from __future__ import annotations

from proflow_schemas.errors import ProFlowError


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


def not_found() -> ActRefused:
    """Build the refusal for an approval that does not exist or belongs to another tenant."""
    return ActRefused(404, "unknown-approval", "there is no such approval")


def not_yours(message: str) -> ActRefused:
    """Build the refusal for a user who is not entitled to the act."""
    return ActRefused(403, "not-entitled", message)


def too_late(message: str) -> ActRefused:
    """Build the refusal for an act that comes at the wrong time, mostly after the decision."""
    return ActRefused(409, "already-decided", message)


def wrong(code: str, message: str) -> ActRefused:
    """Build the refusal for an act with invalid parameters."""
    return ActRefused(422, code, message)
