"""PF204: a node that no run comes to."""

from collections.abc import Iterator

import networkx as nx

from proflow_compiler.checks.facts import Facts
from proflow_compiler.checks.rule import Rule
from proflow_compiler.checks.sites import place_of
from proflow_compiler.checks.wording import ticks
from proflow_compiler.diagnostics import Diagnostic, Level

RULE = Rule(
    code="PF204",
    name="unreachable-node",
    level=Level.ERROR,
    summary="a node that cannot be reached from the `start`",
    why="""
No path leads from the `start` to the node, so it would never run. Usually an edge was forgotten or
was deleted together with a node before it. Reported is the first node of each part of the drawing
that hangs in the air; those behind it are reached as soon as it is.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "archive", "type": "task", "data": {"handler": "archive"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "done"},
    {"source": "archive", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "archive", "type": "task", "data": {"handler": "archive"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "archive"},
    {"source": "archive", "target": "done"}
  ]
}
""",
    fix="Draw an edge that leads to the node, or remove the node.",
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    graph = facts.graph
    if not graph.starts or len(graph.reachable) == len(graph.nodes):
        return
    lost = graph.digraph.subgraph(name for name in graph.nodes if name not in graph.reachable)
    parts = nx.condensation(lost)
    place = {name: index for index, name in enumerate(graph.nodes)}
    heads = [
        min(parts.nodes[part]["members"], key=place.__getitem__)
        for part, edges_in in parts.in_degree()
        if edges_in == 0
    ]
    for name in sorted(heads, key=place.__getitem__):
        yield RULE.diagnostic(
            f"no path leads from the start to {ticks(name)}",
            place_of(graph.nodes[name].node),
            node=name,
            label="never runs",
            help="draw an edge that leads here, or remove the node",
        )
