"""PF322: a number that Inngest would round."""

import math
from collections.abc import Iterator

from proflow_schemas.language import Text
from proflow_schemas.node_types.delay import Delay
from proflow_schemas.numbers import BEYOND, number_text, shown_number

from proflow_compiler.design import InexactNumber
from proflow_compiler.diagnostics import Diagnostic, Edit, Fix, Level
from proflow_compiler.facts import Facts
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF322",
    name="inexact-number",
    level=Level.ERROR,
    fixable=True,
    summary="a number beyond ±(2^53 − 1) that a run or a setting would hold",
    why="""
Inngest, like JavaScript, holds every number as a 64-bit float. Beyond 2^53 − 1 (9007199254740991)
whole numbers are rounded: of the order 1834567890123456789 it would become 1834567890123456800. So
such a number is refused wherever it could enter a run: in a design, also as an id or in a JSON Schema,
in the data of an event, in what a handler returns.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "book", "type": "task",
     "data": {"handler": "book", "input": {"account": 1834567890123456789}}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "book"},
    {"source": "book", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "book", "type": "task",
     "data": {"handler": "book", "input": {"account": "1834567890123456789"}}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "book"},
    {"source": "book", "target": "done"}
  ]
}
""",
    fix="Write ids and other long numbers as texts, and divide quantities that are that large.",
    texts={
        "write-text": Text('write the text `"{text}"`', '改为文本 `"{text}"`'),
        "number": Text("the number {named} is {beyond}", "数字 {named} {beyond}"),
        "value": Text("{named} is {beyond}", "{named} {beyond}"),
        "as-text": Text("write it as a text", "写成文本"),
        "smaller": Text("write a smaller number", "填写更小的数字"),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    design = facts.graph.design
    yield from (_diagnostic(one) for one in design.inexact)
    for name, node in design.nodes.items():
        if isinstance(node.config, Delay):
            continue  # the number is a time far too late, which bad-duration reports
        yield from (_diagnostic(one, node=name) for one in node.inexact)
    for edge in design.edges:
        yield from (_diagnostic(one, edge=edge.key) for one in edge.inexact)
    for found in facts.problems:
        if found.problem.kind == "inexact":
            yield RULE.diagnostic(
                found.problem.message,
                found.site.pointer,
                span=found.span,
                node=found.site.node,
                edge=found.site.edge,
                help=found.problem.help,
            )


def _diagnostic(
    found: InexactNumber, node: str | None = None, edge: str | None = None
) -> Diagnostic:
    fixes: tuple[Fix, ...] = ()
    if found.as_text and math.isfinite(found.number):
        text = number_text(found.number)
        edit = Edit("replace", found.pointer, text)
        fixes = (Fix(RULE.text("write-text", text=text), False, (edit,)),)
    named = shown_number(found.number)
    return RULE.diagnostic(
        RULE.text("number", named=named, beyond=BEYOND)
        if named[0] in "-0123456789"
        else RULE.text("value", named=named, beyond=BEYOND),
        found.pointer,
        node=node,
        edge=edge,
        help=RULE.text("as-text") if found.as_text else RULE.text("smaller"),
        fixes=fixes,
    )
