"""Why an act is refused; nothing has changed then."""

from __future__ import annotations

from proflow_schemas.errors import ProFlowError


class ActRefused(ProFlowError):
    """`status` as in HTTP (403, 404, 409, 422, 429), `code` for programs, the message for people.

    `retry_after`: in how many seconds it is worth another try.
    """

    def __init__(
        self, status: int, code: str, message: str, *, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after


def not_found() -> ActRefused:
    """Also of what is another tenant's: it is not told that it exists."""
    return ActRefused(404, "unknown-approval", "there is no such approval")


def not_yours(message: str) -> ActRefused:
    return ActRefused(403, "not-entitled", message)


def too_late(message: str) -> ActRefused:
    return ActRefused(409, "already-decided", message)


def wrong(code: str, message: str) -> ActRefused:
    return ActRefused(422, code, message)
