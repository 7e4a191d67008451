"""What leads only to ends that stop the run, told from the edges alone."""

from itertools import combinations

from proflow_compiler.graph import Exit, Graph, GraphEdge

WRONG = ("rejected", "timeout", "returned", "error")


def stop_tails(graph: Graph) -> frozenset[str]:
    """The nodes that start at their first taken edge."""
    if not any(at.stops for at in graph.nodes.values()):
        return frozenset()
    doomed: dict[str, bool] = {}
    for name in reversed(graph.topological):
        exits, undrawn = graph.exits[name], graph.undrawn(name)
        doomed[name] = graph.nodes[name].stops or (
            bool(exits or undrawn)
            and _all_drawn(graph, name)
            and not any(exit_.back for exit_ in exits)
            and all(doomed[edge.target] for exit_ in exits for edge in exit_.edges)
        )
    meets = _met_when_all_goes_well(graph)
    return frozenset(
        name
        for name, at in graph.nodes.items()
        if at.stops or (doomed[name] and at.mode is None and name not in meets)
    )


def _all_drawn(graph: Graph, name: str) -> bool:
    """Whether something follows each usual outcome; what is rejected or fails may be undrawn."""
    at = graph.nodes[name]
    if not at.drawn or at.ruled:
        return True
    drawn = {exit_.outcome for exit_ in graph.exits[name]}
    return {one for one in at.node.kind.outcomes if one not in WRONG} <= drawn


def _met_when_all_goes_well(graph: Graph) -> set[str]:
    """Nodes over two of whose edges one run may come although nothing goes wrong in it."""

    def well(name: str) -> list[Exit]:
        at = graph.nodes[name]
        usual = at.ruled or at.entry
        return [exit_ for exit_ in graph.exits[name] if usual or exit_.outcome not in WRONG]

    reached = {graph.starts[0]}
    together: set[frozenset[int]] = set()
    known: list[GraphEdge] = []
    for name in graph.topological:
        if name not in reached:
            continue
        into = [edge for edge in known if edge.target == name]
        beside = {
            edge.index
            for edge in known
            if any(frozenset((edge.index, one.index)) in together for one in into)
        }
        beside |= {one.index for one in into}
        out = [(exit_.outcome, edge) for exit_ in well(name) for edge in exit_.edges]
        for (outcome, edge), (other_outcome, other) in combinations(out, 2):
            ruled = [exit_ for exit_ in graph.exits[name] if not exit_.default]
            several = graph.nodes[name].every and {outcome, other_outcome} <= {
                exit_.outcome for exit_ in ruled
            }
            if outcome == other_outcome or several:
                together.add(frozenset((edge.index, other.index)))
        for _, edge in out:
            together |= {frozenset((edge.index, other)) for other in beside}
            reached.add(edge.target)
            known.append(edge)
    return {
        name
        for name in reached
        if any(
            frozenset((one.index, other.index)) in together
            for one, other in combinations(graph.into[name], 2)
        )
    }
