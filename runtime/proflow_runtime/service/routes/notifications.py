"""The routes of in-app notifications: a user's own list, and its changes over a WebSocket."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, WebSocket
from pydantic import BaseModel

from proflow_runtime.service.auth import Principal
from proflow_runtime.service.facade import ProFlow
from proflow_runtime.service.problems import RESPONSES, not_found
from proflow_runtime.service.routes.common import Cursor, Limit, RowId, bad_cursor, principal
from proflow_runtime.service.routes.live import serve, show_changes
from proflow_runtime.store import notifications
from proflow_runtime.store.pages import CursorError

TAG = "notifications"
NEWEST = 20
"""How many notifications a message over the WebSocket has."""


class Shown(BaseModel):
    """A notification; `link` is an address, or a path of the page."""

    id: int
    title: str
    body: str
    link: str | None
    run_id: str | None
    node: str | None
    created_at: datetime
    read: bool
    read_at: datetime | None


class Notifications(BaseModel):
    """A page of notifications; `unread` is the number of all that the user has not read."""

    items: list[Shown]
    next: str | None
    unread: int


class Marked(BaseModel):
    """How many notifications have been marked, and how many are still unread."""

    marked: int
    unread: int


def add(router: APIRouter, proflow: ProFlow) -> None:
    """Add the routes of notifications to a router."""
    who = principal(proflow)

    @router.get("/notifications", tags=[TAG], responses=RESPONSES)
    async def list_notifications(
        unread: Annotated[bool, Query(description="Only those that are not read")] = False,
        cursor: Cursor = None,
        limit: Limit = 50,
        principal: Principal = who,
    ) -> Notifications:
        """List the user's own notifications, the newest first."""
        try:
            return await _page(principal, unread=unread, cursor=cursor, limit=limit)
        except CursorError as error:
            raise bad_cursor(error) from None

    @router.post("/notifications/read", tags=[TAG], responses=RESPONSES)
    async def read_all_notifications(principal: Principal = who) -> Marked:
        """Mark all of the user's notifications as read."""
        marked = await notifications.mark_all_read(principal.tenant_id, principal.user)
        proflow.bus.moved(notifications.watch_key(principal.tenant_id, principal.user))
        return Marked(marked=marked, unread=0)

    @router.post("/notifications/{notification_id}/read", tags=[TAG], responses=RESPONSES)
    async def read_notification(notification_id: RowId, principal: Principal = who) -> Marked:
        """Mark one of the user's notifications as read."""
        tenant_id, user = principal.tenant_id, principal.user
        if not await notifications.mark_read(tenant_id, user, notification_id):
            raise not_found("notification")
        proflow.bus.moved(notifications.watch_key(tenant_id, user))
        return Marked(marked=1, unread=await notifications.unread(tenant_id, user))

    @router.websocket("/notifications/live")
    async def live(socket: WebSocket) -> None:
        """`{"type": "notifications", "unread", "items"}` at once, and whenever they change."""

        def key(principal: Principal) -> str:
            return notifications.watch_key(principal.tenant_id, principal.user)

        async def show(socket: WebSocket, principal: Principal, moved: asyncio.Event) -> Any:
            async def message() -> dict[str, Any]:
                found = await _page(principal, unread=False, cursor=None, limit=NEWEST)
                return {"type": "notifications", **found.model_dump(mode="json", exclude={"next"})}

            return await show_changes(socket, message, moved)

        await serve(proflow, socket, key, show)


async def _page(
    principal: Principal, *, unread: bool, cursor: str | None, limit: int
) -> Notifications:
    tenant_id, user = principal.tenant_id, principal.user
    found = await notifications.listed(
        tenant_id, user, unread_only=unread, after=cursor, limit=limit
    )
    return Notifications(
        items=[_shown(one) for one in found.items],
        next=found.next,
        unread=await notifications.unread(tenant_id, user),
    )


def _shown(row: Any) -> Shown:
    fields = {name: getattr(row, name) for name in Shown.model_fields if name != "read"}
    return Shown(**fields, read=row.read_at is not None)
