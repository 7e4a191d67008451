"""PF203: a design without an `end`."""

from collections.abc import Iterator

from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.facts import Facts
from proflow_compiler.mending.completing import add_end
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF203",
    name="missing-end",
    level=Level.ERROR,
    fixable=True,
    summary="a design without an `end` node",
    why="""
An `end` says how a run came out: its `status` is the run's result. The invisible ends that undrawn
outcomes lead to (the rejection of an approval, the timeout of a wait) do not count: with them alone
no run could ever be completed.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "manager", "type": "approval"}
  ],
  "edges": [{"source": "begin", "target": "manager"}]
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
    fix="""
Draw an `end` node behind every last node. A rejection needs none: an approval that is rejected, and
has no edge for it, ends the run with the status `rejected`.
""",
    texts={
        "no-end": Text(
            "the design has no `end` node, so that no run can be completed",
            "设计没有 `end` 节点，运行无法完成",
        ),
        "draw-end": Text(
            "draw a node of type `end` behind the last one",
            "在最后一个节点之后画一个 `end` 节点",
        ),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    if not any(at.drawn and at.node.type == "end" for at in facts.graph.nodes.values()):
        yield RULE.diagnostic(
            RULE.text("no-end"),
            facts.graph.design.pointer,
            help=RULE.text("draw-end"),
            fixes=add_end(facts.graph),
        )
