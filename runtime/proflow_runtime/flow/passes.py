"""One pass over a run: what the primitives of `Flow` read and write."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import inngest
from proflow_schemas.expressions import ExpressionError
from proflow_schemas.step_ids import step_id as derived_step_id

from proflow_runtime.context.zones import default_timezone
from proflow_runtime.flow import item_paths
from proflow_runtime.flow.frames import Frame, Item, Outcome, Stretch
from proflow_runtime.flow.groups import Groups, Stall
from proflow_runtime.flow.holding import Holding
from proflow_runtime.flow.kept import Kept
from proflow_runtime.flow.scope import Scope, Workflow
from proflow_runtime.protocol.conditions import check_compared
from proflow_runtime.status import ItemKey, NodeState, NodeStatus, Recorders
from proflow_runtime.values import JSON, resolve, rounded_on_the_way
from proflow_runtime.values.envelopes import StepFailure
from proflow_runtime.values.results import Failed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proflow_runtime.flow.approvals import Closer, Opener
    from proflow_runtime.flow.callees import Call, Callees

T = TypeVar("T")


@lru_cache(maxsize=8192)
def _hashed(step: str) -> str:
    """A step's id on the wire."""
    return hashlib.sha1(step.encode()).hexdigest()


# The same few ids are asked for in every pass of every run.
step_id = lru_cache(maxsize=8192)(derived_step_id)


class Pass:
    """One pass over a run. All state is in here, and is rebuilt from the memos in every pass."""

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
        inngest_run_id: str | None = None,
    ) -> None:
        """`recorders` are told what it sees. `opener` opens approvals; without one the host does, told by an event alone. `closer`
        closes those that a run has left open.
        `inngest_run_id`: Inngest's id of the run, where `ctx.run_id` is another one.
        """
        self.workflow = workflow
        self.tenant_id = tenant_id
        self.recorders = recorders
        self.run_id = ctx.run_id
        self.inngest_run_id = inngest_run_id or ctx.run_id
        self.states: dict[str, NodeState] | None = {} if recorders else None
        """What this pass has seen of the nodes; None: nobody asks."""
        self.item_states: dict[ItemKey, NodeState] = {}
        """The same of nodes inside of foreach."""
        self.timezone = workflow.timezone or default_timezone()
        """The time zone of times that name none."""
        self._ctx = ctx
        self._step = ctx.step
        execution: Any = ctx.step._execution  # the SDK itself does not tell
        self.view: int = execution._memos.size
        """How many steps were over as it began."""
        self._callees = callees
        self._opener, self._closer = opener, closer
        self._entered: Kept[ItemKey, bool] = Kept()
        """Where only the first of several paths goes on, and one has."""
        self._asked: Kept[str, bool] = Kept()
        """The executions of approvals that are open."""
        self._open: Kept[str, Call | None] = Kept()
        """The steps in items and iterations that have begun and are not over; of those that call
        another workflow, the call."""
        self._remarks: dict[tuple[ItemKey, int], tuple[str, ...]] = {}
        """What is to be noted with the state of a node, by the round of its loop."""
        self.planned = 0
        """The steps that the run will have taken, as far as this pass has come."""
        self._target_path = item_paths.known(workflow.digest, ctx.step._target_hashed_id)
        """The items that the step is in which Inngest asks this pass for."""
        self._held = Holding(ctx.event.data)
        self._groups = Groups(ctx)
        self._frame = self._root = Frame()
        self._inner_outcomes: Kept[str, Outcome] = Kept()
        self._executions: Kept[ItemKey, int] = Kept()
        self._rounds: dict[ItemKey, int] = {}
        self._abandoned = 0
        """In how many containers that have failed, and are not to do anything more."""

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """Of nodes with more than one possible outcome, those that were taken.

        Nodes in containers are named as in step ids: `x[i]`.
        """
        return self._root.outcomes | self._inner_outcomes

    def check_trigger(self) -> None:
        """Raises `Failed` if the event that started the run holds a number that was rounded, or an
        id by which the run could not be cancelled."""
        # Each run has a pass in which at most its first step, which is no node's, is over.
        if self.view <= 1:
            problem = rounded_on_the_way(self._ctx.event.data, "event.data")
            if problem is not None:
                raise Failed("", problem)
            event = self._ctx.event
            try:
                check_compared(
                    self.workflow.compared, {"name": event.name, "id": event.id, "data": event.data}
                )
            except ExpressionError as error:
                raise Failed("", f"{error.message}; {error.help}") from None

    # --- where this is

    @contextmanager
    def _within(self, frame: Frame) -> Iterator[None]:
        around, self._frame = self._frame, frame
        try:
            yield
        finally:
            self._frame = around

    def _framed(self, call: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
        """A callable that is run later, as if it were here."""
        frame = self._frame

        async def framed() -> Any:
            with self._within(frame):
                return await call()

        return framed

    def _execution(self, node: str) -> int:
        """Counts one more execution of a node, and says which it is."""
        frame = self._frame
        if frame.stretch is None:
            return 1
        key = (node, frame.items)
        number = self._executions.get(key, 0) + 1
        if self._groups.left and not frame.stretch.may_execute(key, number):
            raise Stall  # its item or its iteration was over before it began
        self._executions[key] = number
        return number

    def _begin(self, node: str) -> str:
        """The id of a node's step, at its next execution."""
        frame = self._frame
        if not frame.items:
            self.planned += 1
        if frame.stretch is None:
            return step_id(node)
        step = step_id(node, items=frame.items, execution=self._execution(node))
        self._located(step)
        return step

    def _located(self, *steps: str) -> None:
        """Remembers which item steps are of, for the passes in which Inngest asks for one."""
        if self._frame.path:
            for step in steps:
                item_paths.remember(self.workflow.digest, _hashed(step), self._frame.path)

    def _targeted(self, node: str, execution: int) -> int | None:
        """The item of a foreach that holds the step which Inngest asks this pass for.

        None if it asks for another step, or for none, or if nobody knows where the step is.
        """
        path, here = self._target_path, self._frame.path
        depth = len(here)
        if len(path) <= depth or path[:depth] != here or path[depth][:2] != (node, execution):
            return None
        return path[depth][2]

    def _is_memoised(self, step: str) -> bool:
        """Whether a step is over, without planning it; only before it is called."""
        # The SDK itself only tells by calling the step.
        memos: Any = self._step._execution
        return _hashed(step) in memos._memos._memos

    def _is_target(self, step: str) -> bool:
        """Whether it is this step that Inngest asks this pass for."""
        return self._step._target_hashed_id == _hashed(step)

    async def _stepped(
        self, step: str, call: Callable[[], Awaitable[T]], calls: Call | None = None
    ) -> T:
        """The output of a step, by the SDK; `calls`: the workflow that it calls.

        Where something has ended the item or the iteration, what was open then may be over by now,
        but nothing follows it any more.
        """
        stretch = self._frame.stretch
        if stretch is None:
            return await call()
        self._open[step] = calls
        self._count(stretch)
        try:
            output = await call()
        except Exception:  # of the step; a step that is not over ends the pass by no `Exception`
            self._is_over(step, stretch)
            raise
        self._is_over(step, stretch)
        return output

    @staticmethod
    def _count(stretch: Stretch | None) -> None:
        """Counts a step to the items that it is in."""
        while stretch is not None:
            if isinstance(stretch, Item):
                stretch.taken += 1
            stretch = stretch.around

    def _is_over(self, step: str, stretch: Stretch) -> None:
        if stretch.has_left(step):
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
        """An input, inside its step."""
        try:
            return resolve(value, self._scope)
        except ExpressionError as error:
            raise inngest.NonRetriableError(f"its input: {self._scope.worded(error)}") from None

    def _holds(self, node: str, output: JSON) -> None:
        """Counts the output of a step, and fails the run that holds too much."""
        self._held.add(output)
        self._bounded(node)

    def _bounded(self, node: str) -> None:
        if (problem := self._held.problem_with()) is not None:
            self._fail(node, f"the output of `{node}`: {problem}")

    # --- what becomes of nodes

    def outcome_of(self, node: str) -> str | None:
        """The outcome that a node took in this run; the first, if it took several."""
        return next(iter(self._outcomes_of(node)), None)

    def failed(self, node: str) -> bool:
        """True if a node took the outcome `error`."""
        return self.outcome_of(node) == "error"

    def unexpected(self, outcome: str | None, *, of: str) -> Failed:
        """The failure of a run in which a node took an outcome that nothing is compiled for."""
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

    def _took(self, node: str, outcome: Outcome) -> None:
        """One of several possible outcomes of a node."""
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
        """A node that failed, and has a way on for that."""
        error = {"name": failure.name, "message": failure.message}
        self._frame.steps[node] = {"output": None, "outcome": "error", "error": error}
        self._took(node, "error")
        if self.states is not None:
            self._note(node, NodeState("completed", "error", failure.attempts or None, error))

    def _saw(self, node: str, status: NodeStatus, outcome: str | list[str] | None = None) -> None:
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
        """A container of which a part has failed."""
        if self.states is not None:
            error = {"name": failed.name, "message": str(failed)}
            self._note(node, NodeState("failed", error=error))

    def _all_states(self) -> dict[ItemKey, NodeState]:
        states = {} if self.states is None else self.states
        return {(node, ()): state for node, state in states.items()} | self.item_states

    def _note(self, node: str, state: NodeState) -> None:
        """Keeps a node's state; only where somebody asks for states."""
        if self._abandoned:
            return
        frame = self._frame
        key = (node, frame.items)
        if (loop := frame.loop) is not None:
            state = replace(state, round=loop.round)
        stretch = frame.stretch
        while stretch is not None:
            stretch.seen.add(key)
            stretch = stretch.around
        if self._remarks and (key, state.round) in self._remarks:
            state = replace(state, notes=self._remarks[key, state.round])
        self._keep(key, state)

    def _remark(self, node: str, notes: Sequence[str]) -> None:
        """Notes what is odd about a node, though nothing has failed."""
        if not notes or self.states is None or self._abandoned:
            return
        frame = self._frame
        key, number = (node, frame.items), 1 if frame.loop is None else frame.loop.round
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
