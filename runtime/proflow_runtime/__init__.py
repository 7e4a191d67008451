"""Runs compiled workflows on Inngest. Generated modules and handlers import from this package.

These packages have public names as well:

- `proflow_runtime.client`: the Inngest client of the environment;
- `proflow_runtime.local`: the local engine, for tests;
- `proflow_runtime.approvals`: how approvers are found;
- `proflow_runtime.service` and `proflow_runtime.store`: stored designs (extra `service`).

All other modules are internal.
"""

# Names are imported on first use, so that the command line starts quickly. Therefore no name may also
# be the name of a module.

from typing import TYPE_CHECKING

from proflow_schemas.lazy import exporting

if TYPE_CHECKING:
    from proflow_schemas.definition import ApprovalPolicy, Reminders

    from proflow_runtime.context.extras import MissingExtraError
    from proflow_runtime.context.tenant import NoTenantError, current_tenant
    from proflow_runtime.flow import Flow
    from proflow_runtime.flow.counting import InnerList
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
    "ApprovalPolicy",
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
        "ApprovalPolicy": "flow.approvals",
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
        "Reminders": "flow.approvals",
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
