"""PF216: a way back of an approval without a bound of its own."""

from collections.abc import Iterator

from proflow_compiler.checks.facts import Facts
from proflow_compiler.checks.rule import Rule
from proflow_compiler.checks.sites import pointed
from proflow_compiler.checks.wording import ticks
from proflow_compiler.diagnostics import Diagnostic, Level

RULE = Rule(
    code="PF216",
    name="implicit-bound",
    level=Level.WARNING,
    summary="a `returned` edge, or a `rejectTo`, that does not say how often a run may go back",
    why="""
A run that goes back more often than it may fails. An approval's return is a way back without saying
so, and if nobody said how often it may be taken, it is ten times. Better somebody decides it.
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
    for level in facts.levels:
        # Of ways that lead to the wrong place, jump-into-loop and bad-reject-to say so.
        sound = [way for loop in level.loops for way in loop.back] if level.ordered else ()
        for way in sound:
            source, drawn = way.edge.source, way.edge.edge
            if way.given:
                continue
            node = level.graph.nodes[source].node
            yield RULE.diagnostic(
                f"nobody said how often a run may go back from {ticks(node.id)} "
                f"to {ticks(way.edge.target)}: {way.limit} times",
                node.pointer_to("rejectTo") if drawn is None else pointed(drawn.pointer, "target"),
                node=node.id,
                edge=None if drawn is None else drawn.key,
                label=f"at most {way.limit} times",
                help='draw a `rejected` edge there, with `"data": {"loop": {"max": 3}}`'
                if drawn is None
                else 'say it on the edge: `"data": {"loop": {"max": 3}}`',
            )
