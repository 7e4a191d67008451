"""PF308: a run that reaches ends with different statuses."""

from collections.abc import Iterator

from proflow_schemas.node_types.end import End

from proflow_compiler.design import Node
from proflow_compiler.diagnostics import Diagnostic, Level, Related
from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.facts import Facts
from proflow_compiler.rules.rule import Rule
from proflow_compiler.soundness.graph_facts import GraphFacts

RULE = Rule(
    code="PF308",
    name="ambiguous-result",
    level=Level.WARNING,
    summary="two ends with different statuses that one run can come to, in parallel branches",
    why="""
A run has one result. If its branches come to several ends, a status other than `completed` counts
more than `completed`; between two others the end with the smaller id decides, which nobody can see
in the drawing. An end with `terminate` stops the run and decides at once.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "a", "type": "end", "data": {"status": "late"}},
    {"id": "b", "type": "end", "data": {"status": "incomplete"}}
  ],
  "edges": [
    {"source": "begin", "target": "a"},
    {"source": "begin", "target": "b"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "a", "type": "end", "data": {"status": "late"}},
    {"id": "b", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "a"},
    {"source": "begin", "target": "b"}
  ]
}
""",
    fix="""
Let one of them be `completed`, give both the same status, join the branches before one end, or mark
the end that decides with `terminate`.
""",
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for level in facts.levels:
        if level.ordered:
            yield from _check(level)


def _check(level: GraphFacts) -> Iterator[Diagnostic]:
    ends: dict[str, Node] = {}
    by_status: dict[str, int] = {}
    bit = level.settlement.bit
    for name, node in level.drawn.items():
        match node.config:
            case End(terminate=False, fail=False, status=status) if status != "completed":
                ends[name] = node
                by_status[status] = by_status.get(status, 0) | bit[name]
            case _:
                pass
    if len(by_status) < 2:
        return
    others = {name: ~by_status[_status(node)] for name, node in ends.items()}
    for later, earlier in level.first_concurrent(level.runs(stopping=False), others):
        yield RULE.diagnostic(
            f"one run can reach {ticks(earlier)} with {ticks(_status(ends[earlier]))} "
            f"and {ticks(later)} with {ticks(_status(ends[later]))}",
            ends[later].pointer_to("status"),
            node=later,
            label=f"the result would be {ticks(_status(ends[min(earlier, later)]))}",
            related=(Related(ends[earlier].pointer_to("status"), "the other status"),),
            help="join the branches before one end, or let one of the ends `terminate`",
        )


def _status(node: Node) -> str:
    assert isinstance(node.config, End)
    return node.config.status
