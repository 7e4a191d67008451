"""Sleeping."""

from collections.abc import Sequence

from proflow_schemas.definition import AnyOp, SleepOp
from proflow_schemas.nodes import Delay
from proflow_schemas.step_ids import step_id

from proflow_compiler.design import Node
from proflow_compiler.nodes.lowering import Lowering, whole_seconds


def lower(node: Node) -> Sequence[AnyOp]:
    config = node.config
    assert isinstance(config, Delay)
    return [
        SleepOp(
            id=step_id(node.id),
            node=node.id,
            seconds=whole_seconds(config.duration),
            until=config.until,
        )
    ]


FIELDS = {
    "duration": "how long",
    "until": "a time: ISO 8601, or milliseconds since 1970",
}

LOWERING = Lowering(
    type="delay",
    title="Delay",
    summary="Sleeps for a `duration`, or `until` a time. A time that has passed is no delay.",
    example='{"id": "cool-off", "type": "delay", "data": {"duration": "3d"}}',
    lower=lower,
    fields=FIELDS,
)
