"""Stores designs, runs, approvals and tasks in the database. Every row belongs to a tenant.

Needs the extra `service`. The names exported here are public; all modules of the package are
internal.
"""

from typing import TYPE_CHECKING, Any

from proflow_schemas.lazy import exporting

from proflow_runtime.context.extras import require

if TYPE_CHECKING:
    from proflow_runtime.store.database import DatabaseError, connect, migrate, tortoise_app
    from proflow_runtime.store.models.tasks import InngestTask
    from proflow_runtime.store.tasks import get_task_status

__all__ = [
    "DatabaseError",
    "InngestTask",
    "connect",
    "get_task_status",
    "migrate",
    "tortoise_app",
]

_find = exporting(
    __name__,
    {
        "InngestTask": "models.tasks",
        "DatabaseError": "database",
        "connect": "database",
        "migrate": "database",
        "tortoise_app": "database",
        "get_task_status": "tasks",
    },
)


def __getattr__(name: str) -> Any:
    """Import a public name; raises `MissingExtraError` without the extra `service`."""
    if name in __all__:
        require("service", f"`{__name__}.{name}`")
    return _find(name)
