"""Runs compiled workflows on Inngest: what generated modules and their handlers import."""

from proflow_runtime.flow import Flow
from proflow_runtime.handlers.channels import register_channel
from proflow_runtime.handlers.task import Task
from proflow_runtime.results import Decision, Received, Result
from proflow_runtime.retry import Retry
from proflow_runtime.tenant import current_tenant
from proflow_runtime.workflow import workflow

__all__ = [
    "Decision",
    "Flow",
    "Received",
    "Result",
    "Retry",
    "Task",
    "current_tenant",
    "register_channel",
    "workflow",
]
