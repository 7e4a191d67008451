"""The ops of a definition: the instructions of which its blocks consist.

A block is a list of ops, which run one after another. Running a block has one of two results: it
*arrives*, so that what follows the block runs, or it *ends*, so that nothing follows on this path.
A `call` is always the last op of its block: the block arrives if the called function arrives.

The docstrings of the models are the descriptions in the published `definition.schema.json`.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from proflow_schemas.definition.approvals import ApprovalPolicy, TimeoutAction
from proflow_schemas.definition.model import Model, Needs, Seconds, Value


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
        """Always write `fn`: it tells ops apart, and `exclude_defaults` would leave it out."""
        return {"fn": self.fn, **handler(self)}  # type: ignore[attr-defined]


class TaskOp(Op):
    """Runs a handler: the user's (`send_email`) or a built-in one (`proflow:http`)."""

    fn: Literal["task-step"] = "task-step"
    handler: str
    input: Value = None
    retry: RetryPolicy | None = None
    timeout: float | None = None
    """The seconds that one attempt may take."""
    catch: bool = False
    """True: a failure is the outcome `error`, described by `steps.<node>.error`. False: it fails the run."""


class Approvers(Model):
    """The approvers that a design names, and an expression that returns more of them."""

    approvers: list[str] = Field(default=[])
    approver_expression: Value = None


class Approval(ApprovalPolicy, Approvers):
    """Who decides and how; the policy is sent to the host in `approval/requested`."""


class ApprovalOp(Op):
    """Requests a decision and waits for it. Outcomes: approved, rejected, timeout, returned."""

    fn: Literal["approval-step"] = "approval-step"
    approval: Approval = Approval()
    event: str = "approval/response"
    match: str | None = None
    timeout: Seconds | None = None
    timeout_action: TimeoutAction = "route"


class WaitOp(Op):
    """Waits for an event. Outcomes: received, timeout.

    `armed_with` ops (what triggers the event) start once the wait is armed; the wait is over when
    both are done. Without `timeout` it waits Inngest's 366 days.
    """

    fn: Literal["wait-step"] = "wait-step"
    event: str
    match: str | None = None
    timeout: Seconds | None = None
    armed_with: "list[AnyOp]" = Field(default=[])


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
    """As in `TaskOp`."""


class SetOp(Op):
    """Computes values: name → expression (not a template). It is pure, so it takes no step."""

    fn: Literal["set-step"] = "set-step"
    values: dict[str, str]


class Rule(Model):
    """An outcome and the expression that chooses it."""

    outcome: str
    when: str


class ChooseOp(Op):
    """Takes the first outcome whose rule holds, else `default`. Without a default, the run fails.

    With `every` it takes each outcome whose rule holds; a region follows, which starts them.
    """

    fn: Literal["choose"] = "choose"
    rules: list[Rule]
    default: str | None = None
    """The outcome if no rule holds; None: the run fails then."""
    every: bool = False
    outcome_of: str | None = None
    """The node whose outcome these rules refine, if it is not a condition; `node` is then an id of its own,
    so that the choice does not overwrite that outcome."""


class Case(Model):
    outcomes: list[str] = Field(min_length=1)
    steps: "list[AnyOp]"


class BranchOp(Op):
    """Continues with the case of the outcome that `node` took; arrives at once if there is no such case."""

    fn: Literal["branch"] = "branch"
    cases: list[Case]


class Arm(Model):
    name: str
    steps: "list[AnyOp]"


class ParallelOp(Op):
    """Runs all arms concurrently. When all are over, it arrives if at least one arm arrived, else it ends.

    If it `needs` all, it arrives only if all arms arrived.
    """

    fn: Literal["parallel"] = "parallel"
    arms: list[Arm] = Field(min_length=2)
    needs: Literal["all"] | None = None


class Dependency(Model):
    """An edge into a task of a region: from another task of it, or from a node before the region.

    It is taken if the source arrived by one of `outcomes`; an empty list means any outcome.
    """

    source: str
    """The node that the edge leaves."""
    outcomes: list[str] = Field(default=[])


class RegionTask(Model):
    """A task of a region. It runs when its incoming edges are settled, if at least one was taken.

    If `needs` is a number, it runs as soon as that many edges are taken; if `needs` is `all`, only if all
    are. A task without incoming edges starts at once. If a task with `leaves` arrives, the region arrives.
    """

    name: str
    after: list[Dependency] = Field(default=[])
    """The edges into the task. They are settled when their sources are over or skipped."""
    needs: Needs = None
    leaves: bool = False
    """True if the region arrives when this task arrives."""
    steps: "list[AnyOp]"


class RegionOp(Op):
    """Runs tasks that depend on each other, each as soon as its dependencies allow.

    The tasks are in topological order. When all are settled, the region arrives if a task with `leaves`
    arrived, else it ends.
    """

    fn: Literal["region"] = "region"
    tasks: list[RegionTask] = Field(min_length=1)


class RepeatOp(Op):
    """Runs a loop body, and repeats it for every back edge (`again`) to `node`.

    `node` is the first node of the body, the target of the back edges.
    """

    fn: Literal["repeat"] = "repeat"
    steps: "list[AnyOp]"
    """The loop body. Each back edge (`again`) to `node` starts another iteration of it; the op arrives if
    the last iteration arrives."""


class AgainOp(Op):
    """Takes the back edge from `node` to the loop body that begins with `to`, at most `limit` times.

    It ends its block, and the next iteration begins. Back edges by different outcomes of `node` are counted
    separately.
    """

    fn: Literal["again"] = "again"
    to: str
    """The first node of the loop body, which is the `node` of the `repeat`."""
    limit: int = Field(ge=1)
    """How many times the back edge may be taken; taking it once more fails the run."""
    at_once: bool = False
    """True: whatever else runs in the iteration is abandoned. False: it is awaited first."""
    outcome_of: str | None = None
    """The node whose outcome the rule refines, as in `choose`."""


class LeaveOp(Op):
    """Records by which of several exits a loop is left, and arrives.

    `node` is an id of its own, `<first node of the loop body>?exit`. `exit` becomes its outcome, and a branch
    or region after the loop continues by it.
    """

    fn: Literal["leave"] = "leave"
    exit: str
    """The exit that is recorded as the outcome of `node`."""


class InnerList(Model):
    """A `foreach` inside of another one, whose list is known before the outer one's item begins."""

    node: str
    items: str
    """The expression of the list. It reads nothing that depends on the outer item."""
    alias: str | None = None
    item_steps: int = Field(default=0, ge=0)
    least_steps: int = Field(default=0, ge=0)
    times: int = Field(default=1, ge=1)
    """How often one outer item can run it at most; more than once if it is in a loop."""
    certain: bool = False
    """True if every outer item that ends without a failure runs it."""
    lists: "list[InnerList]" = Field(default_factory=list)


class ForeachOp(Op):
    """Runs a block once for each item of a list, for at most `max_concurrency` items concurrently.

    The output is the list of the items' results, in order. The result of an item is the output of the `end`
    that it reached, else that of the node `result`.
    """

    fn: Literal["foreach"] = "foreach"
    items: str
    """The expression of the list."""
    alias: str | None = Field(default=None, alias="as")
    max_concurrency: int | None = Field(default=None, ge=1)
    item_steps: int = Field(default=0, ge=0)
    """The most steps that one item can take, without those of `lists`. By this number a list that is too
    long for one run is refused before its first item."""
    least_steps: int = Field(default=0, ge=0)
    """The fewest steps that one item takes if nothing fails, without those of `lists`."""
    lists: list[InnerList] = Field(default_factory=list)
    """The lists of inner `foreach` ops that are known before an item of this one begins."""
    steps: "list[AnyOp]"
    result: str | None = None
    catch: bool = False
    """As in `TaskOp`."""


class LoopOp(Op):
    """Runs a block while an expression holds; without an expression, `max_iterations` times.

    The output is that of the last iteration.
    """

    fn: Literal["loop"] = "loop"
    condition: str | None = Field(default=None, alias="while")
    max_iterations: int = Field(ge=1)
    """The op fails if the expression still holds after this many iterations."""
    steps: "list[AnyOp]"
    result: str | None = None
    catch: bool = False
    """As in `TaskOp`."""


class PartOp(Op):
    """Runs a part of the program as a separate function, which has a limit of steps of its own.

    `node` is the first node of the part. If the part arrives, the block continues.
    """

    fn: Literal["part-step"] = "part-step"
    part: str
    """The step id of the part, a key of the definition's `parts`."""


class CallOp(Op):
    """Continues with a function: a path that several branches share. If it arrives, the block arrives."""

    fn: Literal["call"] = "call"
    function: str
    """A key of the definition's `functions`."""
    once: bool = False
    """True: of several concurrent branches, only the first one that gets here continues with the function;
    for the others the block ends."""


class EndOp(Op):
    """A drawn end."""

    fn: Literal["end"] = "end"
    status: str = "completed"
    output: Value = None
    terminate: bool = False
    """True: the whole run ends, with all its other paths."""
    fail: bool = False
    """True: the whole run ends and fails."""


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
