"""Which nodes one run can take both of, and which of those can be at work at the same time.

Two edges can be taken in one run if their sources are one node left by one outcome, or if an edge
into the later source is the other edge or can be taken together with it. Exact for acyclic graphs
whose choices are independent. That relation has as many entries as there are pairs of edges, so
most pairs are ruled out before, by sets of nodes (bits of an integer): nodes on the way to each
other, and nodes below different outcomes of one node.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, reduce
from itertools import combinations, product
from operator import or_

from proflow_compiler.checks.certainty import Certainty
from proflow_compiler.checks.weight import Weights, is_fork
from proflow_compiler.graph import Graph, GraphEdge

_MOST_PAIRS = 100_000
"""Pairs of edges looked at for one design, a few tenths of a second; beyond, it is unknown."""


_FEW = 64
"""A node that more outcomes than these lead to is not held apart from any other."""


class Concurrency:
    """What can happen in one run of an acyclic graph with one start."""

    def __init__(self, graph: Graph, certainty: Certainty) -> None:
        self._graph = graph
        self._certainty = certainty
        self._rank = graph.rank
        self._known: dict[tuple[int, int], bool] = {}

    def clashes(self, groups: Sequence[Collection[str]]) -> Iterator[tuple[str, str, bool]]:
        """Nodes of different groups (or of the only one) that may be at work at the same time.

        At most one pair per node, with one before it in topological order, and whether it is
        certain; of pairs that are not, only the first.
        """
        bit = self._certainty.bit
        masks = [sum(bit[name] for name in group) for group in groups]
        everything = sum(masks)
        doubted = False
        for group, mask in zip(groups, masks, strict=True):
            others = everything & ~mask if len(groups) > 1 else mask
            for name in sorted(group, key=self._rank.__getitem__):
                found = self._first(
                    name,
                    others
                    & (bit[name] - 1)
                    & ~self._certainty.before[name]
                    & ~self._exclusive[name]
                    & ~self._sequential[name],
                )
                if found is not None and (found[1] or not doubted):
                    doubted = doubted or not found[1]
                    yield found[0], name, found[1]

    def _first(self, name: str, candidates: int) -> tuple[str, bool] | None:
        unknown: str | None = None
        while candidates:
            lowest = candidates & -candidates
            candidates ^= lowest
            other = self._certainty.order[lowest.bit_length() - 1]
            verdict = self.both(other, name)
            if verdict:
                return other, True
            if verdict is None and unknown is None:
                unknown = other
        return None if unknown is None else (unknown, False)

    def both(self, x: str, y: str) -> bool | None:
        """Whether a run can take two different nodes; None if that takes too long to tell."""
        if self._certainty.precedes(x, y) or self._certainty.precedes(y, x):
            return True
        return self._any(
            (e, f)
            for e in self._graph.into[x]
            for f in self._graph.into[y]
            if e.source in self._certainty.bit and f.source in self._certainty.bit
        )

    def edges(self, e: GraphEdge, f: GraphEdge) -> bool | None:
        """Whether a run can take two different edges; None if that takes too long to tell."""
        if self._certainty.bit[e.source] & self._exclusive[f.source]:
            return False
        return self._any([(e, f)])

    def possible_pairs(self, edges: Sequence[GraphEdge]) -> Iterator[tuple[GraphEdge, GraphEdge]]:
        """Pairs of edges that are not obviously exclusive."""
        by_source: dict[str, list[GraphEdge]] = {}
        for edge in edges:
            by_source.setdefault(edge.source, []).append(edge)
        seen = 0
        for source in sorted(by_source, key=self._rank.__getitem__):
            own = by_source[source]
            yield from (pair for pair in combinations(own, 2) if pair[0].outcome == pair[1].outcome)
            earlier = seen & ~self._exclusive[source]
            while earlier:
                lowest = earlier & -earlier
                earlier ^= lowest
                others = by_source[self._certainty.order[lowest.bit_length() - 1]]
                yield from product(others, own)
            seen |= self._certainty.bit[source]

    def _any(self, pairs: Iterable[tuple[GraphEdge, GraphEdge]]) -> bool | None:
        """Whether one of these pairs of edges can be taken in one run."""
        known, rank = self._known, self._rank
        stack = list(pairs)
        seen: set[tuple[int, int]] = set()
        while stack:
            e, f = stack.pop()
            if rank[e.source] > rank[f.source]:
                e, f = f, e
            key = (e.index, f.index)
            if key in seen or known.get(key) is False:
                continue
            if len(known) + len(seen) > _MOST_PAIRS:
                return None
            seen.add(key)
            if e.source == f.source:
                if e.outcome == f.outcome:
                    return True
                continue
            for into in self._graph.into[f.source]:
                if into.source not in self._certainty.bit:
                    continue
                if into.index == e.index:
                    return True
                if self._certainty.bit[e.source] & self._exclusive[into.source] == 0:
                    stack.append((e, into))
        known.update(dict.fromkeys(seen, False))
        return False

    @cached_property
    def _exclusive(self) -> dict[str, int]:
        """For each node, nodes that no run takes with it: those below other outcomes of one node.

        Not all of them, but those told by which outcomes of a dominator lead to a node at all.
        """
        tree, order = self._graph.dominator_tree, self._certainty.order
        below = dict(self._certainty.bit)
        for name in reversed(order[1:]):
            below[tree.parent[name]] |= below[name]
        exclusive: dict[str, int] = {order[0]: 0}
        for name in order:
            for child, possible in self._possible(name, below).items():
                exclusive[child] = exclusive[name] | (below[name] & ~possible)
        return exclusive

    def _possible(self, name: str, below: Mapping[str, int]) -> dict[str, int]:
        """For each child of a node in the dominator tree, the nodes that can be taken with it."""
        graph, tree = self._graph, self._graph.dominator_tree
        number = {exit_.outcome: index for index, exit_ in enumerate(graph.exits[name])}
        if len(number) < 2:
            return dict.fromkeys(tree.children[name], below[name])
        by: dict[str, int] = {}
        under = [self._certainty.bit[name]] * len(number)
        for child in tree.children[name]:
            outcomes = 0
            for edge in graph.into[child]:
                if edge.source == name:
                    outcomes |= 1 << number[edge.outcome]
                elif edge.source in tree.parent:
                    outcomes |= by[tree.ancestor(edge.source, tree.depth[name] + 1)]
            by[child] = outcomes
            if outcomes.bit_count() <= _FEW:
                for index in _indices(outcomes):
                    under[index] |= below[child]
        many = 0
        for child, outcomes in by.items():
            if outcomes.bit_count() > _FEW:
                many |= below[child]
        return {
            child: below[name]
            if outcomes.bit_count() > _FEW
            else many | reduce(or_, (under[index] for index in _indices(outcomes)))
            for child, outcomes in by.items()
        }

    @cached_property
    def _sequential(self) -> dict[str, int]:
        """For each node, nodes that never work at the same time, as nothing forks around both.

        Two nodes can work at once only if a fork leads to both by different edges. Below a node
        that forks nothing, and below which every fork is left by one edge at most, only forks that
        dominate one of the two could: so all that no fork there dominates follow each other.
        """
        graph, tree, order = self._graph, self._graph.dominator_tree, self._certainty.order
        single = Weights(graph).single
        forks = {name for name in order if is_fork(graph, name)}
        calm: dict[str, bool] = {}
        free: dict[str, int] = {}
        for name in reversed(order):
            children = tree.children[name]
            calm[name] = (name not in forks or name in single) and all(
                calm[child] for child in children
            )
            free[name] = self._certainty.bit[name]
            if name not in forks:
                for child in children:
                    free[name] |= free[child]
        sequential: dict[str, int] = {order[0]: 0}
        inside: dict[str, int] = {}
        for name in order:
            own = inside.get(name, free[name] if calm[name] else 0)
            for child in tree.children[name]:
                sequential[child] = own if name not in forks else 0
                if name not in forks and own:
                    inside[child] = own
        return sequential


def _indices(bits: int) -> Iterator[int]:
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
