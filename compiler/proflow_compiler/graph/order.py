"""Orders nodes along the edges from the start, so that the order in the file does not matter."""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence

from proflow_compiler.design import Design, Edge
from proflow_compiler.graph.model import outcome_of


def canonical_order(design: Design, drawn: Mapping[str, Sequence[Edge]]) -> list[str]:
    """Return the ids of all nodes in depth-first order from the start.

    The nodes of a container begin with those that no edge leads to, by id.

    Args:
        design: The design.
        drawn: The edges out of each node. Edges of one outcome, and edges with rules, are followed
            in this order, since it has meaning.
    """
    led_to = {edge.target for edges in drawn.values() for edge in edges if edge.loop is None}
    starts = [name for name, node in design.nodes.items() if node.type == "start"]
    found: dict[str, None] = {}
    for root in (
        *sorted(starts),
        *sorted(name for name in design.nodes if name not in led_to),
        *sorted(design.nodes),
    ):
        stack = [root]
        while stack:
            name = stack.pop()
            if name not in found:
                found[name] = None
                stack += reversed([*_targets(design, name, drawn[name])])
    return list(found)


def _targets(design: Design, name: str, edges: Sequence[Edge]) -> Iterator[str]:
    node = design.nodes[name]
    if node.kind.rules:
        yield from (edge.target for edge in edges)
        return
    outcomes = list(node.kind.outcomes)
    by_outcome: dict[tuple[int, str], list[str]] = {}
    for edge in edges:
        outcome = outcome_of(node, edge)
        position = outcomes.index(outcome) if outcome in outcomes else len(outcomes)
        by_outcome.setdefault((position, outcome), []).append(edge.target)
    for key in sorted(by_outcome):
        yield from by_outcome[key]


def in_topological_order(names: Iterable[str], edges: Iterable[Edge]) -> list[str]:
    """Return the nodes in topological order, with ties in the order of `names`.

    Nodes on cycles, and nodes behind cycles, are left out.
    """
    ordered = list(names)
    position = {name: index for index, name in enumerate(ordered)}
    left = dict.fromkeys(ordered, 0)
    targets: dict[str, list[str]] = {name: [] for name in ordered}
    for edge in edges:
        left[edge.target] += 1
        targets[edge.source].append(edge.target)
    ready = [position[name] for name in ordered if not left[name]]
    found: list[str] = []
    while ready:
        name = ordered[heapq.heappop(ready)]
        found.append(name)
        for target in targets[name]:
            left[target] -= 1
            if not left[target]:
                heapq.heappush(ready, position[target])
    return found
