"""The handlers of the workflows beside this file: what is to be done, in Python.

This file is yours: proflow writes it once, and does not overwrite it. Designs can call what is
marked with `@handler`.
"""

from proflow_runtime import JSON, Task, handler


@handler
async def announce(task: Task) -> JSON:
    """Do the work of `announce`."""
    message = "handler `announce` is missing: write it in handlers.py"
    raise NotImplementedError(message)


@handler
async def book(task: Task) -> JSON:
    """Do the work of `book`."""
    message = "handler `book` is missing: write it in handlers.py"
    raise NotImplementedError(message)


@handler
async def file(task: Task) -> JSON:
    """Do the work of `file`."""
    message = "handler `file` is missing: write it in handlers.py"
    raise NotImplementedError(message)


@handler
async def finance(task: Task) -> JSON:
    """Do the work of `finance`."""
    message = "handler `finance` is missing: write it in handlers.py"
    raise NotImplementedError(message)


@handler
async def prepare(task: Task) -> JSON:
    """Do the work of `prepare`."""
    message = "handler `prepare` is missing: write it in handlers.py"
    raise NotImplementedError(message)


@handler
async def sign(task: Task) -> JSON:
    """Do the work of `sign`."""
    message = "handler `sign` is missing: write it in handlers.py"
    raise NotImplementedError(message)


@handler
async def tax(task: Task) -> JSON:
    """Do the work of `tax`."""
    message = "handler `tax` is missing: write it in handlers.py"
    raise NotImplementedError(message)
