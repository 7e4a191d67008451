"""PF216: a back edge without an explicit limit."""

from collections.abc import Iterator

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import pointed
from proflow_compiler.mending.returning import draw_reject_edge, state_bound
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF216",
    name="implicit-bound",
    level=Level.WARNING,
    fixable=True,
    summary="an edge that leads back, or a `rejectTo`, and does not say how often a run may go back",
    why="""
An edge leads back if its target lies on every path to its source: then runs go round in a loop. A run
that goes back more often than the edge's bound fails. Where none is given it is ten times. Better
somebody decides it.
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
    {"source": "check", "target": "draft", "sourceHandle": "returned"}
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
    {"source": "check", "target": "draft", "sourceHandle": "returned",
     "data": {"loop": {"max": 3}}}
  ]
}
""",
    fix="""
Give the edge a bound: `"data": {"loop": {"max": 3}}`. Instead of `rejectTo`, draw the `rejected`
edge back, with a bound.
""",
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    ration = facts.ration()
    for level in facts.levels:
        # Other back edges are reported by jump-into-loop and bad-reject-to.
        sound = (
            [back_edge for loop in level.loops for back_edge in loop.back] if level.ordered else ()
        )
        for back_edge in sound:
            source, drawn = back_edge.edge.source, back_edge.edge.edge
            if back_edge.given:
                continue
            node = level.graph.nodes[source].node
            yield RULE.diagnostic(
                f"the edge from {ticks(node.id)} leads back to {ticks(back_edge.edge.target)} "
                f"and does not say how often: at most {back_edge.limit} times"
                if drawn is not None
                else f"{ticks(node.id)} goes back to {ticks(back_edge.edge.target)} "
                f"at most {back_edge.limit} times, since nothing says how often",
                node.pointer_to("rejectTo") if drawn is None else pointed(drawn.pointer, "target"),
                node=node.id,
                edge=None if drawn is None else drawn.key,
                label=f"at most {back_edge.limit} times",
                help='draw a `rejected` edge there, with `"data": {"loop": {"max": 3}}`'
                if drawn is None
                else 'say it on the edge: `"data": {"loop": {"max": 3}}`',
                fixes=(state_bound(drawn, back_edge.limit),)
                if drawn is not None and drawn.drawn
                else (draw_reject_edge(level.graph, back_edge),)
                if drawn is None and ration.take()
                else (),
            )
