"""The node type `start`: begins a run."""

from typing import Any

from pydantic import Field

from proflow_schemas.configs import Config, Expression, Trigger
from proflow_schemas.node_types.foreign import STARTS, called
from proflow_schemas.node_types.record import NodeType, Words


class Start(Config):
    """Where a run begins."""

    trigger: Trigger | list[Trigger] | None = None
    input: dict[str, Any] | None = Field(default=None, description="JSON Schema of `event.data`")
    initiator: Expression | None = None


NODE_TYPE = NodeType(
    name="start",
    kind="structure",
    title=Words("Start", "开始"),
    summary=Words(
        "Where a run begins. A design has exactly one.", "流程运行的起点，每个设计有且只有一个。"
    ),
    category="flow",
    icon="play-circle",
    shape="terminal",
    order=10,
    elsewhere=(
        *("begin", "entry", "trigger", "startevent", "initiator", "manualtrigger"),
        *("webhooktrigger", "schedule", "scheduletrigger", "cron", "crontrigger"),
        *("eventtrigger", "开始", "发起", "applicant", "originator", "root"),
    ),
    config=Start,
    fields={
        "trigger": Words(
            "what starts a run: an event or a schedule, or a list of them",
            "触发方式：事件或定时计划，可以设置多个",
        ),
        "initiator": Words(
            "an expression for who started the run; by default `event.data.initiator_id`",
            "返回流程发起人的表达式，默认为 `event.data.initiator_id`",
        ),
        "input": Words("JSON Schema of `event.data`", "`event.data` 的 JSON Schema"),
    },
    readable=(),
    meanings=STARTS | called("initiator", "applicant", "starter", "initiatorid", "submitter"),
    example='{"id": "start", "type": "start", "data": {"trigger": {"event": "order/created"}}}',
    notes="""\
If neither this node nor the design has a trigger, the event `<id>/start` starts a run.

`initiator` is an expression for who started the run; by default it is `event.data.initiator_id`.

A `cron` trigger has no tenant. Unless the design's `scope` is `system`, it becomes two functions: one that
sends the event `<id>/scheduled` for every tenant, and the workflow that this event starts.
""",
)
