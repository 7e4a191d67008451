"""PF206: a way back without a bound."""

from collections import deque
from collections.abc import Iterator

import networkx as nx

from proflow_compiler.checks.certainty import drawn_path
from proflow_compiler.checks.facts import Facts
from proflow_compiler.checks.rule import Rule
from proflow_compiler.checks.sites import place_of, pointed
from proflow_compiler.checks.wording import ticks
from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.graph import Graph, GraphEdge

_MOST = 20
"""Cycles reported per design: they often share edges, and mending one mends many."""

RULE = Rule(
    code="PF206",
    name="unbounded-cycle",
    level=Level.ERROR,
    summary="edges that lead round in a circle without a bound, and prints the circle",
    why="""
A circle is a loop, and a loop needs a bound: else a run could go round for ever. One edge of the
circle says how often it may be taken, by `data.loop`; the `returned` edge of an approval is taken
ten times at most if it does not say. Without that nobody can tell which edge leads back, and every
node of the circle would wait for the one before it.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "draft", "type": "task", "data": {"handler": "draft"}},
    {"id": "check", "type": "approval"},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "draft"},
    {"source": "draft", "target": "check"},
    {"source": "check", "target": "done"},
    {"source": "check", "target": "draft", "sourceHandle": "rejected"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "draft", "type": "task", "data": {"handler": "draft"}},
    {"id": "check", "type": "approval"},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "draft"},
    {"source": "draft", "target": "check"},
    {"source": "check", "target": "done"},
    {"source": "check", "target": "draft", "sourceHandle": "rejected",
     "data": {"loop": {"max": 3}}}
  ]
}
""",
    fix="""
Give the edge that leads back a bound: `"data": {"loop": {"max": 3}}`. Or remove it, and draw what
should happen the second time behind it.
""",
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for level in facts.levels:
        if not level.graph.acyclic:
            yield from _check(level.graph)


def _check(graph: Graph) -> Iterator[Diagnostic]:
    distance = _distances(graph)
    left: nx.DiGraph[str] = nx.DiGraph(graph.digraph.subgraph(distance))
    for _ in range(_MOST):
        parts = [part for part in nx.strongly_connected_components(left) if _turns(left, part)]
        if not parts:
            return
        for part in sorted(parts, key=lambda part: min(distance[name] for name in part)):
            cycle = _shortest(left, part, min(part, key=distance.__getitem__))
            left.remove_edge(cycle[-2], cycle[-1])
            yield _diagnostic(graph, cycle)


def _diagnostic(graph: Graph, cycle: list[str]) -> Diagnostic:
    back = _edge(graph, cycle[-2], cycle[-1])
    path = drawn_path(graph, cycle)
    entry = graph.nodes[cycle[-1]].node
    return RULE.diagnostic(
        f"the edges lead round in a circle, back to {ticks(entry.id)}",
        pointed(back.edge.pointer, "target") if back.edge is not None else place_of(entry),
        node=entry.id,
        edge=back.edge.key if back.edge is not None else None,
        label="leads back",
        path=path,
        help='say how often it may lead back: `"data": {"loop": {"max": 3}}`',
    )


def _distances(graph: Graph) -> dict[str, tuple[int, int]]:
    """How far each node is from a start, and its place in the file, which breaks ties.

    Over ways back too: a circle may be where nothing else leads to.
    """
    place = {name: index for index, name in enumerate(graph.nodes)}
    found = {name: (0, place[name]) for name in graph.starts or graph.nodes}
    queue = deque(found)
    while queue:
        name = queue.popleft()
        back = (way.edge for exit_ in graph.exits[name] for way in exit_.back)
        for edge in (*graph.out(name), *back):
            if edge.target not in found:
                found[edge.target] = (found[name][0] + 1, place[edge.target])
                queue.append(edge.target)
    return found


def _turns(digraph: "nx.DiGraph[str]", part: set[str]) -> bool:
    return len(part) > 1 or any(digraph.has_edge(name, name) for name in part)


def _shortest(digraph: "nx.DiGraph[str]", part: set[str], entry: str) -> list[str]:
    """A shortest cycle through `entry` within its strongly connected component."""
    came: dict[str, str] = {}
    queue = deque([entry])
    while True:
        name = queue.popleft()
        for target in digraph.successors(name):
            if target == entry:
                path = [entry, name]
                while path[-1] != entry:
                    path.append(came[path[-1]])
                return path[::-1] if len(path) > 2 or name != entry else [entry, entry]
            if target in part and target not in came:
                came[target] = name
                queue.append(target)


def _edge(graph: Graph, source: str, target: str) -> GraphEdge:
    return next(edge for edge in graph.out(source) if edge.target == target)
