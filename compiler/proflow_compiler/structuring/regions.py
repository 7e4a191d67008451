"""Regions: what runs at once and forms no blocks becomes one group of tasks that depend on each other.

A region is made out of a place, its *root*, and holds what that dominates. A dominator child is a
task with all its subtree, if the subtree leads to one merge only and holds nothing up; else it is
one alone, and its own children are tasks too. Links between them become dependencies.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from proflow_compiler.structuring.dominance import NOWHERE, Dominance
from proflow_compiler.structuring.forks import Outlets


@dataclass(frozen=True, slots=True)
class Item:
    """A place with its subtree, which leads to the merge `exit` (NOWHERE: nowhere); or it alone."""

    root: int
    whole: bool
    exit: int = NOWHERE


@dataclass(slots=True)
class Layout:
    """The items of a region in topological order; `tail` stands after it, and goes on there."""

    root: int
    items: list[Item]
    tail: int | None


@dataclass(slots=True)
class Layouts:
    """All regions by their roots. `inside` are the roots, and the places that are tasks alone."""

    by_root: dict[int, Layout] = field(default_factory=dict)
    inside: set[int] = field(default_factory=set)


def lay_out(tree: Dominance, outlets: Outlets, roots: Collection[int]) -> Layouts:
    """The regions out of `roots`, but for those that are single tasks of an outer one."""
    found = Layouts()
    stack = [0] if roots else []
    while stack:
        node = stack.pop()
        if node not in roots:
            stack += tree.children[node]
            continue
        layout = found.by_root[node] = Layout(node, [], _tail(tree, node))
        found.inside.add(node)
        if layout.tail is not None:
            stack.append(layout.tail)
        inner = [child for child in tree.children[node] if child != layout.tail]
        while inner:
            child = inner.pop()
            if child == tree.finish:
                continue
            item = _item(tree, outlets, child)
            layout.items.append(item)
            if item.whole:
                stack.append(child)
            else:
                found.inside.add(child)
                inner += tree.children[child]
        layout.items.sort(key=lambda item: item.root)
    return found


def _tail(tree: Dominance, root: int) -> int | None:
    """The merge that all of a region leads to, and that can wait for all of it."""
    merges = [one for one in tree.children[root] if tree.is_merge(one) and one != tree.finish]
    if not merges or tree.overtaking[merges[-1]] or tree.at[merges[-1]].full:
        return None
    return merges[-1] if tree.closes(root, merges[-1]) else None


def _item(tree: Dominance, outlets: Outlets, root: int) -> Item:
    sole = outlets.sole[root]
    if sole is None:
        return Item(root, True)
    merge, links = sole
    if merge == NOWHERE:
        return Item(root, False)
    if merge == tree.finish:
        return Item(root, True, merge)
    counted = links > 1 and tree.at[merge].counts
    return Item(root, False) if counted or not tree.is_tight(root) else Item(root, True, merge)
