"""Waiting for an event."""

from collections.abc import Sequence

from proflow_schemas.definition import AnyOp, WaitOp
from proflow_schemas.nodes import Wait
from proflow_schemas.step_ids import step_id

from proflow_compiler.design import Node
from proflow_compiler.nodes.lowering import Lowering, whole_seconds


def lower(node: Node) -> Sequence[AnyOp]:
    config = node.config
    assert isinstance(config, Wait)
    return [
        WaitOp(
            id=step_id(node.id),
            node=node.id,
            event=config.event,
            match=config.match,
            timeout=whole_seconds(config.timeout),
        )
    ]


FIELDS = {
    "event": "the event's name",
    "timeout": "how long at most",
}

LOWERING = Lowering(
    type="wait",
    title="Wait",
    summary="Waits for an event of the run's tenant, at most for `timeout`, else for 366 days.",
    example="""\
{"id": "paid", "type": "wait", "data": {"event": "payment/received", "match": "data.order_id", "timeout": "7d"}}""",
    lower=lower,
    fields=FIELDS,
    awaits=True,
    notes="""\
`match` is a path that has the same value in the event that started the run. The values are ids, and
compare as strings: `7` in one event and `"7"` in the other are the same. The event's data is the
node's `output`.

An answer that comes before the wait began is lost. So a `notify`, `emit`, `http` or `task` right
before a wait, which triggers the event, starts once the wait has begun.

Timed out without an edge drawn for it, the wait ends the run with the result `timeout`.
""",
)
