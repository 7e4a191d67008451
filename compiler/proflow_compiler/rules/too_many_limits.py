"""PF405: more concurrency limits than Inngest allows."""

from collections.abc import Iterator

from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import listed
from proflow_compiler.rules.rule import Rule

MOST_LIMITS = 2

RULE = Rule(
    code="PF405",
    name="too-many-limits",
    level=Level.ERROR,
    summary="a design with more than two limits in `concurrency`",
    why="Inngest takes at most two limits of concurrency per function, and refuses one with more.",
    incorrect="""
{
  "concurrency": [
    {"limit": 10},
    {"limit": 2, "key": "event.data.customer_id"},
    {"limit": 50, "scope": "env"}
  ],
  "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"}],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
    correct="""
{
  "concurrency": [
    {"limit": 10},
    {"limit": 2, "key": "event.data.customer_id"}
  ],
  "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"}],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
    fix="Keep the two that matter most.",
    texts={
        "too-many": Text(
            "the design has {count} limits of concurrency; Inngest takes {most}",
            "设计有 {count} 个并发限制，Inngest 最多支持 {most} 个",
        ),
        "one-too-many": Text("one too many", "超出上限"),
        "keep-two": Text("keep the two that matter most", "保留最重要的两个"),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    design = facts.graph.design
    limits = list(listed(design.settings.concurrency, design.pointer_to("concurrency")))
    if len(limits) > MOST_LIMITS:
        yield RULE.diagnostic(
            RULE.text("too-many", count=len(limits), most=MOST_LIMITS),
            limits[MOST_LIMITS][1],
            label=RULE.text("one-too-many"),
            help=RULE.text("keep-two"),
        )
