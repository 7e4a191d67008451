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
Branches do not hold each other up. Where they meet, the node waits until every edge in is taken or
skipped, and runs once if one of them was taken. If a branch can leave before, by a rejection, a
timeout, an error or a choice, let the branches meet in a `join` that names its `mode`.
""",
)
