"""Which nodes have surely run, and finished, when another one runs.

Sets of nodes are integers used as bits, numbered in topological order: one operation handles a
whole set, so that an acyclic graph of any shape takes a time that grows with its edges in
practice (10,000 nodes: about 20 ms and a few MB).

Sound and complete for acyclic graphs whose choices are independent: a run takes one outcome of
each node it comes to, and any combination is a run.
"""

from collections import deque
from functools import cached_property

from proflow_schemas.nodes import Join

from proflow_compiler.graph import Exit, Graph, GraphEdge


class Certainty:
    """What surely happened before each node of an acyclic graph with one start."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.order = [name for name in graph.topological if name in graph.reachable]
        self.bit = {name: 1 << index for index, name in enumerate(self.order)}
        count = len(self.order)
        self._edge_bit = {
            edge: 1 << (count + index)
            for index, edge in enumerate(
                edge.index
                for name in self.order
                if _is_all(graph, name)
                for edge in graph.into[name]
            )
        }
        """Of edges, only those into joins that need all of them have bits."""

    def precedes(self, x: str, y: str) -> bool:
        """Whether some path leads from `x` to `y`: then `y` never starts before `x` is settled."""
        return x != y and self.bit[x] & self.before[y] != 0

    def taken(self, x: str, y: str) -> bool:
        """Whether `x` is taken in every run that takes `y` and does not stop first."""
        return self.bit[x] & self._with[y] != 0

    @cached_property
    def before(self) -> dict[str, int]:
        """For each node, those with a path to it."""
        found: dict[str, int] = {}
        for name in self.order:
            before = 0
            for edge in self._graph.into[name]:
                if edge.source in found:
                    before |= found[edge.source] | self.bit[edge.source]
            found[name] = before
        return found

    @cached_property
    def _after(self) -> dict[str, int]:
        """For each node, those taken whatever is chosen once it is taken, itself included."""
        found: dict[str, int] = {}
        for name in reversed(self.order):
            after: int | None = None
            for exit_ in self._graph.exits[name]:
                forced = 0
                for edge in exit_.edges:
                    forced |= found[edge.target] | self._edge_bit.get(edge.index, 0)
                after = forced if after is None else after & forced
            found[name] = (after or 0) | self.bit[name]
        return found

    def _forced(self, exit_: Exit) -> int:
        forced = 0
        for edge in exit_.edges:
            forced |= self._after[edge.target] | self._edge_bit.get(edge.index, 0)
        return forced

    @cached_property
    def _with(self) -> dict[str, int]:
        """For each node, those taken in every run that takes it, itself included."""
        found: dict[str, int] = {}
        through: dict[tuple[str, str], int] = {}
        start = self._graph.starts[0]
        for name in self.order:
            sure: int | None = self._after[name] if name == start else None
            for edge in self._graph.into[name]:
                by = through.get((edge.source, edge.outcome))
                if by is not None:
                    sure = by if sure is None else sure & by
            found[name] = (sure or 0) | self._after[name]
            for exit_ in self._graph.exits[name]:
                through[name, exit_.outcome] = found[name] | self._forced(exit_)
        return found

    def walk(
        self, y: str, *, without: str | None = None, without_edge: GraphEdge | None = None
    ) -> tuple[str, ...]:
        """A shortest way from the start to `y` on a run that never takes `without`.

        Node ids as drawn. Empty if there is no such run. Of edges only those into joins that need
        all of them can be left out.
        """
        start = self._graph.starts[0]
        avoided = self.bit[without] if without is not None else 0
        if without_edge is not None:
            avoided |= self._edge_bit[without_edge.index]
        if self._after[start] & avoided:
            return ()
        came: dict[str, str] = {start: start}
        queue = deque([start])
        while queue:
            at = queue.popleft()
            if at == y:
                return drawn_path(self._graph, _traced(came, at))
            for exit_ in self._graph.exits[at]:
                if avoided and self._forced(exit_) & avoided:
                    continue
                for edge in exit_.edges:
                    if edge.target not in came:
                        came[edge.target] = at
                        queue.append(edge.target)
        return ()


def _is_all(graph: Graph, name: str) -> bool:
    at = graph.nodes[name]
    return (
        at.choice_of is None and isinstance(at.node.config, Join) and at.node.config.mode == "all"
    )


def drawn_path(graph: Graph, path: list[str]) -> tuple[str, ...]:
    """A path without the choices, which nobody drew."""
    return tuple(name for name in path if graph.nodes[name].choice_of is None)


def _traced(came: dict[str, str], end: str) -> list[str]:
    path = [end]
    while came[path[-1]] != path[-1]:
        path.append(came[path[-1]])
    return path[::-1]
