"""Tells which edges of a body can be taken in the same run."""

from collections.abc import Mapping
from dataclasses import dataclass

from proflow_compiler.graph.concurrency import Concurrency, Watched
from proflow_compiler.graph.model import Exit as GraphExit
from proflow_compiler.graph.model import GraphEdge
from proflow_compiler.structuring.bodies import Body


def concurrently_reached(body: Body) -> frozenset[str]:
    """Return the vertices that a single run can reach by two different edges."""
    if not _forks(body):
        return frozenset()
    return frozenset(Concurrency(_Branching.of(body)).concurrent_edges)


def exits_concurrent(body: Body, exit_of: Mapping[str, str]) -> bool:
    """Return True if a single run can take two different exits of a loop.

    Args:
        body: The body of the loop.
        exit_of: Vertex that records an exit → name of that exit.
    """
    if len(set(exit_of.values())) < 2 or not _forks(body):
        return False
    bits: dict[str, int] = {}
    for exit_ in exit_of.values():
        bits.setdefault(exit_, 1 << len(bits))
    watched: Watched = {(name, None): bits[exit_] for name, exit_ in exit_of.items()}
    beside = Concurrency(_Branching.of(body), watched).concurrent
    return any(beside.get((name, None), 0) & ~bits[exit_] for name, exit_ in exit_of.items())


def _forks(body: Body) -> bool:
    return any(vertex.forks for vertex in body.vertices.values())


@dataclass(frozen=True)
class _Branching:
    """Presents a body as the graph that `Concurrency` analyses."""

    body: Body
    order: tuple[str, ...]
    exits: Mapping[str, tuple[GraphExit, ...]]
    into: Mapping[str, list[GraphEdge]]

    @classmethod
    def of(cls, body: Body) -> "_Branching":
        """Translate a body into the terms of the graph."""
        into: dict[str, list[GraphEdge]] = {name: [] for name in body.vertices}
        exits: dict[str, tuple[GraphExit, ...]] = {}
        number = 0
        for name in body.topological:
            found: list[GraphExit] = []
            for exit_ in body.vertices[name].exits:
                graph_edges: list[GraphEdge] = []
                for edge in exit_.edges:
                    graph_edges.append(GraphEdge(number, name, edge.target, exit_.outcome, None))
                    into[edge.target].append(graph_edges[-1])
                    number += 1
                found.append(GraphExit(exit_.outcome, tuple(graph_edges)))
            exits[name] = tuple(found)
        return cls(body, body.topological, exits, into)

    def every(self, name: str) -> bool:
        """Return True if a vertex can be left by several outcomes at once."""
        return self.body.vertices[name].every
