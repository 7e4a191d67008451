"""A run as it moves, over a WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, NamedTuple

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.exceptions import HTTPException

from proflow_runtime.context import clock
from proflow_runtime.service.facade import ProFlow
from proflow_runtime.service.states import execution_status
from proflow_runtime.store.runs import OPEN

SUBPROTOCOL = "proflow"
"""What a browser has to be answered, if it names its token as another subprotocol."""
UNAUTHENTICATED, UNKNOWN = 4401, 4404
OVER, TOO_SLOW = 1000, 1013
"""Codes that a socket is closed with; after 1013 (try again later) another may be opened."""
MAX_REASON = 123
"""Bytes of the reason for closing a socket, which share a frame of 125 with the code."""
HEARTBEAT = 20.0
"""Seconds of silence after which something is said, so that proxies keep the connection."""
PAUSE = 0.1
"""Seconds between two messages at least: what happens meanwhile is told at once."""
PATIENCE = 30.0
"""Seconds in which the other side has to take a message."""


class TooSlowError(Exception):
    """The other side takes no messages."""


class _Closing(NamedTuple):
    code: int
    reason: str = ""


def add(router: APIRouter, proflow: ProFlow) -> None:
    """The route of live runs."""

    @router.websocket("/runs/{run_id}/live")
    async def live(socket: WebSocket, run_id: str) -> None:
        """First `{"type": "status", …}` with everything, then `{"type": "nodes", …}` with what has
        changed; closed with 1000 when the run is over."""
        chosen = SUBPROTOCOL if SUBPROTOCOL in socket.scope.get("subprotocols", ()) else None
        await socket.accept(subprotocol=chosen)
        closing = await _watched(proflow, socket, run_id)
        if closing is not None:
            reason = closing.reason.encode()[:MAX_REASON].decode(errors="ignore")
            with contextlib.suppress(WebSocketDisconnect, TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await socket.close(closing.code, reason)


async def _watched(proflow: ProFlow, socket: WebSocket, run_id: str) -> _Closing | None:
    """Tell of a run; None: the other side has left."""
    try:
        principal = await proflow.authenticate(socket)
    except HTTPException as refused:
        return _Closing(UNAUTHENTICATED, str(refused.detail))
    async with proflow.bus.watch(run_id) as moved:
        talking = asyncio.create_task(_talk(socket, principal.tenant_id, run_id, moved))
        leaving = asyncio.create_task(_left(socket))
        try:
            await asyncio.wait({talking, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (talking, leaving):
                task.cancel()
            await asyncio.wait({talking, leaving})
    return None if talking.cancelled() else talking.result()


async def _left(socket: WebSocket) -> None:
    """Until the other side leaves; what it says is nothing to us."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _talk(
    socket: WebSocket, tenant_id: int, run_id: str, moved: asyncio.Event
) -> _Closing | None:
    """Until the run is over.

    However slow the other side is, one message at most waits for it: the next one tells how the run
    stands by then.
    """
    known: dict[str, Any] | None = None
    try:
        while known is None or known["status"] in OPEN:
            moved.clear()
            found = await execution_status(tenant_id, run_id)
            if found is None:
                return _Closing(UNKNOWN, "there is no such run")
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
        return _Closing(TOO_SLOW, "messages are not taken")
    return _Closing(OVER)


async def _within(seconds: float, moved: asyncio.Event) -> bool:
    """Wait for the run to move, but `PAUSE` at least; whether it has."""
    await asyncio.sleep(PAUSE)
    return await clock.happens(moved, seconds)


async def _send(socket: WebSocket, message: dict[str, Any]) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await socket.send_json(message)
    except TimeoutError:
        raise TooSlowError from None


def changes(known: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """What has changed: the nodes that have, and all else that is short."""
    nodes = {
        node: state for node, state in found["nodes"].items() if known["nodes"].get(node) != state
    }
    return {"type": "nodes", **found, "nodes": nodes}
