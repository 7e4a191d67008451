"""Builds the tasks of a region: the edges each waits for, and where the region falls through."""

from collections.abc import Collection

from proflow_schemas.step_ids import step_id

from proflow_compiler.structuring.bodies import Vertex
from proflow_compiler.structuring.dominance import NOWHERE, Dominance
from proflow_compiler.structuring.program import Call, Dependency, Task
from proflow_compiler.structuring.regions import Item, Layout

_Edges = dict[int, list[str] | None]
"""Edges into a vertex: source → outcomes that take them; None: if its task falls through."""


def tasks_of(
    tree: Dominance, layout: Layout, follows: int, falling_through: Collection[int]
) -> list[tuple[Task, int]]:
    """Build the tasks of a region, with empty blocks except for calls.

    A merge outside of the region becomes a task that calls it. `follows` becomes an empty task if
    some vertex leads there by only some of its outcomes.

    Args:
        tree: The dominator tree.
        layout: The region.
        follows: The merge that is run after the region.
        falling_through: Merges whose functions fall through to what follows the region.

    Returns:
        The tasks in topological order, each with the vertex it begins with.
    """
    into = _edges(tree, layout)
    single = {layout.root} | {item.root for item in layout.items if not item.whole}
    tasks: list[tuple[Task, int]] = []
    by_root: dict[int, Task] = {}
    for item in layout.items:
        vertex = tree.vertices[item.root]
        name = vertex.name if item.whole else vertex.outcome_of
        task = Task(name, needs=vertex.needs, full=vertex.full)
        task.leaves = item.merge == tree.finish != NOWHERE
        tasks.append((task, item.root))
        by_root[item.root] = task
    for merge in sorted(into.keys() - by_root.keys()):
        ends_here = merge in (follows, tree.finish)
        if ends_here:
            leaving = [
                source
                for source, outcomes in into[merge].items()
                if source in by_root and _always(tree.vertices[source], outcomes)
            ]
            for source in leaving:
                by_root[source].leaves = True
                del into[merge][source]
            if not into[merge]:
                continue
        task = Task(tree.names[merge], leaves=ends_here or merge in falling_through)
        if not ends_here:
            task.block.append(Call(step_id(tree.names[merge])))
        tasks.append((task, merge))
        by_root[merge] = task
    for task, start in tasks:
        edges = into.get(start, {})
        only_root = set(edges) == {layout.root} and not task.full
        if only_root and _always(tree.vertices[layout.root], edges[layout.root]):
            continue
        for source, outcomes in edges.items():
            vertex = tree.vertices[source]
            name = vertex.outcome_of if source in single else vertex.name
            apart = task.full or (task.needs is not None and vertex.every)
            task.after += _dependencies(vertex, name, outcomes, apart=apart)
    return tasks


def _edges(tree: Dominance, layout: Layout) -> dict[int, _Edges]:
    """Return the edges out of the root and the items of a region, by the vertex they lead to."""
    found: dict[int, _Edges] = {}
    for item in (Item(layout.root, False), *layout.items):
        if item.whole:
            if item.merge != NOWHERE:
                found.setdefault(item.merge, {})[item.root] = None
            continue
        for exit_ in tree.vertices[item.root].exits:
            for edge in exit_.edges:
                outcomes = found.setdefault(tree.number[edge.target], {}).setdefault(item.root, [])
                assert outcomes is not None
                outcomes.append(exit_.outcome)
    return found


def _always(vertex: Vertex, outcomes: list[str] | None) -> bool:
    """Return True if every outcome of the vertex is among `outcomes`."""
    return outcomes is None or set(outcomes) == {exit_.outcome for exit_ in vertex.exits}


def _dependencies(
    vertex: Vertex, name: str, outcomes: list[str] | None, *, apart: bool
) -> list[Dependency]:
    """Return dependencies on a source; if `apart`, one for each outcome, to count its edges."""
    if outcomes is not None and apart and len(outcomes) > 1:
        return [Dependency(name, [outcome]) for outcome in outcomes]
    return [Dependency(name, [] if outcomes is None or _always(vertex, outcomes) else outcomes)]
