"""Which links of a round can be taken in one run."""

from collections.abc import Mapping
from dataclasses import dataclass

from proflow_compiler.graph.concurrency import Concurrency, Watched
from proflow_compiler.graph.model import Exit, GraphEdge
from proflow_compiler.structuring.places import Round


def meeting_places(round_: Round) -> frozenset[str]:
    """The places that one run can come to over two links."""
    if not _forks(round_):
        return frozenset()
    return frozenset(Concurrency(_Branching.of(round_)).concurrent_edges)


def taken_together(round_: Round, exits: Mapping[str, str]) -> bool:
    """Whether one run can come to places of two different exits.

    Args:
        round_: The round.
        exits: The exit that each of some places is of.
    """
    if len(set(exits.values())) < 2 or not _forks(round_):
        return False
    bits: dict[str, int] = {}
    for exit_ in exits.values():
        bits.setdefault(exit_, 1 << len(bits))
    watched: Watched = {(name, None): bits[exit_] for name, exit_ in exits.items()}
    beside = Concurrency(_Branching.of(round_), watched).concurrent
    return any(beside.get((name, None), 0) & ~bits[exit_] for name, exit_ in exits.items())


def _forks(round_: Round) -> bool:
    return any(place.forks for place in round_.places.values())


@dataclass(frozen=True)
class _Branching:
    """A round, as `Concurrency` looks at it."""

    round: Round
    order: tuple[str, ...]
    exits: Mapping[str, tuple[Exit, ...]]
    into: Mapping[str, list[GraphEdge]]

    @classmethod
    def of(cls, round_: Round) -> "_Branching":
        into: dict[str, list[GraphEdge]] = {name: [] for name in round_.places}
        exits: dict[str, tuple[Exit, ...]] = {}
        number = 0
        for name in round_.topological:
            found: list[Exit] = []
            for way in round_.places[name].ways:
                edges: list[GraphEdge] = []
                for link in way.links:
                    edges.append(GraphEdge(number, name, link.target, way.outcome, None))
                    into[link.target].append(edges[-1])
                    number += 1
                found.append(Exit(way.outcome, tuple(edges)))
            exits[name] = tuple(found)
        return cls(round_, round_.topological, exits, into)

    def every(self, name: str) -> bool:
        """Whether a place can be left by several outcomes at once."""
        return self.round.places[name].every
