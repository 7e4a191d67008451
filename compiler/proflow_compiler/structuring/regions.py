"""Plans regions: groups of concurrent tasks that wait for each other, where no blocks are possible.

A region starts at a vertex, its *root*, and holds what the root dominates. A child in the dominator
tree becomes a task with its whole subtree if all edges out of the subtree lead to the same merge
and nothing waits longer than it must. Otherwise the child alone is a task, and its own children
are tasks too. Edges between tasks become dependencies.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from proflow_compiler.structuring.dominance import NOWHERE, Dominance
from proflow_compiler.structuring.forks import Outlets


@dataclass(frozen=True, slots=True)
class Item:
    """A task: the vertex `root`, with its subtree if `whole`.

    All edges out of the subtree lead to `merge`; NOWHERE if there are none.
    """

    root: int
    whole: bool
    merge: int = NOWHERE


@dataclass(slots=True)
class Layout:
    """A region: its items in topological order, and the merge `tail` that runs after it, if any."""

    root: int
    items: list[Item]
    tail: int | None


@dataclass(slots=True)
class Layouts:
    """All regions, by root. `inside` holds the roots, and the vertices that alone form a task."""

    by_root: dict[int, Layout] = field(default_factory=dict)
    inside: set[int] = field(default_factory=set)


def lay_out(tree: Dominance, outlets: Outlets, roots: Collection[int]) -> Layouts:
    """Plan a region for each of `roots`, except those that alone form a task of an outer region."""
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
    """Return the merge that can wait for the whole region, and that alone is reached from it."""
    merges = [one for one in tree.children[root] if tree.is_merge(one) and one != tree.finish]
    if not merges or tree.overtaking[merges[-1]] or tree.vertices[merges[-1]].full:
        return None
    return merges[-1] if tree.closes(root, merges[-1]) else None


def _item(tree: Dominance, outlets: Outlets, root: int) -> Item:
    sole = outlets.sole[root]
    if sole is None:
        return Item(root, True)
    merge, edges = sole
    if merge == NOWHERE:
        return Item(root, False)
    if merge == tree.finish:
        return Item(root, True, merge)
    counted = edges > 1 and tree.vertices[merge].counts
    return Item(root, False) if counted or not tree.is_tight(root) else Item(root, True, merge)
