"""The `lifespan` of a host's handlers: resources that are open while they may run, such as a database.

A lifespan is opened in a task of its own with empty context variables, so that the variables it sets
(Tortoise keeps its connections in some) do not conflict with those of others. Handlers run with these
variables, whatever task calls them.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from typing import Any, TypeAlias

import inngest
from proflow_schemas.errors import ProFlowError
from proflow_schemas.signatures import Same

Lifespan: TypeAlias = Callable[..., AbstractAsyncContextManager[Any]]
"""An async context manager function with no argument, or with one: the Inngest client."""


class LifespanError(ProFlowError):
    """A lifespan could not be opened or closed; the message is one line."""


_inside: ContextVar[bool] = ContextVar("proflow_surroundings", default=False)


class Surroundings:
    """The context variables of a lifespan while it is open."""

    def __init__(self) -> None:
        self._variables: Context | None = None

    @property
    def is_open(self) -> bool:
        """Whether the lifespan is open."""
        return self._variables is not None

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Set these variables for a block, unless it is inside a block of other surroundings."""
        if self._variables is None or _inside.get():
            yield
            return
        tokens = [(_inside, _inside.set(True))]
        tokens += [(one, one.set(value)) for one, value in self._variables.items()]
        try:
            yield
        finally:
            for variable, token in reversed(tokens):
                variable.reset(token)

    @asynccontextmanager
    async def opened(
        self,
        lifespan: Lifespan,
        client: inngest.Inngest,
        *,
        of: str = "the host",
        functions: Collection[Callable[..., Any]] = (),
    ) -> AsyncIterator[None]:
        """Open a lifespan for a block. It is closed however the block ends, also by a cancellation.

        Args:
            lifespan: The lifespan.
            client: The argument of a lifespan that takes one.
            of: The owner of the lifespan, for messages.
            functions: The functions that generated modules call. These know no registry, so the
                surroundings are found by the function (`surroundings_of`).

        Raises:
            LifespanError: If it cannot be opened or closed.
        """
        opening: asyncio.Future[Context] = asyncio.get_running_loop().create_future()
        closing = asyncio.Event()
        task = asyncio.create_task(
            _held(lifespan, client, f"the `lifespan` of {of}", opening, closing),
            name="proflow lifespan",
            context=Context(),
        )
        entry = _Opened(frozenset(map(Same, functions)), self)
        try:
            await asyncio.wait((opening, task), return_when=asyncio.FIRST_COMPLETED)
            if not opening.done():
                await task  # raises what went wrong
            self._variables = opening.result()
            _open.append(entry)
            yield
        finally:
            if entry in _open:
                _open.remove(entry)
            self._variables = None
            if opening.done():
                closing.set()
            else:
                task.cancel()
            await asyncio.wait((task,))
        await task


_NOTHING = Surroundings()
_open: list[_Opened] = []
"""The open surroundings, for generated modules, which only know their functions."""


@dataclass(frozen=True, eq=False)
class _Opened:
    functions: frozenset[Same]
    surroundings: Surroundings


def surroundings_of(function: Callable[..., Any]) -> Surroundings:
    """Return the surroundings of a function that is called without a registry, last opened first."""
    for opened in reversed(_open):
        if Same(function) in opened.functions:
            return opened.surroundings
    return _NOTHING


async def _held(
    lifespan: Lifespan,
    client: inngest.Inngest,
    where: str,
    opening: asyncio.Future[Context],
    closing: asyncio.Event,
) -> None:
    context = _made(lifespan, client, where)
    try:
        await context.__aenter__()
    except Exception as error:
        raise LifespanError(f"{where} cannot be opened: {_line(error)}") from error
    opening.set_result(copy_context())
    await closing.wait()
    try:
        await context.__aexit__(None, None, None)
    except Exception as error:
        raise LifespanError(f"{where} cannot be closed: {_line(error)}") from error


def _made(
    lifespan: Lifespan, client: inngest.Inngest, where: str
) -> AbstractAsyncContextManager[Any]:
    make: Callable[..., Any] = lifespan
    if inspect.isasyncgenfunction(lifespan):
        make = asynccontextmanager(lifespan)
    try:
        signature = inspect.signature(make)
        arguments = (client,) if _takes(signature, client) else ()
        signature.bind(*arguments)
    except (TypeError, ValueError):
        raise LifespanError(f"{where} takes no argument, or one: the Inngest client") from None
    try:
        context = make(*arguments)
    except Exception as error:
        raise LifespanError(f"{where} cannot be opened: {_line(error)}") from error
    if not isinstance(context, AbstractAsyncContextManager):
        if inspect.iscoroutine(context):
            context.close()
        raise LifespanError(f"{where} is not an async context manager")
    return context


def _takes(signature: inspect.Signature, client: inngest.Inngest) -> bool:
    """Return True if a function can take an argument, and requires one."""
    try:
        signature.bind(client)
    except TypeError:
        return False
    return any(one.default is one.empty for one in signature.parameters.values())


def _line(error: Exception) -> str:
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
