"""PF322: a number that Inngest would round."""

from collections.abc import Iterator

from proflow_schemas.nodes import Delay
from proflow_schemas.numbers import BEYOND, is_exact, number_text

from proflow_compiler.checks.facts import Facts
from proflow_compiler.checks.rule import Rule
from proflow_compiler.checks.sites import numbers
from proflow_compiler.diagnostics import Diagnostic, Edit, Fix, Level
from proflow_compiler.problems import shown

RULE = Rule(
    code="PF322",
    name="inexact-number",
    level=Level.ERROR,
    fixable=True,
    summary="a number beyond ±(2^53 − 1) that a run would hold as data",
    why="""
Inngest, like JavaScript, holds every number as a 64-bit float. Beyond 2^53 − 1 (9007199254740991)
whole numbers are rounded: of the order 1834567890123456789 it would become 1834567890123456800. So
such a number is refused wherever it could enter a run: in a design, in the data of an event, in what a
handler returns.
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
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for name, node in facts.drawn.items():
        if isinstance(node.config, Delay):
            continue  # its number is a time, and none is that late: bad-duration says so
        for number, pointer in numbers(node):
            if not is_exact(number):
                text = number_text(number)
                yield RULE.diagnostic(
                    f"the number {shown(text)} is {BEYOND}",
                    pointer,
                    node=name,
                    help="write it as a text",
                    fixes=(
                        Fix(
                            f'write the text `"{shown(text)}"`',
                            False,
                            (Edit("replace", pointer, text),),
                        ),
                    ),
                )
