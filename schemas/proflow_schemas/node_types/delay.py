"""The node type `delay`: sleeps for a duration, or until a time."""

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
        "Sleeps for a `duration`, or `until` a time. If that time has passed, the run continues at once.",
        "等待一段时间（`duration`），或等到某个时刻（`until`）；该时刻已过时立即继续。",
    ),
    category="time",
    icon="hourglass",
    shape="event",
    order=140,
    aliases=("timer",),
    elsewhere=(*("sleep", "pause", "timerevent", "intermediatetimer", "waitfor", "延时", "等待"),),
    config=Delay,
    fields={
        "duration": Words("how long; a day is always 24 hours", "等待时长；一天始终按 24 小时计算"),
        "until": Words(
            "a time: ISO 8601, or seconds or milliseconds since 1970",
            "等待到的时刻：ISO 8601 格式，或 1970 年以来的秒数或毫秒数",
        ),
    },
    readable=("outcome",),
    meanings=called("duration", "delay", "wait", "waittime", "delaytime", "sleep", "interval")
    | called("until", "date", "datetime", "waituntil", "timedate", "dateuntil", "at")
    | GUARDS,
    lower=_lower,
    example='{"id": "cool-off", "type": "delay", "data": {"duration": "3d"}}',
    notes="""\
A time with an offset (`2026-01-31T18:00:00+08:00`, `…Z`) is exact. A time without one, such as
`2026-01-31T18:00`, or `2026-01-31` for its midnight, is local time in the design's `timezone`, else in
the tenant's, else in the service's default, else in UTC. The tenant's time zone is looked up once, when
the run begins. When clocks are set forward, a skipped time moves forward by the same amount (02:30
becomes 03:30). When they are set back, a time that occurs twice means its first occurrence.

A number below 253,402,300,800 counts seconds, a number from 946,684,800,000 on milliseconds. A time
before the year 2000 is a mistake: an error in the design, and a failure of the node at run time. A
`duration` begins when the run reaches the node. Its days are always 24 hours, even when clocks change.
""",
)
