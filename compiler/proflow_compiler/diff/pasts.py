"""What may have happened, and what may be open as well, while a node of one level is open.

Sets of nodes are integers used as bits, numbered in topological order. Both are upper bounds; of
what no run does they hold at most pairs that only a closer look at choices would tell apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, reduce
from itertools import accumulate
from operator import or_

from proflow_compiler.graph import Graph, GraphEdge
from proflow_compiler.graph.loops import natural_loops


class Pasts:
    """Of one level of a design with one start, whose forward graph is acyclic."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.order = [name for name in graph.topological if name in graph.reachable]
        self.bit = {name: 1 << index for index, name in enumerate(self.order)}
        self._early = {name: graph.needs(name) for name in self.order}
        self._any_early = any(count is not None for count in self._early.values())
        self._held_by: dict[str, int] = {}
        self._ways: dict[str, Mapping[str, str]] = {}

    def names(self, bits: int) -> Iterator[str]:
        """The nodes of a set, in topological order."""
        while bits:
            lowest = bits & -bits
            yield self.order[lowest.bit_length() - 1]
            bits ^= lowest

    def started(self, name: str) -> int:
        """What may have started while `name` is open; itself only if a loop leads back to it."""
        free = self._beside[name] & ~self._held(name)
        found = self._with_ancestors(free | self.before[name] | self._armed_along(name))
        for loop, nodes in self._loops:
            # What stands before a loop is before all of it, so one look at each will do, from the
            # inner ones outwards.
            if (found | self.bit[name]) & loop:
                found |= nodes
        return found

    def open(self, name: str) -> int:
        """What may be open at the same time."""
        found = self._beside[name] & ~self._held(name) & ~self.before[name]
        if self._any_early:
            found |= sum(
                self.bit[other]
                for other in self.names(self.before[name])
                if not self._held(other) & self.bit[name]
            )
        return found | self._armed_along(name)

    def way(self, name: str, over: str | None = None) -> list[str]:
        """A shortest way of drawn nodes from the start to `name`, over another node if it can be."""
        start = self._graph.starts[0]
        if over is not None and over in self.bit and self.bit[over] & self.before[name]:
            return [*self._way(start, over), *self._way(over, name)[1:]]
        return self._way(start, name)

    def _way(self, source: str, target: str) -> list[str]:
        came = self._came_from(source)
        path = [target]
        while path[-1] != source:
            path.append(came[path[-1]])
        return [one for one in reversed(path) if self._graph.nodes[one].drawn]

    def _came_from(self, source: str) -> Mapping[str, str]:
        """For each node that `source` leads to, the one before it on a shortest way there."""
        if source not in self._ways:
            came = {source: source}
            queue = [source]
            for at in queue:
                for edge in self._graph.out(at):
                    if edge.target not in came:
                        came[edge.target] = at
                        queue.append(edge.target)
            self._ways[source] = came
        return self._ways[source]

    @cached_property
    def before(self) -> Mapping[str, int]:
        """For each node, those with a path to it."""
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
        """Nodes of a set whose ancestors hold the ancestors of all of it."""
        while bits:
            name = self.order[bits.bit_length() - 1]
            yield name
            bits &= ~(self.bit[name] | self.before[name])

    def _held(self, name: str) -> int:
        """What cannot start before `name` is settled."""
        if not self._any_early:
            return self._after[name]
        if name not in self._held_by:
            held = self.bit[name]
            for other in self.names(self._after[name]):
                into = self._graph.into[other]
                waits = sum(1 for edge in into if self.bit.get(edge.source, 0) & held)
                count = self._early[other]
                if waits and (count is None or len(into) - waits < count):
                    held |= self.bit[other]
            self._held_by[name] = held & ~self.bit[name]
        return self._held_by[name]

    @cached_property
    def _beside(self) -> Mapping[str, int]:
        """For each node, those that a run may come to by another branch, whatever the order."""
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
        """The edges that a node starts at once."""
        exits = self._graph.exits[name]
        ways = (
            [self._graph.out(name)] if self._graph.nodes[name].every else [e.edges for e in exits]
        )
        yield from (edges for edges in ways if len(edges) > 1)

    @cached_property
    def _exclusive(self) -> Mapping[str, int]:
        """For each node, those on the other side of a choice: below outcomes of a node that leads to
        both, none of which leads to this one."""
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
        """The nodes of each loop, inner ones first, and those with what comes before them."""
        found = []
        for loop in reversed(natural_loops(self._graph)):
            nodes = reduce(or_, (self.bit[name] for name in loop.nodes))
            found.append((nodes, self._with_ancestors(nodes)))
        return found

    def _armed_along(self, name: str) -> int:
        """The wait that is armed together with what triggers its event, or the other way round."""
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
