"""Sending an event."""

from collections.abc import Sequence

from proflow_schemas.definition import AnyOp, SendOp
from proflow_schemas.nodes import Emit
from proflow_schemas.step_ids import step_id

from proflow_compiler.design import Node
from proflow_compiler.nodes.lowering import Lowering


def lower(node: Node) -> Sequence[AnyOp]:
    config = node.config
    assert isinstance(config, Emit)
    return [SendOp(id=step_id(node.id), node=node.id, event=config.event, data=config.data)]


FIELDS = {
    "event": "the event's name",
    "data": "its data",
}

LOWERING = Lowering(
    type="emit",
    title="Emit",
    summary="Sends an event; its data gets the run's `tenant_id`.",
    example='{"id": "ready", "type": "emit", "data": {"event": "report/ready", "data": {"id": "${steps.save.output.id}"}}}',
    lower=lower,
    fields=FIELDS,
    triggers=True,
)
