"""Groups of concurrent steps: the only module that knows how Inngest's parallel groups behave.

A sequential run calls its steps directly, one per request. For a group, one request plans all steps,
and one *targeted* request executes each of them. Groups use the mode `RACE`, because in the default
mode no branch proceeds before all have completed their current step. In that mode, a step that is
called directly after a group may be executed twice. So once a run has passed a group, every step
outside a branch is a group of its own.

In a targeted request, a group returns fewer results than it has members. So each member records its
own completion. An incomplete nested group raises `Stall`, which the enclosing member catches; if the
outermost group is incomplete, the target is not part of the run any more. A member that must not
start yet raises `Stall` as well.

If a member fails or stops, its exception leaves the group only after all members have been called,
and the steps that they have planned are dropped. If the request has executed a step, however, its
output must be returned first, or Inngest would execute the step again.

Nothing waits for callables that are put `aside`. The first outermost group that is incomplete in this
replay runs them, so that they do not delay the run, and targeted requests still reach their steps.
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
    """Something cannot complete in this replay."""


class MissedTarget(RuntimeError):
    """A targeted request did not reach its step."""

    def __init__(self) -> None:
        super().__init__("the step that Inngest requested is not reached by this run")


class Groups:
    """The groups of one replay.

    Attributes:
        plain: Whether a step may be called directly: before the first group, and inside a member.
        executed: Whether this request has executed a step, whose output must be returned.
        left: The nodes that are known to have ended the enclosing items and iterations.
        depth: The number of enclosing groups.
        entered: How many groups and callables aside there have been so far.
    """

    __slots__ = ("_aside", "_parallel", "depth", "entered", "executed", "left", "plain")

    def __init__(self, ctx: inngest.Context) -> None:
        self._parallel = ctx.group.parallel
        self.plain = True
        self.executed = False
        self.left: list[str] = []
        self.depth = 0
        self.entered = 0
        self._aside: list[Call[Any]] = []

    @property
    def inside(self) -> bool:
        """Whether the replay is inside a member of a group."""
        return self.depth > 0

    async def one(self, call: Call[T]) -> T:
        """Run a single step, as a group if necessary."""
        if self.plain:
            return await call()
        return (await self.all((call,)))[0]

    def aside(self, call: Call[Any]) -> None:
        """Add a callable that nothing waits for."""
        self.entered += 1
        self._aside.append(call)

    async def apart(self, call: Call[T]) -> T:
        """Run a group of one that also runs what is put aside in it, and so raises its failures."""
        around, self._aside = self._aside, []
        settled = False
        try:
            (result,) = await self._grouped((call,), drains=True)
            settled = True
        finally:
            self._aside = around + self._aside if settled else around
        return result

    async def all(self, calls: Sequence[Call[T]]) -> list[T]:
        """Run all concurrently, and return their results in the order of the calls."""
        return await self._grouped(calls, drains=not self.depth)

    def _rank(self, one: Failed | Stopped | Left) -> tuple[bool, int, str]:
        """Rank the exceptions that occur in one replay; the one with the smallest rank is raised.

        A failure comes before a stop, a stop before the end of an item, and that before a return; ties
        go to the smallest node id. But if the item or iteration is known to have ended, the exception
        that ended it comes first, because everything else happened later.
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
                # Only once per replay: the run may continue after this, if a container catches a failure.
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
        self.entered += 1
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
