"""Finds what every run takes that takes a given node: nodes, and edges into joins of mode `all`.

Sets are integers used as bit sets, with nodes numbered in topological order. One operation handles
a whole set, so that in practice the time grows with the number of edges (10,000 nodes: about 20 ms
and a few MB).

The result is exact for acyclic graphs in which every combination of choices is a run: a run takes
one outcome of each node that it reaches. (A run may take only one outcome of an inclusive node, so
inclusive nodes need no special treatment.)
"""

from collections import deque
from collections.abc import Iterable
from functools import cached_property

from proflow_compiler.graph import Exit, Graph, GraphEdge
from proflow_compiler.graph.runs import Runs


class Certainty:
    """What these runs take for certain.

    Attributes:
        bit: The bit that stands for each node.
    """

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
        """The bits of edges, for edges into joins of mode `all` only."""

    def taken(self, x: str, y: str) -> bool:
        """Return True if every run that takes `y` takes `x`.

        Args:
            x: A node that some run takes.
            y: Another one.
        """
        return self.bit[x] & self._with[y] != 0

    def missing(self, join: str) -> GraphEdge | None:
        """Return an edge into a join of mode `all` that some run misses which reaches the join.

        None if there is no such edge.
        """
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
        """For each node, what a run surely takes from there on, whatever it chooses."""
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
        """For each node, what every run that takes it takes before and after it; with the node."""
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
        """Return a shortest path from the root to `y` in a run that does not take `without`.

        Returns:
            The ids of the nodes; empty if there is no such run.
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
    """Return a path without the nodes that are not drawn (choices and entries)."""
    return tuple(name for name in path if graph.nodes[name].drawn)


def path_to(graph: Graph, node: str, *, avoiding: str | None = None) -> tuple[str, ...]:
    """Return a shortest path from the start to a node, which must exist.

    Args:
        graph: The graph.
        node: The last node of the path.
        avoiding: A node that the path does not go through.
    """
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
