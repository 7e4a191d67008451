"""The node type `start`: begins a run."""

from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from proflow_schemas.configs import Config, Expression, Name, Trigger
from proflow_schemas.definition import Starters
from proflow_schemas.node_types.foreign import STARTS, called
from proflow_schemas.node_types.record import NodeType, Words


class Who(Config):
    """People who may start runs by the API and the page: those named, and those with a role."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": [key], "properties": {key: {"minItems": 1}}}
                for key in ("roles", "people")
            ]
        }
    )

    roles: list[Name] = Field(default=[], description="business roles")
    people: list[Name] = Field(default=[], description="ids of people")

    @model_validator(mode="after")
    def _somebody(self) -> "Who":
        if not (self.roles or self.people):
            raise ValueError('names nobody: give `roles` or `people`, or write `"hosts"`')
        return self


class Start(Config):
    """Where a run begins."""

    trigger: Trigger | list[Trigger] | None = None
    input: dict[str, Any] | None = Field(default=None, description="JSON Schema of `event.data`")
    initiator: Expression | None = None
    who: Literal["hosts"] | Who | None = Field(
        default=None, description='who may start runs by the API; `"hosts"`: host code only'
    )

    @property
    def starters(self) -> Starters | None:
        """Who may start runs by the API; None for everybody."""
        if self.who is None:
            return None
        if isinstance(self.who, Who):
            return Starters(roles=self.who.roles, people=self.who.people)
        return Starters()


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
        "who": Words(
            "who may start runs by the API: `roles`, `people`, or `hosts` for the application's own"
            " code only; by default everybody",
            "谁可以通过接口或页面发起：`roles` 指定角色，`people` 指定人员，`hosts` 表示只能由宿主系统的代码发起；"
            "默认所有人都可以发起",
        ),
        "input": Words("JSON Schema of `event.data`", "`event.data` 的 JSON Schema"),
    },
    readable=(),
    meanings=STARTS | called("initiator", "applicant", "starter", "initiatorid", "submitter"),
    example='{"id": "start", "type": "start", "data": {"trigger": {"event": "order/created"}}}',
    notes="""\
If neither this node nor the design has a trigger, the event `<id>/start` starts a run.

`initiator` is an expression for who started the run; by default it is `event.data.initiator_id`.

`who` limits who may start runs by the API and on the page: `{"roles": ["buyer"], "people": ["ann"]}`, or
`"hosts"`. Runs that the application's own code starts, and runs that events start, are not limited.

A `cron` trigger has no tenant. Unless the design's `scope` is `system`, it becomes two functions: one that
sends the event `<id>/scheduled` for every tenant, and the workflow that this event starts.
""",
)
