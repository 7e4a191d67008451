"""Which nodes, and which edges into joins that need all, are surely taken when a node is.

Sets are integers used as bits, nodes numbered in topological order: one operation handles a whole
set, so that an acyclic graph of any shape takes a time that grows with its edges in practice
(10,000 nodes: about 20 ms and a few MB).

Sound and complete for acyclic graphs whose choices are independent: a run takes one outcome of
each node it comes to, and any combination is a run. (Of an inclusive node it may take one only, so
that what is sure is the same.)
"""

from collections import deque
from collections.abc import Iterable
from functools import cached_property

from proflow_compiler.graph import Exit, Graph, GraphEdge
from proflow_compiler.graph.runs import Runs


class Certainty:
    """What is surely taken in these runs."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self.bit = {name: 1 << index for index, name in enumerate(runs.order)}
        count = len(runs.order)
        self._edge_bit = {
            edge: 1 << (count + index)
            for index, edge in enumerate(
                edge.index
                for name in runs.order
                if runs.graph.full(name)
                for edge in runs.graph.into[name]
            )
        }
        """Of edges, only those into joins that need all of them have bits."""

    def taken(self, x: str, y: str) -> bool:
        """Whether `x` is taken in every run that takes `y`; both can be taken."""
        return self.bit[x] & self._with[y] != 0

    def missing(self, join: str) -> GraphEdge | None:
        """An edge into a join that needs all, which some run that comes to it does not take."""
        return next(
            (
                edge
                for edge in self._runs.graph.into[join]
                if edge.source in self._runs.graph.reachable
                and self._edge_bit[edge.index] & self._with[join] == 0
            ),
            None,
        )

    @cached_property
    def _after(self) -> dict[str, int]:
        """For each node, what is taken whatever is chosen once it is taken, itself included."""
        found: dict[str, int] = {}
        for name in reversed(self._runs.order):
            after: int | None = None
            for exit_ in self._runs.exits[name]:
                forced = 0
                for edge in exit_.edges:
                    forced |= found.get(edge.target, 0) | self._edge_bit.get(edge.index, 0)
                after = forced if after is None else after & forced
            found[name] = (after or 0) | self.bit[name]
        return found

    def _forced(self, exit_: Exit) -> int:
        forced = 0
        for edge in exit_.edges:
            forced |= self._after.get(edge.target, 0) | self._edge_bit.get(edge.index, 0)
        return forced

    @cached_property
    def _with(self) -> dict[str, int]:
        """For each node, what is taken in every run that takes it, itself included."""
        found: dict[str, int] = {}
        through: dict[tuple[str, str], int] = {}
        for name in self._runs.order:
            sure: int | None = self._after[name] if name == self._runs.root else None
            for edge in self._runs.into[name]:
                by = through[edge.source, edge.outcome]
                sure = by if sure is None else sure & by
            found[name] = (sure or 0) | self._after[name]
            for exit_ in self._runs.exits[name]:
                through[name, exit_.outcome] = found[name] | self._forced(exit_)
        return found

    def shortest_path(self, y: str, *, without: str | None = None) -> tuple[str, ...]:
        """A shortest way from the root to `y` on a run that never takes `without`.

        Empty if there is no such run.
        """
        runs = self._runs
        if y not in self.bit:
            return ()
        avoided = self.bit.get(without, 0) if without is not None else 0
        if self._after[runs.root] & avoided:
            return ()
        came: dict[str, str] = {runs.root: runs.root}
        queue = deque([runs.root])
        while queue:
            at = queue.popleft()
            if at == y:
                return _traced(came, at)
            for exit_ in runs.exits[at]:
                if avoided and self._forced(exit_) & avoided:
                    continue
                for edge in exit_.edges:
                    if edge.target in self.bit and edge.target not in came:
                        came[edge.target] = at
                        queue.append(edge.target)
        return ()


def drawn_path(graph: Graph, path: Iterable[str]) -> tuple[str, ...]:
    """A path without what nobody drew."""
    return tuple(name for name in path if graph.nodes[name].drawn)


def path_to(graph: Graph, node: str, *, avoiding: str | None = None) -> tuple[str, ...]:
    """A shortest way from the start to a node that does not go over another one; there is one."""
    start = graph.starts[0]
    came = {start: start}
    queue = deque([start])
    while node not in came:
        at = queue.popleft()
        for edge in graph.out(at):
            if edge.target not in came and edge.target != avoiding:
                came[edge.target] = at
                queue.append(edge.target)
    return _traced(came, node)


def _traced(came: dict[str, str], end: str) -> tuple[str, ...]:
    path = [end]
    while came[path[-1]] != path[-1]:
        path.append(came[path[-1]])
    return tuple(reversed(path))
