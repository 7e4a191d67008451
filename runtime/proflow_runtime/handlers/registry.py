"""Handlers by name: the user's, of a module, and the built-in ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from copy import copy
from functools import partial
from importlib import import_module
from inspect import signature as parameters_of
from types import ModuleType
from typing import TypeAlias

import inngest
from proflow_schemas.errors import ProFlowError
from proflow_schemas.handler_inputs import check_handler
from proflow_schemas.handlers import Handlers, HandlersModule, Unmarked, handlers_module, signature
from proflow_schemas.node_types import HANDLERS, NodeType

from proflow_runtime.handlers.calling import call_handler
from proflow_runtime.handlers.channels import OF_THE_PROCESS, Channels
from proflow_runtime.handlers.lifespan import Lifespan, Surroundings
from proflow_runtime.handlers.task import Handler, Task
from proflow_runtime.values import JSON

Tenants: TypeAlias = Callable[[], Awaitable[Iterable[int]]]

NOTIFY, AI, HTTP = "proflow:notify", "proflow:ai", "proflow:http"


def _built_in(kind: NodeType, channels: Channels) -> Handler:
    """The handler of a built-in type; one that sends messages is given the channels."""
    module, _, name = str(kind.function).rpartition(".")
    found: Callable[..., JSON] = getattr(import_module(f"proflow_runtime.handlers.{module}"), name)
    takes_channels = "channels" in parameters_of(found).parameters
    return partial(found, channels=channels) if takes_channels else found


class UnknownHandlerError(ProFlowError, LookupError):
    """A design names handlers that there are not."""


class Registry:
    """Handlers by the names that designs use, and what else a host's handlers module has."""

    def __init__(
        self,
        handlers: Mapping[str, Handler] | None = None,
        *,
        tenants: Tenants | None = None,
        lifespan: Lifespan | None = None,
        unmarked: Mapping[str, Unmarked] | None = None,
        module: str | None = None,
    ) -> None:
        """Make a registry.

        Args:
            handlers: The user's handlers.
            tenants: Lists who a cron runs for.
            lifespan: Is open while the handlers may run.
            unmarked: Functions beside them that designs may not call, for messages.
            module: Where all of these are from, for messages.

        Raises:
            HandlerError: If one of the handlers cannot be a handler.
        """
        for handler in (handlers or {}).values():
            check_handler(handler)
        self.channels = Channels(beyond=OF_THE_PROCESS)
        self._handlers: dict[str, Handler] = {
            **{name: _built_in(kind, self.channels) for name, kind in HANDLERS.items()},
            **(handlers or {}),
        }
        self._tenants, self._lifespan = tenants, lifespan
        self._surroundings = Surroundings()
        self._unmarked, self._module = unmarked or {}, module

    @classmethod
    def from_module(cls, module: ModuleType | HandlersModule) -> Registry:
        """The handlers of a module, its `tenants` and its `lifespan`.

        Args:
            module: Its handlers are the functions that are marked with `@handler`, and those that
                its `__all__` names.

        Raises:
            HandlerError: If one of them cannot be a handler, or two have the same name.
        """
        found = handlers_module(module) if isinstance(module, ModuleType) else module
        return cls(
            found.handlers,
            tenants=found.tenants,
            lifespan=found.lifespan,
            unmarked=found.unmarked,
            module=found.name,
        )

    def names(self) -> list[str]:
        """The user's handlers."""
        return sorted(name for name in self._handlers if name not in HANDLERS)

    def signatures(self) -> Handlers:
        """What designs may name, with what each handler takes and returns, for the compiler."""
        return {
            **self._unmarked,
            **{name: signature(self._handlers[name], name) for name in self.names()},
        }

    def lifespan(self, client: inngest.Inngest) -> AbstractAsyncContextManager[None]:
        """The `lifespan` of the handlers' module, if it has one: open it while handlers may run.

        One that is open already is left to whoever has opened it.

        Args:
            client: What a lifespan that takes an argument is given.

        Raises:
            LifespanError: On entering or leaving it, if it cannot be opened or closed.
        """
        if self._lifespan is None or self._surroundings.is_open:
            return nullcontext()
        functions = [self._handlers[name] for name in self.names()]
        return self._surroundings.opened(
            self._lifespan,
            client,
            of="the handlers" if self._module is None else f"`{self._module}`",
            functions=[*functions, *filter(None, (self._tenants,))],
        )

    def with_lifespan(self, lifespan: Lifespan) -> Registry:
        """The same handlers and channels, with another lifespan."""
        found = copy(self)
        found._lifespan, found._surroundings = lifespan, Surroundings()
        return found

    def within_lifespan(self) -> AbstractContextManager[None]:
        """Run a block with the context variables of the lifespan, while that is open."""
        return self._surroundings.entered()

    def __contains__(self, name: str) -> bool:
        return name in self._handlers

    def __getitem__(self, name: str) -> Handler:
        self.require((name,))
        return self._within_lifespan(self._handlers[name])

    def _within_lifespan(self, handler: Handler) -> Handler:
        return handler if self._lifespan is None else partial(self._called, handler)

    async def _called(self, handler: Handler, task: Task) -> JSON:
        with self._surroundings.entered():
            return await call_handler(handler, task)

    def require(self, names: Iterable[str]) -> None:
        """Raises `UnknownHandlerError`, which names all that are missing."""
        missing = sorted({name for name in names if name not in self._handlers})
        self.refuse_unmarked(missing)
        if missing:
            listed = ", ".join(f"`{name}`" for name in missing)
            raise UnknownHandlerError(
                f"there is no handler {listed}: handlers are functions marked with `@handler`"
            )

    def refuse_unmarked(self, names: Iterable[str]) -> None:
        """Raises `UnknownHandlerError` for names of functions that are no handlers."""
        found = sorted({name for name in names if name in self._unmarked} - self._handlers.keys())
        if found:
            listed = ", ".join(f"`{name}` ({self._unmarked[name].place})" for name in found)
            raise UnknownHandlerError(
                f"{listed}: there in the module, but not marked as a handler:"
                " put `@handler` above it, or name it in `__all__`"
            )

    def get(self, name: str, default: Handler) -> Handler:
        handler = self._handlers.get(name)
        return default if handler is None else self._within_lifespan(handler)

    @property
    def has_tenants(self) -> bool:
        return self._tenants is not None

    @property
    def tenants(self) -> Tenants:
        """Raises `UnknownHandlerError` if there is none."""
        if self._tenants is None:
            raise UnknownHandlerError(
                "a cron has no tenant: an `async def tenants()` among the handlers must list them"
            )
        return self._tenants if self._lifespan is None else partial(self._listed, self._tenants)

    async def _listed(self, tenants: Tenants) -> Iterable[int]:
        with self._surroundings.entered():
            return await tenants()
