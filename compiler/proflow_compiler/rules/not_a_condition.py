"""PF302: a rule whose value is not a boolean."""

from collections.abc import Iterator

from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.facts import Facts
from proflow_compiler.mending.corrections import corrections
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF302",
    name="not-a-condition",
    level=Level.ERROR,
    fixable=True,
    summary="a rule, or a condition of a trigger, that does not give true or false",
    why="""
An edge is taken when its rule is true. A text, a number or an object is neither true nor false:
unlike JavaScript, CEL does not guess.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "urgent", "type": "condition"},
    {"id": "fast", "type": "end", "data": {"status": "fast"}},
    {"id": "slow", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "urgent"},
    {"source": "urgent", "target": "fast", "data": {"when": "'urgent' + event.data.kind"}},
    {"source": "urgent", "target": "slow"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "urgent", "type": "condition"},
    {"id": "fast", "type": "end", "data": {"status": "fast"}},
    {"id": "slow", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "urgent"},
    {"source": "urgent", "target": "fast", "data": {"when": "event.data.kind == 'urgent'"}},
    {"source": "urgent", "target": "slow"}
  ]
}
""",
    fix='Compare the value with something: `… == "urgent"`, `… > 0`, `size(…) > 0`, `has(…)`.',
    texts={
        "neither": Text("neither true nor false", "结果不是布尔值"),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for found in facts.problems:
        if found.problem.kind == "not-a-condition":
            yield RULE.diagnostic(
                found.problem.message,
                found.site.pointer,
                span=found.span,
                node=found.site.node,
                edge=found.site.edge,
                label=RULE.text("neither"),
                help=found.problem.help,
                fixes=corrections(found),
            )
