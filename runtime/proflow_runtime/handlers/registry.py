"""`Registry`: the handlers of a host, by name, and the built-in handlers."""

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

from proflow_runtime.handlers.blocked import BlockedError
from proflow_runtime.handlers.calling import call_handler
from proflow_runtime.handlers.channels import OF_THE_PROCESS, Channels
from proflow_runtime.handlers.lifespan import Lifespan, Surroundings
from proflow_runtime.handlers.task import Handler, Task
from proflow_runtime.values import JSON

Tenants: TypeAlias = Callable[[], Awaitable[Iterable[int]]]

NOTIFY, AI, HTTP = "proflow:notify", "proflow:ai", "proflow:http"


def _built_in(kind: NodeType, channels: Channels) -> Handler:
    """Return the handler of a built-in node type, bound to the channels if it sends messages."""
    module, _, name = str(kind.function).rpartition(".")
    found: Callable[..., JSON] = getattr(import_module(f"proflow_runtime.handlers.{module}"), name)
    takes_channels = "channels" in parameters_of(found).parameters
    return partial(found, channels=channels) if takes_channels else found


async def _missing(name: str, task: Task) -> JSON:
    """Stand for a handler that this process lacks."""
    raise BlockedError("handler", name, f"there is no handler `{name}` in this deployment")


class UnknownHandlerError(ProFlowError, LookupError):
    """A design names handlers that do not exist."""


class Registry:
    """The handlers of a host, by the names that designs use.

    A registry also has what else a host's module of handlers defines: `tenants` and `lifespan`.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler] | None = None,
        *,
        tenants: Tenants | None = None,
        lifespan: Lifespan | None = None,
        unmarked: Mapping[str, Unmarked] | None = None,
        module: str | None = None,
    ) -> None:
        """Create a registry.

        Args:
            handlers: The host's handlers, by name.
            tenants: Returns the ids of the tenants for which crons start runs.
            lifespan: An async context manager function that is open while handlers may run.
            unmarked: Other functions of the module, which designs may not call; for messages.
            module: The name of the module; for messages.

        Raises:
            HandlerError: If a function cannot be a handler.
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
        """Create a registry of the handlers of a module, with its `tenants` and its `lifespan`.

        Args:
            module: The module. Its handlers are the functions that are marked with `@handler` or
                listed in `__all__`.

        Raises:
            HandlerError: If a function cannot be a handler, or if two have the same name.
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
        """Return the names of the host's handlers, sorted."""
        return sorted(name for name in self._handlers if name not in HANDLERS)

    def signatures(self) -> Handlers:
        """Return the input and output types of all handlers, by name, for the compiler."""
        return {
            **self._unmarked,
            **{name: signature(self._handlers[name], name) for name in self.names()},
        }

    def lifespan(self, client: inngest.Inngest) -> AbstractAsyncContextManager[None]:
        """Return a context manager that opens the `lifespan` of the handlers' module.

        It has to be open while handlers may run. It does nothing if there is no lifespan, or if it is
        already open.

        Args:
            client: The argument of a lifespan that takes one.

        Raises:
            LifespanError: On entering or leaving, if the lifespan cannot be opened or closed.
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
        """Return a registry with the same handlers and channels and another lifespan."""
        found = copy(self)
        found._lifespan, found._surroundings = lifespan, Surroundings()
        return found

    def with_channels(self) -> Registry:
        """Return a registry with the same handlers and channels, to which others can be added."""
        found = copy(self)
        found.channels = Channels(beyond=self.channels)
        built_in = {name: _built_in(kind, found.channels) for name, kind in HANDLERS.items()}
        own = {name: self._handlers[name] for name in self._handlers if name not in HANDLERS}
        found._handlers = {**built_in, **own}
        return found

    def within_lifespan(self) -> AbstractContextManager[None]:
        """Return a context manager that sets the context variables of the lifespan, if it is open."""
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
        """Check that all these handlers exist.

        Raises:
            UnknownHandlerError: If some do not; the message lists them.
        """
        missing = sorted({name for name in names if name not in self._handlers})
        self.refuse_unmarked(missing)
        if missing:
            listed = ", ".join(f"`{name}`" for name in missing)
            raise UnknownHandlerError(
                f"there is no handler {listed}: handlers are functions marked with `@handler`"
            )

    def refuse_unmarked(self, names: Iterable[str]) -> None:
        """Check that no name is that of a function which is not marked as a handler.

        Raises:
            UnknownHandlerError: If some are; the message says how to mark them.
        """
        found = sorted({name for name in names if name in self._unmarked} - self._handlers.keys())
        if found:
            listed = ", ".join(f"`{name}` ({self._unmarked[name].place})" for name in found)
            raise UnknownHandlerError(
                f"{listed}: there in the module, but not marked as a handler:"
                " put `@handler` above it, or name it in `__all__`"
            )

    def find(self, name: str) -> Handler:
        """Return a handler, or one that raises `BlockedError` if there is none of that name."""
        return self.get(name, partial(_missing, name))

    def get(self, name: str, default: Handler) -> Handler:
        """Return a handler, or `default` if there is none of that name."""
        handler = self._handlers.get(name)
        return default if handler is None else self._within_lifespan(handler)

    @property
    def has_tenants(self) -> bool:
        """Whether the host lists its tenants."""
        return self._tenants is not None

    @property
    def tenants(self) -> Tenants:
        """The host's function that lists its tenants.

        Raises:
            UnknownHandlerError: If there is none.
        """
        if self._tenants is None:
            raise UnknownHandlerError(
                "a cron has no tenant: an `async def tenants()` among the handlers must list them"
            )
        return self._tenants if self._lifespan is None else partial(self._listed, self._tenants)

    async def _listed(self, tenants: Tenants) -> Iterable[int]:
        with self._surroundings.entered():
            return await tenants()
