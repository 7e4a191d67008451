"""The acyclic graphs that are structured one at a time.

A *body* is the main level of a design, one item of a container or one iteration of a loop. Its
*vertices* are mostly nodes. A loop inside a body is a single vertex, which holds the loop's own
body; a back edge ends that body. Edges that leave the body of a loop or container lead to its
*finish*, a vertex without a statement that represents whatever follows the whole loop or container.
"""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from proflow_compiler.graph import GraphEdge
from proflow_compiler.structuring.program import Again, Call, Container, Leave, Repeat, Step


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge to the vertex `target`; `origin` is the graph's edge, or None if it has none."""

    target: str
    origin: GraphEdge | None = None


@dataclass(frozen=True, slots=True)
class Exit:
    """An outcome of a vertex, and the edges that are all taken when it is chosen."""

    outcome: str
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Vertex:
    """One statement of a body, and its exits.

    Attributes:
        name: Unique in the design; that of the node, if the vertex is one.
        statement: What the vertex runs; only a finish has none.
        outcome_of: The id whose outcome chooses the exit.
        exits: One for each drawn outcome.
        undrawn: Outcomes that end the run.
        every: True if all exits whose outcomes were chosen are taken, not just one.
        takes_time: False if the vertex completes in the same instant it starts.
        needs: How many taken edges into it are enough to start it.
        full: True if it needs every edge into it, and is skipped otherwise.
        inner: The body that a loop or a container repeats.
    """

    name: str
    statement: Step | Container | Repeat | Again | Leave | Call | None
    outcome_of: str
    exits: tuple[Exit, ...] = ()
    undrawn: tuple[str, ...] = ()
    every: bool = False
    takes_time: bool = False
    needs: int | None = None
    full: bool = False
    inner: "Body | None" = None

    @property
    def node(self) -> str:
        """The node that the vertex is, or ends with."""
        return self.name if self.statement is None else self.statement.node

    def targets(self) -> Iterator[str]:
        """Yield the target of each edge; a vertex may occur several times."""
        return (edge.target for exit_ in self.exits for edge in exit_.edges)

    @property
    def counts(self) -> bool:
        """True if it matters how many edges into the vertex are taken."""
        return self.full or self.needs is not None

    @property
    def forks(self) -> bool:
        """True if several edges out of the vertex can be taken at once."""
        return self.every or any(len(exit_.edges) > 1 for exit_ in self.exits)


@dataclass(frozen=True)
class Body:
    """An acyclic graph: vertices by name, in file order, all of them reachable from `root`."""

    root: str
    vertices: Mapping[str, Vertex]
    finish: str | None = None
    tails: "Mapping[str, Body]" = field(default_factory=dict)
    """The bodies of shared stop tails, by the function that the vertices leading there call."""

    @cached_property
    def topological(self) -> tuple[str, ...]:
        """The vertices in topological order; file order breaks ties."""
        rank = {name: index for index, name in enumerate(self.vertices)}
        names = list(self.vertices)
        open_edges = dict.fromkeys(names, 0)
        for vertex in self.vertices.values():
            for target in vertex.targets():
                open_edges[target] += 1
        ready = [rank[name] for name, count in open_edges.items() if not count]
        heapq.heapify(ready)
        order: list[str] = []
        while ready:
            name = names[heapq.heappop(ready)]
            order.append(name)
            for target in self.vertices[name].targets():
                open_edges[target] -= 1
                if not open_edges[target]:
                    heapq.heappush(ready, rank[target])
        if len(order) < len(names):
            raise ValueError("only an acyclic graph has a topological order")
        return tuple(order)
