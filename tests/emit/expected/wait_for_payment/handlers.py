"""The handlers of the workflows beside this file: what is to be done, in Python.

This file is yours: proflow writes it once, and does not overwrite it. Designs can call what is
marked with `@handler`.
"""

from proflow_runtime import JSON, Task, handler


@handler
async def book_payment(task: Task) -> JSON:
    """Do the work of `book-alipay`, `book-wechat`, `book-unionpay`, `book-card`, `book-transfer` and 1 more."""
    message = "handler `book_payment` is missing: write it in handlers.py"
    raise NotImplementedError(message)


@handler
async def ship(task: Task) -> JSON:
    """Do the work of `ship`."""
    message = "handler `ship` is missing: write it in handlers.py"
    raise NotImplementedError(message)
