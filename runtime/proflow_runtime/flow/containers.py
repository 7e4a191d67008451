"""The primitives that run a block of its own several times: for each item, or while a rule holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from proflow_schemas.expressions import ExpressionError, compile, value_shown
from proflow_schemas.sizes import MAX_ITEMS, MAX_STEPS

from proflow_runtime.context import steering
from proflow_runtime.flow.bodies import Body
from proflow_runtime.flow.counting import InnerList, Steps, no_room, of_items, problem_with
from proflow_runtime.flow.frames import Item, Loop
from proflow_runtime.flow.groups import Stall
from proflow_runtime.flow.leaving import LeftBy
from proflow_runtime.flow.passes import step_id
from proflow_runtime.flow.progress import Progress
from proflow_runtime.flow.structures import Structures
from proflow_runtime.status import NodeState
from proflow_runtime.values import JSON
from proflow_runtime.values.envelopes import StepFailure
from proflow_runtime.values.results import Failed, ItemEnded, Left, Result, combined

Repeated: TypeAlias = Body[Result | None]


class Containers(Structures):
    """What a run does over and over.

    With `catch` a container that fails takes the outcome `error`, with `steps.x.error`. What is
    still open inside is abandoned then: Inngest goes on with it behind the run's back. So the first
    failure is memoised, as a step `x/error`: later passes may see others. From then on no handler
    is called in there.
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
        """Runs a block once for each item of a list; the output is the list of their results.

        `items` is the expression of the list. An item takes `item_steps` steps at most and
        `least_steps` at least, and those of the `lists` in it. A list whose items surely take more
        steps than the run has left is refused before its first item. Where they may, an item begins
        as soon as those that have begun leave it the steps that it may take; if none is open and they
        do not, the list fails before that item. An item's result is the output of the end it came
        to, else that of the node `result`.
        """
        execution = self._execution(node)
        self._saw(node, "running")
        if catch and self._let_fail(node, execution):
            return self._unable(node, "simulated", catch)
        steps = Steps(least_steps, item_steps)
        counted = node in self._frame.counted
        try:
            found, each_steps, problem = self._listed(items, steps, lists, alias, counted)
        except ExpressionError as error:
            found, each_steps = [], []
            problem = f"could not be computed: {self._scope.worded(error)}"
        if problem is not None:
            return self._unable(node, f"the list of items of `{node}` {problem}", catch)
        most = 0 if counted else sum(one.most for one in each_steps)
        tight = self.planned + most > MAX_STEPS
        if not tight:
            self.planned += most
        known = frozenset(one.node for one in lists)
        over: set[int] = set()
        begun = 0

        async def each(index: int, value: JSON, *, asked: bool = False) -> JSON:
            nonlocal begun
            is_open = begun > len(over)
            if max_concurrency is not None and begun - len(over) >= max_concurrency:
                raise Stall
            if tight:
                own = each_steps[index]
                if self.planned + own.most > MAX_STEPS and not asked:
                    if is_open:
                        raise Stall  # until those that are open have taken fewer than they might
                    problem = no_room(index, len(found), own, self.planned)
                    raise Failed(node, f"the list of items of `{node}`: {problem}")
                self.planned += own.most
            begun += 1
            names = {"item": value, "index": index}
            if alias is not None:
                names[alias] = value
            frame = self._frame.item(index, names, (node, execution, index), known)
            with self._within(frame):
                await self._item(node, execution, body)
                output = self._result(result)
            over.add(index)
            if tight and isinstance(frame.stretch, Item):
                self.planned -= max(0, each_steps[index].most - frame.stretch.taken)
            return output

        async def work() -> JSON:
            if not found:
                return []
            only = self._targeted(node, execution)
            if only is None or len(found) == 1:
                return await self._groups.all([partial(each, *item) for item in enumerate(found)])
            # Inngest asks for a step of this item: no other one is over in this pass.
            asked = partial(each, only, found[only], asked=True)
            return await self._groups.all([asked, _stall])

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
        """Runs a block while an expression holds, or `max_iterations` times if there is none.

        The output is the last round's, as an item's is. An expression that holds for longer fails.
        """
        execution = self._execution(node)
        self._saw(node, "running")
        if catch and self._let_fail(node, execution):
            return self._unable(node, "simulated", catch)
        container = self._frame.container()
        loop = Loop(container.stretch, header=node)

        async def work() -> JSON:
            output: JSON = None
            for number in range(max_iterations + 1):
                with self._within(container.iteration(loop, number)):
                    if not self._goes_on(node, condition, number, max_iterations):
                        return output
                    if number == max_iterations:
                        bound = f"{number} rounds" if number > 1 else "1 round"
                        raise Failed(node, f"loop `{node}` goes on after {bound}")
                    self._next_round(loop)
                    await self._item(node, loop.round, body)
                    output = self._result(result)
            return output

        return await self._contained(node, execution, work, catch)

    def _goes_on(self, node: str, condition: str | None, number: int, most: int) -> bool:
        if condition is None:
            return number < most
        if steering.current() is not None:
            return number < 1
        try:
            unlike: list[str] = []
            holds = compile(condition).test(self._scope, unlike)
        except ExpressionError as error:
            raise Failed(node, f"`while` of `{node}`: {self._scope.worded(error)}") from None
        with self._within(self._frame.parent or self._frame):
            self._remark(node, [f"`while`: {one}" for one in unlike])
        return holds

    def _listed(
        self,
        items: str,
        steps: Steps,
        lists: Sequence[InnerList],
        alias: str | None,
        counted: bool,
    ) -> tuple[list[JSON], list[Steps], str | None]:
        """The value of an expression, the steps of its items, and what is wrong with it as a list.

        `counted`: its steps are among those of the item that it is in.
        """
        program = compile(items)
        length = program.length(self._scope)
        if length is not None and length > MAX_ITEMS:  # before it is copied
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
        return steering.lets_fail(self.workflow.id, step)

    async def _item(self, node: str, execution: int, body: Repeated | None) -> None:
        """One item, or one iteration of a loop, which an outcome that is not drawn may end at once."""
        stretch = self._frame.stretch
        assert stretch is not None
        done = await self._leavable(node, "ended", stretch, execution, body or _nothing, _ends_item)
        if not isinstance(done, LeftBy):
            return
        self._frame.ends[:] = [Result(done.node, done.outcome)]
        for key in stretch.seen:
            state = self._known(key)
            if state is not None and state.status in ("running", "waiting"):
                self._keep(key, replace(state, status="cancelled"))

    def _result(self, node: str | None) -> JSON:
        """What an item or a round comes to."""
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
            self._took(node, "default")
        self._settle(node, output)
        return output

    async def _caught(
        self, node: str, execution: int, work: Callable[[], Awaitable[JSON]]
    ) -> JSON | StepFailure:
        """What `work` comes to. What it has counted and seen is then as when it first failed."""
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
                    await self._closer(progress.asked)
                return {
                    "name": first.name,
                    "message": str(first),
                    **progress.told(),
                    "states": [
                        [*key, state.round]
                        for key, state in self._all_states().items()
                        if states.get(key) != state and state.status in ("running", "waiting")
                    ],
                }

            call = partial(self._step.run, step, memo)
            known = await self._groups.one(partial(self._stepped, step, call))
            await self._cancel_left(
                step_id(node, "error-left", items=self._frame.items, execution=execution), known
            )
            progress.restore(known)
        for name, items, number in known["states"] if self.states is not None else ():
            self._keep((name, tuple(items)), NodeState("cancelled", round=number))
        return StepFailure(known["name"], known["message"], 0)

    def _unable(self, node: str, message: str, catch: bool) -> None:
        """A container that cannot even begin."""
        if not catch:
            self._fail(node, message)
        self._settle_error(node, StepFailure("NonRetriableError", message, 0))


def _nothing() -> None:
    """What stands in a container that is empty."""


def _ends_item(error: Left) -> bool:
    return isinstance(error, ItemEnded)


async def _stall() -> JSON:
    raise Stall
