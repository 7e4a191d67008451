"""Finds the stop tails of a graph: nodes from which all paths lead to ends that stop the run.

An example is the notification of a rejection, with the end behind it. Once a branch reaches a stop
tail, the run is going to be stopped. So the tail runs at its first taken edge and ignores later
ones: several approvals can share one notification and one end for their rejections, and the first
rejection is handled at once.

A node at which branches join although nothing went wrong is no stop tail, even if every end behind
it stops the run: there the branches wait for each other. Nor is a join with an explicit mode.
"""

from dataclasses import replace

from proflow_compiler.graph.concurrency import Concurrency
from proflow_compiler.graph.loops import natural_loops
from proflow_compiler.graph.model import Exit, Graph, GraphEdge, GraphNode
from proflow_compiler.graph.runs import runs_of

_WRONG = ("rejected", "timeout", "returned", "error")
"""Outcomes of approvals, waits and steps which mean that something went wrong."""


def stop_tails(graph: Graph) -> tuple[frozenset[str], frozenset[str]]:
    """Find the stop tails of a graph, and the nodes that only handle failures.

    Returns:
        Two sets of node ids. First the stop tails, with the ends that stop the run. Then those
        nodes that only lead to such ends, and that a run reaches only if something went wrong
        (`Graph.failure_paths`). If the graph is cyclic or does not have exactly one start, the first set
        has only the ends, and the second is empty.
    """
    ends = frozenset(name for name, at in graph.nodes.items() if at.stops)
    if not ends or len(graph.starts) != 1 or not graph.acyclic:
        return ends, frozenset()
    bound = _bound_to_stop(graph)
    headers = frozenset(back_edge.edge.target for back_edge in graph.back)
    going_well = runs_of(_without_failures(graph), stopping=True, headers=headers)
    shared = {name for name in bound - ends if len(graph.into[name]) > 1}
    if shared:
        shared &= Concurrency(going_well).concurrent_edges.keys()
    tails = {name for name in bound - shared if graph.nodes[name].mode is None}
    return frozenset(tails), frozenset(bound - going_well.into.keys())


def _bound_to_stop(graph: Graph) -> set[str]:
    """Return the nodes from which all paths lead to ends that stop the run."""
    found: set[str] = set()
    for name in reversed(graph.topological):
        at = graph.nodes[name]
        exits = graph.exits[name]
        if at.stops or (
            (exits or graph.undrawn(name))
            and name not in graph.leading_nowhere
            and all(
                not exit_.back and all(edge.target in found for edge in exit_.edges)
                for exit_ in exits
            )
        ):
            found.add(name)
    return found


def _without_failures(graph: Graph) -> Graph:
    """Return the graph without the outcomes which mean that something went wrong."""
    exits = {
        name: tuple(exit_ for exit_ in found if not _goes_wrong(graph.nodes[name], exit_))
        for name, found in graph.exits.items()
    }
    into: dict[str, list[GraphEdge]] = {name: [] for name in graph.nodes}
    for found in exits.values():
        for exit_ in found:
            for edge in exit_.edges:
                into[edge.target].append(edge)
    return replace(graph, exits=exits, into={name: tuple(edges) for name, edges in into.items()})


def _goes_wrong(at: GraphNode, exit_: Exit) -> bool:
    return not at.ruled and not at.entry and exit_.outcome in _WRONG


def shared_tails(graph: Graph) -> frozenset[str]:
    """Find the stop tails that several branches of one run can reach, each for itself.

    Only stop tails follow them, so that no branch waits for another there. No edge into them leaves
    a loop, since the loop would have to be left first.
    """
    if not graph.tails or len(graph.starts) != 1 or not graph.acyclic:
        return frozenset()
    closed: set[str] = set()
    for name in reversed(graph.topological):
        if name in graph.tails and all(edge.target in closed for edge in graph.out(name)):
            closed.add(name)
    merging = [
        name
        for name in graph.topological
        if name in closed and name in graph.reachable and len(graph.into[name]) > 1
    ]
    if not any(not graph.nodes[name].stops for name in merging):
        return frozenset()
    headers = frozenset(back_edge.edge.target for back_edge in graph.back)
    concurrent = Concurrency(runs_of(graph, stopping=True, headers=headers)).concurrent_edges
    left = {
        edge.target
        for loop in natural_loops(graph)
        for name in loop.nodes
        for edge in graph.out(name)
        if edge.target not in loop.nodes
    }
    found = {name for name in merging if name in concurrent and name not in left}
    owner: dict[str, str | None] = {}
    """For each node, the shared tail that it follows; None if it follows none."""
    for name in graph.topological:
        above = {owner.get(edge.source) for edge in graph.into[name]}
        if name in found:
            owner[name] = name
        elif len(above) < 2:
            owner[name] = next(iter(above), None)
        elif name in left:
            return frozenset()
        else:
            # Several shared tails lead here, or one and another node: this node is shared as well.
            found.add(name)
            owner[name] = name
    return frozenset(name for name in found if not graph.nodes[name].stops)
