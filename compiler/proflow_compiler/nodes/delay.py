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
    "duration": "how long; a day is always 24 hours",
    "until": "a time: ISO 8601, or seconds or milliseconds since 1970",
}

LOWERING = Lowering(
    type="delay",
    title="Delay",
    summary="Sleeps for a `duration`, or `until` a time. A time that has passed is no delay.",
    example='{"id": "cool-off", "type": "delay", "data": {"duration": "3d"}}',
    lower=lower,
    fields=FIELDS,
    notes="""\
A time with an offset (`2026-01-31T18:00:00+08:00`, `…Z`) is that moment. One without, such as
`2026-01-31T18:00`, or `2026-01-31` for its midnight, is local time in the design's `timezone`, else
in the tenant's, else in the service's default, else in UTC; the tenant's is looked up once, when the
run begins. Where clocks are set forward, a time that is skipped moves forward by as much
(02:30 becomes 03:30); where they are set back, of a time that comes twice the first is meant.

Numbers are told apart by their size: below 253,402,300,800 they count seconds, from 946,684,800,000
on milliseconds. A time before the year 2000 is a mistake: in the drawing an error, at run time the
node fails. A `duration` counts from when the run arrives, and its days are 24 hours, also where
clocks change.
""",
)
