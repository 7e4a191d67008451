"""Loops that are drawn: which round of each a run is in."""

from collections import Counter
from dataclasses import dataclass, field

from proflow_compiler.graph import BackEdge, Graph, GraphEdge
from proflow_compiler.graph.loops import Loop, natural_loops


@dataclass
class Round:
    """A round of a loop. `again` is the way back that was taken in it; `over`: it was the last.

    `held` are the edges that leave the loop, and whether they were taken; they wait until it is
    over.
    """

    loop: Loop
    over: bool = False
    again: BackEdge | None = None
    held: dict[GraphEdge, bool] = field(default_factory=dict)
    returns: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each way back was taken since the loop was entered from outside."""

    def left_by(self, edge: GraphEdge) -> bool:
        return edge.source in self.loop.nodes and edge.target not in self.loop.nodes

    def takes(self, way: BackEdge) -> int:
        """A way back is taken; how often it was."""
        self.again = way
        key = way.edge.source, way.edge.outcome
        self.returns[key] += 1
        return self.returns[key]

    def enter_anew(self) -> None:
        """The loop around this one goes into its next round."""
        self.over, self.again = False, None
        self.held.clear()
        self.returns.clear()


def rounds_of(graph: Graph) -> list[Round]:
    """The first rounds of all loops, inner ones first."""
    return [Round(loop) for loop in reversed(natural_loops(graph))]
