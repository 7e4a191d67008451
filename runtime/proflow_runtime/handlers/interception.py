"""Steps in between Flow and the handlers, for simulation and tests."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

import inngest

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
    """Runs a handler, or what stands in its way. `NonRetriableError`: it is a plain function."""
    interceptor = _interceptor.get()
    work = handler(task) if interceptor is None else interceptor(task, handler)
    if not inspect.isawaitable(work):
        name = getattr(handler, "__name__", type(handler).__name__)
        raise inngest.NonRetriableError(f"the handler `{name}` is not an `async def` function")
    return await work
