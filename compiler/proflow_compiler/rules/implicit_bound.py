"""PF216: a back edge without a bound of its own."""

from collections.abc import Iterator

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import pointed
from proflow_compiler.mending.returning import bounded, drawn_back
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
        # Of edges that lead to the wrong place, jump-into-loop and bad-reject-to say so.
        sound = [way for loop in level.loops for way in loop.back] if level.ordered else ()
        for way in sound:
            source, drawn = way.edge.source, way.edge.edge
            if way.given:
                continue
            node = level.graph.nodes[source].node
            yield RULE.diagnostic(
                f"the edge from {ticks(node.id)} leads back to {ticks(way.edge.target)} "
                f"and does not say how often: at most {way.limit} times"
                if drawn is not None
                else f"{ticks(node.id)} goes back to {ticks(way.edge.target)} "
                f"at most {way.limit} times, since nothing says how often",
                node.pointer_to("rejectTo") if drawn is None else pointed(drawn.pointer, "target"),
                node=node.id,
                edge=None if drawn is None else drawn.key,
                label=f"at most {way.limit} times",
                help='draw a `rejected` edge there, with `"data": {"loop": {"max": 3}}`'
                if drawn is None
                else 'say it on the edge: `"data": {"loop": {"max": 3}}`',
                fixes=(bounded(drawn, way.limit),)
                if drawn is not None and drawn.drawn
                else (drawn_back(level.graph, way),)
                if drawn is None and ration.take()
                else (),
            )
