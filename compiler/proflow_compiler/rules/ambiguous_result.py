"""PF308: a run that reaches ends with different statuses."""

from collections.abc import Iterator

from proflow_schemas.language import Text
from proflow_schemas.node_types.end import End

from proflow_compiler.design import Node
from proflow_compiler.diagnostics import Diagnostic, Level, Related
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
    texts={
        "two-results": Text(
            "one run can reach `{earlier}` with `{earlier_status}` and `{later}` with "
            "`{later_status}`",
            "同一次运行可能既到达 `{earlier}`（结果 `{earlier_status}`），又到达 `{later}`（"
            "结果 `{later_status}`）",
        ),
        "which-result": Text("the result would be `{status}`", "最终结果会是 `{status}`"),
        "other-status": Text("the other status", "另一个结果"),
        "join-first": Text(
            "join the branches before one end, or let one of the ends `terminate`",
            "先汇合各分支再结束，或将其中一个结束节点设为 `terminate`",
        ),
    },
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
            RULE.text(
                "two-results",
                earlier=earlier,
                earlier_status=_status(ends[earlier]),
                later=later,
                later_status=_status(ends[later]),
            ),
            ends[later].pointer_to("status"),
            node=later,
            label=RULE.text("which-result", status=_status(ends[min(earlier, later)])),
            related=(Related(ends[earlier].pointer_to("status"), RULE.text("other-status")),),
            help=RULE.text("join-first"),
        )


def _status(node: Node) -> str:
    assert isinstance(node.config, End)
    return node.config.status
