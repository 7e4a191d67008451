"""The `lifespan` of a host's handlers: what is open while they may run, such as a database.

A lifespan is opened in a task of its own, whose context variables nobody else has, so that what it
sets (Tortoise keeps its connections in such variables) never meets what others have set. Handlers
run with these variables, in whatever task they are called.
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
from proflow_schemas.signatures import Same

Lifespan: TypeAlias = Callable[..., AbstractAsyncContextManager[Any]]
"""An async context manager function, of no argument or of one: the Inngest client."""


class LifespanError(Exception):
    """Why a lifespan could not be opened or closed; one line."""


_inside: ContextVar[bool] = ContextVar("proflow_surroundings", default=False)


class Surroundings:
    """The context variables of a lifespan, as long as it is open; nothing otherwise."""

    def __init__(self) -> None:
        self._variables: Context | None = None

    @property
    def is_open(self) -> bool:
        return self._variables is not None

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Run with these variables; in a block of other surroundings these stay."""
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
        """A lifespan, open. It is closed whatever ends the block, a cancellation included.

        Args:
            lifespan: It is opened and closed in one task.
            client: What a lifespan that takes an argument is given.
            of: What has the lifespan, for messages.
            functions: What generated modules call, which know no registry: they find these
                surroundings by the function.

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
"""For generated modules, which refer to functions, and have nothing else to go by."""


@dataclass(frozen=True, eq=False)
class _Opened:
    functions: frozenset[Same]
    surroundings: Surroundings


def surroundings_of(function: Callable[..., Any]) -> Surroundings:
    """The lifespan of a function that is called without a registry, the last that was opened."""
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
    """Whether a function can be given an argument, and needs one."""
    try:
        signature.bind(client)
    except TypeError:
        return False
    return any(one.default is one.empty for one in signature.parameters.values())


def _line(error: Exception) -> str:
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
