"""Runs compiled workflows on Inngest: what generated modules and their handlers import.

What is exported here is public, and so is what these packages export: `proflow_runtime.client` (the
Inngest client of the environment), `proflow_runtime.local` (the engine, for tests),
`proflow_runtime.approvals` (who is asked), `proflow_runtime.service` and `proflow_runtime.store`
(stored designs; they need the extra `service`). All other modules are internal.

Names are imported when they are first used, so that the command line is there at once. That is
why none of them is also the name of a module.
"""

from typing import TYPE_CHECKING

from proflow_schemas.lazy import exporting

if TYPE_CHECKING:
    from proflow_runtime.context.extras import MissingExtraError
    from proflow_runtime.context.tenant import NoTenantError, current_tenant
    from proflow_runtime.flow import Flow
    from proflow_runtime.flow.counting import InnerList
    from proflow_runtime.flow.reminders import Reminders
    from proflow_runtime.flow.structures import Branch, Exit
    from proflow_runtime.flow.subprocess import WITH_CALL, WITH_PARENT
    from proflow_runtime.handlers.channels import UnknownChannelError, register_channel
    from proflow_runtime.handlers.marking import handler, node_type
    from proflow_runtime.handlers.registry import Registry, UnknownHandlerError
    from proflow_runtime.handlers.task import Handler, Task
    from proflow_runtime.programs.decorator import workflow
    from proflow_runtime.programs.failures import on_failure
    from proflow_runtime.programs.functions import functions_of
    from proflow_runtime.programs.interpreter import interpret
    from proflow_runtime.programs.schedules import cron_trigger, fan_out
    from proflow_runtime.values import JSON
    from proflow_runtime.values.encoding import NotJsonError
    from proflow_runtime.values.results import Again, Decision, Received, Result
    from proflow_runtime.values.retry import Retry

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
        "InnerList": "flow.counting",
        "WITH_CALL": "flow.subprocess",
        "WITH_PARENT": "flow.subprocess",
        "Again": "values.results",
        "Branch": "flow.structures",
        "Decision": "values.results",
        "Exit": "flow.structures",
        "Flow": "flow",
        "Handler": "handlers.task",
        "MissingExtraError": "context.extras",
        "NoTenantError": "context.tenant",
        "NotJsonError": "values.encoding",
        "Received": "values.results",
        "Registry": "handlers.registry",
        "Reminders": "flow.reminders",
        "Result": "values.results",
        "Retry": "values.retry",
        "Task": "handlers.task",
        "UnknownChannelError": "handlers.channels",
        "UnknownHandlerError": "handlers.registry",
        "cron_trigger": "programs.schedules",
        "current_tenant": "context.tenant",
        "fan_out": "programs.schedules",
        "functions_of": "programs.functions",
        "handler": "handlers.marking",
        "interpret": "programs.interpreter",
        "node_type": "handlers.marking",
        "on_failure": "programs.failures",
        "register_channel": "handlers.channels",
        "workflow": "programs.decorator",
    },
)
