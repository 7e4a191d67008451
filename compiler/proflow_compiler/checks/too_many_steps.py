"""PF401: a run with more steps than Inngest allows."""

from collections.abc import Iterator

from proflow_compiler.checks.facts import Facts
from proflow_compiler.checks.rule import Rule
from proflow_compiler.checks.weight import most_steps
from proflow_compiler.diagnostics import Diagnostic, Level

MOST_STEPS = 999

RULE = Rule(
    code="PF401",
    name="too-many-steps",
    level=Level.ERROR,
    summary="a design whose longest run may take more than 999 steps",
    why="""
Inngest ends a run at its thousandth step. Every node that takes time is one step, an approval is
two: it waits, and it requests. Of outcomes that exclude each other the heaviest counts, parallel
branches count together. The count is never too low, and exact where nothing runs at once; in a
design with parallel branches it may be too high where exclusive paths merge crosswise.
""",
    incorrect="A chain of 500 approvals, two steps each: 1,000 steps.",
    correct="A condition with 400 cases of three tasks each: any run takes three steps.",
    fix="""
Split the design in two, the first of which ends with an `emit` of the event that triggers the
second. Many steps of one kind are often one task that goes through a list.
""",
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    if not facts.ordered or len(facts.reached) * 2 <= MOST_STEPS:
        return
    steps = most_steps(facts.graph)
    if steps > MOST_STEPS:
        yield RULE.diagnostic(
            f"the longest run takes up to {steps:,} steps; Inngest ends a run after {MOST_STEPS}",
            facts.graph.design.pointer,
            help="split the design: let the first part `emit` the event that starts the second",
        )
