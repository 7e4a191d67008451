"""Writes and reads in-app notifications."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from proflow_runtime.context import clock
from proflow_runtime.store.database import connection, is_sqlite, transaction
from proflow_runtime.store.models.notifications import Notification
from proflow_runtime.store.models.texts import storable
from proflow_runtime.store.pages import LIMIT, Slice, sliced
from proflow_runtime.store.runs import CHANNEL

LONGEST_TITLE = 255
LONGEST_LINK = 500


@dataclass(frozen=True)
class Message:
    """What a notification says, and what it is about.

    Attributes:
        title: The title, at most `LONGEST_TITLE` characters.
        body: The text.
        link: An address, at most `LONGEST_LINK` characters; None for none.
        run_id: The run that sends it.
        node: The node that sends it.
    """

    title: str
    body: str
    link: str | None = None
    run_id: str | None = None
    node: str | None = None


async def add(tenant_id: int, users: Sequence[str], content: Message, *, key: str) -> list[str]:
    """Store a notification for each of some users, once.

    Args:
        tenant_id: The tenant of the users.
        users: The ids of the recipients.
        content: The notification.
        key: Identifies what sends it. Users who have one with this key already get no other.

    Returns:
        The users who have got it now.
    """
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    now = clock.now()
    async with transaction() as client:
        known = Notification.filter(tenant_id=tenant_id, key=digest).using_db(client)
        had = {row.user for row in await known.only("id", "user")}
        new = [one for one in dict.fromkeys(users) if storable(one) not in had]
        rows = [
            Notification(
                tenant_id=tenant_id,
                user=user,
                key=digest,
                title=content.title[:LONGEST_TITLE],
                body=content.body,
                link=content.link,
                run_id=content.run_id,
                node=content.node,
                created_at=now,
            )
            for user in new
        ]
        await Notification.bulk_create(rows, ignore_conflicts=True, using_db=client)
        for user in new:
            await _announce(tenant_id, user)
    return new


async def listed(
    tenant_id: int,
    user: str,
    *,
    unread_only: bool = False,
    after: str | None = None,
    limit: int = LIMIT,
) -> Slice[Notification]:
    """List a user's notifications, the newest first.

    Args:
        tenant_id: The tenant of the user.
        user: The user.
        unread_only: True to leave out those that the user has read.
        after: The cursor of the page before.
        limit: How many notifications to return at most.

    Raises:
        CursorError: If `after` is not a cursor.
    """
    query = Notification.filter(tenant_id=tenant_id, user=user)
    if unread_only:
        query = query.filter(read_at__isnull=True)
    return await sliced(query, ("id",), after, limit)


async def unread(tenant_id: int, user: str) -> int:
    """Count the notifications that a user has not read."""
    return await Notification.filter(tenant_id=tenant_id, user=user, read_at__isnull=True).count()


async def mark_read(tenant_id: int, user: str, notification_id: int) -> bool:
    """Mark a notification as read; returns False if the user has no such notification."""
    own = Notification.filter(tenant_id=tenant_id, user=user, id=notification_id)
    async with transaction():
        changed = await own.filter(read_at__isnull=True).update(read_at=clock.now())
        if changed:
            await _announce(tenant_id, user)
    return changed > 0 or await own.exists()


async def mark_all_read(tenant_id: int, user: str) -> int:
    """Mark all notifications of a user as read, and return how many have been unread."""
    own = Notification.filter(tenant_id=tenant_id, user=user, read_at__isnull=True)
    async with transaction():
        changed = await own.update(read_at=clock.now())
        if changed:
            await _announce(tenant_id, user)
    return changed


def watch_key(tenant_id: int, user: str) -> str:
    """Return the key by which the notifications of a user are watched on the bus."""
    name = f"{tenant_id}:{user}".encode("utf-8", "surrogatepass")
    return f"notifications:{hashlib.sha256(name).hexdigest()}"


async def _announce(tenant_id: int, user: str) -> None:
    """Notify other processes when the transaction commits."""
    if not is_sqlite():
        key = watch_key(tenant_id, user)
        await connection().execute_query("SELECT pg_notify($1, $2)", [CHANNEL, key])
