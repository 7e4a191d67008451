"""What is kept in the database: designs, runs, approvals, tasks. Every row is a tenant's."""

from typing import TYPE_CHECKING, Any

from proflow_runtime.extras import require

if TYPE_CHECKING:
    from proflow_runtime.store.models.tasks import InngestTask
    from proflow_runtime.store.tasks import get_task_status

__all__ = ["InngestTask", "get_task_status"]


def __getattr__(name: str) -> Any:
    """Loaded when they are asked for: most of the runtime needs no database."""
    if name in __all__:
        require("service", f"`{__name__}.{name}`")
    if name == "InngestTask":
        from proflow_runtime.store.models.tasks import InngestTask

        return InngestTask
    if name == "get_task_status":
        from proflow_runtime.store.tasks import get_task_status

        return get_task_status
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
