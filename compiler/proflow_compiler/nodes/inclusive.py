"""Going on by every edge whose rule holds."""

from proflow_compiler.nodes.lowering import Lowering, nothing

LOWERING = Lowering(
    type="inclusive",
    title="Inclusive",
    summary="Goes on by every edge whose rule holds, at once.",
    example='{"id": "channels", "type": "inclusive", "data": {"label": "How to tell them"}}',
    lower=nothing,
    instant=True,
    notes="""\
The rules stand on the edges, as those of a `condition` do, but each that holds is followed. The edge
without a rule is taken if no other is. If no rule holds and there is no default, the run fails.
Edges with the same `sourceHandle` are one outcome, and share a rule.

Where the branches meet, an ordinary node or a `join` without a mode waits for those that were taken.
One that was not chosen has not left, so nothing has to be said about it. The `outcome` is the list of
outcomes, in the order of the rules.
""",
)
