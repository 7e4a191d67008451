"""PF308: a run that comes to ends of different statuses."""

from collections import defaultdict
from collections.abc import Iterator

from proflow_schemas.nodes import End

from proflow_compiler.checks.facts import Facts
from proflow_compiler.checks.rule import Rule
from proflow_compiler.checks.wording import ticks
from proflow_compiler.diagnostics import Diagnostic, Level, Related

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
    if not facts.ordered:
        return
    by_status: dict[str, list[str]] = defaultdict(list)
    for name, node in facts.drawn.items():
        match node.config:
            case End(terminate=False, fail=False, status=status) if status != "completed":
                by_status[status].append(name)
            case _:
                pass
    if len(by_status) < 2:
        return
    nodes = facts.graph.design.nodes
    status_of = {name: status for status, names in by_status.items() for name in names}
    for earlier, later, certain in facts.concurrency.clashes(list(by_status.values())):
        if certain:
            yield RULE.diagnostic(
                f"one run can come to {ticks(earlier)} with {ticks(status_of[earlier])} "
                f"and to {ticks(later)} with {ticks(status_of[later])}",
                nodes[later].pointer_to("status"),
                node=later,
                label=f"the result would be {ticks(status_of[min(earlier, later)])}",
                related=(Related(nodes[earlier].pointer_to("status"), "the other status"),),
                help="join the branches before one end, or let one of the ends `terminate`",
            )
