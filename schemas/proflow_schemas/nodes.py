"""Node types: what a person configures on each node of the canvas, and by which outcomes it is left.

Each type has a typed config; the published JSON Schema of a design is derived from these models.
Aliases are read, never written. Durations are texts such as `24h`, or seconds (see `durations`).
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel


def _integral(value: Any) -> Any:
    """JSON Schema calls `3.0` an integer, so the models do."""
    return int(value) if type(value) is float and value.is_integer() else value


def _listed(value: Any) -> Any:
    """One id or a list of them → a list of texts."""
    if value is None:
        return None
    ids = value if isinstance(value, list) else [value]
    if any(type(_integral(one)) not in (str, int) for one in ids):
        raise ValueError("ids are texts or whole numbers")
    return [str(_integral(one)) for one in ids]


def _mode(value: Any) -> Any:
    return {"OR": "any", "AND": "all"}.get(value, value) if isinstance(value, str) else value


Whole = Annotated[int, BeforeValidator(_integral)]
Count = Annotated[int, Field(ge=1), BeforeValidator(_integral)]
Expression = Annotated[
    str,
    Field(description="a CEL expression over event, steps, …", json_schema_extra={"format": "cel"}),
]
Text = Annotated[str, Field(description="text; `${…}` holds an expression")]
Value = Annotated[Any, Field(description="JSON; `${…}` in strings holds an expression")]
Duration = Annotated[
    str | int | float,
    Field(description="`90s`, `15m`, `24h`, `3d`, ISO 8601, or seconds", examples=["24h", 90]),
]
Name = Annotated[str, Field(min_length=1)]
ApproverIds = Annotated[
    list[str] | None,
    BeforeValidator(_listed, json_schema_input_type=list[str | int] | str | int | None),
]


RESERVED = (
    *("event", "steps", "initiator", "tenant_id", "run", "workflow"),
    *("item", "index", "iteration", "has", "true", "false", "null", "in", "as", "break"),
    *("const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package"),
    *("namespace", "return", "var", "void", "while"),
)
"""Names that expressions know, and words that CEL keeps for itself."""


class Config(BaseModel):
    """What all node configs share: camelCase keys, nothing unknown."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, extra="forbid", strict=True
    )


class EventTrigger(Config):
    """Starts a run at each event of this name."""

    event: Name
    condition: Expression | None = Field(default=None, alias="if")


class CronTrigger(Config):
    """Starts a run at each tick of a five-field cron expression."""

    cron: Name
    timezone: str | None = Field(default=None, examples=["Asia/Shanghai"])


Trigger = EventTrigger | CronTrigger


class Retry(Config):
    """How often a step is tried, and how long it waits in between; no jitter."""

    max_attempts: Annotated[int, Field(ge=1, le=20), BeforeValidator(_integral)] = 5
    initial_interval: Duration | None = None
    max_interval: Duration | None = None
    multiplier: float = Field(default=2.0, ge=1)


class Retried(Config):
    """Says how often it is tried, in one of two ways."""

    model_config = ConfigDict(
        json_schema_extra={
            "not": {
                "required": ["retry", "retries"],
                "properties": {"retry": {"type": "object"}, "retries": {"type": "integer"}},
            }
        }
    )

    retry: Retry | None = None
    retries: Annotated[int, Field(ge=0, le=19), BeforeValidator(_integral)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.retry is not None and self.retries is not None:
            raise ValueError("`retry` and `retries` are both given")
        return self


class Start(Config):
    """Where a run begins."""

    trigger: Trigger | list[Trigger] | None = None
    input: dict[str, Any] | None = Field(default=None, description="JSON Schema of `event.data`")
    initiator: Expression | None = None


class End(Config):
    """Where a path of a run ends; the run's result is its status."""

    status: Name = "completed"
    output: Value = None
    terminate: bool = False
    fail: bool = False


class Reminders(Config):
    """When those who have not decided yet are reminded."""

    after: Duration
    every: Duration | None = None
    max: Count | None = None


class Approval(Config):
    """Asks people to decide, and waits for the decision."""

    approver_type: (
        Literal[
            "user",
            "role",
            "department",
            "manager",
            "multiLevelManager",
            "initiator",
            "initiatorSelect",
            "form",
            "expression",
        ]
        | None
    ) = None
    approver_ids: ApproverIds = None
    approval_mode: Annotated[
        Literal["any", "all", "sequential", "quorum"],
        BeforeValidator(
            _mode,
            json_schema_input_type=Literal["any", "all", "sequential", "quorum", "OR", "AND"],
        ),
    ] = "any"
    pass_ratio: float | None = Field(default=None, gt=0, le=100)
    timeout: Duration | None = None
    timeout_action: Literal["route", "approve", "reject", "remind"] = "route"
    reminders: Reminders | None = None
    empty_approver_policy: (
        Literal["block", "autoPass", "autoReject", "fallbackUser", "escalateAdmin"] | None
    ) = None
    fallback_approver_ids: ApproverIds = None
    self_approval: Literal["allow", "forbid", "skip"] | None = None
    comment_required: Literal["never", "onReject", "always"] | None = None
    allow_transfer: bool | None = None
    allow_add_sign: bool | None = None
    allow_return: bool | None = None
    allow_withdraw: bool | None = None
    reject_to: Name | None = None
    event: Name = "approval/response"
    match: Name | None = Field(
        default=None, description="path in both events, such as `data.approval_id`"
    )


class Task(Retried):
    """Runs a handler of the host."""

    handler: Name
    input: Value = None
    timeout: Duration | None = None


class Notify(Config):
    """Sends a message."""

    channel: Text = "inApp"
    to: list[Text | Whole] | Text | Whole
    subject: Text | None = None
    content: Value = None


class Ai(Retried):
    """Asks a language model."""

    model: Text | None = None
    system: Text | None = None
    prompt: Text
    output_schema: dict[str, Any] | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)


class Http(Retried):
    """Calls a URL."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] = "GET"
    url: Text
    headers: dict[str, Text] | None = None
    body: Value = None
    timeout: Duration | None = None


class Set(Config):
    """Computes values from expressions."""

    values: dict[str, Expression]


class Condition(Config):
    """Goes on by the first edge whose rule holds."""


class Parallel(Config):
    """Goes on by all edges at once."""


class Inclusive(Config):
    """Goes on by every edge whose rule holds, at once."""


class Join(Config):
    """Where branches meet."""

    mode: Literal["active", "all", "one", "any"] | Count = "active"


class Delay(Config):
    """Sleeps for a duration, or until a time."""

    duration: Duration | None = None
    until: Text | None = None


class Wait(Config):
    """Waits for an event."""

    event: Name
    match: Name | None = Field(
        default=None, description="path in both events, such as `data.order_id`"
    )
    timeout: Duration | None = None


class Emit(Config):
    """Sends an event."""

    event: Name
    data: Value = None


class Subprocess(Config):
    """Runs another workflow, and goes on with its result."""

    workflow: Name
    input: Value = None
    timeout: Duration | None = None


class Foreach(Config):
    """Runs the nodes in it once for each item of a list."""

    items: Expression
    alias: Name | None = Field(
        default=None,
        alias="as",
        description="another name for `item`",
        pattern="^[A-Za-z_][A-Za-z0-9_]*$",
        json_schema_extra={"not": {"enum": list(RESERVED)}},
    )
    max_concurrency: Count | None = None

    @field_validator("alias")
    @classmethod
    def _free(cls, alias: str | None) -> str | None:
        if alias in RESERVED:
            raise ValueError(f"`{alias}` means something else in expressions")
        return alias


class Loop(Config):
    """Runs the nodes in it again and again, while an expression holds."""

    condition: Expression | None = Field(default=None, alias="while")
    max_iterations: Count = 10


@dataclass(frozen=True)
class NodeType:
    """A type of node: its canonical name, its aliases, its config, the outcomes it is left by.

    `rules` says that its edges carry rules, which name the outcomes; `every`: that it takes each
    outcome whose rule holds. `default` is the outcome of an edge without a handle; `undrawn`
    outcomes lead to an invisible terminating end where no edge leaves by them, of the run or in a
    container of the item; an undrawn `error` fails the run. `readable` fields exist below `steps.<id>`, with their JSON Schema types.
    `container`: it holds nodes of its own.
    """

    name: str
    config: type[Config]
    aliases: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ("default",)
    undrawn: tuple[str, ...] = ()
    rules: bool = False
    every: bool = False
    container: bool = False
    readable: tuple[str, ...] = ("output", "outcome")

    @property
    def default(self) -> str | None:
        """The outcome of an edge that names none."""
        return self.outcomes[0] if self.outcomes else None


_ERRS = ("default", "error")
_READ_ERRS = ("output", "outcome", "error")

NODE_TYPES: dict[str, NodeType] = {
    kind.name: kind
    for kind in (
        NodeType("start", Start, readable=()),
        NodeType("end", End, outcomes=(), readable=()),
        NodeType(
            "approval",
            Approval,
            aliases=("approve", "userTask", "审批"),
            outcomes=("approved", "rejected", "timeout", "returned"),
            undrawn=("rejected", "timeout", "returned"),
            readable=("output", "outcome", "decidedBy", "comment"),
        ),
        NodeType(
            "task",
            Task,
            aliases=("service", "action", "serviceTask"),
            outcomes=_ERRS,
            readable=_READ_ERRS,
        ),
        NodeType(
            "notify", Notify, aliases=("message", "push"), outcomes=_ERRS, readable=_READ_ERRS
        ),
        NodeType("cc", Notify, aliases=("copy", "抄送"), outcomes=_ERRS, readable=_READ_ERRS),
        NodeType("ai", Ai, aliases=("llm",), outcomes=_ERRS, readable=_READ_ERRS),
        NodeType("http", Http, aliases=("webhook",), outcomes=_ERRS, readable=_READ_ERRS),
        NodeType("set", Set, aliases=("transform",)),
        NodeType(
            "condition",
            Condition,
            aliases=("switch", "if-else", "decision", "exclusive"),
            rules=True,
            readable=("outcome",),
        ),
        NodeType(
            "inclusive",
            Inclusive,
            aliases=("multi-choice",),
            rules=True,
            every=True,
            readable=("outcome",),
        ),
        NodeType("parallel", Parallel, aliases=("fork",), readable=()),
        NodeType("join", Join, aliases=("merge",), readable=()),
        NodeType("delay", Delay, aliases=("timer",), readable=("outcome",)),
        NodeType(
            "wait",
            Wait,
            aliases=("waitEvent",),
            outcomes=("received", "timeout"),
            undrawn=("timeout",),
        ),
        NodeType("emit", Emit, aliases=("sendEvent",)),
        NodeType(
            "subprocess",
            Subprocess,
            aliases=("callActivity",),
            outcomes=_ERRS,
            readable=_READ_ERRS,
        ),
        NodeType(
            "foreach",
            Foreach,
            aliases=("iteration", "batch"),
            outcomes=_ERRS,
            container=True,
            readable=_READ_ERRS,
        ),
        NodeType("loop", Loop, outcomes=_ERRS, container=True, readable=_READ_ERRS),
    )
}
"""Every node type, by its canonical name."""

CANONICAL: dict[str, str] = {
    spelling: kind.name for kind in NODE_TYPES.values() for spelling in (kind.name, *kind.aliases)
}
"""Every spelling of a type → its canonical name."""
