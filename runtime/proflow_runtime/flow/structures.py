"""The primitives that hold others together: parallel arms, regions, drawn loops."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import Generic, Literal, NoReturn, TypeAlias, TypeVar, overload

from proflow_schemas.step_ids import choice_id

from proflow_runtime.flow.bodies import Body, run_body
from proflow_runtime.flow.frames import Loop
from proflow_runtime.flow.groups import Stall
from proflow_runtime.flow.leaving import Leaving, LeftBy
from proflow_runtime.status import NodeState
from proflow_runtime.values.results import Again, Left, Result, Returned, combined

Passed = TypeVar("Passed", bound=Result | Again | None, covariant=True)
Needs: TypeAlias = int | Literal["all"] | None


class Exit:
    """An edge out of the drawn loop that begins with `loop`: one of its exits `to`."""

    __slots__ = ("loop", "to")

    def __init__(self, loop: str, *to: str) -> None:
        self.loop, self.to = loop, to


Source: TypeAlias = str | tuple[str, ...] | Exit
"""A node, by whatever outcome, or a node and its outcomes, or an exit of a loop."""


class Branch(Generic[Passed]):
    """A part of a region: it runs once all of `after` is settled, if at least one arrived there.

    With a number it `needs` it runs as soon as so many have arrived, with `all` only if all have. A
    branch with `leaves` that arrives makes the region arrive; of another one that does, the region
    takes no notice. Nothing to come `after`: it starts at once. Without a `body` it arrives at once.
    `Passed` is what the region may come to by it.
    """

    __slots__ = ("after", "body", "leaves", "name", "needs")

    @overload
    def __init__(
        self: Branch[Result],
        name: str,
        body: Body[Result | None] | None = None,
        after: Sequence[Source] = (),
        needs: Needs = None,
        leaves: Literal[False] = False,
    ) -> None: ...

    @overload
    def __init__(
        self: Branch[Result | Again],
        name: str,
        body: Body[Result | Again | None],
        after: Sequence[Source] = (),
        needs: Needs = None,
        leaves: Literal[False] = False,
    ) -> None: ...

    @overload
    def __init__(
        self: Branch[None],
        name: str,
        body: None = None,
        after: Sequence[Source] = (),
        needs: Needs = None,
        leaves: bool = False,
    ) -> None: ...

    @overload
    def __init__(
        self,
        name: str,
        body: Body[Passed],
        after: Sequence[Source] = (),
        needs: Needs = None,
        leaves: bool = False,
    ) -> None: ...

    def __init__(
        self,
        name: str,
        body: Body[Result | Again | None] | None = None,
        after: Sequence[Source] = (),
        needs: Needs = None,
        leaves: bool = False,
    ) -> None:
        self.name, self.body = name, body
        self.after, self.needs, self.leaves = after, needs, leaves


class Structures(Leaving):
    """How a run's paths split, meet and come back."""

    @overload
    async def parallel(
        self, *arms: Body[Result], needs: Literal["all"] | None = None
    ) -> Result: ...

    @overload
    async def parallel(
        self, *arms: Body[Result | None], needs: Literal["all"] | None = None
    ) -> Result | None: ...

    @overload
    async def parallel(
        self,
        *arms: Body[Result | Again | None],
        needs: Literal["all"] | None = None,
    ) -> Result | Again | None: ...

    async def parallel(
        self,
        *arms: Body[Result | Again | None],
        needs: Literal["all"] | None = None,
    ) -> Result | Again | None:
        """Run all arms at once.

        Args:
            arms: What runs at once; each returns None where it arrives.
            needs: `all` if what follows needs every arm to arrive; else one is enough.

        Returns:
            None if the run goes on behind the arms; the result of those that ended if not; the back
            edge that one of them took, once all are over.
        """
        results = await self._groups.all([partial(run_body, arm) for arm in arms])
        back = _way_back(results)
        if back is not None:
            return back
        ended = [result for result in results if isinstance(result, Result)]
        goes_on = not ended if needs == "all" else len(ended) < len(results)
        return None if goes_on else combined(ended)

    @overload
    async def region(self, *branches: Branch[Result]) -> Result: ...

    @overload
    async def region(self, *branches: Branch[Result | None]) -> Result | None: ...

    @overload
    async def region(self, *branches: Branch[Result | Again | None]) -> Result | Again | None: ...

    async def region(self, *branches: Branch[Result | Again | None]) -> Result | Again | None:
        """Runs branches that depend on each other crosswise, each as soon as it may.

        They stand in topological order. What a branch comes after is another branch, or ran before
        the region. None: one that `leaves` arrived; a result: all have ended.
        """
        arrived: dict[str, bool] = {}
        names = {branch.name for branch in branches}
        left: set[str] = set()
        """Nodes that end the item or the iteration: nothing that comes after them begins any more."""

        def taken(source: Source) -> bool | None:
            """Whether what leads here was taken; None: that is open still, or all is left."""
            if isinstance(source, Exit):
                node, outcomes = source.loop, list(source.to)
            else:
                node, *outcomes = (source,) if isinstance(source, str) else source
            if node in left:
                return None
            if node in names and not arrived.get(node):
                return arrived.get(node)
            if isinstance(source, Exit):
                return not set(outcomes).isdisjoint(self._frame.exits.get(node, ()))
            return not outcomes or not set(outcomes).isdisjoint(self._outcomes_of(node))

        async def enter(branch: Branch[Result | Again | None]) -> Result | Again | None:
            if branch.after:
                edges = [taken(source) for source in branch.after]
                needed = len(edges) if branch.needs == "all" else branch.needs
                enough = needed is not None and edges.count(True) >= needed
                if None in edges and not enough:
                    raise Stall
                if True not in edges or (branch.needs == "all" and not enough):
                    arrived[branch.name] = False
                    return None
            try:
                done = None if branch.body is None else await run_body(branch.body)
            except Left as error:
                left.add(error.node)
                raise
            arrived[branch.name] = done is None
            return done

        results = await self._groups.all([partial(enter, branch) for branch in branches])
        back = _way_back(results)
        if back is not None:
            return back
        if any(branch.leaves and arrived[branch.name] for branch in branches):
            return None
        ended = [result for result in results if isinstance(result, Result)]
        return combined(ended) if ended else Result("", "completed")

    @overload
    async def repeat(self, node: str, body: Body[Result | Again]) -> Result: ...

    @overload
    async def repeat(self, node: str, body: Body[Result | Again | None]) -> Result | None: ...

    async def repeat(self, node: str, body: Body[Result | Again | None]) -> Result | None:
        """Runs a block that begins with `node`, once more for every way back to it."""
        around = self._frame
        loop = Loop(around.stretch, header=node)
        left = set(around.exits)
        while True:
            self._next_round(loop)
            with self._within(around.round(loop)):
                done = await self._iteration(loop, body)
            if not isinstance(done, Again):
                return done
            for exits in around.exits.keys() - left:
                del around.exits[exits]

    async def _iteration(
        self, loop: Loop, body: Body[Result | Again | None]
    ) -> Result | Again | None:
        """One iteration of a loop, which an approval may end at once by returning."""

        def returns(error: Left) -> bool:
            return isinstance(error, Returned) and error.back.to == loop.header

        done = await self._leavable(loop.header, "returned", loop, loop.round, body, returns)
        if not isinstance(done, LeftBy):
            return done
        back = Again(done.node, loop.header, done.limit, done.of)
        self._count_return(loop, back, done.outcome)
        return back

    @overload
    def again(
        self,
        node: str,
        *,
        to: str,
        limit: int,
        after: str | None = None,
        at_once: Literal[False] = False,
    ) -> Again: ...

    @overload
    def again(
        self, node: str, *, to: str, limit: int, after: str | None = None, at_once: Literal[True]
    ) -> NoReturn: ...

    @overload
    def again(
        self, node: str, *, to: str, limit: int, after: str | None = None, at_once: bool
    ) -> Again: ...

    def again(
        self, node: str, *, to: str, limit: int, after: str | None = None, at_once: bool = False
    ) -> Again:
        """The back edge from `node` to the repeated block that begins with `to`.

        The run fails when it is taken more than `limit` times since the loop was entered. Another
        outcome of `node` is another back edge. `after` is as in `choose`. With `at_once` whatever
        else the iteration does is left.
        """
        name, of = (node, None) if after is None else (choice_id(node, after), node)
        stretch = self._frame.stretch
        loops = islice(() if stretch is None else stretch.loops, None if at_once else 1)
        loop = next((one for one in loops if one.header == to), None)
        if loop is None:
            raise ValueError(f"the way back `{node} → {to}` leads out of its repeated block")
        back = Again(name, to, limit, of)
        if at_once:
            raise Returned(back)
        self._count_return(loop, back, self.outcome_of(name))
        return back

    def _count_return(self, loop: Loop, back: Again, outcome: str | None) -> None:
        way = back.node, outcome
        loop.returns[way] = loop.returns.get(way, 0) + 1
        if loop.returns[way] > back.limit:
            times = "once" if back.limit == 1 else f"{back.limit} times"
            name = back.of or back.node
            self._fail(back.node, f"way back `{name} → {back.to}` was taken more than {times}")

    async def once(self, node: str, body: Body[Result]) -> Result:
        """Runs what begins with `node`, for the first of those that come to it at once.

        For the others their path ends: the node is on its way already.
        """
        return await run_body(body) if self.enters(node) else self.absorbed()

    def enters(self, node: str) -> bool:
        """Whether this is the first to come to `node`; it is from now on."""
        key = (node, self._frame.items)
        first = key not in self._entered
        self._entered[key] = True
        return first

    def absorbed(self) -> Result:
        """The end of a path that comes to what is on its way already."""
        return Result("", "completed")

    def leave(self, node: str, *, to: str) -> None:
        """Note that the loop that begins with `node` is left by its exit `to`."""
        exits = self._frame.exits.setdefault(node, [])
        if to not in exits:
            exits.append(to)

    def exit_of(self, node: str) -> str | None:
        """The exit by which the loop that begins with `node` was left; None: it was not left."""
        return next(iter(self._frame.exits.get(node, ())), None)

    def _next_round(self, loop: Loop) -> None:
        """Begins a round: what the one before has seen is to come again."""
        key = (loop.header, self._frame.items)
        loop.round = self._rounds[key] = self._rounds.get(key, 0) + 1
        for seen in loop.seen:
            known = self._known(seen)
            if known is not None and known.status != "pending":
                self._keep(seen, NodeState("pending", round=known.round + 1))


def _way_back(results: Sequence[Result | Again | None]) -> Again | None:
    return next((result for result in results if isinstance(result, Again)), None)
