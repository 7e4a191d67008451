"""Sleeping."""

from proflow_schemas.configs import Config, Duration, Text, Whole, whole_seconds
from proflow_schemas.definition import SleepOp
from proflow_schemas.node_types.foreign import GUARDS, called
from proflow_schemas.node_types.record import NodeType, Words
from proflow_schemas.step_ids import step_id


class Delay(Config):
    """Sleeps for a duration, or until a time."""

    duration: Duration | None = None
    until: Text | Whole | None = None


def _lower(node: str, config: Delay) -> SleepOp:
    return SleepOp(
        id=step_id(node),
        node=node,
        seconds=whole_seconds(config.duration),
        until=config.until,
    )


NODE_TYPE = NodeType(
    name="delay",
    kind="waits",
    title=Words("Delay", "延时"),
    summary=Words(
        "Sleeps for a `duration`, or `until` a time. A time that has passed is no delay.",
        "等待一段时间（`duration`），或等到某个时刻（`until`）。已经过去的时刻不再等待。",
    ),
    category="time",
    icon="hourglass",
    shape="event",
    order=140,
    aliases=("timer",),
    elsewhere=(*("sleep", "pause", "timerevent", "intermediatetimer", "waitfor", "延时", "等待"),),
    config=Delay,
    fields={
        "duration": Words("how long; a day is always 24 hours", "等多久；一天始终是 24 小时"),
        "until": Words(
            "a time: ISO 8601, or seconds or milliseconds since 1970",
            "等到何时：ISO 8601，或 1970 年起的秒数、毫秒数",
        ),
    },
    readable=("outcome",),
    meanings=called("duration", "delay", "wait", "waittime", "delaytime", "sleep", "interval")
    | called("until", "date", "datetime", "waituntil", "timedate", "dateuntil", "at")
    | GUARDS,
    lower=_lower,
    example='{"id": "cool-off", "type": "delay", "data": {"duration": "3d"}}',
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
