"""Where in its program a run is: in which item of which container, in which round of which loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from proflow_runtime.results import Result
from proflow_runtime.scope import Scope
from proflow_runtime.status import ItemKey
from proflow_runtime.values import JSON

Place: TypeAlias = tuple[str, int, int]
"""A foreach, which execution of it this is, and which of its items."""
Outcome: TypeAlias = str | list[str]
"""The outcome that a node took; of an inclusive, all that it took."""


@dataclass(slots=True, eq=False)
class Loop:
    """A loop that the run is in, since it was entered from outside.

    `round` counts over the whole run, `returns` by the way back: a node, and its outcome. `seen`
    are the nodes whose states the next round takes back. Where an approval has ended the present
    round by returning, `left` are the steps that were open then, and `begun` says how often each
    node had been executed.
    """

    header: str
    outer: Loop | None
    round: int = 0
    returns: dict[tuple[str, str | None], int] = field(default_factory=dict)
    seen: set[ItemKey] = field(default_factory=set)
    left: frozenset[str] = frozenset()
    begun: Mapping[ItemKey, int] | None = None

    def has_left(self, step: str) -> bool:
        """Whether a step was open when this round, or one around it, was ended by a return."""
        return step in self.left or (self.outer is not None and self.outer.has_left(step))

    def may_execute(self, key: ItemKey, number: int) -> bool:
        """Whether a node was executed so often before this round, or one around it, was ended."""
        if self.begun is not None and number > self.begun.get(key, 0):
            return False
        return self.outer is None or self.outer.may_execute(key, number)


@dataclass(slots=True, eq=False)
class Frame:
    """What holds for the ops of the run itself, of one item, or of one round.

    `items`: which item of each foreach around, outer first. `counted`: nodes may run here more than
    once, so their executions are counted. `plain`: neither, so that step ids are those of the nodes.
    `inner`: this is inside a container.
    """

    parent: Frame | None = None
    items: tuple[int, ...] = ()
    counted: bool = False
    plain: bool = True
    inner: bool = False
    loop: Loop | None = None
    path: tuple[Place, ...] = ()
    """The items that this is in, outer first, with what they are items of."""
    names: Mapping[str, JSON] = field(default_factory=dict)
    """What expressions see here, and not outside."""
    steps: dict[str, dict[str, JSON]] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    exits: dict[str, list[str]] = field(default_factory=dict)
    """By which exits loops were left."""
    ends: list[Result] = field(default_factory=list)
    scope: Scope | None = None

    def item(self, index: int, names: Mapping[str, JSON], place: Place) -> Frame:
        """One item of a foreach: what is known so far can be read in it, and nothing of it later."""
        return Frame(
            parent=self,
            items=(*self.items, index),
            path=(*self.path, place),
            counted=self.counted,
            plain=False,
            inner=True,
            loop=self.loop,
            names=names,
            steps=dict(self.steps),
        )

    def container(self) -> Frame:
        """What the rounds of a loop container share."""
        return Frame(
            parent=self,
            items=self.items,
            path=self.path,
            counted=True,
            plain=False,
            inner=True,
            loop=self.loop,
            steps=dict(self.steps),
        )

    def round(self, loop: Loop) -> Frame:
        """One round of a drawn loop: it shares everything with what is around it."""
        return replace(self, parent=self, counted=True, plain=False, loop=loop, names={})

    def iteration(self, loop: Loop, number: int) -> Frame:
        """One round of a loop container, counted from 0."""
        names = {"iteration": number}
        return replace(self, parent=self, loop=loop, names=names, exits={}, ends=[], scope=None)
