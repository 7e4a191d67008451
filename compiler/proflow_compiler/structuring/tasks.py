"""The tasks of a region: what each waits for, and where the region is left."""

from collections.abc import Collection

from proflow_schemas.step_ids import step_id

from proflow_compiler.structuring.dominance import NOWHERE, Dominance
from proflow_compiler.structuring.places import Place
from proflow_compiler.structuring.program import Call, Dependency, Task
from proflow_compiler.structuring.regions import Item, Layout

_Links = dict[int, list[str] | None]
"""Links into a place: source → the outcomes that take them; None: wherever its task arrives."""


def tasks_of(
    tree: Dominance, layout: Layout, follows: int, arriving: Collection[int]
) -> list[tuple[Task, int]]:
    """The tasks, in topological order, each with the place it begins with.

    A merge outside becomes a task that calls it. What the region goes on with (`follows`) becomes
    one that does nothing, if some lead there on some outcomes only. `arriving` merges arrive where
    the region does.
    """
    into = _links(tree, layout)
    single = {layout.root} | {item.root for item in layout.items if not item.whole}
    tasks: list[tuple[Task, int]] = []
    by_root: dict[int, Task] = {}
    for item in layout.items:
        place = tree.at[item.root]
        name = place.name if item.whole else place.settles
        task = Task(name, needs=place.needs, full=place.full)
        task.leaves = item.exit == tree.finish != NOWHERE
        tasks.append((task, item.root))
        by_root[item.root] = task
    for merge in sorted(into.keys() - by_root.keys()):
        ends_here = merge in (follows, tree.finish)
        if ends_here:
            leaving = [
                source
                for source, outcomes in into[merge].items()
                if source in by_root and _always(tree.at[source], outcomes)
            ]
            for source in leaving:
                by_root[source].leaves = True
                del into[merge][source]
            if not into[merge]:
                continue
        task = Task(tree.names[merge], leaves=ends_here or merge in arriving)
        if not ends_here:
            task.block.append(Call(step_id(tree.names[merge])))
        tasks.append((task, merge))
        by_root[merge] = task
    for task, start in tasks:
        links = into.get(start, {})
        only_root = set(links) == {layout.root} and not task.full
        if only_root and _always(tree.at[layout.root], links[layout.root]):
            continue
        for source, outcomes in links.items():
            place = tree.at[source]
            name = place.settles if source in single else place.name
            apart = task.full or (task.needs is not None and place.every)
            task.after += _dependencies(place, name, outcomes, apart=apart)
    return tasks


def _links(tree: Dominance, layout: Layout) -> dict[int, _Links]:
    found: dict[int, _Links] = {}
    for item in (Item(layout.root, False), *layout.items):
        if item.whole:
            if item.exit != NOWHERE:
                found.setdefault(item.exit, {})[item.root] = None
            continue
        for way in tree.at[item.root].ways:
            for link in way.links:
                outcomes = found.setdefault(tree.number[link.target], {}).setdefault(item.root, [])
                assert outcomes is not None
                outcomes.append(way.outcome)
    return found


def _always(place: Place, outcomes: list[str] | None) -> bool:
    """Whether it is taken whatever the outcome."""
    return outcomes is None or set(outcomes) == {way.outcome for way in place.ways}


def _dependencies(
    place: Place, name: str, outcomes: list[str] | None, *, apart: bool
) -> list[Dependency]:
    """`apart`: each link counts for itself."""
    if outcomes is not None and apart and len(outcomes) > 1:
        return [Dependency(name, [outcome]) for outcome in outcomes]
    return [Dependency(name, [] if outcomes is None or _always(place, outcomes) else outcomes)]
