"""The primitives that repeat a block: for each item of a list, or while a condition holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from proflow_schemas.expressions import ExpressionError, compile, value_shown
from proflow_schemas.sizes import MAX_ITEMS, MAX_STEPS

from proflow_runtime.context import test_controls
from proflow_runtime.flow.bodies import Body
from proflow_runtime.flow.counting import InnerList, Steps, most_of, no_room, of_items, problem_with
from proflow_runtime.flow.frames import Item, Loop
from proflow_runtime.flow.groups import Stall
from proflow_runtime.flow.leaving import LeftBy
from proflow_runtime.flow.progress import Progress
from proflow_runtime.flow.replay import step_id
from proflow_runtime.flow.structures import Structures
from proflow_runtime.status import NodeState
from proflow_runtime.values import JSON
from proflow_runtime.values.result_wrappers import StepFailure
from proflow_runtime.values.results import Failed, ItemEnded, Left, Result, combined

Repeated: TypeAlias = Body[Result | None]


class Containers(Structures):
    """The primitives for containers, which hold a block of their own.

    With `catch`, a container that fails has the outcome `error` and the field `steps.<node>.error`.
    Steps that are open in it at that moment are abandoned: Inngest still executes them, but calls no
    handler. The first failure is stored in a step `<node>/error`, because later replays could find
    another failure first.
    """

    async def foreach(
        self,
        node: str,
        items: str,
        body: Repeated | None = None,
        *,
        item_steps: int = 0,
        least_steps: int = 0,
        lists: Sequence[InnerList] = (),
        alias: str | None = None,
        max_concurrency: int | None = None,
        result: str | None = None,
        catch: bool = False,
    ) -> JSON:
        """Run a block for each item of a list, concurrently.

        Inngest ends a run at its thousandth step. So the steps of the items are counted beforehand: a
        list whose items need more steps than the run has left fails before its first item. If they
        only *may* need more, each item begins when enough steps are left for its maximum, which may be
        once earlier items have ended with fewer; if none is open, the list fails before that item.

        Args:
            node: The node's id.
            items: The CEL expression of the list.
            body: What runs for each item.
            item_steps: How many steps an item takes at most, without those of `lists`.
            least_steps: How many steps an item takes at least, without those of `lists`.
            lists: The nested foreach whose lists are known before an item begins.
            alias: Another name for `item` in expressions.
            max_concurrency: How many items may run at the same time.
            result: The node whose output is the result of an item that reaches no end.
            catch: Whether the design handles the failure of the container.

        Returns:
            The results of the items, in the order of the list: the output of the end that the item
            reached, else of `result`. None if a failure was caught.

        Raises:
            Failed: If the list cannot be computed, is too long, or if an item fails, and `catch` is
                not set.
        """
        execution = self._execution(node)
        self._record_status(node, "running")
        if catch and self._let_fail(node, execution):
            return self._unable(node, "simulated", catch)
        steps = Steps(least_steps, item_steps)
        counted = node in self._frame.counted
        only = self._targeted(node, execution)
        requested = None if only is None else self._requested(items, only)
        try:
            found, each_steps, problem = (
                ([], [], None) if requested else self._listed(items, steps, lists, alias, counted)
            )
        except ExpressionError as error:
            found, each_steps = [], []
            problem = f"could not be computed: {self._scope.worded(error)}"
        if problem is not None:
            return self._unable(node, f"the list of items of `{node}` {problem}", catch)
        most = 0 if counted else most_of(each_steps, in_lists=bool(lists))
        tight = requested is None and self.planned + most > MAX_STEPS
        if not tight:
            self.planned += most
        known = frozenset(one.node for one in lists)
        over: set[int] = set()
        begun = 0

        async def each(index: int, value: JSON) -> JSON:
            nonlocal begun
            is_open = begun > len(over)
            if max_concurrency is not None and begun - len(over) >= max_concurrency:
                raise Stall
            if tight:
                own = each_steps[index]
                if self.planned + own.most > MAX_STEPS and index != only:
                    if is_open:
                        raise Stall  # until open items have ended with fewer steps than their maximum
                    problem = no_room(index, len(found), own, self.planned)
                    raise Failed(node, f"the list of items of `{node}`: {problem}")
                self.planned += own.most
            begun += 1
            names = {"item": value, "index": index}
            if alias is not None:
                names[alias] = value
            frame = self._frame.item(index, names, (node, execution, index), known, caught=catch)
            with self._within(frame):
                await self._item(node, execution, body)
                output = self._result(result)
            over.add(index)
            if tight and isinstance(frame.cancel_scope, Item):
                self.planned -= max(0, each_steps[index].most - frame.cancel_scope.taken)
            return output

        async def work() -> JSON:
            target = requested
            if target is None and only is not None and len(found) > 1:
                target = only, found[only]
            if target is not None:
                # The request is for a step of this item; no other item can complete in this replay.
                return await self._groups.all([partial(each, *target), _stall])
            if not found:
                return []
            return await self._groups.all([partial(each, *item) for item in enumerate(found)])

        return await self._contained(node, execution, work, catch)

    async def loop(
        self,
        node: str,
        body: Repeated | None = None,
        *,
        condition: str | None = None,
        max_iterations: int,
        result: str | None = None,
        catch: bool = False,
    ) -> JSON:
        """Run a block while a condition holds.

        Args:
            node: The node's id.
            body: What runs in each iteration.
            condition: A boolean CEL expression, computed before each iteration. Without one, the
                block runs `max_iterations` times.
            max_iterations: The maximum number of iterations.
            result: The node whose output is the result of an iteration that reaches no end.
            catch: Whether the design handles the failure of the container.

        Returns:
            The result of the last iteration, as in `foreach`; None if there was none, or if a failure
            was caught.

        Raises:
            Failed: If the condition still holds after `max_iterations`, if it cannot be computed, or
                if an iteration fails, and `catch` is not set.
        """
        execution = self._execution(node)
        self._record_status(node, "running")
        if catch and self._let_fail(node, execution):
            return self._unable(node, "simulated", catch)
        container = self._frame.container(caught=catch)
        loop = Loop(container.cancel_scope, header=node)

        async def work() -> JSON:
            output: JSON = None
            for number in range(max_iterations + 1):
                with self._within(container.container_iteration(loop, number)):
                    if not self._goes_on(node, condition, number, max_iterations):
                        return output
                    if number == max_iterations:
                        bound = f"{number} iterations" if number > 1 else "1 iteration"
                        raise Failed(node, f"loop `{node}` continues after {bound}")
                    self._next_iteration(loop)
                    await self._item(node, loop.iteration, body)
                    output = self._result(result)
            return output

        return await self._contained(node, execution, work, catch)

    def _goes_on(self, node: str, condition: str | None, number: int, most: int) -> bool:
        if condition is None:
            return number < most
        if test_controls.current_chooser() is not None:
            return number < 1
        try:
            unlike: list[str] = []
            holds = compile(condition).test(self._scope, unlike)
        except ExpressionError as error:
            raise Failed(node, f"`while` of `{node}`: {self._scope.worded(error)}") from None
        with self._within(self._frame.parent or self._frame):
            self._remark(node, [f"`while`: {one}" for one in unlike])
        return holds

    def _requested(self, items: str, index: int) -> tuple[int, JSON] | None:
        """Return the index and the value of the item that contains the step of this request.

        The whole list was checked before the step was planned, so the other items are not read. None
        if the list has to be computed, or if it has only this item.
        """
        try:
            value = compile(items).item(self._scope, index)
        except ExpressionError:
            return None  # the list is computed as a whole, and has its own message
        return None if value is None else (index, *value)

    def _listed(
        self,
        items: str,
        steps: Steps,
        lists: Sequence[InnerList],
        alias: str | None,
        counted: bool,
    ) -> tuple[list[JSON], list[Steps], str | None]:
        """Compute a list.

        Args:
            items: The expression.
            steps: The steps of one item, without those of `lists`.
            lists: The nested lists that are known before an item begins.
            alias: Another name for `item`.
            counted: True if the steps of this list were counted with those of the enclosing item.

        Returns:
            The items, the steps of each, and a message if the run cannot iterate over the list.
        """
        program = compile(items)
        length = program.length(self._scope)
        if length is not None and length > MAX_ITEMS:  # checked before the list is copied
            return [], [], problem_with([steps] * length, 0, in_lists=False)
        found = program.evaluate(self._scope)
        if not isinstance(found, list):
            return [], [], f"is not a list, but {value_shown(found)}"
        planned = 0 if counted else self.planned
        alone = problem_with([steps] * len(found), planned, in_lists=False)
        if alone is not None:
            return [], [], alone
        each = of_items(self._scope, found, steps, lists, alias)
        return found, each, problem_with(each, planned, in_lists=bool(lists))

    def _let_fail(self, node: str, execution: int) -> bool:
        step = step_id(node, items=self._frame.items, execution=execution)
        return test_controls.must_fail(self.workflow.id, step)

    async def _item(self, node: str, execution: int, body: Repeated | None) -> None:
        """Run one item or iteration, which an outcome without an edge may end while steps are open."""
        cancel_scope = self._frame.cancel_scope
        assert cancel_scope is not None
        done = await self._run_until_left(
            node, "ended", cancel_scope, execution, body or _nothing, _ends_item
        )
        if not isinstance(done, LeftBy):
            return
        self._frame.ends[:] = [Result(done.node, done.outcome)]
        for key in cancel_scope.nodes:
            state = self._known(key)
            if state is not None and state.status in ("running", "waiting"):
                self._keep(key, replace(state, status="cancelled"))

    def _result(self, node: str | None) -> JSON:
        """Return the result of the current item or iteration."""
        frame = self._frame
        if frame.ends:
            return combined(frame.ends).output
        return None if node is None else frame.steps.get(node, {}).get("output")

    async def _contained(
        self, node: str, execution: int, work: Callable[[], Awaitable[JSON]], catch: bool
    ) -> JSON:
        if not catch:
            try:
                output = await work()
            except Failed as failed:
                self._note_failure(node, failed)
                raise
        else:
            output = await self._caught(node, execution, work)
            if isinstance(output, StepFailure):
                self._settle_error(node, output)
                return None
            self._record_outcome(node, "default")
        self._settle(node, output)
        return output

    async def _caught(
        self, node: str, execution: int, work: Callable[[], Awaitable[JSON]]
    ) -> JSON | StepFailure:
        """Run `work`; if it fails, store its first failure and restore the progress of that moment."""
        step = step_id(node, "error", items=self._frame.items, execution=execution)
        abandoned = self._is_memoised(step)
        states = self._all_states()
        self._abandoned += abandoned
        with Progress(self) as progress:
            try:
                return await (self._groups.apart(work) if self._groups.inside else work())
            except Failed as failed:
                first = failed
            finally:
                self._abandoned -= abandoned

            async def memo() -> JSON:
                self._groups.executed = True
                if self._closer is not None:
                    await self._closer(progress.open_approvals)
                return {
                    "name": first.name,
                    "message": str(first),
                    **progress.recorded(),
                    "states": [
                        [*key, state.round]
                        for key, state in self._all_states().items()
                        if states.get(key) != state and state.status in ("running", "waiting")
                    ],
                }

            call = partial(self._step.run, step, self._kept, step, memo)
            known = await self._groups.one(partial(self._stepped, step, call))
            await self._cancel_left(
                step_id(node, "error-left", items=self._frame.items, execution=execution), known
            )
            progress.restore(known)
        for name, items, number in known["states"] if self.states is not None else ():
            self._keep((name, tuple(items)), NodeState("cancelled", round=number))
        return StepFailure(known["name"], known["message"], 0)

    def _unable(self, node: str, message: str, catch: bool) -> None:
        """Fail a container before its first item or iteration."""
        if not catch:
            self._fail(node, message)
        self._settle_error(node, StepFailure("NonRetriableError", message, 0))


def _nothing() -> None:
    """The body of an empty container."""


def _ends_item(error: Left) -> bool:
    return isinstance(error, ItemEnded)


async def _stall() -> JSON:
    raise Stall
