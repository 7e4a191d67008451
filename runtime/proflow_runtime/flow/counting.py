"""Counts the steps that the items of a list take, at least and at most.

A nested list is counted with the item if its length is known before the item begins, that is, if it
reads nothing that the item computes. Any other nested list may be empty, and is counted when it
begins.
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
    """A nested foreach whose list is known before an item of the outer foreach begins.

    Attributes:
        node: The id of the nested foreach.
        items: The CEL expression of its list.
        alias: Another name for `item` in it.
        item_steps: The maximum number of steps of one of its items, without those of `lists`.
        least_steps: The minimum number of steps of one of its items, without those of `lists`.
        times: How often it is executed at most per item of the outer foreach.
        certain: Whether it is executed at least once.
        lists: The foreach nested in it whose lists are known as well.
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
        """Convert from the form in a definition."""
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
    """A number of steps: at least `least` if nothing fails, at most `most`."""

    least: int = 0
    most: int = 0


def of_items(
    scope: Scope,
    found: Sequence[JSON],
    steps: Steps,
    lists: Sequence[InnerList],
    alias: str | None,
) -> list[Steps]:
    """Count the steps of each item of a list.

    Args:
        scope: The names that expressions see outside the foreach.
        found: The items.
        steps: The steps of one item, without those of `lists`.
        lists: The nested lists that are known before an item begins.
        alias: Another name for `item`.
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
    """Count the steps of a nested list; 0 if it is not a list, which its own foreach reports."""
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


def least_of(each: Sequence[Steps], *, in_lists: bool) -> int:
    """Return how many steps the items of a list take at least; arguments as for `most_of`."""
    return sum(one.least for one in each) if in_lists or not each else each[0].least * len(each)


def most_of(each: Sequence[Steps], *, in_lists: bool) -> int:
    """Return how many steps the items of a list take at most.

    Args:
        each: The steps of each item.
        in_lists: Whether they include the steps of nested lists; if not, all items take the same.
    """
    return sum(one.most for one in each) if in_lists or not each else each[0].most * len(each)


def problem_with(each: Sequence[Steps], planned: int, *, in_lists: bool) -> str | None:
    """Describe why a run cannot iterate over a list.

    Args:
        each: The steps of each item.
        planned: The steps of the rest of the run.
        in_lists: Whether `each` includes the steps of nested lists.

    Returns:
        A message that continues “the list of items …”, if there are too many items, or if their
        minimum of steps exceeds the limit of a run. Otherwise None.
    """
    least = least_of(each, in_lists=in_lists)
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
    """Return the message for an item that cannot begin because too few steps are left."""
    return (
        f"item {index + 1:,} of {items:,} may take up to {steps.most:,} steps, and"
        f" {max(0, MAX_STEPS - planned):,} of the {MAX_STEPS} of a run are left"
    )
