"""PF201: a design without a `start`."""

from collections.abc import Iterator

from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.facts import Facts
from proflow_compiler.mending.completing import add_start
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF201",
    name="missing-start",
    level=Level.ERROR,
    fixable=True,
    summary="a design without a `start` node",
    why="""
A run begins at the `start` node: without one there is nothing to run, and no telling which of the
drawn nodes comes first.
""",
    incorrect="""
{
  "nodes": [
    {"id": "manager", "type": "approval"},
    {"id": "done", "type": "end"}
  ],
  "edges": [{"source": "manager", "target": "done"}]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "manager", "type": "approval"},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "manager"},
    {"source": "manager", "target": "done"}
  ]
}
""",
    fix="Draw a `start` node, and an edge from it to the node that comes first.",
    texts={
        "no-start": Text("the design has no `start` node", "设计没有 `start` 节点"),
        "draw-start": Text(
            "draw a node of type `start` before the first one",
            "在第一个节点之前画一个 `start` 节点",
        ),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    if not facts.graph.starts:
        yield RULE.diagnostic(
            RULE.text("no-start"),
            facts.graph.design.pointer,
            help=RULE.text("draw-start"),
            fixes=add_start(facts.graph),
        )
