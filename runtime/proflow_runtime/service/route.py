"""The class of all routes: it limits the size of bodies and converts errors to problem details."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Message, Receive

from proflow_runtime.service.languages import answering, reader
from proflow_runtime.service.problems import TEXTS, Problem, response_to
from proflow_runtime.values import strict_json

TOO_LARGE = Problem(413, "body-too-large", TEXTS("body-too-large"))


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
                limited = _StrictRequest(request.scope, _limited(request.receive, max_body))
                with answering(request):
                    try:
                        if _declared(request) > max_body:
                            raise TOO_LARGE
                        return await handler(limited)
                    except Exception as error:
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
            return strict_json.loads(await self.body())
        except strict_json.StrictJSONError as error:
            at, message = error.pointer, str(error)
            errors = [{"pointer": at, "message": message}]
            detail = TEXTS("at", pointer=at, message=message)
            raise Problem(422, error.code, detail, errors=errors) from None


def _declared(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


def _limited(receive: Receive, most: int) -> Receive:
    read = 0

    async def limited() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > most:
            raise TOO_LARGE
        return message

    return limited
