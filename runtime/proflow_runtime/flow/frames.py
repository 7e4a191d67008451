"""Where in its program a run is: in which item of which container, in which round of which loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from proflow_runtime.flow.kept import Kept
from proflow_runtime.flow.scope import Scope
from proflow_runtime.status import ItemKey
from proflow_runtime.values import JSON
from proflow_runtime.values.results import Result

Place: TypeAlias = tuple[str, int, int]
"""A foreach, which execution of it this is, and which of its items."""
Outcome: TypeAlias = str | list[str]
"""The outcome that a node took; of an inclusive, all that it took."""


@dataclass(slots=True, eq=False)
class Stretch:
    """A stretch of a run that may be left while something in it is open: an item, or an iteration.

    `around` is the stretch that this one is in, `seen` the nodes in it that have a state. Once it has
    been left, `left` are the steps that were open then, and `begun` says how often each node had been
    executed.
    """

    around: Stretch | None
    seen: set[ItemKey] = field(default_factory=set)
    left: frozenset[str] = frozenset()
    begun: Mapping[ItemKey, int] | None = None

    def has_left(self, step: str) -> bool:
        """Whether a step was open when this stretch, or one around it, was left."""
        return step in self.left or (self.around is not None and self.around.has_left(step))

    def may_execute(self, key: ItemKey, number: int) -> bool:
        """Whether a node was executed so often before this stretch, or one around it, was left."""
        if self.begun is not None and number > self.begun.get(key, 0):
            return False
        return self.around is None or self.around.may_execute(key, number)

    @property
    def loops(self) -> Iterator[Loop]:
        """The loops that this is in, or is, the innermost first."""
        stretch: Stretch | None = self
        while stretch is not None:
            if isinstance(stretch, Loop):
                yield stretch
            stretch = stretch.around


@dataclass(slots=True, eq=False)
class Item(Stretch):
    """One item of a foreach; `taken`: the steps in it that this pass has come to."""

    taken: int = 0


@dataclass(slots=True, eq=False)
class Loop(Stretch):
    """A loop that the run is in, since it was entered from outside; as a stretch, its iteration.

    `round` counts over the whole run, `returns` by the way back: a node, and its outcome. The next
    round takes back the states of the nodes that this one has `seen`.
    """

    header: str = field(kw_only=True)
    round: int = 0
    returns: dict[tuple[str, str | None], int] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Frame:
    """What holds for the ops of the run itself, of one item, or of one round.

    `items`: which item of each foreach around, outer first. `stretch`: which item or iteration this
    is in, if any; without one, step ids are those of the nodes, and nothing is counted. `inner`: this
    is inside a container.
    """

    parent: Frame | None = None
    items: tuple[int, ...] = ()
    inner: bool = False
    stretch: Stretch | None = None
    path: tuple[Place, ...] = ()
    """The items that this is in, outer first, with what they are items of."""
    names: Mapping[str, JSON] = field(default_factory=dict)
    """What expressions see here, and not outside."""
    steps: Kept[str, dict[str, JSON]] = field(default_factory=Kept)
    outcomes: Kept[str, Outcome] = field(default_factory=Kept)
    exits: dict[str, list[str]] = field(default_factory=dict)
    """By which exits loops were left."""
    ends: list[Result] = field(default_factory=list)
    scope: Scope | None = None
    counted: frozenset[str] = frozenset()
    """The foreach in here whose steps are among those that are planned for the item."""

    @property
    def loop(self) -> Loop | None:
        """The innermost loop that this is in."""
        return None if self.stretch is None else next(self.stretch.loops, None)

    def item(
        self,
        index: int,
        names: Mapping[str, JSON],
        place: Place,
        counted: frozenset[str] = frozenset(),
    ) -> Frame:
        """One item of a foreach: what is known so far can be read in it, and nothing of it later."""
        return Frame(
            parent=self,
            items=(*self.items, index),
            path=(*self.path, place),
            inner=True,
            stretch=Item(self.stretch),
            names=names,
            steps=Kept(self.steps),
            counted=counted,
        )

    def container(self) -> Frame:
        """What the rounds of a loop container share."""
        return Frame(
            parent=self,
            items=self.items,
            path=self.path,
            inner=True,
            stretch=self.stretch,
            steps=Kept(self.steps),
            counted=self.counted,
        )

    def round(self, loop: Loop) -> Frame:
        """One round of a drawn loop: it shares everything with what is around it."""
        return replace(self, parent=self, stretch=loop, names={})

    def iteration(self, loop: Loop, number: int) -> Frame:
        """One round of a loop container, counted from 0."""
        names = {"iteration": number}
        return replace(self, parent=self, stretch=loop, names=names, exits={}, ends=[], scope=None)
