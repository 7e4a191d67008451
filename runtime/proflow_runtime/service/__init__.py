"""Serves stored designs, inside a host's application or on its own (`proflow serve`).

Needs the extra `service`. The names exported here are public; all modules of the package are
internal.
"""

from typing import TYPE_CHECKING, Any

from proflow_schemas.lazy import exporting

from proflow_runtime.context.extras import require

if TYPE_CHECKING:
    from proflow_runtime.context.permissions import PERMISSIONS
    from proflow_runtime.service.auth import Authenticate, Principal
    from proflow_runtime.service.facade import ProFlow
    from proflow_runtime.service.problems import Problem
    from proflow_runtime.service.readiness import Readiness
    from proflow_runtime.service.settings import ProFlowSettings

__all__ = [
    "PERMISSIONS",
    "Authenticate",
    "Principal",
    "ProFlow",
    "ProFlowSettings",
    "Problem",
    "Readiness",
]

_find = exporting(
    __name__,
    {
        "PERMISSIONS": "auth",
        "Authenticate": "auth",
        "Principal": "auth",
        "Problem": "problems",
        "ProFlow": "facade",
        "ProFlowSettings": "settings",
        "Readiness": "readiness",
    },
)


def __getattr__(name: str) -> Any:
    """Import a public name; raises `MissingExtraError` without the extra `service`."""
    if name in __all__:
        require("service", f"`{__name__}.{name}`")
    return _find(name)
