"""Which nodes one run can take both of, and which of those can be at work at the same time.

Two edges can be taken in one run if their sources are one node left by one outcome, or if an edge
into the later source is the other edge or can be taken together with it. Exact for acyclic graphs
whose choices are independent. That relation has as many entries as there are pairs of edges, so
most pairs are ruled out before, by sets of nodes (bits of an integer): nodes on the way to each
other, and nodes below different outcomes of one node.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import combinations, product

from proflow_compiler.checks.certainty import Certainty
from proflow_compiler.graph import Graph, GraphEdge

_MOST_PAIRS = 300_000
"""Pairs of edges looked at for one design, about half a second; beyond, the answer is unknown."""


class Concurrency:
    """What can happen in one run of an acyclic graph with one start."""

    def __init__(self, graph: Graph, certainty: Certainty) -> None:
        self._graph = graph
        self._certainty = certainty
        self._rank = graph.rank
        self._known: dict[tuple[int, int], bool] = {}

    def clashes(
        self, groups: Sequence[Collection[str]], *, at_once: bool
    ) -> Iterator[tuple[str, str, bool]]:
        """Nodes of different groups that one run can take both of: at most one pair per node.

        Each node comes with one before it in topological order, and with whether it is certain.
        `at_once`: only nodes that may be at work at the same time, so not one after the other.
        """
        bit = self._certainty.bit
        masks = [sum(bit[name] for name in group) for group in groups]
        everything = 0
        for mask in masks:
            everything |= mask
        for group, mask in zip(groups, masks, strict=True):
            others = everything & ~mask if len(groups) > 1 else mask
            for name in sorted(group, key=self._rank.__getitem__):
                earlier = others & (bit[name] - 1) & ~self._exclusive[name]
                if at_once:
                    earlier &= ~self._certainty.before[name]
                found = self._first(name, earlier)
                if found is not None:
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

        Only nodes that a single edge leads below are told apart; the rest is for the search.
        """
        graph, tree, bit = self._graph, self._graph.dominator_tree, self._certainty.bit
        below = dict(bit)
        for name in reversed(self._certainty.order):
            if tree.parent[name] != name:
                below[tree.parent[name]] |= below[name]
        single: dict[tuple[str, str], int] = {}
        all_single: dict[str, int] = {}
        for name in self._certainty.order:
            reached = [edge for edge in graph.into[name] if edge.source in bit]
            if len(reached) == 1:
                (edge,) = reached
                key = (edge.source, edge.outcome)
                single[key] = single.get(key, 0) | below[name]
                all_single[edge.source] = all_single.get(edge.source, 0) | below[name]
        exclusive: dict[str, int] = {}
        allowed: dict[str, int] = {}
        for name in self._certainty.order:
            above = tree.parent[name]
            if above == name:
                exclusive[name] = 0
                continue
            possible = 0
            for edge in graph.into[name]:
                if edge.source == above:
                    possible |= single.get((above, edge.outcome), 0)
                elif edge.source in bit:
                    possible |= allowed[tree.ancestor(edge.source, tree.depth[above] + 1)]
            allowed[name] = possible
            exclusive[name] = exclusive[above] | (all_single.get(above, 0) & ~possible)
        return exclusive
