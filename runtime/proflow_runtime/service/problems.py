"""The errors of the HTTP API, as problem details of RFC 9457."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from proflow_schemas.errors import ProFlowError
from proflow_schemas.numbers import AS_TEXT, inexact
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from proflow_runtime.approvals import ActRefused
from proflow_runtime.service.diagnostics import Diagnostic
from proflow_runtime.store.drivers import is_passing
from proflow_runtime.values import JSON

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 50
RETRY_AFTER = 5
"""Seconds after which clients are asked to try again while the database is away."""
log = logging.getLogger("proflow.service")


class ProblemDetails(BaseModel):
    """Why a request was refused: `code` is for programs, `detail` for people."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    errors: list[dict[str, Any]] | None = None
    diagnostics: list[Diagnostic] | None = None
    retry_after: int | None = None


class Problem(ProFlowError, HTTPException):
    """A request is refused.

    Attributes:
        status: The HTTP status.
        code: The reason, for programs.
        detail: The reason, for people.
        more: Further members of the response, such as `diagnostics`.
    """

    def __init__(self, status: int, code: str, detail: str, **more: Any) -> None:
        super().__init__(status, detail)
        self.status, self.code, self.more = status, code, more


UNAVAILABLE = Problem(
    503, "database-unavailable", "the database cannot be used now", retry_after=RETRY_AFTER
)
TOO_LARGE = Problem(413, "body-too-large", "the body is too large")


def not_found(what: str) -> Problem:
    """Build the problem for something that does not exist or belongs to another tenant."""
    return Problem(404, "not-found", f"there is no such {what}")


def refuse_inexact(data: JSON, at: str) -> None:
    """Refuse data with a number that Inngest would round.

    Args:
        data: The input of a run.
        at: The JSON pointer to `data` in the request.

    Raises:
        Problem: If there is such a number (422).
    """
    found = inexact(data)
    if found is not None:
        message = str(found) if found.number != found.number else f"{found}: {AS_TEXT}"
        errors = [{"pointer": f"{at}{found.pointer}", "message": message}]
        raise Problem(422, "inexact-number", f"{at}{found.pointer}: {message}", errors=errors)


def answer(problem: Problem) -> JSONResponse:
    """Convert a problem to a response."""
    title = HTTPStatus(problem.status).phrase
    body = {
        "type": "about:blank",
        "title": title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        **problem.more,
    }
    headers = {"www-authenticate": "Bearer"} if problem.status == 401 else {}
    if "retry_after" in problem.more:
        headers["retry-after"] = str(problem.more["retry_after"])
    return JSONResponse(body, problem.status, headers, MEDIA_TYPE)


def response_to(error: Exception) -> JSONResponse | None:
    """Convert an error to a response.

    Args:
        error: An error that was raised while a request was handled.

    Returns:
        The response, or None if the error is not the client's fault but a defect.
    """
    match error:
        case Problem():
            return answer(error)
        case ActRefused():
            more = {} if error.retry_after is None else {"retry_after": error.retry_after}
            return answer(Problem(error.status, error.code, str(error), **more))
        case RequestValidationError():
            errors = [
                {"pointer": "/" + "/".join(map(str, one["loc"])), "message": one["msg"]}
                for one in error.errors()[:MOST_ERRORS]
            ]
            text = "the request is not as described"
            return answer(Problem(422, "invalid-request", text, errors=errors))
        case HTTPException():
            code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
            return answer(Problem(error.status_code, code, str(error.detail)))
        case _ if is_passing(error):
            # One line for each request: `GET /health` says it loud.
            log.info("the database cannot be used: %s", str(error) or type(error).__name__)
            return answer(UNAVAILABLE)
        case _:
            return None


async def handle(request: Request, error: Exception) -> JSONResponse:
    """Handle an error, as one of the `exception_handlers` of the standalone application."""
    found = response_to(error)
    if found is None:
        raise error
    return found


HANDLERS: dict[Any, Any] = {RequestValidationError: handle, HTTPException: handle}
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDetails, "content": {MEDIA_TYPE: {}}, "description": text}
    for status, text in {
        400: "The body is not JSON",
        401: "There is no valid token",
        403: "The user is not entitled to do this",
        404: "The tenant has no such object",
        409: "The state of the object does not allow this",
        413: "The body is too large",
        422: "The request is invalid",
        503: "The database cannot be used now; `retry-after` says when to try again",
        429: "Too many requests; `retry-after` says when to try again",
    }.items()
}
