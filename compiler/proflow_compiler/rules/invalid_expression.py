"""PF301: an expression with a syntax error or a type error."""

from collections.abc import Iterator

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.facts import Facts
from proflow_compiler.mending.corrections import corrections
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF301",
    name="invalid-expression",
    level=Level.ERROR,
    fixable=True,
    summary="an expression that is no well-formed CEL, or that does with a value what it cannot",
    why="""
Rules, `${…}` in texts, computed values and the keys of limits are expressions in
[CEL](https://cel.dev), the language of Inngest's own conditions. One that cannot be read, or that
adds a number to a text, would fail each run that comes to it.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "amount", "type": "condition"},
    {"id": "large", "type": "end", "data": {"status": "large"}},
    {"id": "small", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "amount"},
    {"source": "amount", "target": "large", "data": {"when": "event.data.amount => 100"}},
    {"source": "amount", "target": "small"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "amount", "type": "condition"},
    {"id": "large", "type": "end", "data": {"status": "large"}},
    {"id": "small", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "amount"},
    {"source": "amount", "target": "large", "data": {"when": "event.data.amount >= 100"}},
    {"source": "amount", "target": "small"}
  ]
}
""",
    fix="""
The message points at the place. Comparisons are `== != < <= > >= in`, logic is `&& || !`, texts
stand in quotes, an id that is no identifier in brackets: `steps["approve-1"]`. A number is never
equal to a text: write both as one or the other, or turn the text into a number with `double(…)`.
Only in a structured `condition`, whose values forms store as texts, `"5000"` also counts as the
number and `"true"` as the boolean.
""",
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for found in facts.problems:
        if found.problem.kind in ("syntax", "type"):
            yield RULE.diagnostic(
                found.problem.message,
                found.site.pointer,
                span=found.span,
                node=found.site.node,
                edge=found.site.edge,
                help=found.problem.help,
                fixes=corrections(found),
            )
