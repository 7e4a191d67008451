"""Steps in between Flow and the handlers, for simulation and tests."""

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
"""Gets every attempt and the handler meant for it; what it returns or raises is the handler's."""

_interceptor: ContextVar[Interceptor | None] = ContextVar("proflow_interceptor", default=None)


@contextmanager
def intercepting(interceptor: Interceptor) -> Iterator[None]:
    """Every handler called from this context, and from tasks started in it, goes this way."""
    token = _interceptor.set(interceptor)
    try:
        yield
    finally:
        _interceptor.reset(token)


async def call(handler: Handler, task: Task) -> JSON:
    """Runs a handler, or what stands in its way."""
    interceptor = _interceptor.get()
    if interceptor is None:
        return await call_handler(handler, task)
    return await interceptor(task, partial(call_handler, handler))
