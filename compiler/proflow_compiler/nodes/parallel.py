"""Going on by all edges."""

from proflow_compiler.nodes.lowering import Lowering, nothing

LOWERING = Lowering(
    type="parallel",
    title="Parallel",
    summary="Goes on by all its edges at once, as any node with several edges does.",
    example='{"id": "fork", "type": "parallel"}',
    lower=nothing,
    instant=True,
    notes="""\
Branches do not hold each other up. Where they meet, the node waits for all that are on their way,
and runs once.
""",
)
