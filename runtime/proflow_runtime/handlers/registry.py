"""Handlers by name: the user's, of a module, and the built-in ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, TypeAlias

from proflow_schemas.handlers import TENANTS, Handlers, handlers_in, output_schema
from proflow_schemas.node_types import HANDLERS

from proflow_runtime.handlers.task import Handler

Tenants: TypeAlias = Callable[[], Awaitable[Iterable[int]]]

NOTIFY, AI, HTTP = "proflow:notify", "proflow:ai", "proflow:http"


def _built_in(function: str | None) -> Handler:
    assert function is not None
    module, _, name = function.rpartition(".")
    found: Handler = getattr(import_module(f"proflow_runtime.handlers.{module}"), name)
    return found


_BUILT_IN: Mapping[str, Handler] = {
    name: _built_in(kind.function) for name, kind in HANDLERS.items()
}


class UnknownHandlerError(LookupError):
    """A design names handlers that there are not."""


class Registry:
    """Handlers by the names that designs use; `tenants` lists who a cron runs for."""

    def __init__(
        self, handlers: Mapping[str, Handler] | None = None, *, tenants: Tenants | None = None
    ) -> None:
        self._handlers: dict[str, Handler] = {**_BUILT_IN, **(handlers or {})}
        self._tenants = tenants

    @classmethod
    def from_module(cls, module: ModuleType) -> Registry:
        """The handlers that `handlers_in` finds in a module, and its `tenants`."""
        found: dict[str, Any] = handlers_in(module)
        return cls(found, tenants=found.pop(TENANTS, None))

    def names(self) -> list[str]:
        """The user's handlers."""
        return sorted(name for name in self._handlers if name not in _BUILT_IN)

    def outputs(self) -> Handlers:
        """The user's handlers, with the JSON Schema of what each returns, for the compiler."""
        return {name: output_schema(self._handlers[name]) for name in self.names()}

    def __contains__(self, name: str) -> bool:
        return name in self._handlers

    def __getitem__(self, name: str) -> Handler:
        self.require((name,))
        return self._handlers[name]

    def require(self, names: Iterable[str]) -> None:
        """Raises `UnknownHandlerError`, which names all that are missing."""
        missing = sorted({name for name in names if name not in self._handlers})
        if missing:
            listed = ", ".join(f"`{name}`" for name in missing)
            raise UnknownHandlerError(
                f"there is no handler {listed}: handlers are public `async def` functions"
            )

    def get(self, name: str, default: Handler) -> Handler:
        return self._handlers.get(name, default)

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
        return self._tenants
