"""The built-in handler of `notify` and `cc` nodes."""

from __future__ import annotations

from proflow_schemas.node_types.notify import EMAIL, IN_APP

from proflow_runtime.handlers import smtp
from proflow_runtime.handlers.calling import call_handler
from proflow_runtime.handlers.channels import OF_THE_PROCESS, Channels
from proflow_runtime.handlers.task import Task
from proflow_runtime.values import JSON


async def send(task: Task, channels: Channels = OF_THE_PROCESS) -> JSON:
    """Send a notification over its channel.

    Args:
        task: Its input is `{"channel", "to", "subject", "content"}`.
        channels: The registered channels.

    Returns:
        The output of the channel's handler.
    """
    channel = task.input.get("channel") or IN_APP
    if channel == EMAIL and channels.find(EMAIL) is None:
        return await smtp.send(task)
    return await call_handler(channels.handler(channel), task)
