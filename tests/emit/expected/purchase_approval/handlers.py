"""The handlers of the workflows beside this file: what is to be done, in Python.

This file is yours: proflow writes it once, and does not overwrite it.
"""

from proflow_runtime import Task
from proflow_runtime.values import JSON


async def archive(task: Task) -> JSON:
    """Used by `archive`."""
    raise NotImplementedError("handler `archive` is missing: write it in handlers.py")


async def pay_supplier(task: Task) -> JSON:
    """Used by `pay`."""
    raise NotImplementedError(
        "handler `pay_supplier` is missing: write it in handlers.py"
    )


async def send_message(task: Task) -> JSON:
    """Used by `tell-approved`, `tell-refused`."""
    raise NotImplementedError(
        "handler `send_message` is missing: write it in handlers.py"
    )
