"""What is structured at once: a level of a design, an item of a container, one round of a loop.

A *round* is an acyclic graph of *places*, most of which are nodes. A loop within it is one place,
whose body is a round of its own; a way back ends its round. Where edges leave a body or an item,
they lead to its *finish*, a place that runs nothing: what follows the whole.
"""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from proflow_compiler.graph import GraphEdge
from proflow_compiler.structuring.program import Again, Call, Container, Leave, Repeat, Step


@dataclass(frozen=True, slots=True)
class Link:
    """Leads to a place; `edge` is the edge of the graph, None where none is drawn."""

    target: str
    edge: GraphEdge | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """An outcome of a place, and where it leads, all at once."""

    outcome: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """What stands at one place of a round, and where it leads.

    `settles` is the id whose outcome it goes on by: of every way whose outcome was taken (`every`),
    or of the only one. `undrawn` outcomes end the run. `needs`: so many taken links are enough for
    it to go on; `full`: it needs every link, and is skipped without. Only a finish has no
    statement. `inner` is what a loop or a container repeats.
    """

    name: str
    statement: Step | Container | Repeat | Again | Leave | Call | None
    settles: str
    ways: tuple[Way, ...] = ()
    undrawn: tuple[str, ...] = ()
    every: bool = False
    takes_time: bool = False
    needs: int | None = None
    full: bool = False
    inner: "Round | None" = None

    @property
    def node(self) -> str:
        """The node that it is, or ends with."""
        return self.name if self.statement is None else self.statement.node

    def targets(self) -> Iterator[str]:
        return (link.target for way in self.ways for link in way.links)

    @property
    def counts(self) -> bool:
        """Whether it matters how many links into it are taken."""
        return self.full or self.needs is not None

    @property
    def forks(self) -> bool:
        """Whether it can lead to several places at once."""
        return self.every or any(len(way.links) > 1 for way in self.ways)


@dataclass(frozen=True)
class Round:
    """Places by name, in file order, all of which the root leads to."""

    root: str
    places: Mapping[str, Place]
    finish: str | None = None
    tails: "Mapping[str, Round]" = field(default_factory=dict)
    """The rounds of stop tails that places call, by the function that runs them."""

    @cached_property
    def topological(self) -> tuple[str, ...]:
        """All places, each after those that lead to it, ties in file order."""
        rank = {name: index for index, name in enumerate(self.places)}
        names = list(self.places)
        open_links = dict.fromkeys(names, 0)
        for place in self.places.values():
            for target in place.targets():
                open_links[target] += 1
        ready = [rank[name] for name, count in open_links.items() if not count]
        heapq.heapify(ready)
        order: list[str] = []
        while ready:
            name = names[heapq.heappop(ready)]
            order.append(name)
            for target in self.places[name].targets():
                open_links[target] -= 1
                if not open_links[target]:
                    heapq.heappush(ready, rank[target])
        if len(order) < len(names):
            raise ValueError("only an acyclic graph has a topological order")
        return tuple(order)
