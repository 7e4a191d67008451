"""PF211: a `join: one` that some run comes to twice."""

from collections.abc import Iterator, Sequence

from proflow_schemas.nodes import Join

from proflow_compiler.checks.facts import Facts
from proflow_compiler.checks.rule import Rule
from proflow_compiler.checks.wording import listed
from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.graph import GraphEdge

RULE = Rule(
    code="PF211",
    name="concurrent-merge",
    level=Level.ERROR,
    summary="a join of mode `one` that, on some run, more than one edge in is taken to",
    why="""
`one` promises that the branches exclude each other, so that exactly one comes. If two of them run
at once the promise is broken: usually a fork was drawn where a condition was meant, or the join
should wait for both.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "legal", "type": "approval"},
    {"id": "finance", "type": "approval"},
    {"id": "sign", "type": "join", "data": {"mode": "one"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "legal"},
    {"source": "begin", "target": "finance"},
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
    {"id": "sign", "type": "join", "data": {"mode": "one"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "amount"},
    {"source": "amount", "target": "legal", "data": {"when": "event.data.amount > 100"}},
    {"source": "amount", "target": "finance"},
    {"source": "legal", "target": "sign"},
    {"source": "finance", "target": "sign"},
    {"source": "sign", "target": "done"}
  ]
}
""",
    fix="Use `active` to wait for all branches that are on their way, or let a condition choose one.",
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    if not facts.ordered:
        return
    graph = facts.graph
    for name, node in facts.drawn.items():
        if not isinstance(node.config, Join) or node.config.mode != "one":
            continue
        into = [edge for edge in graph.into[name] if edge.source in facts.reached]
        found = _pair(facts, into)
        if found is None:
            continue
        e, f, certain = found
        sources = [graph.nodes[edge.source].node.id for edge in (e, f)]
        drawn = f.edge
        yield RULE.diagnostic(
            f"the branches over {listed(sources)} can both come to this join in one run"
            if certain
            else f"nothing shows that the branches over {listed(sources)} exclude each other",
            node.pointer_to("mode"),
            node=name,
            edge=None if drawn is None else drawn.key,
            label="needs exactly one edge in to be taken",
            path=(*facts.certainty.walk(f.source), name),
            help="use `active` to wait for all branches that are on their way",
        )


def _pair(facts: Facts, into: Sequence[GraphEdge]) -> tuple[GraphEdge, GraphEdge, bool] | None:
    """Two edges that one run can take, and whether that is certain."""
    unknown: tuple[GraphEdge, GraphEdge, bool] | None = None
    for e, f in facts.concurrency.possible_pairs(into):
        verdict = facts.concurrency.edges(e, f)
        if verdict:
            return e, f, True
        if verdict is None and unknown is None:
            unknown = e, f, False
    return unknown
