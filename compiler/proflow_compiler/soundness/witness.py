"""Finds a shortest path that shows why a formula can be satisfied, for use in diagnostics."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

from proflow_compiler.graph.model import Exit
from proflow_compiler.graph.runs import Runs
from proflow_compiler.soundness.formula import RunFormula

_MOST_ASKED = 60
"""The most questions to the solver for one path; after that, the path of any run found is shown."""


def witness(
    formula: RunFormula, goal: str, assumptions: Sequence[int]
) -> tuple[tuple[str, ...], Runs] | None:
    """Find a run that satisfies the assumptions, and its path to an edge into a node.

    Args:
        formula: The formula of the runs.
        goal: The node that the path leads to; it need not run itself.
        assumptions: Literals of the formula; with them some edge into `goal` has to be taken.

    Returns:
        A shortest path, and the run; None if there is no such run. If the search takes too many
        questions, the path is that of any such run.

    Raises:
        Undecided: The question takes too much effort.
    """
    if not formula.holds(assumptions):
        return None
    model = formula.model()
    before = _leading_to(formula.runs, goal)
    came: dict[str, str] = {}
    given: dict[str, tuple[int, ...]] = {formula.runs.root: ()}
    queue = deque([formula.runs.root])
    asked = 0
    while queue and asked < _MOST_ASKED:
        at = queue.popleft()
        exits = formula.runs.exits[at]
        for exit_ in exits:
            targets = [
                edge.target
                for edge in exit_.edges
                if edge.target == goal or (edge.target in before and edge.target not in given)
            ]
            if not targets:
                continue
            taken = (*given[at], formula.exit[at, exit_.outcome])
            if len(exits) > 1 or goal in targets:
                asked += 1
                if not formula.holds([*assumptions, *taken]):
                    continue
                model = formula.model()
            for target in targets:
                came[target] = at
                if target == goal:
                    return _traced(came, formula.runs.root, goal), formula.run_of(model)
                given[target] = taken
                queue.append(target)
    run = formula.run_of(model)
    return shortest_path(run, goal), run


def shortest_path(runs: Runs, goal: str) -> tuple[str, ...]:
    """Return a shortest path from the root to a node; empty if there is none."""
    came: dict[str, str] = {}
    queue = deque([runs.root])
    while queue:
        at = queue.popleft()
        for exit_ in runs.exits.get(at, ()):
            for edge in exit_.edges:
                if edge.target in came or edge.target == runs.root:
                    continue
                came[edge.target] = at
                if edge.target == goal:
                    return _traced(came, runs.root, goal)
                queue.append(edge.target)
    return (goal,) if goal == runs.root else ()


def turning_points(
    runs: Runs,
    run: Runs,
    path: Sequence[str],
    avoided: Iterable[str],
    missed: Collection[int] = (),
) -> list[tuple[str, str]]:
    """Find the decisions that make a run follow a path and miss some nodes and edges.

    Args:
        runs: All runs.
        run: The run.
        path: A path of the run.
        avoided: Nodes that the run does not take.
        missed: The indices of edges that it does not take.

    Returns:
        Pairs of a node and the outcome that it takes, in the order of the graph.
    """
    following = dict(pairwise(path))
    elsewhere = set[str]()
    for name in avoided:
        elsewhere |= _leading_to(runs, name) | {name}

    def leads_elsewhere(exit_: Exit) -> bool:
        return any(edge.target in elsewhere or edge.index in missed for edge in exit_.edges)

    found: list[tuple[str, str]] = []
    for name in run.order:
        exits = runs.exits[name]
        if len(exits) < 2:
            continue
        onward = following.get(name)
        taken = {one.outcome: one for one in run.exits[name]}
        others = [one for one in exits if one.outcome not in taken]
        towards = [
            one
            for one in taken.values()
            if onward is not None and any(edge.target == onward for edge in one.edges)
        ]
        if towards and any(all(edge.target != onward for edge in one.edges) for one in others):
            found.append((name, towards[0].outcome))
        elif any(map(leads_elsewhere, others)) and not any(map(leads_elsewhere, taken.values())):
            found.append((name, next(iter(taken))))
    return found


def _leading_to(runs: Runs, goal: str) -> set[str]:
    """Return the nodes from which a path leads to a node."""
    found: set[str] = set()
    stack = [goal]
    while stack:
        for edge in runs.graph.into[stack.pop()]:
            if edge.source in runs.into and edge.source not in found:
                found.add(edge.source)
                stack.append(edge.source)
    return found


def _traced(came: Mapping[str, str], root: str, end: str) -> tuple[str, ...]:
    path = [end]
    while path[-1] != root:
        path.append(came[path[-1]])
    return tuple(reversed(path))
