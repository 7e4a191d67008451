"""The handlers of the workflows beside this file: what is to be done, in Python.

This file is yours: proflow writes it once, and does not overwrite it.
"""

from proflow_runtime import Task
from proflow_runtime.values import JSON


async def announce(task: Task) -> JSON:
    """Used by `announce`."""
    raise NotImplementedError("handler `announce` is missing: write it in handlers.py")


async def book(task: Task) -> JSON:
    """Used by `book`."""
    raise NotImplementedError("handler `book` is missing: write it in handlers.py")


async def file(task: Task) -> JSON:
    """Used by `file`."""
    raise NotImplementedError("handler `file` is missing: write it in handlers.py")


async def finance(task: Task) -> JSON:
    """Used by `finance`."""
    raise NotImplementedError("handler `finance` is missing: write it in handlers.py")


async def prepare(task: Task) -> JSON:
    """Used by `prepare`."""
    raise NotImplementedError("handler `prepare` is missing: write it in handlers.py")


async def sign(task: Task) -> JSON:
    """Used by `sign`."""
    raise NotImplementedError("handler `sign` is missing: write it in handlers.py")


async def tax(task: Task) -> JSON:
    """Used by `tax`."""
    raise NotImplementedError("handler `tax` is missing: write it in handlers.py")
