"""Waits while the database is away, so that a short outage costs a run neither attempts nor minutes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from tortoise.backends.base.client import TransactionalDBClient

from proflow_runtime.store.database import connection
from proflow_runtime.store.drivers import is_passing

PATIENCE = 60.0
"""Seconds for which the database may be away."""
PAUSES = (0.1, 0.3, 1.0)
"""Seconds between attempts; the last value repeats."""
P = ParamSpec("P")
T = TypeVar("T")


async def through_outages(
    action: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Perform an action on the database, again and again while the database is away.

    Args:
        action: An action that may be performed more than once; its commit may have succeeded although
            the connection was lost.
        args: Its arguments.
        kwargs: Its keyword arguments.

    Returns:
        Its result.

    Raises:
        Exception: Its error, if the database is not away, stays away for more than `PATIENCE`, or if
            this task is in a transaction, which cannot go on.
    """
    until, tries = time.monotonic() + PATIENCE, 0
    while True:
        try:
            return await action(*args, **kwargs)
        except Exception as error:
            within = isinstance(connection(), TransactionalDBClient)
            if within or not is_passing(error) or time.monotonic() > until:
                raise
        await asyncio.sleep(PAUSES[min(tries, len(PAUSES) - 1)])
        tries += 1
