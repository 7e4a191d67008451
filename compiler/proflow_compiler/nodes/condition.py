"""Choosing a way by rules."""

from proflow_compiler.nodes.lowering import Lowering, nothing

LOWERING = Lowering(
    type="condition",
    title="Condition",
    summary="Goes on by the first edge whose rule holds.",
    example='{"id": "amount", "type": "condition", "data": {"label": "How much?"}}',
    lower=nothing,
    instant=True,
    notes="""\
The rules stand on the edges, in `data.when`, and are tried in the order of `data.priority`, then as
they stand in the file. The edge without a rule is the default. If no rule holds and there is no
default, the run fails. Edges with the same `sourceHandle` are one outcome, and share a rule.

The edges that are not taken are skipped, and what only they lead to is skipped as well. Where the
branches meet again, nothing waits for the ones that were not chosen.

Edges with rules out of any other node act as a condition there.
""",
)
