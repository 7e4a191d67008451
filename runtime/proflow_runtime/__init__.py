"""Runs compiled workflows on Inngest: what generated modules and their handlers import.

Names are imported when they are first used, so that the command line is there at once. That is
why none of them is also the name of a module.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proflow_runtime.decorator import workflow
    from proflow_runtime.failures import on_failure
    from proflow_runtime.flow import Flow
    from proflow_runtime.functions import functions_of
    from proflow_runtime.handlers.channels import register_channel
    from proflow_runtime.handlers.registry import Registry
    from proflow_runtime.handlers.task import Task
    from proflow_runtime.interpreter import interpret
    from proflow_runtime.reminders import Reminders
    from proflow_runtime.results import Again, Decision, Received, Result
    from proflow_runtime.retry import Retry
    from proflow_runtime.schedules import cron_trigger, fan_out
    from proflow_runtime.structures import Branch, Exit
    from proflow_runtime.subprocess import WITH_CALL, WITH_PARENT
    from proflow_runtime.tenant import current_tenant

__all__ = [
    "WITH_CALL",
    "WITH_PARENT",
    "Again",
    "Branch",
    "Decision",
    "Exit",
    "Flow",
    "Received",
    "Registry",
    "Reminders",
    "Result",
    "Retry",
    "Task",
    "cron_trigger",
    "current_tenant",
    "fan_out",
    "functions_of",
    "interpret",
    "on_failure",
    "register_channel",
    "workflow",
]

_MODULES = {
    "WITH_CALL": "subprocess",
    "WITH_PARENT": "subprocess",
    "Again": "results",
    "Branch": "structures",
    "Decision": "results",
    "Exit": "structures",
    "Flow": "flow",
    "Received": "results",
    "Registry": "handlers.registry",
    "Reminders": "reminders",
    "Result": "results",
    "Retry": "retry",
    "Task": "handlers.task",
    "cron_trigger": "schedules",
    "current_tenant": "tenant",
    "fan_out": "schedules",
    "functions_of": "functions",
    "interpret": "interpreter",
    "on_failure": "failures",
    "register_channel": "handlers.channels",
    "workflow": "decorator",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module `proflow_runtime` has no attribute `{name}`")
    value = getattr(import_module(f"proflow_runtime.{_MODULES[name]}"), name)
    globals()[name] = value
    return value
