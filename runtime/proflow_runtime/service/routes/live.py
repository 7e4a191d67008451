"""A run as it moves, over a WebSocket."""

import asyncio
import contextlib
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from proflow_runtime.service.auth import SUBPROTOCOL
from proflow_runtime.service.facade import ProFlow
from proflow_runtime.service.problems import Problem
from proflow_runtime.service.states import execution_status
from proflow_runtime.store.runs import OPEN

UNAUTHENTICATED, UNKNOWN = 4401, 4404
"""Codes that a socket is closed with."""
HEARTBEAT = 20.0
"""Seconds of silence after which something is said, so that proxies keep the connection."""
PAUSE = 0.1
"""Seconds between two messages at least: what happens meanwhile is told at once."""


def add(router: APIRouter, proflow: ProFlow) -> None:
    """The route of live runs."""

    @router.websocket("/runs/{run_id}/live")
    async def live(socket: WebSocket, run_id: str) -> None:
        """First `{"type": "status", …}` with everything, then `{"type": "nodes", …}` with what has
        changed; closed with 1000 when the run is over."""
        offered = [one.strip() for one in socket.scope.get("subprotocols") or ()]
        chosen = next((one for one in offered if not one.startswith(SUBPROTOCOL)), None)
        await socket.accept(subprotocol=chosen)
        try:
            principal = await proflow.authenticate(socket)
        except Problem as problem:
            await socket.close(UNAUTHENTICATED, str(problem.detail))
            return
        async with proflow.bus.watch(run_id) as moved:
            first = await execution_status(principal.tenant_id, run_id)
            if first is None:
                await socket.close(UNKNOWN, "there is no such run")
                return
            talking = asyncio.create_task(_talk(socket, principal.tenant_id, run_id, first, moved))
            listening = asyncio.create_task(_listen(socket))
            done, _ = await asyncio.wait({talking, listening}, return_when=asyncio.FIRST_COMPLETED)
            for task in (talking, listening):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
                    await task
            if talking in done:
                with contextlib.suppress(RuntimeError):
                    await socket.close()


async def _listen(socket: WebSocket) -> None:
    """Until the other side leaves; what it says is nothing to us."""
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await socket.receive_text()


async def _talk(
    socket: WebSocket, tenant_id: int, run_id: str, first: dict[str, Any], moved: asyncio.Event
) -> None:
    known = first
    await socket.send_json({"type": "status", **first})
    while known["status"] in OPEN:
        try:
            await asyncio.wait_for(moved.wait(), HEARTBEAT)
        except TimeoutError:
            await socket.send_json({"type": "alive"})
        moved.clear()
        found = await execution_status(tenant_id, run_id)
        if found is None:
            return
        if found != known:
            await socket.send_json(changes(known, found))
            known = found
        await asyncio.sleep(PAUSE)


def changes(known: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """What has changed: the nodes that have, and all else that is short."""
    nodes = {
        node: state for node, state in found["nodes"].items() if known["nodes"].get(node) != state
    }
    return {"type": "nodes", **found, "nodes": nodes}
