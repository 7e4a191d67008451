"""The handlers of the workflows beside this file: what is to be done, in Python.

This file is yours: proflow writes it once, and does not overwrite it. Designs can call what is
marked with `@handler`.
"""

from proflow_runtime import JSON, Task, handler


@handler
async def archive(task: Task) -> JSON:
    """Do the work of `archive`."""
    message = "handler `archive` is missing: write it in handlers.py"
    raise NotImplementedError(message)


@handler
async def pay_supplier(task: Task) -> JSON:
    """Do the work of `pay`."""
    message = "handler `pay_supplier` is missing: write it in handlers.py"
    raise NotImplementedError(message)


@handler
async def send_message(task: Task) -> JSON:
    """Do the work of `tell-approved`, `tell-refused`."""
    message = "handler `send_message` is missing: write it in handlers.py"
    raise NotImplementedError(message)
