"""Frames: where in its program a replay is, that is, in which items and iterations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from proflow_runtime.flow.revertible import RevertibleDict
from proflow_runtime.flow.scope import Scope
from proflow_runtime.status import ItemKey
from proflow_runtime.values import JSON
from proflow_runtime.values.results import Result

ItemPosition: TypeAlias = tuple[str, int, int]
"""An item of a foreach: the node's id, the number of its execution, and the item's index."""
Outcome: TypeAlias = str | list[str]
"""The outcome of a node; a list for an inclusive gateway, which may have several."""


@dataclass(slots=True, eq=False)
class CancelScope:
    """An item or an iteration: a section of a run that can end while steps in it are open.

    Attributes:
        parent: The enclosing scope.
        nodes: The nodes in this scope that have a state.
        open_steps: Once the scope was left: the steps that were open at that moment.
        executions: Once the scope was left: how often each node had been executed by then.
    """

    parent: CancelScope | None
    nodes: set[ItemKey] = field(default_factory=set)
    open_steps: frozenset[str] = frozenset()
    executions: Mapping[ItemKey, int] | None = None

    def was_open(self, step: str) -> bool:
        """True if a step was open when this scope, or an enclosing one, was left."""
        return step in self.open_steps or (self.parent is not None and self.parent.was_open(step))

    def may_execute(self, key: ItemKey, number: int) -> bool:
        """True if execution `number` of a node began before this or an enclosing scope was left."""
        if self.executions is not None and number > self.executions.get(key, 0):
            return False
        return self.parent is None or self.parent.may_execute(key, number)

    @property
    def loops(self) -> Iterator[Loop]:
        """The loops among this scope and its enclosing ones, innermost first."""
        cancel_scope: CancelScope | None = self
        while cancel_scope is not None:
            if isinstance(cancel_scope, Loop):
                yield cancel_scope
            cancel_scope = cancel_scope.parent


@dataclass(slots=True, eq=False)
class Item(CancelScope):
    """One item of a foreach; `taken` counts the steps in it that this replay has reached."""

    taken: int = 0


@dataclass(slots=True, eq=False)
class Loop(CancelScope):
    """A loop that the run is in; as a cancel scope, its current iteration.

    There is one object from when the run enters the loop until it leaves it.

    Attributes:
        header: The node that the loop begins with.
        iteration: The number of the iteration, counted over the whole run.
        returns: How often each back edge was taken, by its node and that node's outcome.
    """

    header: str = field(kw_only=True)
    iteration: int = 0
    returns: dict[tuple[str, str | None], int] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Frame:
    """The context of the ops of a run, of one item, or of one iteration.

    Attributes:
        parent: The enclosing frame.
        items: The index of the item in each enclosing foreach, outermost first.
        inner: True inside a container.
        cancel_scope: The item or iteration that this is in. Without one, a node is executed once,
            and its step id needs no execution number.
        path: The enclosing items, outermost first, with the foreach that each belongs to.
        names: The names that only expressions in this frame see.
        steps: What expressions see as `steps`.
        outcomes: The outcomes of nodes that have several possible ones.
        exits: The exits by which each loop was left, by the loop's header.
        ends: The ends that were reached.
        scope: The names that expressions see, once they have been computed.
        counted: The nested foreach nodes whose steps are included in the item's planned steps.
        caught: True if the design handles the failure of an enclosing container.
    """

    parent: Frame | None = None
    items: tuple[int, ...] = ()
    inner: bool = False
    cancel_scope: CancelScope | None = None
    path: tuple[ItemPosition, ...] = ()
    names: Mapping[str, JSON] = field(default_factory=dict)
    steps: RevertibleDict[str, dict[str, JSON]] = field(default_factory=RevertibleDict)
    outcomes: RevertibleDict[str, Outcome] = field(default_factory=RevertibleDict)
    exits: dict[str, list[str]] = field(default_factory=dict)
    ends: list[Result] = field(default_factory=list)
    scope: Scope | None = None
    counted: frozenset[str] = frozenset()
    caught: bool = False

    @property
    def loop(self) -> Loop | None:
        """The innermost enclosing loop."""
        return None if self.cancel_scope is None else next(self.cancel_scope.loops, None)

    def item(
        self,
        index: int,
        names: Mapping[str, JSON],
        position: ItemPosition,
        counted: frozenset[str] = frozenset(),
        *,
        caught: bool = False,
    ) -> Frame:
        """Create the frame of one item of a foreach.

        The item can read the results known so far; its own results are not visible outside.
        """
        return Frame(
            parent=self,
            items=(*self.items, index),
            path=(*self.path, position),
            inner=True,
            cancel_scope=Item(self.cancel_scope),
            names=names,
            steps=RevertibleDict(self.steps),
            counted=counted,
            caught=self.caught or caught,
        )

    def container(self, *, caught: bool = False) -> Frame:
        """Create the frame that the iterations of a loop container share."""
        return Frame(
            parent=self,
            items=self.items,
            path=self.path,
            inner=True,
            cancel_scope=self.cancel_scope,
            steps=RevertibleDict(self.steps),
            counted=self.counted,
            caught=self.caught or caught,
        )

    def loop_iteration(self, loop: Loop) -> Frame:
        """Create the frame of an iteration of a drawn loop, which shares all data with this one."""
        return replace(self, parent=self, cancel_scope=loop, names={})

    def container_iteration(self, loop: Loop, number: int) -> Frame:
        """Create the frame of an iteration of a loop container; `number` counts from 0."""
        names = {"iteration": number}
        return replace(
            self, parent=self, cancel_scope=loop, names=names, exits={}, ends=[], scope=None
        )
