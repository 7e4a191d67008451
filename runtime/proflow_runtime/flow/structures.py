"""The primitives that structure a run: parallel arms, regions, drawn loops."""

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
    """The exits of a drawn loop, as something that a branch of a region depends on."""

    __slots__ = ("loop", "to")

    def __init__(self, loop: str, *to: str) -> None:
        """Name one or several exits of a loop.

        Args:
            loop: The node that the loop begins with.
            to: The exits, as in `Flow.leave`.
        """
        self.loop, self.to = loop, to


Source: TypeAlias = str | tuple[str, ...] | Exit
"""What a branch depends on: a node, a node with outcomes, or exits of a loop."""


class Branch(Generic[Passed]):
    """A branch of a region, which starts when the edges that lead to it allow it.

    By default it runs once all its edges are taken or skipped, if at least one of them was taken. A
    branch *arrives* if its body returns None.

    `Passed` is the type of the result that this branch may give the region.
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
        """Describe a branch.

        Args:
            name: The node that the branch begins with.
            body: What the branch runs. Without a body, it arrives when it starts.
            after: The edges that lead to it. Without any, it starts at once.
            needs: A number: start as soon as this many edges were taken. `all`: run only if all were
                taken.
            leaves: Whether the region arrives when this branch does. The arrival of other branches
                only matters to the branches after them.
        """
        self.name, self.body = name, body
        self.after, self.needs, self.leaves = after, needs, leaves


class Structures(Leaving):
    """The primitives that split and join the paths of a run, and repeat them."""

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
        """Run arms concurrently, and wait for all of them.

        Args:
            arms: The bodies. An arm that returns None arrives at the join behind the arms.
            needs: With `all`, the run continues behind the arms only if every arm arrives. By
                default, one arm is enough.

        Returns:
            None if the run continues behind the arms; the back edge, if an arm takes one; otherwise
            the combined result of the arms that ended.
        """
        results = await self._groups.all([partial(run_body, arm) for arm in arms])
        back = _back_edge_of(results)
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
        """Run branches that depend on each other, each as soon as possible.

        Args:
            branches: The branches, in topological order. A branch may depend on other branches and on
                nodes that ran before the region.

        Returns:
            None if a branch with `leaves` has arrived; the back edge, if a branch takes one;
            otherwise the combined result of the branches that ended.
        """
        arrived: dict[str, bool] = {}
        names = {branch.name for branch in branches}
        left: set[str] = set()
        """Branches that have ended the item or iteration: those that depend on them do not start."""

        def taken(source: Source) -> bool | None:
            """Return whether an edge was taken; None if that is still open, or no longer matters."""
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
        back = _back_edge_of(results)
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
        """Run a drawn loop.

        Args:
            node: The node that the loop begins with, its header.
            body: The loop body. It runs again when it returns a back edge (`again`).

        Returns:
            What the last iteration returned: a result if it ended; None if the run continues behind
            the loop.

        Raises:
            Failed: If a back edge is taken more often than its limit.
        """
        around = self._frame
        loop = Loop(around.cancel_scope, header=node)
        left = set(around.exits)
        while True:
            self._next_iteration(loop)
            with self._within(around.loop_iteration(loop)):
                done = await self._iteration(loop, body)
            if not isinstance(done, Again):
                return done
            for exits in around.exits.keys() - left:
                del around.exits[exits]

    async def _iteration(
        self, loop: Loop, body: Body[Result | Again | None]
    ) -> Result | Again | None:
        """Run one iteration, which an approval that returns may end while other steps are open."""

        def returns(error: Left) -> bool:
            return isinstance(error, Returned) and error.back.to == loop.header

        done = await self._run_until_left(
            loop.header, "returned", loop, loop.iteration, body, returns
        )
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
        """Take a back edge.

        Args:
            node: The node that the edge leaves. Each of its outcomes counts as an edge of its own.
            to: The header of the loop.
            limit: How often the edge may be taken before the loop is left.
            after: As in `choose`.
            at_once: End the iteration now, even if other steps in it are open. By default, the next
                iteration begins when all paths of this one have ended.

        Returns:
            The back edge, for the body to return.

        Raises:
            Failed: If the edge was taken more often than its limit.
            Returned: If `at_once` is set. `repeat` handles it.
        """
        name, of = (node, None) if after is None else (choice_id(node, after), node)
        cancel_scope = self._frame.cancel_scope
        loops = islice(() if cancel_scope is None else cancel_scope.loops, None if at_once else 1)
        loop = next((one for one in loops if one.header == to), None)
        if loop is None:
            raise ValueError(f"the back edge `{node} → {to}` leads to no enclosing loop")
        back = Again(name, to, limit, of)
        if at_once:
            raise Returned(back)
        self._count_return(loop, back, self.outcome_of(name))
        return back

    def _count_return(self, loop: Loop, back: Again, outcome: str | None) -> None:
        edge = back.node, outcome
        loop.returns[edge] = loop.returns.get(edge, 0) + 1
        if loop.returns[edge] > back.limit:
            times = "once" if back.limit == 1 else f"{back.limit} times"
            name = back.of or back.node
            self._fail(back.node, f"back edge `{name} → {back.to}` was taken more than {times}")

    async def once(self, node: str, body: Body[Result]) -> Result:
        """Run a body for the first of several concurrent paths that arrive at a node.

        Args:
            node: The node that the body begins with.
            body: What runs from that node on.

        Returns:
            The result of the body. The other paths end here with the result of `absorbed`.
        """
        return await run_body(body) if self.enters(node) else self.absorbed()

    def enters(self, node: str) -> bool:
        """Return True if this path is the first to arrive at `node`, and record that one has."""
        key = (node, self._frame.items)
        first = key not in self._entered
        self._entered[key] = True
        return first

    def absorbed(self) -> Result:
        """Return the result of a path that arrives at a node after another path did."""
        return Result("", "completed")

    def leave(self, node: str, *, to: str) -> None:
        """Record that a loop is left.

        Args:
            node: The header of the loop.
            to: The exit by which it is left.
        """
        exits = self._frame.exits.setdefault(node, [])
        if to not in exits:
            exits.append(str(to))  # plain, even if it is the member of an enumeration

    def exit_of(self, node: str) -> str | None:
        """Return the exit by which a loop was left, or None if it was not left.

        Args:
            node: The header of the loop.
        """
        return next(iter(self._frame.exits.get(node, ())), None)

    def _next_iteration(self, loop: Loop) -> None:
        """Begin an iteration, and reset the states of the nodes of the previous one."""
        key = (loop.header, self._frame.items)
        loop.iteration = self._iterations[key] = self._iterations.get(key, 0) + 1
        for seen in loop.nodes:
            known = self._known(seen)
            if known is not None and known.status != "pending":
                self._keep(seen, NodeState("pending", round=known.round + 1))


def _back_edge_of(results: Sequence[Result | Again | None]) -> Again | None:
    return next((result for result in results if isinstance(result, Again)), None)
