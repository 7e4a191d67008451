"""The errors of the HTTP API, as problem details of RFC 9457."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from proflow_schemas.errors import ProFlowError
from proflow_schemas.language import Language, Text, Texts, said
from proflow_schemas.language.choosing import DEFAULT
from proflow_schemas.numbers import AS_TEXT, inexact
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from proflow_runtime.approvals import ActRefused
from proflow_runtime.service.diagnostics import Diagnostic
from proflow_runtime.service.languages import language_of
from proflow_runtime.service.request_errors import worded
from proflow_runtime.store.drivers import is_passing
from proflow_runtime.values import JSON

TEXTS = Texts(
    "api",
    {
        "Bad Request": Text("Bad Request", "请求无效"),
        "Unauthorized": Text("Unauthorized", "未登录"),
        "Forbidden": Text("Forbidden", "没有权限"),
        "Not Found": Text("Not Found", "不存在"),
        "Method Not Allowed": Text("Method Not Allowed", "不支持该请求方法"),
        "Conflict": Text("Conflict", "状态冲突"),
        "Request Entity Too Large": Text("Request Entity Too Large", "内容过大"),
        "Content Too Large": Text("Content Too Large", "内容过大"),
        "Unprocessable Entity": Text("Unprocessable Entity", "内容有误"),
        "Unprocessable Content": Text("Unprocessable Content", "内容有误"),
        "Too Many Requests": Text("Too Many Requests", "请求过于频繁"),
        "Internal Server Error": Text("Internal Server Error", "服务出错"),
        "Service Unavailable": Text("Service Unavailable", "服务不可用"),
        "no-event": Text("there is no such event", "没有这个事件"),
        "no-notification": Text("there is no such notification", "没有这条通知"),
        "no-run": Text("there is no such run", "没有这次运行"),
        "no-design": Text("there is no such design", "没有这个设计"),
        "no-published-workflow": Text(
            "there is no such published workflow", "没有这个已发布的流程"
        ),
        "no-drawing": Text("there is no such drawing", "没有这张流程图"),
        "no-version": Text("there is no such version", "没有这个版本"),
        "no-task": Text("there is no such task", "没有这个任务"),
        "no-delegation": Text("there is no such delegation", "没有这个代理"),
        "no-address": Text("there is no such address", "没有这个地址"),
        "at": Text("{pointer:raw}: {message:raw}", "{pointer:raw}：{message:raw}"),
        "inexact": Text("{message:raw}: {help:raw}", "{message:raw}：{help:raw}"),
        "invalid-request": Text("the request is not as described", "请求内容不符合要求"),
        "database-unavailable": Text("the database cannot be used now", "数据库暂时不可用"),
        "body-too-large": Text("the body is too large", "请求内容过大"),
        "defect": Text("something went wrong here; it has been logged", "服务出错，错误已记录"),
    },
)
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
    503, "database-unavailable", TEXTS("database-unavailable"), retry_after=RETRY_AFTER
)
TOO_LARGE = Problem(413, "body-too-large", TEXTS("body-too-large"))


def not_found(what: str) -> Problem:
    """Build the problem for something that does not exist or belongs to another tenant."""
    return Problem(404, "not-found", TEXTS(f"no-{what.replace(' ', '-')}"))


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
        message = str(found)
        if found.number == found.number:
            message = TEXTS("inexact", message=message, help=AS_TEXT)
        pointer = f"{at}{found.pointer}"
        errors = [{"pointer": pointer, "message": message}]
        detail = TEXTS("at", pointer=pointer, message=message)
        raise Problem(422, "inexact-number", detail, errors=errors)


def answer(problem: Problem, language: Language = DEFAULT) -> JSONResponse:
    """Convert a problem to a response in a language."""
    phrase = HTTPStatus(problem.status).phrase
    body = {
        "type": "about:blank",
        "title": TEXTS(phrase) if phrase in TEXTS.texts else phrase,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        **problem.more,
    }
    headers = {"content-language": language, "vary": "accept-language"}
    if problem.status == 401:
        headers["www-authenticate"] = "Bearer"
    if "retry_after" in problem.more:
        headers["retry-after"] = str(problem.more["retry_after"])
    return JSONResponse(said(body, language), problem.status, headers, MEDIA_TYPE)


def response_to(error: Exception, language: Language = DEFAULT) -> JSONResponse | None:
    """Convert an error to a response.

    Args:
        error: An error that was raised while a request was handled.
        language: The language of the response.

    Returns:
        The response, or None if the error is not the client's fault but a defect.
    """
    match error:
        case Problem():
            return answer(error, language)
        case ActRefused():
            more = {} if error.retry_after is None else {"retry_after": error.retry_after}
            return answer(Problem(error.status, error.code, str(error), **more), language)
        case RequestValidationError():
            errors = [
                {"pointer": "/" + "/".join(map(str, one["loc"])), "message": worded(one)}
                for one in error.errors()[:MOST_ERRORS]
            ]
            return answer(
                Problem(422, "invalid-request", TEXTS("invalid-request"), errors=errors), language
            )
        case HTTPException():
            code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
            return answer(Problem(error.status_code, code, str(error.detail)), language)
        case _ if is_passing(error):
            # One line for each request: `GET /health` says it loud.
            log.info("the database cannot be used: %s", str(error) or type(error).__name__)
            return answer(UNAVAILABLE, language)
        case _:
            return None


async def handle(request: Request, error: Exception) -> JSONResponse:
    """Handle an error, as one of the `exception_handlers` of the standalone application."""
    found = response_to(error, language_of(request))
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
