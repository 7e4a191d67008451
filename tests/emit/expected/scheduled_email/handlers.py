"""The handlers of the workflows beside this file: what is to be done, in Python.

This file is yours: proflow writes it once, and does not overwrite it. Designs can call what is
marked with `@handler`.
"""

from collections.abc import Iterable

from proflow_runtime import JSON, Task, handler


@handler
async def list_active_users(task: Task) -> JSON:
    """Do the work of `list-users`."""
    message = "handler `list_active_users` is missing: write it in handlers.py"
    raise NotImplementedError(message)


async def tenants() -> Iterable[int]:
    """Return the ids of the tenants that scheduled workflows run for."""
    message = "handler `tenants` is missing: write it in handlers.py"
    raise NotImplementedError(message)
