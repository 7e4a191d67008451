"""The node type `wait`: waits for an event."""

from pydantic import Field

from proflow_schemas.configs import Answered, Duration, Name, whole_seconds
from proflow_schemas.definition import WaitOp
from proflow_schemas.node_types.foreign import ASKS, Meaning, called, same_field
from proflow_schemas.node_types.record import NodeType, Words
from proflow_schemas.step_ids import step_id


class Wait(Answered):
    """Waits for an event."""

    event: Name
    match: Name | None = Field(
        default=None, description="path of a field that both events have, such as `data.order_id`"
    )
    timeout: Duration | None = None


def _lower(node: str, config: Wait) -> WaitOp:
    return WaitOp(
        id=step_id(node),
        node=node,
        event=config.event,
        match=config.match,
        timeout=whole_seconds(config.timeout),
    )


NODE_TYPE = NodeType(
    name="wait",
    kind="waits",
    title=Words("Wait", "等待事件"),
    summary=Words(
        "Waits for an event of the run's tenant, for at most `timeout`, or 366 days if not set.",
        "等待本租户的某个事件，最长等待 `timeout`；未设置时为 366 天。",
    ),
    category="time",
    icon="login",
    shape="event",
    order=150,
    aliases=("waitEvent",),
    elsewhere=(
        *("receive", "receivetask", "listener", "signalcatch", "waitforevent"),
        *("messagecatch", "waitforsignal", "catchevent"),
    ),
    config=Wait,
    fields={
        "event": Words("the event's name", "事件名称"),
        "timeout": Words("how long to wait at most", "最长等待时间"),
        "match": Words(
            "path of a field that both events have, such as `data.order_id`",
            "两个事件都包含的字段路径，例如 `data.order_id`",
        ),
    },
    outcomes=("received", "timeout"),
    undrawn=("timeout",),
    awaits=True,
    meanings=called("event", "eventname", "eventtype", "signal", "signalname", "messagename")
    | called("match", "correlationkey", "matchkey", "correlation", "matchon")
    | dict.fromkeys(
        (*ASKS, "filter", "ifexp", "matchexpression", "predicate"),
        Meaning("`match`, the path of a field that both events have: `data.order_id`", same_field),
    ),
    lower=_lower,
    example="""\
{"id": "paid", "type": "wait", "data": {"event": "payment/received", "match": "data.order_id", "timeout": "7d"}}""",
    notes="""\
With `match`, the field at that path must have the same value in the event and in the event that started
the run. The values are ids and compare as strings: `7` in one event equals `"7"` in the other. The node's
`output` is the event's data.

An event that arrives before the wait has begun is lost. So if a `notify`, `emit`, `http` or `task` comes
right before a wait, and thus may trigger its event, it starts once the wait has begun.

If the wait times out and no edge is drawn for `timeout`, the run ends with the result `timeout`.
""",
)
