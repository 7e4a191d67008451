"""Which functions of a host's module are handlers: designs name them."""

import inspect
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

TENANTS = "tenants"
"""The one that is none: it lists who a cron runs for."""


def handlers_in(module: ModuleType) -> dict[str, Callable[..., Awaitable[Any]]]:
    """The public `async def` functions of a module by name: those in `__all__`, if it has one,
    else those that are defined in it or elsewhere in its package."""
    package = module.__name__.partition(".")[0]
    listed = getattr(module, "__all__", None)
    found: dict[str, Callable[..., Awaitable[Any]]] = {}
    for name, value in vars(module).items():
        if not inspect.iscoroutinefunction(value):
            continue
        own = value.__module__.partition(".")[0] == package and not name.startswith("_")
        if own if listed is None else name in listed:
            found[name] = value
    return found
