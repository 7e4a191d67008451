"""The state of one replay of a run, which the primitives of `Flow` read and write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import inngest
from proflow_schemas.expressions import ExpressionError
from proflow_schemas.step_ids import step_id as derived_step_id

from proflow_runtime.context.zones import default_timezone
from proflow_runtime.flow import item_paths
from proflow_runtime.flow.frames import CancelScope, Frame, Item, Outcome
from proflow_runtime.flow.groups import Groups, Stall
from proflow_runtime.flow.memos import MISSING, Memos, hashed
from proflow_runtime.flow.revertible import RevertibleDict
from proflow_runtime.flow.run_size import RunSize
from proflow_runtime.flow.scope import Scope, Workflow
from proflow_runtime.flow.step_results import StepResults
from proflow_runtime.protocol.conditions import check_compared
from proflow_runtime.status import ItemKey, NodeState, NodeStatus, Recorders
from proflow_runtime.status.step_attempts import StepAttempt
from proflow_runtime.values import JSON, resolve, rounding_problem
from proflow_runtime.values.result_wrappers import StepFailure
from proflow_runtime.values.results import Failed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proflow_runtime.flow.approvals import Board, Closer, Opener
    from proflow_runtime.flow.blocking import Blocker
    from proflow_runtime.flow.callees import Call, Callees
    from proflow_runtime.flow.item_replays import KeptReplays

T = TypeVar("T")


# Every replay of every run needs the same few ids.
step_id = lru_cache(maxsize=8192)(derived_step_id)


class Replay:
    """One replay of a run: all its state, rebuilt from the outputs of steps in each request.

    Attributes:
        workflow: The compiled design.
        tenant_id: The tenant of the run; None for a `system` design.
        run_id: The id of the run; in a part of a run, that of the whole run.
        inngest_run_id: Inngest's id of the run, which may differ from `run_id`.
        recorders: Where node states are sent at the end of the replay.
        states: The state of each node that this replay has reached; None if there is no recorder.
        item_states: The same for nodes inside a foreach.
        timezone: The time zone of times that name none.
        attempt: The number of the attempt at the run.
        part_name: The part of the definition that this is a replay of; empty for the run itself.
        step_attempts: The attempts at steps that this request has made.
        results: The results of steps, of this and of earlier attempts at the run.
        view: How many steps had ended when the replay began.
        planned: How many steps the run may take up to the point that this replay has reached.
    """

    def __init__(
        self,
        ctx: inngest.Context,
        workflow: Workflow,
        tenant_id: int | None,
        *,
        recorders: Recorders,
        callees: Callees,
        opener: Opener | None = None,
        closer: Closer | None = None,
        blocker: Blocker | None = None,
        answer_event: str | None = None,
        board: Board | None = None,
        inngest_run_id: str | None = None,
        kept: KeptReplays | None = None,
        attempt: int = 1,
        part: str = "",
        earlier: Mapping[str, Any] | None = None,
    ) -> None:
        """Begin a replay.

        Args:
            ctx: The context of the request, by the SDK.
            workflow: The compiled design.
            tenant_id: The tenant of the run; None for a `system` design.
            recorders: They receive the node states of this replay.
            callees: Finds the functions of other workflows and of parts.
            opener: Opens approvals. Without one, the host opens them on `approval/requested`.
            closer: Closes the approvals that were open when an item or iteration was left.
            blocker: Holds the run at steps that this deployment cannot begin. Without one, they fail.
            answer_event: The event by which the service answers approvals, instead of
                `approval/response`.
            board: The record of approvals, against which answers are checked. Without one, every
                answer is believed: it is the host's.
            inngest_run_id: Inngest's id of the run, if `ctx.run_id` is another one.
            kept: What the process keeps of the replays of items. Without it, every replay runs every
                item.
            attempt: The number of the attempt at the run.
            part: The part of the definition that this is a replay of; empty for the run itself.
            earlier: The results that earlier attempts at the run have left, by hashed step id.
        """
        self.workflow = workflow
        self.tenant_id = tenant_id
        self.recorders = recorders
        self.run_id = ctx.run_id
        self.inngest_run_id = inngest_run_id or ctx.run_id
        self.attempt, self.part_name = attempt, part
        self.step_attempts: list[StepAttempt] = []
        self.states: dict[str, NodeState] | None = {} if recorders else None
        self.item_states: dict[ItemKey, NodeState] = {}
        self.timezone = workflow.timezone or default_timezone()
        self._ctx = ctx
        self._step = ctx.step
        self.results = StepResults(ctx.step, earlier)
        self._memos = Memos(ctx.step)
        self.view = self._memos.count
        self._callees = callees
        self._opener, self._closer = opener, closer
        self._blocker = blocker
        self._answer_event, self._board = answer_event, board
        self._kept_items = kept
        self.resumed: list[str] = []
        """What the run has gone on from: approvals, by their executions (`x[3]#2`), and called runs."""
        self.called: list[str] = []
        """The runs that this replay calls, or has called and still waits for."""
        self._entered: RevertibleDict[ItemKey, bool] = RevertibleDict()
        """The nodes where only the first path to arrive continues, and one has arrived."""
        self._open_approvals: RevertibleDict[str, bool] = RevertibleDict()
        """The open approvals, by their executions (`x[3]#2`)."""
        self._open: RevertibleDict[str, Call | None] = RevertibleDict()
        """The open steps in items and iterations; the value is the call if a step calls a workflow."""
        self._remarks: dict[tuple[ItemKey, int], tuple[str, ...]] = {}
        """Notes to add to the state of a node, by the iteration of its loop."""
        self.planned = 0
        self._target_path = item_paths.known(workflow.digest, ctx.step._target_hashed_id)
        """The items that contain the step which this request is for."""
        self._size = RunSize(ctx.event.data)
        self._groups = Groups(ctx)
        self._frame = self._root = Frame()
        self._inner_outcomes: RevertibleDict[str, Outcome] = RevertibleDict()
        self._executions: RevertibleDict[ItemKey, int] = RevertibleDict()
        self._iterations: dict[ItemKey, int] = {}
        self._abandoned = 0
        """How many enclosing containers have failed; inside them no handler is called any more."""

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """The outcomes of the nodes that have more than one possible outcome.

        The keys are node ids, and for nodes in containers step ids such as `x[0]`.
        """
        return self._root.outcomes | self._inner_outcomes

    def check_trigger(self) -> None:
        """Check the event that started the run, in the first replay.

        Raises:
            Failed: If a number in its data may have been rounded, or if an id in it makes the run
                impossible to cancel.
        """
        # One step may have ended: a run of a stored design has a step before those of its nodes.
        # A request for one step comes after the step was planned, that is, after this check.
        if self.view <= 1 and self._step._target_hashed_id is None:
            problem = rounding_problem(self._ctx.event.data, "event.data")
            if problem is not None:
                raise Failed("", problem)
            event = self._ctx.event
            try:
                check_compared(
                    self.workflow.compared, {"name": event.name, "id": event.id, "data": event.data}
                )
            except ExpressionError as error:
                raise Failed("", f"{error.message}; {error.help}") from None

    # --- position

    @contextmanager
    def _within(self, frame: Frame) -> Iterator[None]:
        around, self._frame = self._frame, frame
        try:
            yield
        finally:
            self._frame = around

    def _framed(self, call: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
        """Bind a callable that is run later to the current frame."""
        frame = self._frame

        async def framed() -> Any:
            with self._within(frame):
                return await call()

        return framed

    def _execution(self, node: str) -> int:
        """Count an execution of a node, and return its number; the first is 1."""
        frame = self._frame
        if frame.cancel_scope is None:
            return 1
        key = (node, frame.items)
        number = self._executions.get(key, 0) + 1
        if self._groups.left and not frame.cancel_scope.may_execute(key, number):
            raise Stall  # its item or iteration ended before this execution began
        self._executions[key] = number
        return number

    def _begin(self, node: str) -> str:
        """Begin an execution of a node that is one step, and return the step's id."""
        frame = self._frame
        if not frame.items:
            self.planned += 1
        if frame.cancel_scope is None:
            return step_id(node)
        step = step_id(node, items=frame.items, execution=self._execution(node))
        self._located(step)
        return step

    def _located(self, *steps: str) -> None:
        """Remember the items of these steps, for the requests that execute one of them."""
        if self._frame.path:
            for step in steps:
                item_paths.remember(self.workflow.digest, hashed(step), self._frame.path)

    def _targeted(self, node: str, execution: int) -> int | None:
        """Return the index of the item that contains the step which this request is for.

        None if the request is for no step, for a step elsewhere, or for one of unknown position.
        """
        path, here = self._target_path, self._frame.path
        depth = len(here)
        if len(path) <= depth or path[:depth] != here or path[depth][:2] != (node, execution):
            return None
        return path[depth][2]

    def _is_memoised(self, step: str) -> bool:
        """True if a step has ended. Call this before the step itself; it does not plan the step."""
        return step in self._memos

    def _is_target(self, step: str) -> bool:
        """True if this request is for this step."""
        return self._step._target_hashed_id == hashed(step)

    async def _kept(self, step: str, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do the work of a step, and keep its output for later attempts at the run."""
        output = self.results.executed[hashed(step)] = await work()
        return output

    async def _stepped(
        self, step: str, call: Callable[[], Awaitable[T]], calls: Call | None = None
    ) -> T:
        """Call a step of the SDK and return its output; `calls` is the call of a workflow, if it is one.

        If the item or iteration was left while the step was open, the path stalls here, even if the
        step has ended since.
        """
        cancel_scope = self._frame.cancel_scope
        if cancel_scope is None:
            return await call()
        self._open[step] = calls
        self._count(cancel_scope)
        try:
            output = await call()
        except Exception:  # the step failed; an open step is a `BaseException` of the SDK
            self._is_over(step, cancel_scope)
            raise
        self._is_over(step, cancel_scope)
        return output

    def _taken(self, step: str) -> Any:
        """Return the stored output of a step that has ended, the shortest way; else `MISSING`.

        It has the same effects as `_stepped`. A request has many such steps, and each of them would
        otherwise pass through a group and the SDK.
        """
        cancel_scope = self._frame.cancel_scope
        if cancel_scope is None:
            return self._memos.take(step)
        if cancel_scope.was_open(step) or (memo := self._memos.take(step)) is MISSING:
            return MISSING
        self._count(cancel_scope)
        return memo

    @staticmethod
    def _count(cancel_scope: CancelScope | None) -> None:
        """Count a step for each enclosing item."""
        while cancel_scope is not None:
            if isinstance(cancel_scope, Item):
                cancel_scope.taken += 1
            cancel_scope = cancel_scope.parent

    def _is_over(self, step: str, cancel_scope: CancelScope) -> None:
        if cancel_scope.was_open(step):
            raise Stall
        self._open.discard(step)

    # --- values

    @property
    def _scope(self) -> Scope:
        return self._frame.scope or self._scope_of(self._frame)

    def _scope_of(self, frame: Frame) -> Scope:
        if frame.scope is None:
            around = frame.parent
            if around is None:
                frame.scope = Scope(
                    self._ctx.event, self.run_id, self.tenant_id, self.workflow, frame.steps
                )
            elif frame.steps is around.steps and not frame.names:
                frame.scope = self._scope_of(around)
            else:
                frame.scope = self._scope_of(around).inside(frame.steps, frame.names)
        return frame.scope

    def _resolved(self, value: Any) -> JSON:
        """Compute an input inside its step."""
        try:
            return resolve(value, self._scope)
        except ExpressionError as error:
            raise inngest.NonRetriableError(f"its input: {self._scope.worded(error)}") from None

    def _holds(self, node: str, output: JSON) -> None:
        """Add the output of a step to the size of the run, which fails if it is too large."""
        self._size.add(output)
        self._bounded(node)

    def _bounded(self, node: str) -> None:
        if (problem := self._size.problem_with()) is not None:
            self._fail(node, f"the output of `{node}`: {problem}")

    # --- outcomes and states of nodes

    def outcome_of(self, node: str) -> str | None:
        """Return the outcome of a node.

        Args:
            node: The node's id; for a choice among edges, the id of the choice.

        Returns:
            The first outcome if there are several; None if the node has not been executed.
        """
        return next(iter(self._outcomes_of(node)), None)

    def failed(self, node: str) -> bool:
        """Return True if a node has the outcome `error`."""
        return self.outcome_of(node) == "error"

    def unexpected(self, outcome: str | None, *, of: str) -> Failed:
        """Record and return the failure of a node with an outcome that was not compiled.

        Args:
            outcome: The outcome; None if the node has none.
            of: The node's id.

        Returns:
            The exception, for the body to raise.
        """
        try:
            self._fail(of, f"nothing follows `{of}` by the outcome `{outcome}`")
        except Failed as failed:
            return failed

    def _outcomes_of(self, node: str) -> list[str]:
        frame = self._frame
        found: Any = frame.outcomes.get(node)
        if found is None and node in frame.steps:
            found = frame.steps[node]["outcome"]
        if found is None:
            return []
        return found if isinstance(found, list) else [found]

    def _record_outcome(self, node: str, outcome: Outcome) -> None:
        """Record the outcome of a node that has several possible ones."""
        frame = self._frame
        frame.outcomes[node] = outcome
        if frame.inner:
            key = step_id(node, items=frame.items) if frame.items else node
            self._inner_outcomes[key] = outcome

    def _settle(self, node: str, output: JSON, outcome: str = "default") -> None:
        self._frame.steps[node] = {"output": output, "outcome": outcome}
        if self.states is not None:
            self._note(node, NodeState("completed", outcome))

    def _settle_error(self, node: str, failure: StepFailure) -> None:
        """Record the outcome `error` of a node whose failure is caught."""
        error = {"name": failure.name, "message": failure.message}
        self._frame.steps[node] = {"output": None, "outcome": "error", "error": error}
        self._record_outcome(node, "error")
        if self.states is not None:
            self._note(node, NodeState("completed", "error", failure.attempts or None, error))

    def _record_status(
        self, node: str, status: NodeStatus, outcome: str | list[str] | None = None
    ) -> None:
        if self.states is not None:
            self._note(node, NodeState(status, outcome))

    def _fail(self, node: str, message: str, failure: StepFailure | None = None) -> NoReturn:
        name = failure.name if failure else "NonRetriableError"
        if self.states is not None:
            error = {"name": name, "message": failure.message if failure else message}
            attempts = (failure.attempts or None) if failure else None
            self._note(node, NodeState("failed", None, attempts, error))
        raise Failed(node, message, name)

    def _note_failure(self, node: str, failed: Failed) -> None:
        """Record that a container has failed because of something in it."""
        if self.states is not None:
            error = {"name": failed.name, "message": str(failed)}
            self._note(node, NodeState("failed", error=error))

    def _all_states(self) -> dict[ItemKey, NodeState]:
        states = {} if self.states is None else self.states
        return {(node, ()): state for node, state in states.items()} | self.item_states

    def _note(self, node: str, state: NodeState) -> None:
        """Record the state of a node; call this only if states are recorded."""
        if self._abandoned:
            return
        frame = self._frame
        key = (node, frame.items)
        if (loop := frame.loop) is not None:
            state = replace(state, round=loop.iteration)
        cancel_scope = frame.cancel_scope
        while cancel_scope is not None:
            cancel_scope.nodes.add(key)
            cancel_scope = cancel_scope.parent
        if self._remarks and (key, state.round) in self._remarks:
            state = replace(state, notes=self._remarks[key, state.round])
        self._keep(key, state)

    def _remark(self, node: str, notes: Sequence[str]) -> None:
        """Add notes to the state of a node: oddities that are no failure."""
        if not notes or self.states is None or self._abandoned:
            return
        frame = self._frame
        key, number = (node, frame.items), 1 if frame.loop is None else frame.loop.iteration
        found = tuple(dict.fromkeys((*self._remarks.get((key, number), ()), *notes)))
        self._remarks[key, number] = found
        state = self._known(key)
        if state is not None and state.round == number:
            self._keep(key, replace(state, notes=found))

    def _keep(self, key: ItemKey, state: NodeState) -> None:
        node, items = key
        if items:
            self.item_states[key] = state
        elif self.states is not None:
            self.states[node] = state

    def _known(self, key: ItemKey) -> NodeState | None:
        node, items = key
        return self.item_states.get(key) if items else (self.states or {}).get(node)
