"""PF210: a `join: all` that some run does not bring all its branches to."""

from collections.abc import Iterator

from proflow_schemas.nodes import Join

from proflow_compiler.checks.facts import Facts
from proflow_compiler.checks.rule import Rule
from proflow_compiler.checks.sites import place_of, pointed
from proflow_compiler.checks.wording import ticks
from proflow_compiler.diagnostics import Diagnostic, Level, Related

RULE = Rule(
    code="PF210",
    name="deadlocked-join",
    level=Level.ERROR,
    summary="a join of mode `all` that, on some run, not every edge in is taken to",
    why="""
`all` promises that whenever the join is come to, every branch comes. If one of them can be left out,
the join would wait for it for ever. The message shows a run that leaves one out. `active` waits for
the branches that are really on their way, and is what is usually meant.
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
    if not facts.ordered:
        return
    graph = facts.graph
    for name, node in facts.drawn.items():
        if not isinstance(node.config, Join) or node.config.mode != "all":
            continue
        for edge in graph.into[name]:
            if edge.source not in facts.reached:
                continue
            path = facts.certainty.walk(name, without_edge=edge)
            if not path:
                continue
            source = graph.nodes[edge.source].node.id
            drawn = edge.edge
            place = (
                place_of(graph.design.nodes[source])
                if drawn is None
                else pointed(drawn.pointer, "source")
            )
            yield RULE.diagnostic(
                f"join {ticks(name)} can wait for ever: "
                f"the edge from {ticks(source)} is not taken on some runs",
                node.pointer_to("mode"),
                node=name,
                edge=None if drawn is None else drawn.key,
                label="needs every edge in to be taken",
                related=(Related(place, "not taken on the way shown"),),
                path=path,
                help="use `active` to wait only for branches that were chosen",
            )
            break
