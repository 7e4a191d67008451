"""The node type `emit`: sends an event."""

from proflow_schemas.configs import Config, Name, Value
from proflow_schemas.definition import SendOp
from proflow_schemas.node_types.foreign import GUARDS, called
from proflow_schemas.node_types.record import NodeType, Words
from proflow_schemas.step_ids import step_id


class Emit(Config):
    """Sends an event."""

    event: Name
    data: Value = None


def _lower(node: str, config: Emit) -> SendOp:
    return SendOp(id=step_id(node), node=node, event=config.event, data=config.data)


NODE_TYPE = NodeType(
    name="emit",
    kind="step",
    title=Words("Emit", "发送事件"),
    summary=Words(
        "Sends an event. The run's `tenant_id` is added to its data.",
        "发送一个事件，事件数据中会自动带上本次运行的 `tenant_id`。",
    ),
    category="time",
    icon="send",
    order=160,
    aliases=("sendEvent",),
    elsewhere=(*("sendtask", "publish", "dispatch", "throwevent", "signalthrow", "produce"),),
    config=Emit,
    fields={
        "event": Words("the event's name", "事件名称"),
        "data": Words("its data", "事件数据"),
    },
    triggers=True,
    meanings=called("event", "eventname", "eventtype", "signal", "topic")
    | called("data", "payload", "body", "eventdata")
    | GUARDS,
    lower=_lower,
    example='{"id": "ready", "type": "emit", "data": {"event": "report/ready", "data": {"id": "${steps.save.output.id}"}}}',
)
