"""Sends the changes of a run over a WebSocket while the run goes on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Coroutine
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.exceptions import HTTPException

from proflow_runtime.context import clock
from proflow_runtime.service.auth import Principal
from proflow_runtime.service.facade import ProFlow
from proflow_runtime.service.problems import Problem
from proflow_runtime.service.routes.common import require_visible
from proflow_runtime.service.states import execution_status
from proflow_runtime.status import OPEN
from proflow_runtime.store.drivers import is_passing

SUBPROTOCOL = "proflow"
"""The subprotocol that the server selects, for browsers that send their token as another one."""
UNAUTHENTICATED, FOREIGN, UNKNOWN = 4401, 4403, 4404
OVER, TOO_SLOW = 1000, 1013
"""Codes with which a socket is closed; after 1013 (try again later) the client may reconnect."""
MAX_REASON = 123
"""Bytes of the reason for closing a socket: a control frame has 125, and the code takes two."""
HEARTBEAT = 20.0
"""Seconds without a message after which one is sent, so that proxies keep the connection."""
PAUSE = 0.1
"""The shortest time between two messages, in seconds; changes meanwhile are sent together."""
RECHECK = 10.0
"""Seconds between two checks that the client's token is still valid."""
PATIENCE = 30.0
"""Seconds in which the client has to accept a message."""


class TooSlowError(Exception):
    """The client does not accept messages in time."""


class Closing(NamedTuple):
    """With which code, and for which reason, a socket is closed."""

    code: int
    reason: str = ""


AWAY = Closing(TOO_SLOW, "the database cannot be used now")
Visible = Callable[[Principal], Awaitable[bool]]
"""Says if a user may watch."""
Show = Callable[[WebSocket, Principal, asyncio.Event], Coroutine[Any, Any, Closing | None]]
"""Sends to a client what it watches, whenever the event is set; returns how to close the socket."""


def add(router: APIRouter, proflow: ProFlow) -> None:
    """Add the WebSocket route for live runs."""

    @router.websocket("/runs/{run_id}/live")
    async def live(socket: WebSocket, run_id: str) -> None:
        """First `{"type": "status", …}` with everything, then `{"type": "nodes", …}` with what has
        changed; closed with 1000 when the run is over."""

        async def show(socket: WebSocket, principal: Principal, moved: asyncio.Event) -> Any:
            return await _send_changes(socket, principal.tenant_id, run_id, moved)

        await serve(proflow, socket, lambda _: run_id, show, visible=partial(_is_visible, run_id))


async def serve(
    proflow: ProFlow,
    socket: WebSocket,
    key: Callable[[Principal], str],
    show: Show,
    *,
    visible: Visible | None = None,
) -> None:
    """Serve a WebSocket until it is closed.

    Args:
        proflow: The service.
        socket: The WebSocket, not accepted yet.
        key: Returns what is watched on the bus.
        show: Sends the messages; it is cancelled if the client disconnects.
        visible: Says if the user may watch it, now and again and again; None if everybody may.
    """
    chosen = SUBPROTOCOL if SUBPROTOCOL in socket.scope.get("subprotocols", ()) else None
    await socket.accept(subprotocol=chosen)
    closing = await _watched(proflow, socket, key, show, visible)
    if closing is not None:
        reason = closing.reason.encode()[:MAX_REASON].decode(errors="ignore")
        with contextlib.suppress(WebSocketDisconnect, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await socket.close(closing.code, reason)


async def _watched(
    proflow: ProFlow,
    socket: WebSocket,
    key: Callable[[Principal], str],
    show: Show,
    visible: Visible | None,
) -> Closing | None:
    """Send to a client what it watches; returns None if the client has disconnected."""
    if not _may_watch(socket, proflow.settings.origins):
        return Closing(FOREIGN, "pages of other origins are not answered")
    try:
        principal = await proflow.authenticate(socket)
        if visible is not None and not await visible(principal):
            return Closing(UNKNOWN, "there is no such run")
    except HTTPException as refused:
        return Closing(UNAUTHENTICATED, str(refused.detail))
    except Exception as error:
        if not is_passing(error):
            raise
        return AWAY
    async with proflow.bus.watch(key(principal)) as moved:
        sending = asyncio.create_task(show(socket, principal, moved))
        leaving = asyncio.create_task(_disconnected(socket))
        losing = asyncio.create_task(_unauthenticated(proflow, socket, visible))
        tasks = (sending, leaving, losing)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
    ended = next((one for one in (losing, sending) if not one.cancelled()), None)
    return None if ended is None else ended.result()


def _may_watch(socket: WebSocket, origins: Collection[str]) -> bool:
    """True if no page of a foreign origin has opened the socket; programs send no `Origin`."""
    origin = socket.headers.get("origin")
    if origin is None or origin in origins:
        return True
    return urlsplit(origin).netloc.lower() == socket.headers.get("host", "").lower()


async def _is_visible(run_id: str, principal: Principal) -> bool:
    try:
        await require_visible(principal, run_id)
    except Problem:
        return False
    return True


async def _unauthenticated(proflow: ProFlow, socket: WebSocket, visible: Visible | None) -> Closing:
    """Wait until the client's token is revoked or has expired, or the user may not watch any more."""
    while True:
        await asyncio.sleep(RECHECK)
        try:
            principal = await proflow.authenticate(socket)
            if visible is not None and not await visible(principal):
                return Closing(UNKNOWN, "there is no such run")
        except HTTPException as refused:
            return Closing(UNAUTHENTICATED, str(refused.detail))
        except Exception as error:
            if not is_passing(error):
                raise
            # The database is away: the next check will say.


async def _disconnected(socket: WebSocket) -> None:
    """Wait until the client disconnects; its messages are ignored."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _send_changes(
    socket: WebSocket, tenant_id: int, run_id: str, moved: asyncio.Event
) -> Closing | None:
    """Send the state of a run and its changes until the run is over.

    No messages queue up for a slow client: the next one is built from the run's state when it is
    sent.
    """
    known: dict[str, Any] | None = None
    try:
        while known is None or known["status"] in OPEN:
            moved.clear()
            found = await execution_status(tenant_id, run_id)
            if found is None:
                return Closing(UNKNOWN, "there is no such run")
            if known is None:
                await _send(socket, {"type": "status", **found})
            elif found != known:
                await _send(socket, changes(known, found))
            known = found
            if known["status"] in OPEN and not await _within(HEARTBEAT, moved):
                await _send(socket, {"type": "alive"})
    except WebSocketDisconnect:
        return None
    except TooSlowError:
        return Closing(TOO_SLOW, "messages are not taken")
    except Exception as error:
        if not is_passing(error):
            raise
        return AWAY
    return Closing(OVER)


async def show_changes(
    socket: WebSocket, message: Callable[[], Awaitable[dict[str, Any]]], moved: asyncio.Event
) -> Closing | None:
    """Send a message at once, and again whenever it has changed, until the client disconnects.

    Args:
        socket: The WebSocket.
        message: Builds the current message.
        moved: Set when the message may have changed.
    """
    known: dict[str, Any] | None = None
    try:
        while True:
            moved.clear()
            found = await message()
            if found != known:
                await _send(socket, found)
                known = found
            if not await _within(HEARTBEAT, moved):
                await _send(socket, {"type": "alive"})
    except WebSocketDisconnect:
        return None
    except TooSlowError:
        return Closing(TOO_SLOW, "messages are not taken")
    except Exception as error:
        if not is_passing(error):
            raise
        return AWAY


async def _within(seconds: float, moved: asyncio.Event) -> bool:
    """Wait for a change of the run, for at least `PAUSE`; returns False if there was none."""
    await asyncio.sleep(PAUSE)
    return await clock.happens(moved, seconds)


async def _send(socket: WebSocket, message: dict[str, Any]) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await socket.send_json(message)
    except TimeoutError:
        raise TooSlowError from None


def changes(known: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Build the message about a change.

    Args:
        known: The status that the client has, as `execution_status` returns it.
        found: The current status.

    Returns:
        The current status, with only those nodes that have changed.
    """
    nodes = {
        node: state for node, state in found["nodes"].items() if known["nodes"].get(node) != state
    }
    return {"type": "nodes", **found, "nodes": nodes}
