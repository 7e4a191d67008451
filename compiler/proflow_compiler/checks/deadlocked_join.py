"""PF210: a `join: all` that some run does not bring all its branches to."""

from collections.abc import Iterator

from proflow_compiler.checks.certainty import needs_all
from proflow_compiler.checks.facts import Facts
from proflow_compiler.checks.graph_facts import GraphFacts
from proflow_compiler.checks.rule import Rule
from proflow_compiler.checks.sites import place_of, pointed
from proflow_compiler.checks.wording import ticks
from proflow_compiler.design import Node
from proflow_compiler.diagnostics import Diagnostic, Level, Related
from proflow_compiler.graph import GraphEdge

_MOST_WALKED = 300_000
"""Nodes gone through in search of paths; joins found after that are reported without one."""

RULE = Rule(
    code="PF210",
    name="deadlocked-join",
    level=Level.ERROR,
    summary="a join of mode `all` that, on some run, not every edge in is taken to",
    why="""
`all` promises that whenever the join is come to, every branch comes. If one of them can be left out,
the join would wait for it for ever. The message shows a run that leaves one out. `active` waits for
the branches that are really on their way, and is what is usually meant.

Choices are taken to be independent of each other, even where two conditions ask for the same.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "amount", "type": "condition"},
    {"id": "legal", "type": "approval"},
    {"id": "finance", "type": "approval"},
    {"id": "sign", "type": "join", "data": {"mode": "all"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "amount"},
    {"source": "begin", "target": "finance"},
    {"source": "amount", "target": "legal", "data": {"when": "event.data.amount > 100"}},
    {"source": "amount", "target": "sign"},
    {"source": "legal", "target": "sign"},
    {"source": "finance", "target": "sign"},
    {"source": "sign", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "amount", "type": "condition"},
    {"id": "legal", "type": "approval"},
    {"id": "finance", "type": "approval"},
    {"id": "sign", "type": "join", "data": {"mode": "active"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "amount"},
    {"source": "begin", "target": "finance"},
    {"source": "amount", "target": "legal", "data": {"when": "event.data.amount > 100"}},
    {"source": "amount", "target": "sign"},
    {"source": "legal", "target": "sign"},
    {"source": "finance", "target": "sign"},
    {"source": "sign", "target": "done"}
  ]
}
""",
    fix="""
Use `active` to wait only for branches that were chosen, or lead every way of the branch to the join.
""",
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    walked = 0
    for level in facts.levels:
        if not level.ordered:
            continue
        for name, node in level.drawn.items():
            if not needs_all(level.graph, name):
                continue
            runs = level.runs(level.home(name), stopping=False)
            edge = level.certainty(runs).missing(name) if name in runs.into else None
            if edge is not None:
                walked += len(level.graph.nodes)
                path: tuple[str, ...] = ()
                choices: list[tuple[str, str]] = []
                if walked <= _MOST_WALKED:
                    certainty = level.certainty(runs)
                    way = certainty.walk(name, without_edge=edge)
                    path = level.led(runs, way)
                    choices = certainty.decisions(way, edge) if way else []
                yield _diagnostic(level, name, node, edge, path, choices)


def _diagnostic(
    level: GraphFacts,
    name: str,
    node: Node,
    edge: GraphEdge,
    path: tuple[str, ...],
    choices: list[tuple[str, str]],
) -> Diagnostic:
    source, drawn = level.graph.nodes[edge.source].node, edge.edge
    place = place_of(source) if drawn is None else pointed(drawn.pointer, "source")
    return RULE.diagnostic(
        f"join {ticks(name)} can wait for ever: "
        f"the edge from {ticks(source.id)} is not taken on some runs",
        node.pointer_to("mode"),
        node=name,
        edge=None if drawn is None else drawn.key,
        label="needs every edge in to be taken",
        related=(
            Related(place, "not taken on the way shown" if path else "not taken on some runs"),
        ),
        path=path,
        choices=[(level.graph.nodes[at].node.id, outcome) for at, outcome in choices],
        help="use `active` to wait only for branches that were chosen",
    )
