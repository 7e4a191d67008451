"""Which steps go together: the one place that knows how Inngest's parallel groups behave.

A sequential run calls its steps plainly, one request each. A group is discovered in one pass and
its steps are executed by targeted passes, in `RACE` mode: in the default mode branches advance in
lockstep. The price is that a plain step after a group may execute twice. So once a run has passed
a group, every step outside an arm is a group of its own.

In a targeted pass a group returns less than it was given, so each member marks its completion
itself. An incomplete nested group raises `Stall`, which the enclosing member absorbs; an incomplete
outermost group means that the target is nowhere in the run.

Callables put `aside` settle nothing: they are run by the first outermost group that is not complete
in this pass, so that they neither hold up the run nor get out of reach of their targeted pass.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import inngest

T = TypeVar("T")
Call = Callable[[], Awaitable[T]]

_RACE = inngest.ParallelMode.RACE


class Stall(Exception):
    """A nested group is not complete in this pass."""


class MissedTarget(RuntimeError):
    """A targeted pass did not come by its step."""

    def __init__(self) -> None:
        super().__init__("the step that Inngest asked for is not on the way of this run")


class Groups:
    """The groups of one pass."""

    __slots__ = ("_aside", "_depth", "_parallel", "plain")

    def __init__(self, ctx: inngest.Context) -> None:
        self._parallel = ctx.group.parallel
        self.plain = True
        """Whether a step is called directly: inside a member, and before the first group."""
        self._depth = 0
        self._aside: list[Call[Any]] = []

    async def one(self, call: Call[T]) -> T:
        """A single step."""
        if self.plain:
            return await call()
        return (await self.all((call,)))[0]

    def aside(self, call: Call[Any]) -> None:
        """A callable that nothing waits for."""
        self._aside.append(call)

    async def all(self, calls: Sequence[Call[T]]) -> list[T]:
        """Runs all, in any order of time, and returns what each returned."""
        settled: dict[int, T] = {}

        async def enter(index: int, call: Call[T]) -> None:
            try:
                settled[index] = await call()
            except Stall:
                return

        async def drain() -> None:
            if self._aside and len(settled) < len(calls):
                await self._parallel(tuple(self._aside), parallel_mode=_RACE)

        members: list[Call[None]] = [
            partial(enter, index, call) for index, call in enumerate(calls)
        ]
        if not self._depth:
            members.append(drain)
        self._depth += 1
        self.plain = True
        try:
            await self._parallel(tuple(members), parallel_mode=_RACE)
        finally:
            self._depth -= 1
            self.plain = self._depth > 0
        if len(settled) < len(calls):
            raise Stall if self._depth else MissedTarget
        return [settled[index] for index in range(len(calls))]
