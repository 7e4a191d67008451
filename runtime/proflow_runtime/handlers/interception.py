"""Intercepts the calls of handlers, for simulation and tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TypeAlias

from proflow_runtime.handlers.calling import call_handler
from proflow_runtime.handlers.task import Handler, Task
from proflow_runtime.values import JSON

Interceptor: TypeAlias = Callable[[Task, Handler], Awaitable[JSON]]
"""Takes a task and its handler; what it returns or raises replaces what the handler would."""

_interceptor: ContextVar[Interceptor | None] = ContextVar("proflow_interceptor", default=None)


@contextmanager
def intercepting(interceptor: Interceptor) -> Iterator[None]:
    """Call `interceptor` in place of handlers, in this context and in tasks started from it."""
    token = _interceptor.set(interceptor)
    try:
        yield
    finally:
        _interceptor.reset(token)


async def call(handler: Handler, task: Task) -> JSON:
    """Call a handler, or the interceptor of this context in its place."""
    interceptor = _interceptor.get()
    if interceptor is None:
        return await call_handler(handler, task)
    return await interceptor(task, partial(call_handler, handler))
