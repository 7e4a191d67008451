"""How many steps the items of a list take: what they surely do, and what they may do at most.

A list in an item is counted by its own length, if it is known before the item begins: then it reads
nothing that comes of the item. Any other one may be empty, as far as is known, and is counted where
it begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from proflow_schemas.definition import InnerList as Stored
from proflow_schemas.expressions import ExpressionError, compile
from proflow_schemas.sizes import MAX_ITEMS, MAX_STEPS

from proflow_runtime.flow.scope import Scope
from proflow_runtime.values import JSON


@dataclass(frozen=True, slots=True)
class InnerList:
    """A foreach in an item of another one, whose list is known before that item begins.

    `item_steps` and `least_steps` are of an item of its own, without the `lists` in there; an item
    comes to it `times` times at most, and surely once if it is `certain`.
    """

    node: str
    items: str
    alias: str | None = None
    item_steps: int = 0
    least_steps: int = 0
    times: int = 1
    certain: bool = False
    lists: tuple[InnerList, ...] = ()

    @classmethod
    def of(cls, stored: Stored) -> InnerList:
        """The same, as a definition has it."""
        return cls(
            stored.node,
            stored.items,
            stored.alias,
            stored.item_steps,
            stored.least_steps,
            stored.times,
            stored.certain,
            tuple(map(cls.of, stored.lists)),
        )


@dataclass(frozen=True, slots=True)
class Steps:
    """How many steps something takes: `least` if nothing in it fails, and `most`."""

    least: int = 0
    most: int = 0


def of_items(
    scope: Scope,
    found: Sequence[JSON],
    steps: Steps,
    lists: Sequence[InnerList],
    alias: str | None,
) -> list[Steps]:
    """The steps of each item of a list.

    Args:
        scope: What can be read where the list is gone through.
        found: The items.
        steps: Those of one item, without the lists in it.
        lists: The lists in an item that are known before it begins.
        alias: Another name of the item.
    """
    if not lists:
        return [steps] * len(found)
    counted: list[Steps] = []
    for index, value in enumerate(found):
        names: dict[str, Any] = {"item": value, "index": index}
        if alias is not None:
            names[alias] = value
        inner = scope.inside(scope["steps"], names)
        least, most = steps.least, steps.most
        for one in lists:
            of_list = _of_list(inner, one)
            least += of_list.least if one.certain else 0
            most += of_list.most * one.times
        counted.append(Steps(least, most))
    return counted


def _of_list(scope: Scope, one: InnerList) -> Steps:
    """The steps of a list in an item; none if it cannot be gone through, which its foreach says."""
    own = Steps(one.least_steps, one.item_steps)
    program = compile(one.items)
    try:
        if not one.lists and (length := program.length(scope)) is not None:
            return Steps(own.least * length, own.most * length)
        found = program.evaluate(scope)
    except ExpressionError:
        return Steps()
    if not isinstance(found, list):
        return Steps()
    each = of_items(scope, found[:MAX_ITEMS], own, one.lists, one.alias)
    return Steps(sum(item.least for item in each), sum(item.most for item in each))


def problem_with(each: Sequence[Steps], planned: int, *, in_lists: bool) -> str | None:
    """What is wrong with a list whose items surely take more steps than a run may; None: nothing.

    Args:
        each: The steps of each item.
        planned: The steps that the run takes besides.
        in_lists: Whether they are those of lists in the items, too.
    """
    least = sum(one.least for one in each)
    if planned + least <= MAX_STEPS or least == 0:
        if len(each) <= MAX_ITEMS:
            return None
        return f"has {len(each):,} items, more than the {MAX_ITEMS:,} that one may have"
    first = each[0]
    exact = all(one.least == one.most for one in each)
    alike = not in_lists and all(one == first for one in each)
    at_least = "" if exact else "at least "
    if alike:
        steps = "one step" if first.least == 1 else f"{first.least:,} steps"
        of_each = f" of {at_least}{steps} each"
    else:
        of_each = ", which take steps of their own and of the lists in them" if in_lists else ""
    besides = f" and {planned:,} for the rest" if planned else ""
    return (
        f"has {len(each):,} items{of_each}: {at_least}{least:,} steps{besides}, more than the"
        f" {MAX_STEPS} of a run"
    )


def no_room(index: int, items: int, steps: Steps, planned: int) -> str:
    """That an item cannot begin, since it may need more steps than are left."""
    return (
        f"item {index + 1:,} of {items:,} may take up to {steps.most:,} steps, and"
        f" {max(0, MAX_STEPS - planned):,} of the {MAX_STEPS} of a run are left"
    )
