"""Sending a message."""

from collections.abc import Sequence

from proflow_schemas.definition import AnyOp, TaskOp
from proflow_schemas.nodes import Notify
from proflow_schemas.step_ids import step_id

from proflow_compiler.design import Node
from proflow_compiler.nodes.lowering import Lowering


def lower(node: Node) -> Sequence[AnyOp]:
    config = node.config
    assert isinstance(config, Notify)
    message = {"channel": config.channel, "to": config.to}
    if config.subject is not None:
        message["subject"] = config.subject
    if config.content is not None:
        message["content"] = config.content
    return [TaskOp(id=step_id(node.id), node=node.id, handler="proflow:notify", input=message)]


FIELDS = {
    "channel": "`email`, `sms`, `push`, `inApp`, or one that the host registers",
    "to": "who gets it: one or a list",
    "subject": "its subject",
    "content": "its text, or data for the channel",
}

LOWERING = Lowering(
    type="notify",
    title="Notify",
    summary="Sends a message over a channel: `email`, `sms`, `push`, `inApp`, or one of the host's.",
    example="""\
{
  "id": "tell",
  "type": "notify",
  "data": {"channel": "email", "to": "${event.data.email}", "subject": "Approved", "content": "…"}
}""",
    lower=lower,
    fields=FIELDS,
    triggers=True,
)
