"""Runs compiled workflows on Inngest: what generated modules and their handlers import.

What is exported here is public, and so is what these packages export: `proflow_runtime.client` (the
Inngest client of the environment), `proflow_runtime.local` (the engine, for tests),
`proflow_runtime.approving` (who is asked), `proflow_runtime.service` and `proflow_runtime.store`
(stored designs; they need the extra `service`). All other modules are internal.

Names are imported when they are first used, so that the command line is there at once. That is
why none of them is also the name of a module.
"""

from typing import TYPE_CHECKING

from proflow_schemas.lazy import exporting

if TYPE_CHECKING:
    from proflow_runtime.counting import InnerList
    from proflow_runtime.decorator import workflow
    from proflow_runtime.encoding import NotJsonError
    from proflow_runtime.extras import MissingExtraError
    from proflow_runtime.failures import on_failure
    from proflow_runtime.flow import Flow
    from proflow_runtime.functions import functions_of
    from proflow_runtime.handlers.channels import UnknownChannelError, register_channel
    from proflow_runtime.handlers.marking import handler, node_type
    from proflow_runtime.handlers.registry import Registry, UnknownHandlerError
    from proflow_runtime.handlers.task import Handler, Task
    from proflow_runtime.interpreter import interpret
    from proflow_runtime.reminders import Reminders
    from proflow_runtime.results import Again, Decision, Received, Result
    from proflow_runtime.retry import Retry
    from proflow_runtime.schedules import cron_trigger, fan_out
    from proflow_runtime.structures import Branch, Exit
    from proflow_runtime.subprocess import WITH_CALL, WITH_PARENT
    from proflow_runtime.tenant import NoTenantError, current_tenant
    from proflow_runtime.values import JSON

__all__ = [
    "JSON",
    "WITH_CALL",
    "WITH_PARENT",
    "Again",
    "Branch",
    "Decision",
    "Exit",
    "Flow",
    "Handler",
    "InnerList",
    "MissingExtraError",
    "NoTenantError",
    "NotJsonError",
    "Received",
    "Registry",
    "Reminders",
    "Result",
    "Retry",
    "Task",
    "UnknownChannelError",
    "UnknownHandlerError",
    "cron_trigger",
    "current_tenant",
    "fan_out",
    "functions_of",
    "handler",
    "interpret",
    "node_type",
    "on_failure",
    "register_channel",
    "workflow",
]

__getattr__ = exporting(
    __name__,
    {
        "JSON": "values",
        "InnerList": "counting",
        "WITH_CALL": "subprocess",
        "WITH_PARENT": "subprocess",
        "Again": "results",
        "Branch": "structures",
        "Decision": "results",
        "Exit": "structures",
        "Flow": "flow",
        "Handler": "handlers.task",
        "MissingExtraError": "extras",
        "NoTenantError": "tenant",
        "NotJsonError": "encoding",
        "Received": "results",
        "Registry": "handlers.registry",
        "Reminders": "reminders",
        "Result": "results",
        "Retry": "retry",
        "Task": "handlers.task",
        "UnknownChannelError": "handlers.channels",
        "UnknownHandlerError": "handlers.registry",
        "cron_trigger": "schedules",
        "current_tenant": "tenant",
        "fan_out": "schedules",
        "functions_of": "functions",
        "handler": "handlers.marking",
        "interpret": "interpreter",
        "node_type": "handlers.marking",
        "on_failure": "failures",
        "register_channel": "handlers.channels",
        "workflow": "decorator",
    },
)
