"""Repeats the replay of an item of a foreach in which nothing has happened since an earlier request.

Inngest sends a request after every step, and each of them replays the run. In a list of items most of
them are as they were in the request before. So a process keeps what the replay of an item has read
and done: if a later request has the same outputs for it, and none for the step that it waits for, then
this is done again without running the item's body.

Only simple replays are kept: of items that have read outputs of steps, have computed values, and have
then ended or planned one step. Whatever else may happen in an item (waits, groups, loops, calls,
failures) makes its replay one that is not kept. Nothing depends on what is kept: a process that has
kept nothing runs the bodies, and does the same.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import inngest

from proflow_runtime.context import test_controls
from proflow_runtime.flow.frames import Item, Outcome
from proflow_runtime.flow.memos import Plan, Planned, hashed, only_plan
from proflow_runtime.flow.revertible import RevertibleDict
from proflow_runtime.status import ItemKey, NodeState
from proflow_runtime.values import JSON

if TYPE_CHECKING:
    from proflow_runtime.flow.replay import Replay

MAX_BYTES = 16 << 20
"""How much a process keeps, in bytes of JSON and `_OVERHEAD` for each item."""
_OVERHEAD = 2_000

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class ItemReplay:
    """What the replay of one item has read and done.

    Attributes:
        memos: The stored outputs that it has read, as they are in a request, by the steps' hashes.
        step: The id of the step that it has planned; None if the item is over.
        plan: What the SDK answers about this step; it sets the same mode in it each time.
        output: The result of the item, if it is over.
        taken: How many steps it has reached.
        executions: How often each of its nodes was executed.
        outcomes: The outcomes of its nodes.
        states: The states of its nodes, in the order in which they were recorded first.
        bytes: What it has added to the size of the run.
        computed: The sizes of the values that it has computed; part of `bytes`.
    """

    memos: Mapping[str, Any]
    step: str | None
    plan: Plan | None
    output: JSON
    taken: int
    executions: Mapping[ItemKey, int]
    outcomes: Mapping[str, Outcome]
    states: Mapping[ItemKey, NodeState]
    bytes: int
    computed: Mapping[ItemKey, int]

    @property
    def cost(self) -> int:
        """How much it takes to keep this."""
        return self.bytes + _OVERHEAD


@dataclass(slots=True, eq=False)
class _KeptList:
    """The items of one foreach, and what their bodies can read from outside."""

    event: inngest.Event
    steps: Mapping[str, Any]
    items: dict[int, ItemReplay] = field(default_factory=dict)


class KeptReplays:
    """The replays of items that are kept: those of the runs that were replayed last."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        """Keep nothing yet.

        Args:
            max_bytes: How much to keep.
        """
        self._max_bytes = max_bytes
        self._lists: OrderedDict[Hashable, _KeptList] = OrderedDict()
        self._bytes = 0

    def of(
        self, key: Hashable, event: inngest.Event, steps: Mapping[str, Any]
    ) -> Mapping[int, ItemReplay]:
        """Return the items that are kept of a list.

        Args:
            key: The run and the foreach.
            event: The event that started the run.
            steps: The results of the nodes before the foreach; if they or the event are not the same
                as before, what was kept is dropped.
        """
        found = self._lists.get(key)
        if found is None or found.event != event or found.steps != steps:
            self._drop(key)
            found = self._lists[key] = _KeptList(event, dict(steps))
        self._lists.move_to_end(key)
        return found.items

    def keep(self, key: Hashable, index: int, one: ItemReplay) -> None:
        """Keep the replay of an item, in place of an earlier one, if there is room for it.

        Args:
            key: As for `of`.
            index: The index of the item.
            one: What its replay has read and done.
        """
        found = self._lists.get(key)
        if found is None:
            return  # dropped meanwhile, by a request for another run
        known = found.items.pop(index, None)
        self._bytes += one.cost - (0 if known is None else known.cost)
        found.items[index] = one
        while self._bytes > self._max_bytes and len(self._lists) > 1:
            self._drop(next(other for other in self._lists if other != key))
        if self._bytes > self._max_bytes:
            self._bytes -= found.items.pop(index).cost

    def _drop(self, key: Hashable) -> None:
        dropped = self._lists.pop(key, None)
        if dropped is not None:
            self._bytes -= sum(one.cost for one in dropped.items.values())


class Repeater:
    """Runs the items of one foreach in one request, or repeats what their replays did before."""

    def __init__(self, replay: Replay, kept: KeptReplays, node: str) -> None:
        """Find what is kept of a list; `repeater_of` says whether anything may be."""
        self._replay, self._kept = replay, kept
        run = replay.workflow, replay.run_id, replay.inngest_run_id, replay.tenant_id
        recorded = replay.states is not None
        self._key = (*run, replay.attempt, replay.part_name, replay.timezone, recorded, node)
        self._known = kept.of(self._key, replay._ctx.event, replay._frame.steps)

    async def run(self, index: int, body: Callable[[], Awaitable[JSON]]) -> JSON:
        """Run an item, in its own frame.

        Args:
            index: The index of the item.
            body: Runs it, and returns its result.
        """
        known = self._known.get(index)
        if known is not None and self._is_unchanged(known):
            return self._repeat(known)
        return await self._watch(index, body)

    def _is_unchanged(self, known: ItemReplay) -> bool:
        """Return True if an item does the same as before; its outputs then count as read."""
        replay = self._replay
        return replay._size.has_room(known.bytes) and replay._memos.take_all(
            known.memos, open_step=known.step
        )

    def _repeat(self, known: ItemReplay) -> JSON:
        replay = self._replay
        scope = replay._frame.cancel_scope
        assert isinstance(scope, Item)
        scope.taken += known.taken
        scope.nodes.update(known.states)
        for key, number in known.executions.items():
            replay._executions[key] = number
        for node, outcome in known.outcomes.items():
            replay._inner_outcomes[node] = outcome
        replay.item_states.update(known.states)
        replay._size.repeat(known.bytes, known.computed)
        if known.step is None or known.plan is None:
            return known.output
        replay._open[known.step] = None
        replay._located(known.step)
        raise Planned(known.plan)

    async def _watch(self, index: int, body: Callable[[], Awaitable[JSON]]) -> JSON:
        """Run an item, and keep its replay if it is a simple one."""
        replay = self._replay
        before = _Position(replay)
        for one in before.tracked:
            one.mark()
        taken: dict[str, Any] = {}
        replay._memos.taken = taken
        try:
            output = await body()
            if not replay._open.changed() and before.is_simple(len(taken)):
                self._kept.keep(self._key, index, before.replayed(taken, output=output))
            return output
        except Planned as planned:
            plan, opened = only_plan(planned), replay._open.changed()
            if plan is not None and len(opened) == 1 and before.is_simple(len(taken)):
                ((step, call),) = opened.items()
                if call is None and plan.step.id == hashed(step):
                    self._kept.keep(self._key, index, before.replayed(taken, step=step, plan=plan))
            raise
        finally:
            replay._memos.taken = None
            for one in before.tracked:
                one.release()


class _Position:
    """Where a replay is before an item, to find out what the item adds."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self.tracked: tuple[RevertibleDict[Any, Any], ...] = (
            replay._executions,
            replay._inner_outcomes,
            replay._open,
        )
        self._other = self._others()
        self._unread = replay._memos.unread or 0
        self._states, self._computed = len(replay.item_states), len(replay._size.computed)
        self._bytes = replay._size.bytes

    def _others(self) -> tuple[object, ...]:
        """Return what a simple replay of an item leaves as it is."""
        replay = self._replay
        return (
            replay._groups.entered,
            replay._groups.executed,
            len(replay._groups.left),
            replay._abandoned,
            replay.planned,
            len(replay.resumed),
            len(replay.called),
            len(replay._iterations),
            len(replay._entered),
            len(replay._open_approvals),
            len(replay._remarks),
            len(replay.states or ()),
        )

    def is_simple(self, taken: int) -> bool:
        """Return True if an item has read nothing but these outputs, and done nothing unusual."""
        unread = self._replay._memos.unread
        return (
            unread is not None and self._unread - unread == taken and self._other == self._others()
        )

    def replayed(
        self,
        taken: Mapping[str, Any],
        *,
        step: str | None = None,
        plan: Plan | None = None,
        output: JSON = None,
    ) -> ItemReplay:
        """Return what the item has read and done."""
        replay = self._replay
        scope = replay._frame.cancel_scope
        assert isinstance(scope, Item)
        return ItemReplay(
            memos=taken,
            step=step,
            plan=plan,
            output=output,
            taken=scope.taken,
            executions=replay._executions.changed(),
            outcomes=replay._inner_outcomes.changed(),
            states=_since(replay.item_states, self._states),
            bytes=replay._size.bytes - self._bytes,
            computed=_since(replay._size.computed, self._computed),
        )


def repeater_of(replay: Replay, kept: KeptReplays | None, node: str) -> Repeater | None:
    """Return what repeats the items of a foreach; None if all of them have to be run.

    Args:
        replay: The replay, in the frame of the foreach.
        kept: What this process keeps.
        node: The foreach.
    """
    if (
        kept is None
        or replay._frame is not replay._root  # its items may run several times, or be left
        or replay.results.continues  # it may forget outputs of an earlier attempt
        or replay._memos.unread is None
        or replay._step._target_hashed_id is not None  # it goes to one item only
        or replay._abandoned
        or replay._groups.left
        or test_controls.current_chooser() is not None
    ):
        return None
    return Repeater(replay, kept, node)


def _since(given: Mapping[K, V], count: int) -> dict[K, V]:
    """Return the entries of a dictionary that have been added since it had `count` of them."""
    return dict(islice(given.items(), count, None))
