"""Limits the bodies of requests while they arrive, before anything reads or verifies them."""

from __future__ import annotations

from proflow_schemas.errors import ProFlowError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proflow_runtime.service.problems import TOO_LARGE, answer


class BodyTooLargeError(ProFlowError):
    """A request has sent more than is allowed."""


def declared_length(scope: Scope) -> int:
    """Return the length of a request's body as its headers have it; 0 if they do not say."""
    length = next((value for key, value in scope["headers"] if key == b"content-length"), b"")
    return int(length[:18]) if length.isdigit() else 0


def limited(receive: Receive, most: int) -> Receive:
    """Let a body through up to a size.

    Args:
        receive: Receives the parts of the body.
        most: The largest body, in bytes.

    Returns:
        A function to be used instead of `receive`. It raises `BodyTooLargeError`.
    """
    read = 0

    async def receive_within() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > most:
            raise BodyTooLargeError
        return message

    return receive_within


async def call_within(app: ASGIApp, scope: Scope, receive: Receive, send: Send, most: int) -> None:
    """Call an application, and answer 413 in its place if the body is too large.

    Args:
        app: The application.
        scope: The scope of an HTTP request.
        receive: Receives the parts of the body.
        send: Sends the response.
        most: The largest body, in bytes.
    """
    too_large = declared_length(scope) > most
    inner = limited(receive, most)

    async def receive_noting() -> Message:
        nonlocal too_large
        try:
            return await inner()
        except BodyTooLargeError:
            too_large = True
            raise

    async def send_unless(message: Message) -> None:
        # The application may take the error for a defect of its own, and answer so.
        if not too_large:
            await send(message)

    if not too_large:
        try:
            await app(scope, receive_noting, send_unless)
        except BodyTooLargeError:
            pass
        except Exception:
            if not too_large:
                raise
    if too_large:
        response = answer(TOO_LARGE)
        response.headers["connection"] = "close"
        await response(scope, receive, send)
