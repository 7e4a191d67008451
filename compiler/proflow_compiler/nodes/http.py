"""Calling a URL."""

from collections.abc import Sequence

from proflow_schemas.definition import AnyOp, TaskOp
from proflow_schemas.nodes import Http
from proflow_schemas.step_ids import step_id

from proflow_compiler.design import Node
from proflow_compiler.nodes.lowering import Lowering, retry_policy, seconds


def lower(node: Node) -> Sequence[AnyOp]:
    config = node.config
    assert isinstance(config, Http)
    request = {
        "method": config.method,
        "url": config.url,
        "headers": config.headers,
        "body": config.body,
        "timeout": seconds(config.timeout),
    }
    return [
        TaskOp(
            id=step_id(node.id),
            node=node.id,
            handler="proflow:http",
            input={key: value for key, value in request.items() if value is not None},
            retry=retry_policy(config.retry, config.retries),
        )
    ]


FIELDS = {
    "method": "the method",
    "url": "the URL",
    "headers": "name → value",
    "body": "sent as JSON",
    "timeout": "how long one attempt may take",
    "retry": "how often it is tried",
    "retries": "in short: so many attempts after the first",
}

LOWERING = Lowering(
    type="http",
    title="HTTP",
    summary="Calls a URL.",
    example="""\
{
  "id": "book",
  "type": "http",
  "data": {"method": "POST", "url": "https://erp.example/bookings", "body": {"id": "${event.data.id}"}}
}""",
    lower=lower,
    fields=FIELDS,
    triggers=True,
    notes="""\
The output is `{"status", "headers", "body"}`; a body that is JSON is read. Numbers in it beyond
±(2^53 − 1), which Inngest would round, become texts.
""",
)
