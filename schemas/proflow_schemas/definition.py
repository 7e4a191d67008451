"""The definition: a design compiled to a structured program, the contract of compiler and runtime.

A block is a list of ops. Running a block either *arrives* (falls through to what follows it) or
*ends* (the run's path is over). `call` is always the last op of its block: the block arrives where
the called function arrives. Strings inside `Value`s are templates: `${…}` holds an expression.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel

from proflow_schemas.errors import ProFlowError

FORMAT: Literal["proflow/definition@2"] = "proflow/definition@2"
"""The format of the definitions that this version writes and reads."""
_DOUBLES = "doubles"
"""A key of earlier definitions of this format: the numbers that expressions saw as floats, as they see
all numbers now."""
_FORMAT_NAME = re.compile(r"proflow/definition@([0-9]{1,6})")


class UnknownFormatError(ProFlowError):
    """A definition has a format that this version of ProFlow cannot read.

    Attributes:
        format: The format of the definition.
        workflow: The id of its workflow, if it has one.
    """

    def __init__(self, format: str, workflow: str | None = None) -> None:
        of = "" if workflow is None else f" of `{workflow}`"
        super().__init__(
            f"the definition{of} has the format `{format}`;"
            f" this version of ProFlow reads `{FORMAT}` only"
        )
        self.format = format
        self.workflow = workflow

    @property
    def is_older(self) -> bool:
        """True if the format preceded the current one, so that compiling again helps."""
        return is_older(self.format)


def is_older(format: str) -> bool:
    """True if a format preceded the current one."""
    return 0 < _number(format) < _number(FORMAT)


def _number(format: str) -> int:
    """The number of a format; 0 for a text that names no format."""
    found = _FORMAT_NAME.fullmatch(format)
    return 0 if found is None else int(found[1])


Value = Annotated[Any, Field(description="JSON; `${…}` in strings holds an expression")]
Seconds = Annotated[int, Field(ge=1)]


class Model(BaseModel):
    """What all parts of a definition share: camelCase keys in JSON, nothing unknown, immutable."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, extra="forbid", frozen=True
    )


class RetryPolicy(Model):
    """How often a step is tried, and how long after a failure; intervals in seconds."""

    max_attempts: int = Field(ge=1)
    initial_interval: float | None = Field(default=None, ge=0)
    max_interval: float | None = Field(default=None, ge=0)
    multiplier: float = Field(default=2.0, ge=1)


class Op(Model):
    """One instruction. `id` is the Inngest step id, `node` the id on the canvas."""

    id: str
    node: str

    @model_serializer(mode="wrap")
    def _with_fn(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """`fn` is a default, and yet what tells ops apart: never left out."""
        return {"fn": self.fn, **handler(self)}  # type: ignore[attr-defined]


class TaskOp(Op):
    """Runs a handler: the user's (`send_email`) or a built-in one (`proflow:http`)."""

    fn: Literal["task-step"] = "task-step"
    handler: str
    input: Value = None
    retry: RetryPolicy | None = None
    timeout: float | None = None
    catch: bool = False
    """Whether a failure is the outcome `error`, with `steps.x.error`; else it fails the run."""


class Approval(Model):
    """Who decides and how; the policy travels to the host in `approval/requested`."""

    approvers: list[str] = []
    approver_expression: Value = None
    mode: Literal["any", "all", "sequential", "quorum"] = "any"
    pass_ratio: float | None = None
    reminders: dict[str, Any] | None = None
    empty_approver_policy: str | None = None
    fallback_approvers: list[str] = []
    self_approval: str | None = None
    comment_required: str | None = None
    allow: list[Literal["transfer", "addSign", "return", "withdraw"]] = []


class ApprovalOp(Op):
    """Requests a decision and waits for it. Outcomes: approved, rejected, timeout, returned."""

    fn: Literal["approval-step"] = "approval-step"
    approval: Approval = Approval()
    event: str = "approval/response"
    match: str | None = None
    timeout: Seconds | None = None
    timeout_action: Literal["route", "approve", "reject", "remind"] = "route"


class WaitOp(Op):
    """Waits for an event. Outcomes: received, timeout.

    `armed_with` ops (what triggers the event) start once the wait is armed; the wait is over when
    both are done. Without `timeout` it waits Inngest's 366 days.
    """

    fn: Literal["wait-step"] = "wait-step"
    event: str
    match: str | None = None
    timeout: Seconds | None = None
    armed_with: "list[AnyOp]" = []


class SleepOp(Op):
    """Sleeps for `seconds`, or until the time that `until` (a value) renders to."""

    fn: Literal["sleep-step"] = "sleep-step"
    seconds: Seconds | None = None
    until: Value = None


class SendOp(Op):
    """Sends one event; `data` gets the run's `tenant_id`."""

    fn: Literal["send-step"] = "send-step"
    event: str
    data: Value = None


class InvokeOp(Op):
    """Runs another workflow of the same tenant; its output is the child's `{result, output}`."""

    fn: Literal["invoke-step"] = "invoke-step"
    workflow: str
    input: Value = None
    timeout: Seconds | None = None
    catch: bool = False


class SetOp(Op):
    """Computes values: name → expression (not a template). No step of its own: it is pure."""

    fn: Literal["set-step"] = "set-step"
    values: dict[str, str]


class Rule(Model):
    """An outcome and the expression that chooses it."""

    outcome: str
    when: str


class ChooseOp(Op):
    """Takes the first outcome whose rule holds, else `default`; no default: the run fails.

    With `every` it takes each outcome whose rule holds; a region follows, which starts them.
    """

    fn: Literal["choose"] = "choose"
    rules: list[Rule]
    default: str | None = None
    every: bool = False
    outcome_of: str | None = None
    """The node whose rules these are, if it is no condition: its own outcome is kept apart."""


class Case(Model):
    outcomes: list[str] = Field(min_length=1)
    steps: "list[AnyOp]"


class BranchOp(Op):
    """Continues with the case of the outcome that `node` took; no case: arrives at once."""

    fn: Literal["branch"] = "branch"
    cases: list[Case]


class Arm(Model):
    name: str
    steps: "list[AnyOp]"


Needs = Annotated[int, Field(ge=1)] | Literal["all"] | None
"""How many taken edges in a node needs; None: it waits until all are settled, and needs one."""


class ParallelOp(Op):
    """Runs all arms at once; arrives when all are over and at least one arrived, else ends.

    If it `needs` all, it arrives only if all arms did.
    """

    fn: Literal["parallel"] = "parallel"
    arms: list[Arm] = Field(min_length=2)
    needs: Literal["all"] | None = None


class Dependency(Model):
    """An edge into a task of a region: from another task of it, or from a node before the region.

    It is taken if the source arrived, by one of `outcomes` (none given: whatever the outcome).
    """

    source: str
    outcomes: list[str] = []


class RegionTask(Model):
    """A part of a region: it runs once its edges in are settled, if at least one was taken.

    With a number it `needs` it runs as soon as so many are taken, with `all` only if all are. A
    task with `leaves` that arrives makes the region arrive. No edges in: it starts at once.
    """

    name: str
    after: list[Dependency] = []
    needs: Needs = None
    leaves: bool = False
    steps: "list[AnyOp]"


class RegionOp(Op):
    """Runs tasks that depend on each other crosswise, each as soon as it may; in topological order.

    It is over when all tasks are settled; it arrives if one that `leaves` did, else it ends.
    """

    fn: Literal["region"] = "region"
    tasks: list[RegionTask] = Field(min_length=1)


class RepeatOp(Op):
    """Runs a block, and again for every `again` to `node` that it comes to; arrives where it does.

    `node` is the first one of the block, where the ways back lead to.
    """

    fn: Literal["repeat"] = "repeat"
    steps: "list[AnyOp]"


class AgainOp(Op):
    """The way back from `node` to the repeated block that begins with `to`, at most `limit` times.

    It ends its block; one time more fails the run. Ways back by different outcomes of `node` are
    counted apart.
    """

    fn: Literal["again"] = "again"
    to: str
    limit: int = Field(ge=1)
    at_once: bool = False
    """What else goes on in the iteration is left; otherwise it is awaited."""
    outcome_of: str | None = None
    """As in `choose`."""


class LeaveOp(Op):
    """Notes by which of several exits a repeated block is left, and arrives.

    `node` is an id of its own, `<first node of the block>?exit`, of which `exit` becomes an
    outcome: a branch or region after the block goes on by it.
    """

    fn: Literal["leave"] = "leave"
    exit: str


class InnerList(Model):
    """A `foreach` inside of another one, whose list is known before the outer one's item begins."""

    node: str
    items: str
    """The expression of the list, which reads nothing that comes of the outer item."""
    alias: str | None = None
    item_steps: int = Field(default=0, ge=0)
    least_steps: int = Field(default=0, ge=0)
    times: int = Field(default=1, ge=1)
    """How often an item comes to it, at most: in a loop, once in each iteration."""
    certain: bool = False
    """Every item that ends in order comes to it."""
    lists: "list[InnerList]" = Field(default_factory=list)


class ForeachOp(Op):
    """Runs a block once for each item of a list, at most `max_concurrency` at once.

    The output is the list of the items' results, in order: the output of the `end` that an item
    came to, else that of the node `result`.
    """

    fn: Literal["foreach"] = "foreach"
    items: str
    """The expression of the list."""
    alias: str | None = Field(default=None, alias="as")
    max_concurrency: int | None = Field(default=None, ge=1)
    item_steps: int = Field(default=0, ge=0)
    """The steps that one item takes at most, without those of the lists in it: so that a list which
    is too long for a run is refused before its first item."""
    least_steps: int = Field(default=0, ge=0)
    """The steps that an item takes at least if none of them fails, without those of its lists."""
    lists: list[InnerList] = Field(default_factory=list)
    """The lists in it that are known before an item begins."""
    steps: "list[AnyOp]"
    result: str | None = None
    catch: bool = False


class LoopOp(Op):
    """Runs a block while an expression holds; without one, `max_iterations` times.

    The expression still holds after so many rounds: it fails. The output is the last round's.
    """

    fn: Literal["loop"] = "loop"
    condition: str | None = Field(default=None, alias="while")
    max_iterations: int = Field(ge=1)
    steps: "list[AnyOp]"
    result: str | None = None
    catch: bool = False


class PartOp(Op):
    """Runs a part of the program as a function of its own, which has steps of its own.

    `node` is the first one of the part. Where the part arrives, the block goes on.
    """

    fn: Literal["part-step"] = "part-step"
    part: str


class CallOp(Op):
    """Goes on with a function, a path shared by several: where it arrives, the block arrives.

    `once`: only the first of those that run at once goes on with it; for others the block ends.
    """

    fn: Literal["call"] = "call"
    function: str
    once: bool = False


class EndOp(Op):
    """A drawn end."""

    fn: Literal["end"] = "end"
    status: str = "completed"
    output: Value = None
    terminate: bool = False
    fail: bool = False


class StopOp(Op):
    """The invisible end of an undrawn outcome: the status is the outcome of `node`.

    It ends the run, or in a container the item.
    """

    fn: Literal["stop"] = "stop"


AnyOp = Annotated[
    TaskOp
    | ApprovalOp
    | WaitOp
    | SleepOp
    | SendOp
    | InvokeOp
    | SetOp
    | ChooseOp
    | BranchOp
    | ParallelOp
    | RegionOp
    | RepeatOp
    | AgainOp
    | LeaveOp
    | ForeachOp
    | LoopOp
    | PartOp
    | CallOp
    | EndOp
    | StopOp,
    Field(discriminator="fn"),
]


class EventTrigger(Model):
    event: str
    condition: str | None = Field(default=None, alias="if")


class CronTrigger(Model):
    cron: str
    timezone: str | None = None

    def with_zone(self) -> str:
        """As Inngest takes both in one: `TZ=Asia/Shanghai 0 9 * * *`."""
        return f"TZ={self.timezone} {self.cron}" if self.timezone else self.cron


class Concurrency(Model):
    limit: int = Field(ge=1)
    key: str | None = None
    scope: Literal["account", "env", "fn"] | None = None


class Throttle(Model):
    limit: int = Field(ge=1)
    period: Seconds
    burst: int | None = None
    key: str | None = None


class Timeouts(Model):
    start: Seconds | None = None
    finish: Seconds | None = None


class Cancellation(Model):
    event: str
    condition: str | None = Field(default=None, alias="if")
    timeout: Seconds | None = None


MAX_CANCELLATIONS = 5
"""As many cancelling events as Inngest takes for one function."""


class FunctionSettings(Model):
    """What becomes arguments of `create_function`; keys are already prefixed with the tenant."""

    retries: int = Field(default=4, ge=0, le=20)
    concurrency: list[Concurrency] = Field(default=[], max_length=2)
    throttle: Throttle | None = None
    priority: str | None = None
    timeouts: Timeouts | None = None
    cancel_on: list[Cancellation] = Field(default=[], max_length=MAX_CANCELLATIONS)
    idempotency: str | None = None

    @property
    def ends_with_parent(self) -> bool:
        """Whether a run is cancelled when the run that has started it ends: that takes one of the
        cancelling events of its function, if the design has left one."""
        return len(self.cancel_on) < MAX_CANCELLATIONS

    @property
    def ends_with_call(self) -> bool:
        """Whether a run is cancelled, too, when only the item or the iteration is over that it was
        called in: that takes another one."""
        return len(self.cancel_on) < MAX_CANCELLATIONS - 1


class CanvasNode(Model):
    """A node; `parent` is the container it stands in.

    With a number it `needs` it goes on as soon as so many edges in are taken, with `all` only if
    all are. A node that `stops` ends the run as soon as an edge into it is taken, out of any loop. A
    `mishap` leads to nothing else, and is come to only if something goes wrong: it belongs to the
    loop that it is entered from, if that is one.
    """

    id: str
    type: str
    label: str
    parent: str | None = None
    needs: Needs = None
    stops: bool = False
    mishap: bool = False


class CanvasEdge(Model):
    """An edge with the outcome of its source that takes it; None: whatever the outcome.

    `back`: it leads back to a node that comes before its source.
    """

    source: str
    target: str
    outcome: str | None = None
    back: bool = False


class Canvas(Model):
    """The drawing, as far as status needs it: which node follows which, by which outcome."""

    nodes: list[CanvasNode]
    edges: list[CanvasEdge]


class Part(Model):
    """A part of a long program: `reads` are the nodes it reads of those before it, `keeps` those of
    its own that are read after it."""

    reads: list[str] = []
    keeps: list[str] = []
    steps: "list[AnyOp]"


class Definition(Model):
    """A compiled design. Reading one of another format raises `UnknownFormatError`."""

    format: Literal["proflow/definition@2"] = FORMAT
    id: str
    name: str
    description: str | None = None
    version: str | None = None
    scope: Literal["tenant", "system"] = "tenant"
    timezone: str | None = None
    """The time zone of times that name none; without one it is the tenant's."""
    task_type: str | None = None
    triggers: list[EventTrigger | CronTrigger] = Field(min_length=1, max_length=10)
    max_attempts: int = Field(default=5, ge=1)
    """Attempts of a step without a retry policy of its own."""
    settings: FunctionSettings = FunctionSettings()
    on_failure: str | None = None
    initiator: str | None = None
    """The expression that names who started the run."""
    input: dict[str, Any] | None = None
    """The JSON Schema of `event.data`, by which runs that are started by hand are checked."""
    canvas: Canvas
    functions: dict[str, list[AnyOp]] = {}
    parts: dict[str, Part] = {}
    """By step id; empty unless the program is too long for one run."""
    steps: list[AnyOp]
    digest: str = ""

    @model_validator(mode="before")
    @classmethod
    def _known_format(cls, data: Any) -> Any:
        """Refuse another format by its name, before its other differences are reported."""
        found = data.get("format", FORMAT) if isinstance(data, dict) else FORMAT
        if isinstance(found, str) and found != FORMAT:
            workflow = data.get("id")
            raise UnknownFormatError(found, workflow if isinstance(workflow, str) else None)
        if isinstance(data, dict) and _DOUBLES in data:
            data = {key: value for key, value in data.items() if key != _DOUBLES}
        return data

    def canonical(self) -> str:
        """The canonical JSON of everything but the digest: sorted keys, no white space.

        Defaults are left out, so that a field added later changes no digest.
        """
        return canonical_json({**self._explicit(), "digest": None})

    def with_digest(self) -> "Definition":
        digest = hashlib.sha256(self.canonical().encode()).hexdigest()
        return self.model_copy(update={"digest": f"sha256:{digest}"})

    def to_json(self) -> str:
        """The file `<id>.definition.json`: indented, ends with a line break."""
        return json.dumps(self._explicit(), ensure_ascii=False, indent=2) + "\n"

    def _explicit(self) -> dict[str, Any]:
        data = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return {"format": self.format, **data}


def canonical_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def walk(steps: "list[Any]") -> Iterator[Any]:
    """Every op of a block, nested ones included, in reading order."""
    stack = [iter(steps)]
    while stack:
        op = next(stack[-1], None)
        if op is None:
            stack.pop()
            continue
        yield op
        for inner in reversed(blocks_of(op)):
            stack.append(iter(inner))


def blocks_of(op: Any) -> "list[list[Any]]":
    """The blocks inside of an op."""
    match op:
        case WaitOp():
            return [op.armed_with]
        case BranchOp():
            return [case.steps for case in op.cases]
        case ParallelOp():
            return [arm.steps for arm in op.arms]
        case RegionOp():
            return [task.steps for task in op.tasks]
        case RepeatOp() | ForeachOp() | LoopOp():
            return [op.steps]
        case _:
            return []


def with_blocks(op: Any, change: "Callable[[list[Any]], list[Any]]") -> Any:
    """An op with the blocks inside of it changed."""
    match op:
        case WaitOp():
            return op.model_copy(update={"armed_with": change(op.armed_with)})
        case BranchOp():
            cases = [one.model_copy(update={"steps": change(one.steps)}) for one in op.cases]
            return op.model_copy(update={"cases": cases})
        case ParallelOp():
            arms = [one.model_copy(update={"steps": change(one.steps)}) for one in op.arms]
            return op.model_copy(update={"arms": arms})
        case RegionOp():
            tasks = [one.model_copy(update={"steps": change(one.steps)}) for one in op.tasks]
            return op.model_copy(update={"tasks": tasks})
        case RepeatOp() | ForeachOp() | LoopOp():
            return op.model_copy(update={"steps": change(op.steps)})
        case _:
            return op


def blocks(definition: Definition) -> "Iterator[list[Any]]":
    """The outermost blocks of a definition: its own, its functions', its parts'."""
    yield definition.steps
    yield from definition.functions.values()
    for part in definition.parts.values():
        yield part.steps
