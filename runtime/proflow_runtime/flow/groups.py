"""Which steps go together: the one place that knows how Inngest's parallel groups behave.

A sequential run calls its steps plainly, one request each. A group is discovered in one pass and
its steps are executed by targeted passes, in `RACE` mode: in the default mode branches advance in
lockstep. The price is that a plain step after a group may execute twice. So once a run has passed
a group, every step outside an arm is a group of its own.

In a targeted pass a group returns less than it was given, so each member marks its completion
itself. An incomplete nested group raises `Stall`, which the enclosing member absorbs; an incomplete
outermost group means that the target is nowhere in the run. A member that may not start yet raises
`Stall` likewise.

A member that fails or stops leaves the group only when all members have been called: what they have
planned is dropped then. But what a targeted pass has executed must be answered, whatever became of
the group meanwhile, or it would execute once more.

Callables put `aside` settle nothing: they are run by the first outermost group that is not complete
in this pass, so that they neither hold up the run nor get out of reach of their targeted pass.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import inngest

from proflow_runtime.values.results import Failed, ItemEnded, Left, Returned, Stopped

T = TypeVar("T")
Call = Callable[[], Awaitable[T]]

_RACE = inngest.ParallelMode.RACE


class Stall(Exception):
    """Something is not complete in this pass."""


class MissedTarget(RuntimeError):
    """A targeted pass did not come by its step."""

    def __init__(self) -> None:
        super().__init__("the step that Inngest asked for is not on the way of this run")


class Groups:
    """The groups of one pass."""

    __slots__ = ("_aside", "_parallel", "depth", "executed", "left", "plain")

    def __init__(self, ctx: inngest.Context) -> None:
        self._parallel = ctx.group.parallel
        self.plain = True
        """Whether a step is called directly: inside a member, and before the first group."""
        self.executed = False
        """Whether this pass has executed a step, and has to answer what came of it."""
        self.left: list[str] = []
        """The nodes that have ended the items and iterations that this is in, as is known already."""
        self.depth = 0
        """In how many groups this is."""
        self._aside: list[Call[Any]] = []

    @property
    def inside(self) -> bool:
        """Whether this is inside a member."""
        return self.depth > 0

    async def one(self, call: Call[T]) -> T:
        """A single step."""
        if self.plain:
            return await call()
        return (await self.all((call,)))[0]

    def aside(self, call: Call[Any]) -> None:
        """A callable that nothing waits for."""
        self._aside.append(call)

    async def apart(self, call: Call[T]) -> T:
        """A group of one that runs itself what is put aside in it, so that its failures stay in."""
        around, self._aside = self._aside, []
        settled = False
        try:
            (result,) = await self._grouped((call,), drains=True)
            settled = True
        finally:
            self._aside = around + self._aside if settled else around
        return result

    async def all(self, calls: Sequence[Call[T]]) -> list[T]:
        """Runs all, in any order of time, and returns what each returned."""
        return await self._grouped(calls, drains=not self.depth)

    def _rank(self, one: Failed | Stopped | Left) -> tuple[bool, int, str]:
        """Which counts of those that are seen in one pass: the smallest.

        A failure comes before a stop, a stop before the end of an item, that before a return, then the
        smallest node. But where something has ended the item or the iteration, what else happens in
        it came too late.
        """
        late = not (isinstance(one, Left) and one.node in self.left)
        return late, (Failed, Stopped, ItemEnded, Returned).index(type(one)), one.node

    async def _grouped(self, calls: Sequence[Call[T]], *, drains: bool) -> list[T]:
        settled: dict[int, T] = {}
        raised: Failed | Stopped | Left | None = None

        async def enter(index: int, call: Call[T]) -> None:
            nonlocal raised
            try:
                settled[index] = await call()
            except Stall:
                return
            except (Failed, Stopped, Left) as error:
                raised = error if raised is None else min(raised, error, key=self._rank)

        async def drain() -> None:
            nonlocal raised
            if self._aside and len(settled) < len(calls):
                # Once in a pass: the run may go on even so, if a container catches a failure.
                aside, self._aside = tuple(self._aside), []
                try:
                    await self._parallel(aside, parallel_mode=_RACE)
                except Failed as error:
                    raised = raised or error

        async def close() -> None:
            if raised is not None and not self.executed:
                raise raised

        members: list[Call[None]] = [
            partial(enter, index, call) for index, call in enumerate(calls)
        ]
        if drains:
            members.append(drain)
        members.append(close)
        self.depth += 1
        self.plain = True
        try:
            await self._parallel(tuple(members), parallel_mode=_RACE)
        finally:
            self.depth -= 1
            self.plain = self.depth > 0
        if raised is not None:
            raise raised
        if len(settled) < len(calls):
            raise Stall if self.depth else MissedTarget
        return [settled[index] for index in range(len(calls))]
