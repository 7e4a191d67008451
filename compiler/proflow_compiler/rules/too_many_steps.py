"""PF401: a run with more steps than Inngest allows."""

from collections.abc import Iterator

from proflow_schemas.language import Text
from proflow_schemas.sizes import MAX_STEPS

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.facts import Facts
from proflow_compiler.facts.weight import most_steps
from proflow_compiler.rules.rule import Rule

MOST_STEPS = MAX_STEPS

RULE = Rule(
    code="PF401",
    name="too-many-steps",
    level=Level.WARNING,
    summary="a design whose longest run may take more than 999 steps, so that it is split",
    why="""
Inngest ends a run at its thousandth step. So a program that may take more is split into parts, each
a run of its own that the run of the design calls; in Inngest's list they stand beside it.

Every node that takes time is one step, an approval is two: it waits, and it requests. Of outcomes
that exclude each other the heaviest counts, parallel branches count together, a loop counts with
all its iterations, a `foreach` with one item, as nobody knows how many there are. But for that the count
is never too low. It is exact where nothing runs at once and nothing is repeated.
""",
    incorrect="A chain of 500 approvals, two steps each: 1,000 steps.",
    correct="A condition with 400 cases of three tasks each: any run takes three steps.",
    fix="""
Nothing has to be done. To keep it in one part, lower the bounds of loops, or make a part of it a
design of its own and call it by a `subprocess`. Many steps of one kind are often one task that goes
through a list.
""",
    texts={
        "split": Text(
            "the longest run may take {steps:raw} steps, and Inngest ends a run after "
            "{most}: the program is split into parts",
            "最长的运行可能有 {steps:raw} 个步骤，而 Inngest 在 {most} 步后结束运行：程序将"
            "拆分为多个部分",
        ),
        "nothing": Text(
            "nothing has to be done; a smaller bound of a loop, or a design of its own for "
            "a part, may keep it in one",
            "无需处理；减小循环上限，或将一部分改为独立的设计，可以避免拆分",
        ),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    if not all(level.ordered for level in facts.levels):
        return
    repeats = any(level.graph.back or level.graph.inner for level in facts.levels)
    if not repeats and len(facts.reached) * 2 <= MOST_STEPS:
        return
    steps = most_steps(facts.graph)
    if steps > MOST_STEPS:
        yield RULE.diagnostic(
            RULE.text("split", steps=f"{steps:,}", most=MOST_STEPS),
            facts.graph.design.pointer,
            help=RULE.text("nothing"),
        )
