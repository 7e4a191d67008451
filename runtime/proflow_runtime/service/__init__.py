"""Stored designs as a service: in a host's application, or on its own by `proflow serve`."""

from typing import TYPE_CHECKING, Any

from proflow_runtime.extras import require

if TYPE_CHECKING:
    from proflow_runtime.service.auth import Authenticate, Principal
    from proflow_runtime.service.facade import ProFlow
    from proflow_runtime.service.problems import Problem
    from proflow_runtime.service.settings import ProFlowSettings

__all__ = ["Authenticate", "Principal", "ProFlow", "ProFlowSettings", "Problem"]
_MODULES = {
    "Authenticate": "auth",
    "Principal": "auth",
    "ProFlow": "facade",
    "ProFlowSettings": "settings",
    "Problem": "problems",
}


def __getattr__(name: str) -> Any:
    """Loaded when they are asked for: the command line lists its commands without them."""
    if name in _MODULES:
        from importlib import import_module

        require("service", f"`{__name__}.{name}`")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
