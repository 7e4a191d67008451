"""Computes what may have happened, and what else may be open, while a node is open.

Sets of nodes are integers used as bit sets, numbered in topological order. The results are upper
bounds: they may contain nodes that no run combines, if only a closer look at choices would show it.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, reduce
from itertools import accumulate
from operator import or_

from proflow_compiler.graph import Graph, GraphEdge
from proflow_compiler.graph.loops import natural_loops


class Pasts:
    """The pasts of one level of a design, which has a single start and acyclic forward edges."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.order = [name for name in graph.topological if name in graph.reachable]
        self.bit = {name: 1 << index for index, name in enumerate(self.order)}
        self._early = {name: graph.needs(name) for name in self.order}
        self._any_early = any(count is not None for count in self._early.values())
        self._waiting_for: dict[str, int] = {}
        self._predecessors: dict[str, Mapping[str, str]] = {}

    def names(self, bits: int) -> Iterator[str]:
        """Yield the nodes of a set, in topological order."""
        while bits:
            lowest = bits & -bits
            yield self.order[lowest.bit_length() - 1]
            bits ^= lowest

    def started(self, name: str) -> int:
        """Return what may have started while `name` is open.

        The node itself is included only if it is in a loop.
        """
        free = self._concurrent[name] & ~self._waiting(name)
        found = self._with_ancestors(free | self.before[name] | self._armed_with(name))
        for loop, nodes in self._loops:
            # Whatever comes before a loop comes before all of it, so a single visit of each loop is
            # enough, from the inner ones outwards.
            if (found | self.bit[name]) & loop:
                found |= nodes
        return found

    def open(self, name: str) -> int:
        """Return what may be open while `name` is."""
        found = self._concurrent[name] & ~self._waiting(name) & ~self.before[name]
        if self._any_early:
            found |= sum(
                self.bit[other]
                for other in self.names(self.before[name])
                if not self._waiting(other) & self.bit[name]
            )
        return found | self._armed_with(name)

    def path(self, name: str, through: str | None = None) -> list[str]:
        """Return the drawn nodes of a shortest path to `name`, if possible through another node."""
        start = self._graph.starts[0]
        if through is not None and through in self.bit and self.bit[through] & self.before[name]:
            return [*self._path(start, through), *self._path(through, name)[1:]]
        return self._path(start, name)

    def _path(self, source: str, target: str) -> list[str]:
        predecessor = self._predecessors_from(source)
        path = [target]
        while path[-1] != source:
            path.append(predecessor[path[-1]])
        return [one for one in reversed(path) if self._graph.nodes[one].drawn]

    def _predecessors_from(self, source: str) -> Mapping[str, str]:
        """Return, for each node that `source` reaches, its predecessor on a shortest path."""
        if source not in self._predecessors:
            predecessor = {source: source}
            queue = [source]
            for at in queue:
                for edge in self._graph.out(at):
                    if edge.target not in predecessor:
                        predecessor[edge.target] = at
                        queue.append(edge.target)
            self._predecessors[source] = predecessor
        return self._predecessors[source]

    @cached_property
    def before(self) -> Mapping[str, int]:
        """Node → the nodes with a path to it."""
        found: dict[str, int] = {}
        for name in self.order:
            sources = [edge.source for edge in self._graph.into[name] if edge.source in found]
            found[name] = reduce(or_, (found[one] | self.bit[one] for one in sources), 0)
        return found

    @cached_property
    def _after(self) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for name in reversed(self.order):
            targets = [edge.target for edge in self._graph.out(name)]
            found[name] = reduce(or_, (found[one] | self.bit[one] for one in targets), 0)
        return found

    def _with_ancestors(self, bits: int) -> int:
        return reduce(or_, (self.before[name] for name in self._last(bits)), bits)

    def _last(self, bits: int) -> Iterator[str]:
        """Yield nodes of a set whose ancestors include the ancestors of the whole set."""
        while bits:
            name = self.order[bits.bit_length() - 1]
            yield name
            bits &= ~(self.bit[name] | self.before[name])

    def _waiting(self, name: str) -> int:
        """Return what cannot start before `name` is over."""
        if not self._any_early:
            return self._after[name]
        if name not in self._waiting_for:
            held = self.bit[name]
            for other in self.names(self._after[name]):
                into = self._graph.into[other]
                waits = sum(1 for edge in into if self.bit.get(edge.source, 0) & held)
                count = self._early[other]
                if waits and (count is None or len(into) - waits < count):
                    held |= self.bit[other]
            self._waiting_for[name] = held & ~self.bit[name]
        return self._waiting_for[name]

    @cached_property
    def _concurrent(self) -> Mapping[str, int]:
        """Node → the nodes that a run may reach by a concurrent branch, in whatever order."""
        found = dict.fromkeys(self.order, 0)
        for name in self.order:
            for edges in self._forked(name):
                reached = [self.bit[edge.target] | self._after[edge.target] for edge in edges]
                before = list(accumulate(reached, or_, initial=0))
                after = list(accumulate(reached[::-1], or_, initial=0))[-2::-1]
                for index, own in enumerate(reached):
                    for one in self.names(own):
                        found[one] |= before[index] | after[index]
        return {
            name: others & ~self._exclusive[name] & ~self.bit[name]
            for name, others in found.items()
        }

    def _forked(self, name: str) -> Iterator[Sequence[GraphEdge]]:
        """Yield groups of edges of a node that are taken together."""
        exits = self._graph.exits[name]
        groups = (
            [self._graph.out(name)] if self._graph.nodes[name].every else [e.edges for e in exits]
        )
        yield from (edges for edges in groups if len(edges) > 1)

    @cached_property
    def _exclusive(self) -> Mapping[str, int]:
        """Node → the nodes on the other side of a choice.

        These are dominated by a node that dominates both, and are reached only by outcomes of it
        that do not lead to this node.
        """
        graph, tree = self._graph, self._graph.dominator_tree
        below = dict(self.bit)
        for name in reversed(self.order[1:]):
            below[tree.parent[name]] |= below[name]
        exclusive = {self.order[0]: 0}
        for name in self.order:
            outcomes = {exit_.outcome: index for index, exit_ in enumerate(graph.exits[name])}
            chosen = len(outcomes) > 1 and not graph.nodes[name].every
            by: dict[str, int] = {}
            for child in tree.children[name] if chosen else ():
                by[child] = 0
                for edge in graph.into[child]:
                    if edge.source == name:
                        by[child] |= 1 << outcomes[edge.outcome]
                    elif edge.source in tree.parent:
                        by[child] |= by[tree.ancestor(edge.source, tree.depth[name] + 1)]
            possible: dict[int, int] = {}
            for child in tree.children[name]:
                exclusive[child] = exclusive[name]
                if chosen:
                    mine = by[child]
                    if mine not in possible:
                        possible[mine] = sum(below[one] for one in by if by[one] & mine)
                    exclusive[child] |= below[name] & ~possible[mine] & ~self.bit[name]
        return exclusive

    @cached_property
    def _loops(self) -> list[tuple[int, int]]:
        """Per loop, inner ones first: its nodes, and its nodes with all that comes before."""
        found = []
        for loop in reversed(natural_loops(self._graph)):
            nodes = reduce(or_, (self.bit[name] for name in loop.nodes))
            found.append((nodes, self._with_ancestors(nodes)))
        return found

    def _armed_with(self, name: str) -> int:
        """Return the wait that `name` may trigger, or the trigger of the wait `name`."""
        found = 0
        for edge in (*self._graph.into[name], *self._graph.out(name)):
            if self._is_armed(edge.source, edge.target):
                found |= self.bit[edge.source if edge.target == name else edge.target]
        return found

    def _is_armed(self, trigger: str, wait: str) -> bool:
        graph = self._graph
        first, second = graph.nodes[trigger], graph.nodes[wait]
        return (
            first.drawn
            and second.drawn
            and not first.ruled
            and not second.ruled
            and first.node.kind.triggers
            and second.node.kind.awaits
            and len(graph.out(trigger)) == 1
            and len(graph.into[wait]) == 1
        )
