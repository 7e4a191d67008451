"""Runs compiled workflows on Inngest: what generated modules and their handlers import."""

from proflow_runtime.failures import on_failure
from proflow_runtime.flow import Flow
from proflow_runtime.functions import functions_of
from proflow_runtime.handlers.channels import register_channel
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.handlers.task import Task
from proflow_runtime.interpreter import interpret
from proflow_runtime.results import Decision, Received, Result
from proflow_runtime.retry import Retry
from proflow_runtime.schedules import fan_out
from proflow_runtime.tenant import current_tenant
from proflow_runtime.workflow import workflow

__all__ = [
    "Decision",
    "Flow",
    "Received",
    "Registry",
    "Result",
    "Retry",
    "Task",
    "current_tenant",
    "fan_out",
    "functions_of",
    "interpret",
    "on_failure",
    "register_channel",
    "workflow",
]
