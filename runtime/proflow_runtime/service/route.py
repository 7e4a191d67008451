"""The class of all routes: it limits the size of bodies and converts errors to problem details."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from proflow_runtime.service.body_limit import BodyTooLargeError, declared_length, limited
from proflow_runtime.service.languages import answering, reader
from proflow_runtime.service.problems import TEXTS, TOO_LARGE, Problem, answer, response_to
from proflow_runtime.values import strict_json

SECURITY_HEADERS = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
"""Headers of all answers of the API that do not set them themselves: they are for one user only."""
IN_A_THREAD = 64 * 1024
"""From how many bytes on JSON is parsed in a thread, so that other requests are not blocked."""


def routes_with(max_body: int) -> type[APIRoute]:
    """Create the class of routes.

    Args:
        max_body: The largest body of a request, in bytes.

    Returns:
        A route class for FastAPI's `APIRouter`.
    """

    class Route(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handler = super().get_route_handler()

            async def handle(request: Request) -> Response:
                with answering(request):
                    response = await answered(request)
                for name, value in SECURITY_HEADERS.items():
                    response.headers.setdefault(name, value)
                return response

            async def answered(request: Request) -> Response:
                strict = _StrictRequest(request.scope, limited(request.receive, max_body))
                try:
                    if declared_length(request.scope) > max_body:
                        raise TOO_LARGE
                    return await handler(strict)
                except BodyTooLargeError:
                    return answer(TOO_LARGE, reader())
                except Exception as error:
                    if isinstance(error.__cause__, BodyTooLargeError):
                        return answer(TOO_LARGE, reader())  # FastAPI says: cannot be parsed
                    found = response_to(error, reader())
                    if found is None:
                        raise
                    return found

            return handle

    return Route


class _StrictRequest(Request):
    """A request whose JSON has no `NaN` and `Infinity`, and gives no key twice."""

    async def json(self) -> Any:
        try:
            body = await self.body()
            if len(body) < IN_A_THREAD:
                return strict_json.loads(body)
            return await asyncio.to_thread(strict_json.loads, body)
        except strict_json.StrictJSONError as error:
            at, message = error.pointer, str(error)
            errors = [{"pointer": at, "message": message}]
            detail = TEXTS("at", pointer=at, message=message)
            raise Problem(422, error.code, detail, errors=errors) from None
