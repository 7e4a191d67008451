"""PF216: a back edge without an explicit limit."""

from collections.abc import Iterator

from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Level
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
    texts={
        "edge": Text(
            "the edge from `{node}` leads back to `{target}` and does not say how often: at "
            "most {limit} times",
            "从 `{node}` 到 `{target}` 的返回连线没有设置次数上限：默认最多 {limit} 次",
        ),
        "reject-to": Text(
            "`{node}` goes back to `{target}` at most {limit} times, since nothing says how often",
            "`{node}` 退回到 `{target}` 没有设置次数上限：默认最多 {limit} 次",
        ),
        "at-most": Text("at most {limit} times", "最多 {limit} 次"),
        "draw": Text(
            'draw a `rejected` edge there, with `"data": {{"loop": {{"max": 3}}}}`',
            '画一条 `rejected` 连线，设置 `"data": {{"loop": {{"max": 3}}}}`',
        ),
        "on-edge": Text(
            'say it on the edge: `"data": {{"loop": {{"max": 3}}}}`',
            '在连线上设置：`"data": {{"loop": {{"max": 3}}}}`',
        ),
    },
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
                RULE.text("edge", node=node.id, target=back_edge.edge.target, limit=back_edge.limit)
                if drawn is not None
                else RULE.text(
                    "reject-to", node=node.id, target=back_edge.edge.target, limit=back_edge.limit
                ),
                node.pointer_to("rejectTo") if drawn is None else pointed(drawn.pointer, "target"),
                node=node.id,
                edge=None if drawn is None else drawn.key,
                label=RULE.text("at-most", limit=back_edge.limit),
                help=RULE.text("draw") if drawn is None else RULE.text("on-edge"),
                fixes=(state_bound(drawn, back_edge.limit),)
                if drawn is not None and drawn.drawn
                else (draw_reject_edge(level.graph, back_edge),)
                if drawn is None and ration.take()
                else (),
            )
